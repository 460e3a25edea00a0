//! The id of a sync: a KSUID.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

/// Seconds between the Unix epoch and the KSUID epoch (2014-05-13T16:53:20Z; docs/reference/c1z.md §2.3).
const KSUID_EPOCH: i64 = 1_400_000_000;
const TEXT_BYTES: usize = 27;
const RAW_BYTES: usize = 20;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A KSUID: 27 base-62 characters that encode a time in seconds and 16 random bytes. Ids sort by the start time of
/// their sync (docs/reference/c1z.md §2.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SyncId([u8; TEXT_BYTES]);

/// Why a text is not a sync id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a sync id: a sync id has 27 letters and digits (a KSUID)")]
pub struct SyncIdError {
    text: String,
}

impl SyncId {
    /// Builds an id. Times outside the 32-bit range (2014 to 2150) are clamped.
    #[must_use]
    pub fn from_parts(time: OffsetDateTime, entropy: [u8; 16]) -> Self {
        let seconds = u32::try_from((time.unix_timestamp() - KSUID_EPOCH).max(0)).unwrap_or(u32::MAX);
        let mut raw = [0; RAW_BYTES];
        raw[..4].copy_from_slice(&seconds.to_be_bytes());
        raw[4..].copy_from_slice(&entropy);
        Self(base62(raw))
    }

    /// The 27 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Long division of the 160-bit number by 62, most significant digit first, padded with `0`.
fn base62(raw: [u8; RAW_BYTES]) -> [u8; TEXT_BYTES] {
    let mut number = raw;
    let mut text = [ALPHABET[0]; TEXT_BYTES];
    for digit in text.iter_mut().rev() {
        let mut remainder = 0_u32;
        for byte in &mut number {
            let value = (remainder << 8) | u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            remainder = value % 62;
        }
        *digit = ALPHABET[remainder as usize];
    }
    text
}

impl FromStr for SyncId {
    type Err = SyncIdError;

    fn from_str(text: &str) -> Result<Self, SyncIdError> {
        let refuse = || SyncIdError {
            text: text.to_owned(),
        };
        let bytes: [u8; TEXT_BYTES] = text.as_bytes().try_into().map_err(|_| refuse())?;
        if bytes.iter().all(u8::is_ascii_alphanumeric) {
            Ok(Self(bytes))
        } else {
            Err(refuse())
        }
    }
}

impl fmt::Display for SyncId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SyncId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SyncId({self})")
    }
}

impl Serialize for SyncId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn known_values() {
        let epoch = datetime!(2014-05-13 16:53:20 UTC);
        assert_eq!(
            SyncId::from_parts(epoch, [0; 16]).as_str(),
            "000000000000000000000000000"
        );
        // The largest KSUID, a constant of the published format.
        let end = OffsetDateTime::from_unix_timestamp(KSUID_EPOCH + i64::from(u32::MAX)).unwrap();
        assert_eq!(
            SyncId::from_parts(end, [0xFF; 16]).as_str(),
            "aWgEPTl1tmebfsQzFP4bxwgy80V"
        );
    }

    proptest! {
        #[test]
        fn ids_sort_by_time(a in 0_u32.., b in 0_u32.., x: [u8; 16], y: [u8; 16]) {
            let at = |seconds: u32| OffsetDateTime::from_unix_timestamp(KSUID_EPOCH + i64::from(seconds)).unwrap();
            let (first, second) = (SyncId::from_parts(at(a), x), SyncId::from_parts(at(b), y));
            if a != b {
                prop_assert_eq!(a < b, first < second);
            }
            prop_assert_eq!(first.as_str().parse::<SyncId>().unwrap(), first);
        }

        #[test]
        fn anything_else_is_refused(text in ".{0,40}") {
            let ok = text.len() == 27 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
            prop_assert_eq!(text.parse::<SyncId>().is_ok(), ok);
        }
    }
}
