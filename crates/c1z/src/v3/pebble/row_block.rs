//! Row blocks, and the rows of a block of either layout in memory.

use super::error::StoreError;
use super::error::damaged;
use super::error::u32_at;
use super::varint;

/// Bytes of memory of a row besides its key and value.
const ROW_OVERHEAD: usize = size_of::<(usize, u64, usize)>();

/// Rows in one buffer. Keys have no trailers.
#[derive(Debug, Clone, Default)]
pub(super) struct BlockRows {
    bytes: Vec<u8>,
    rows: Vec<(usize, u64, usize)>,
    max_bytes: usize,
}

/// A row of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'b> {
    pub(super) key: &'b [u8],
    pub(super) trailer: u64,
    pub(super) value: &'b [u8],
}

impl BlockRows {
    pub(super) fn with_limit(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            ..Self::default()
        }
    }

    pub(super) fn push(&mut self, row: Row<'_>) -> Result<(), StoreError> {
        let more = row.key.len() + row.value.len() + ROW_OVERHEAD;
        if self.memory_bytes() + more > self.max_bytes {
            return Err(StoreError::TooLarge("a block of its store"));
        }
        self.bytes.extend_from_slice(row.key);
        let key_end = self.bytes.len();
        self.bytes.extend_from_slice(row.value);
        self.rows.push((key_end, row.trailer, self.bytes.len()));
        Ok(())
    }

    /// Removes all rows. Keeps their memory for others if it is at most `max_kept` bytes.
    pub(super) fn restart(&mut self, max_bytes: usize, max_kept: usize) {
        if self.bytes.capacity() + self.rows.capacity() * ROW_OVERHEAD > max_kept {
            *self = Self::default();
        }
        self.bytes.clear();
        self.rows.clear();
        self.max_bytes = max_bytes;
    }

    /// Bytes of memory of the rows.
    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes.len() + self.rows.len() * ROW_OVERHEAD
    }

    pub(super) fn get(&self, at: usize) -> Option<Row<'_>> {
        let (key_end, trailer, end) = *self.rows.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.rows[before].2);
        Some(Row {
            key: &self.bytes[start..key_end],
            trailer,
            value: &self.bytes[key_end..end],
        })
    }
}

/// Calls `visit` with the rows of a prefix-compressed block. Keys keep their trailers.
pub(super) fn each(
    block: &[u8],
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let count_at = block
        .len()
        .checked_sub(4)
        .ok_or_else(|| damaged("a block of its store is empty"))?;
    let restarts = u32_at(block, count_at)? as usize;
    let end = restarts
        .checked_mul(4)
        .and_then(|bytes| count_at.checked_sub(bytes));
    let mut rest = &block[..end.ok_or_else(|| damaged("a block of its store is too short"))?];
    let mut key = Vec::new();
    while !rest.is_empty() {
        let (shared, after) = varint::read(rest)?;
        let (own, after) = varint::read(after)?;
        let (value, after) = varint::read(after)?;
        let text = after.split_at_checked(varint::to_length(own)?);
        let (own, after) = text.ok_or_else(|| damaged("a key in its store is longer than its block"))?;
        let text = after.split_at_checked(varint::to_length(value)?);
        let (value, after) = text.ok_or_else(|| damaged("a value in its store is longer than its block"))?;
        let shared = varint::to_length(shared)?;
        if shared > key.len() {
            return Err(damaged("a key in its store shares what is not there"));
        }
        key.truncate(shared);
        key.extend_from_slice(own);
        visit(&key, value)?;
        rest = after;
    }
    Ok(())
}

/// Splits an internal key into the user key and the trailer.
pub(super) fn split_trailer(key: &[u8]) -> Result<(&[u8], u64), StoreError> {
    let parted = key.split_last_chunk::<8>();
    let (key, trailer) = parted.ok_or_else(|| damaged("a key in its store has no trailer"))?;
    Ok((key, u64::from_le_bytes(*trailer)))
}

/// Reads a block handle, offset and length. Returns it with what follows.
pub(super) fn read_handle(bytes: &[u8]) -> Result<((u64, u64), &[u8]), StoreError> {
    let (offset, rest) = varint::read(bytes)?;
    let (size, rest) = varint::read(rest)?;
    Ok(((offset, size), rest))
}

/// Reads bytes with their length before them into memory. Returns them with what follows.
pub(super) fn read_owned(bytes: &[u8]) -> Result<(Vec<u8>, &[u8]), StoreError> {
    let (text, rest) = varint::read_bytes(bytes)?;
    Ok((text.to_vec(), rest))
}
