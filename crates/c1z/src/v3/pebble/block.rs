//! A block of rows: keys without what they share with the one before, and where to begin reading.

use prost::encoding::encode_varint;

/// A block that is being filled.
#[derive(Debug)]
pub(super) struct Block {
    /// Rows between two keys that are whole.
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
            encode_varint(number as u64, &mut self.bytes);
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

    /// Ends the block, which is empty again afterwards, and appends it.
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
