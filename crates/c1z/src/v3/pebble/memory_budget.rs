//! What reading a store may take: memory at once, and work in all, which small files could be made to claim without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::StoreError;
use super::error::damaged;

/// Bytes that are read before a store's own size counts.
const LEAST_WORK: u64 = 64 << 20;
/// How often all of a store may be read: a table is looked at once for each kind of rows, and few of its blocks each time.
const TIMES: u64 = 64;
/// Opening a file takes as long as reading so many bytes.
const OPENING: u64 = 4 << 10;
/// Unpacking so many bytes takes as long as reading one.
const UNPACKED: u64 = 16;

/// What a reader of a store may still take.
#[derive(Debug, Clone)]
pub(super) struct MemoryBudget {
    /// Bytes of memory at once.
    pub(super) most: usize,
    work: Arc<AtomicU64>,
}

impl MemoryBudget {
    /// That of a store of so many bytes.
    pub(super) fn of(store_bytes: u64, most: usize) -> Self {
        let work = store_bytes.saturating_mul(TIMES).saturating_add(LEAST_WORK);
        Self {
            most,
            work: Arc::new(AtomicU64::new(work)),
        }
    }

    pub(super) fn open(&self) -> Result<(), StoreError> {
        self.spend(OPENING)
    }

    pub(super) fn read(&self, bytes: usize) -> Result<(), StoreError> {
        self.spend(bytes as u64)
    }

    pub(super) fn unpack(&self, bytes: usize) -> Result<(), StoreError> {
        self.spend(bytes as u64 / UNPACKED)
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
    fn work_ends() {
        let allowance = MemoryBudget::of(1, 10);
        let shared = allowance.clone();
        for _ in 0..(LEAST_WORK / OPENING) {
            shared.open().unwrap();
        }
        allowance.read(64).unwrap();
        allowance.unpack(15).unwrap();
        assert!(allowance.read(1).is_err());
        assert!(allowance.unpack(16).is_err());
    }
}
