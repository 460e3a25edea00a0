//! Messages packed into `google.protobuf.Any`.

use prost::{DecodeError, Message, Name};
use prost_types::Any;

/// Packs a message under its type URL, `type.googleapis.com/` and the full name (docs/reference/c1z.md §4).
#[must_use]
pub fn pack<M: Message + Name>(message: &M) -> Any {
    Any {
        type_url: M::type_url(),
        value: message.encode_to_vec(),
    }
}

/// Finds the first annotation of a type; readers match the part after the last `/` (docs/reference/c1z.md §4).
///
/// # Errors
/// [`DecodeError`] if the annotation is invalid.
pub fn find_annotation<M: Message + Name + Default>(annotations: &[Any]) -> Result<Option<M>, DecodeError> {
    let name = M::full_name();
    let found = annotations
        .iter()
        .find(|any| any.type_url.rsplit('/').next() == Some(name.as_str()));
    found.map(|any| M::decode(any.value.as_slice())).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector_v2::{RawId, SkipGrants};

    #[test]
    fn an_annotation_is_found_by_its_name_whatever_the_domain() {
        let mut raw = pack(&RawId { id: "7".to_owned() });
        assert_eq!(raw.type_url, "type.googleapis.com/c1.connector.v2.RawId");
        raw.type_url = "elsewhere.example/c1.connector.v2.RawId".to_owned();
        let found: Option<RawId> = find_annotation(&[pack(&SkipGrants {}), raw]).unwrap();
        assert_eq!(found, Some(RawId { id: "7".to_owned() }));
        assert_eq!(find_annotation::<SkipGrants>(&[]).unwrap(), None);
    }

    #[test]
    fn broken_bytes_are_an_error_not_an_absence() {
        let mut raw = pack(&RawId { id: "7".to_owned() });
        raw.value = vec![0xFF];
        assert!(find_annotation::<RawId>(&[raw]).is_err());
    }
}
