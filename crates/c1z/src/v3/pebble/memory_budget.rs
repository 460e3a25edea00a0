//! Bounds for reading a store: memory at a time, and work in total. Without them a small file can claim any amount of both.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::StoreError;
use super::error::damaged;

/// Work, in bytes, that even the smallest store may cause.
const MIN_WORK: u64 = 64 << 20;
/// How many times the bytes of a store may be read: each table is opened once for every requested prefix, and few of its
/// blocks are read each time.
const MAX_READS: u64 = 64;
/// Work of opening a file, in bytes.
const OPEN_COST: u64 = 4 << 10;
/// Decompressing this many bytes counts as one byte of work.
const UNPACK_DIVISOR: u64 = 16;

/// What a reader of a store may still use.
#[derive(Debug, Clone)]
pub(super) struct MemoryBudget {
    /// Bytes of memory at a time.
    pub(super) max_bytes: usize,
    work: Arc<AtomicU64>,
}

impl MemoryBudget {
    /// The budget for a store of `store_bytes`.
    pub(super) fn new(store_bytes: u64, max_bytes: usize) -> Self {
        let work = store_bytes.saturating_mul(MAX_READS).saturating_add(MIN_WORK);
        Self {
            max_bytes,
            work: Arc::new(AtomicU64::new(work)),
        }
    }

    pub(super) fn open(&self) -> Result<(), StoreError> {
        self.spend(OPEN_COST)
    }

    pub(super) fn read(&self, bytes: usize) -> Result<(), StoreError> {
        self.spend(bytes as u64)
    }

    pub(super) fn unpack(&self, bytes: usize) -> Result<(), StoreError> {
        self.spend(bytes as u64 / UNPACK_DIVISOR)
    }

    fn spend(&self, bytes: u64) -> Result<(), StoreError> {
        let left = self.work.load(Ordering::Relaxed).checked_sub(bytes);
        let left = left.ok_or_else(|| damaged("reading its store takes longer than its size allows"))?;
        // One thread reads a store at a time.
        self.work.store(left, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_limited() {
        let budget = MemoryBudget::new(1, 10);
        let shared = budget.clone();
        for _ in 0..(MIN_WORK / OPEN_COST) {
            shared.open().unwrap();
        }
        budget.read(64).unwrap();
        budget.unpack(15).unwrap();
        assert!(budget.read(1).is_err());
        assert!(budget.unpack(16).is_err());
    }
}
