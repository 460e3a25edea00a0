//! A multipart upload that is not finished.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{CompletedPart, ETag};
use s3s::{S3Result, s3_error};

use crate::object::{Object, hex};

/// Minimum size of every part but the last.
const MIN_PART_BYTES: usize = 5 * 1024 * 1024;

/// The highest part number.
const MAX_PARTS: i32 = 10_000;

#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) key: String,
    parts: BTreeMap<i32, Part>,
}

#[derive(Debug)]
struct Part {
    bytes: Bytes,
    md5: [u8; 16],
}

impl Upload {
    pub(crate) fn new(key: String) -> Self {
        Self {
            key,
            parts: BTreeMap::new(),
        }
    }

    /// Stores a part, replacing an earlier one with the same number.
    pub(crate) fn put(&mut self, number: i32, bytes: Bytes) -> S3Result<ETag> {
        if !(1..=MAX_PARTS).contains(&number) {
            return Err(s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and 10000, inclusive"
            ));
        }
        let md5 = Md5::checksum(&bytes);
        self.parts.insert(number, Part { bytes, md5 });
        Ok(ETag::Strong(hex(&md5)))
    }

    /// Joins the parts that a client lists, if the list is valid.
    pub(crate) fn join(&self, listed: &[CompletedPart]) -> S3Result<Object> {
        let mut previous = 0;
        let mut bytes = BytesMut::new();
        let mut digests = Vec::new();
        for (position, entry) in listed.iter().enumerate() {
            let number = entry.part_number.ok_or_else(|| s3_error!(MalformedXML))?;
            if number <= previous {
                return Err(s3_error!(InvalidPartOrder));
            }
            previous = number;
            let part = self.parts.get(&number).ok_or_else(|| s3_error!(InvalidPart))?;
            let e_tag = ETag::Strong(hex(&part.md5));
            if !entry
                .e_tag
                .as_ref()
                .is_some_and(|expected| expected.weak_cmp(&e_tag))
            {
                return Err(s3_error!(InvalidPart));
            }
            if position + 1 < listed.len() && part.bytes.len() < MIN_PART_BYTES {
                return Err(s3_error!(EntityTooSmall));
            }
            bytes.extend_from_slice(&part.bytes);
            digests.extend_from_slice(&part.md5);
        }
        if listed.is_empty() {
            return Err(s3_error!(MalformedXML, "You must specify at least one part"));
        }
        // S3's own format, which shows clients that the ETag is not an MD5 of the object.
        let e_tag = format!("{}-{}", hex(&Md5::checksum(&digests)), listed.len());
        Ok(Object::new(bytes.freeze(), e_tag))
    }
}
