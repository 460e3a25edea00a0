//! Writes a block of rows with prefix-compressed keys and restart points.

use super::varint;

/// A block that is being filled.
#[derive(Debug)]
pub(super) struct Block {
    /// Rows from one restart point, where a key is stored completely, to the next.
    interval: usize,
    bytes: Vec<u8>,
    restarts: Vec<u32>,
    rows: usize,
    last: Vec<u8>,
}

impl Block {
    pub(super) fn new(interval: usize) -> Self {
        Self {
            interval,
            bytes: Vec::new(),
            restarts: Vec::new(),
            rows: 0,
            last: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) {
        let shared = if self.rows.is_multiple_of(self.interval) {
            self.restarts
                .push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
            0
        } else {
            self.last.iter().zip(key).take_while(|(a, b)| a == b).count()
        };
        for number in [shared, key.len() - shared, value.len()] {
            varint::push(number as u64, &mut self.bytes);
        }
        self.bytes.extend_from_slice(&key[shared..]);
        self.bytes.extend_from_slice(value);
        self.last.truncate(shared);
        self.last.extend_from_slice(&key[shared..]);
        self.rows += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() + 4 * (self.restarts.len() + 1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(super) fn last_key(&self) -> &[u8] {
        &self.last
    }

    /// Appends the finished block to `out` and starts an empty one.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.restarts.is_empty() {
            self.restarts.push(0);
        }
        out.extend_from_slice(&self.bytes);
        for restart in &self.restarts {
            out.extend_from_slice(&restart.to_le_bytes());
        }
        let restarts = u32::try_from(self.restarts.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&restarts.to_le_bytes());
        self.bytes.clear();
        self.restarts.clear();
        self.last.clear();
        self.rows = 0;
    }
}
