//! Unpacks small files in one pass, from memory to memory, without the copies of a stream.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::header::xxh64;
use super::index::Entry;

/// Files of at most this size, before and after compression, are unpacked in one pass. Our tables have 8 MiB.
const MAX_BYTES: u64 = 16 << 20;

/// What passes share.
pub(super) struct OnePass {
    decompressor: zstd::bulk::Decompressor<'static>,
    packed: Vec<u8>,
}

impl OnePass {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            decompressor: zstd::bulk::Decompressor::new()?,
            packed: Vec::new(),
        })
    }

    /// Unpacks a file into `raw`. `false` if it is not what its index says, or is too large for the memory: then a stream tells.
    pub(super) fn unpack(
        &mut self,
        mut file: &File,
        entry: &Entry,
        max_bytes: u64,
        raw: &mut Vec<u8>,
    ) -> io::Result<bool> {
        let max_bytes = max_bytes.min(MAX_BYTES);
        if entry.raw_bytes > max_bytes || entry.packed_bytes > max_bytes {
            return Ok(false);
        }
        self.packed.clear();
        raw.clear();
        if !has_room(&mut self.packed, entry.packed_bytes) || !has_room(raw, entry.raw_bytes) {
            return Ok(false);
        }
        file.seek(SeekFrom::Start(entry.offset))?;
        file.take(entry.packed_bytes).read_to_end(&mut self.packed)?;
        let unpacked = self.decompressor.decompress_to_buffer(&self.packed, raw);
        Ok(unpacked.is_ok_and(|bytes| bytes as u64 == entry.raw_bytes) && xxh64(raw) == entry.raw_xxh64)
    }
}

/// Reserves memory without ending the process if there is none.
fn has_room(bytes: &mut Vec<u8>, length: u64) -> bool {
    usize::try_from(length).is_ok_and(|length| bytes.try_reserve(length).is_ok())
}

impl fmt::Debug for OnePass {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("OnePass").finish_non_exhaustive()
    }
}
