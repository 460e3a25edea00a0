//! Decodes the messages of rows in bounded memory: an empty entry of a list takes two bytes in a file and a hundred in memory.

use prost::{DecodeError, Message};

/// Maximum size of a message in a row, in bytes. Real ones have kilobytes; a grant with ten thousand sources has one megabyte.
pub(crate) const MAX_MESSAGE_BYTES: usize = 4 << 20;

/// Why a message is not decoded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MessageError {
    #[error("it has more than {MAX_MESSAGE_BYTES} bytes")]
    TooLarge,
    #[error(transparent)]
    Invalid(#[from] DecodeError),
}

/// Decodes a message.
///
/// # Errors
/// [`MessageError`].
pub(crate) fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, MessageError> {
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(MessageError::TooLarge);
    }
    Ok(M::decode(bytes)?)
}

#[cfg(test)]
mod tests {
    use baton_proto::connector_v2::Resource;

    use super::*;

    #[test]
    fn large_messages_are_refused_before_they_are_decoded() {
        let resource = |len| Resource {
            display_name: "x".repeat(len),
            ..Resource::default()
        };
        let fitting = resource(MAX_MESSAGE_BYTES - 10).encode_to_vec();
        assert!(decode::<Resource>(&fitting).is_ok());
        let more = resource(MAX_MESSAGE_BYTES).encode_to_vec();
        assert!(matches!(decode::<Resource>(&more), Err(MessageError::TooLarge)));
        assert!(matches!(
            decode::<Resource>(&[0xff]),
            Err(MessageError::Invalid(_))
        ));
    }
}
