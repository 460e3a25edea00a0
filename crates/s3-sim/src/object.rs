use std::fmt::Write as _;
use std::time::SystemTime;

use bytes::Bytes;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::ETag;

/// One object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) bytes: Bytes,
    pub(crate) e_tag: ETag,
    pub(crate) modified: SystemTime,
}

impl Object {
    pub(crate) fn new(bytes: Bytes, e_tag: String) -> Self {
        Self {
            bytes,
            e_tag: ETag::Strong(e_tag),
            modified: SystemTime::now(),
        }
    }

    /// An object from a single request: its `ETag` is its MD5.
    pub(crate) fn from_bytes(bytes: Bytes) -> Self {
        let e_tag = hex(&Md5::checksum(&bytes));
        Self::new(bytes, e_tag)
    }
}

/// Bytes in the notation of an `ETag`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
