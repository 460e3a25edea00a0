//! Range deletions: they delete the keys in a range that were written before them.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::columnar_block::ColumnarBlock;
use super::error::StoreError;
use super::error::damaged;
use super::error::u32_at;
use super::row_block;

/// The kind of a range deletion, in the low byte of a trailer.
pub(super) const RANGE_DELETE: u64 = 15;

/// Deletes the keys from `start` to before `end` that are older than `sequence`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RangeDeletion {
    pub(super) start: Vec<u8>,
    pub(super) end: Vec<u8>,
    pub(super) sequence: u64,
}

/// Bytes of memory of a deletion besides its keys.
const DELETION_OVERHEAD: usize = size_of::<RangeDeletion>();

/// The range deletions of a store, within a memory limit.
#[derive(Debug)]
pub(super) struct RangeDeletions {
    pub(super) all: Vec<RangeDeletion>,
    left: usize,
}

impl RangeDeletions {
    pub(super) fn with_limit(max_bytes: usize) -> Self {
        Self {
            all: Vec::new(),
            left: max_bytes,
        }
    }

    pub(super) fn push(&mut self, deletion: RangeDeletion) -> Result<(), StoreError> {
        let bytes = deletion.start.len() + deletion.end.len() + DELETION_OVERHEAD;
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or(StoreError::TooLarge("the deletions in its store"))?;
        self.all.push(deletion);
        Ok(())
    }
}

/// Calls `visit` with the deletions of a block.
pub(super) fn read(
    block: &[u8],
    columnar: bool,
    mut visit: impl FnMut(RangeDeletion) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    if !columnar {
        return row_block::each(block, |key, end| {
            let (start, trailer) = row_block::split_trailer(key)?;
            visit(RangeDeletion {
                start: start.to_owned(),
                end: end.to_owned(),
                sequence: trailer >> 8,
            })
        });
    }
    let bounds = u32_at(block, 0)? as usize;
    let columns = ColumnarBlock::parse(block, 4)?;
    if bounds > block.len() {
        return Err(damaged("a block of its store has more rows than bytes"));
    }
    let mut left = columns.rows();
    let (keys, first) = (
        columns.byte_column_of_len(0, bounds)?,
        columns.uint_column_of_len(1, bounds)?,
    );
    let trailers = columns.uint_column(2)?;
    for bound in 1..bounds {
        // Deletions that start at a bound end at the next bound.
        for row in first.get(bound - 1)?..first.get(bound)? {
            let row = usize::try_from(row).ok().filter(|row| *row < columns.rows());
            // Each row may be used once. Otherwise a few rows could be repeated without end.
            let row = row.zip(left.checked_sub(1));
            let (row, rest) = row.ok_or_else(|| damaged("a deletion in its store is not there"))?;
            left = rest;
            let trailer = trailers.get(row)?;
            if trailer & 0xFF != RANGE_DELETE {
                return Err(StoreError::Unknown("its tables have keys of ranges"));
            }
            visit(RangeDeletion {
                start: keys.get(bound - 1)?.to_owned(),
                end: keys.get(bound)?.to_owned(),
                sequence: trailer >> 8,
            })?;
        }
    }
    Ok(())
}

/// Decides for keys in ascending order whether they are deleted.
#[derive(Debug)]
pub(super) struct DeletionSweep<'s> {
    /// Sorted by start.
    waiting: std::slice::Iter<'s, RangeDeletion>,
    /// Deletions whose range the current key may be in, the latest first.
    active: BinaryHeap<Latest<'s>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Latest<'s>(&'s RangeDeletion);

impl Ord for Latest<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.sequence.cmp(&other.0.sequence)
    }
}

impl PartialOrd for Latest<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'s> DeletionSweep<'s> {
    pub(super) fn new(deletions: &'s [RangeDeletion]) -> Self {
        Self {
            waiting: deletions.iter(),
            active: BinaryHeap::new(),
        }
    }

    /// Whether a row is deleted. Keys must come in ascending order.
    pub(super) fn deletes(&mut self, key: &[u8], sequence: u64) -> bool {
        while let Some(deletion) = self
            .waiting
            .as_slice()
            .first()
            .filter(|deletion| deletion.start.as_slice() <= key)
        {
            self.active.push(Latest(deletion));
            self.waiting.next();
        }
        while self
            .active
            .peek()
            .is_some_and(|Latest(deletion)| deletion.end.as_slice() <= key)
        {
            self.active.pop();
        }
        self.active
            .peek()
            .is_some_and(|Latest(deletion)| deletion.sequence > sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweep_equals_a_check_of_every_deletion() {
        let deletions: Vec<RangeDeletion> = (0_u8..40)
            .map(|n| RangeDeletion {
                start: vec![n / 2],
                end: vec![n / 2 + n % 11],
                sequence: u64::from(n) * 37 % 41,
            })
            .collect();
        let mut sweep = DeletionSweep::new(&deletions);
        for key in 0_u8..60 {
            for sequence in [0, 5, 20, 40] {
                let within = |deletion: &&RangeDeletion| deletion.start[0] <= key && key < deletion.end[0];
                let hidden = deletions
                    .iter()
                    .filter(within)
                    .any(|deletion| deletion.sequence > sequence);
                assert_eq!(sweep.deletes(&[key], sequence), hidden, "{key} {sequence}");
            }
        }
    }
}
