//! The rows of one block, unpacked.

use super::error::StoreError;
use super::error::counted;
use super::error::damaged;
use super::error::length;
use super::error::u32_at;
use super::error::varint;

/// Memory that a row takes beside its bytes.
const ROW_OVERHEAD: usize = size_of::<(usize, u64, usize)>();

/// Rows one after another: keys without trailers, trailers, values.
#[derive(Debug, Default)]
pub(super) struct BlockRows {
    bytes: Vec<u8>,
    rows: Vec<(usize, u64, usize)>,
    most: usize,
}

/// A row of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'b> {
    pub(super) key: &'b [u8],
    pub(super) trailer: u64,
    pub(super) value: &'b [u8],
}

impl BlockRows {
    pub(super) fn within(most: usize) -> Self {
        Self {
            most,
            ..Self::default()
        }
    }

    pub(super) fn push(&mut self, row: Row<'_>) -> Result<(), StoreError> {
        let more = row.key.len() + row.value.len() + ROW_OVERHEAD;
        if self.held() + more > self.most {
            return Err(StoreError::TooLarge("a block of its store"));
        }
        self.bytes.extend_from_slice(row.key);
        let key_end = self.bytes.len();
        self.bytes.extend_from_slice(row.value);
        self.rows.push((key_end, row.trailer, self.bytes.len()));
        Ok(())
    }

    /// Memory that the rows take.
    pub(super) fn held(&self) -> usize {
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

/// Reads a block of prefix-compressed rows, keys as they are.
pub(super) fn each(
    block: &[u8],
    mut take: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
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
        let (shared, after) = varint(rest)?;
        let (own, after) = varint(after)?;
        let (value, after) = varint(after)?;
        let text = after.split_at_checked(length(own)?);
        let (own, after) = text.ok_or_else(|| damaged("a key in its store is longer than its block"))?;
        let text = after.split_at_checked(length(value)?);
        let (value, after) = text.ok_or_else(|| damaged("a value in its store is longer than its block"))?;
        let shared = length(shared)?;
        if shared > key.len() {
            return Err(damaged("a key in its store shares what is not there"));
        }
        key.truncate(shared);
        key.extend_from_slice(own);
        take(&key, value)?;
        rest = after;
    }
    Ok(())
}

/// A key with a trailer, parted.
pub(super) fn part(key: &[u8]) -> Result<(&[u8], u64), StoreError> {
    let parted = key.split_last_chunk::<8>();
    let (key, trailer) = parted.ok_or_else(|| damaged("a key in its store has no trailer"))?;
    Ok((key, u64::from_le_bytes(*trailer)))
}

/// A handle: where a block is and how long, and what follows.
pub(super) fn handle(bytes: &[u8]) -> Result<((u64, u64), &[u8]), StoreError> {
    let (offset, rest) = varint(bytes)?;
    let (size, rest) = varint(rest)?;
    Ok(((offset, size), rest))
}

/// Bytes with their length before them, the whole of it.
pub(super) fn owned(bytes: &[u8]) -> Result<(Vec<u8>, &[u8]), StoreError> {
    let (text, rest) = counted(bytes)?;
    Ok((text.to_vec(), rest))
}
