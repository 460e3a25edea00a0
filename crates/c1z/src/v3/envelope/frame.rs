//! A file of the store, compressed as a zstd frame of its own.

use std::io;

use sha2::{Digest, Sha256};

use super::header::xxh64;

/// A compressed file, and what the index says about it.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(super) name: String,
    pub(super) packed: Vec<u8>,
    pub(super) raw_bytes: u64,
    pub(super) raw_xxh64: u64,
    pub(super) raw_sha256: [u8; 32],
}

impl Frame {
    /// Compresses the content of a file. The frame has a content size.
    pub(crate) fn pack(name: String, raw: &[u8], level: i32) -> io::Result<Self> {
        Ok(Self {
            name,
            packed: zstd::bulk::compress(raw, level)?,
            raw_bytes: raw.len() as u64,
            raw_xxh64: xxh64(raw),
            raw_sha256: Sha256::digest(raw).into(),
        })
    }
}
