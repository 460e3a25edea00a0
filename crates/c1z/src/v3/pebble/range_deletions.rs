//! Range deletions: they delete the keys in a range that were written before them.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;

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
const DELETION_OVERHEAD: usize = size_of::<RangeDeletion>() + size_of::<Arc<RangeDeletion>>();

/// The range deletions of a log, within a memory limit.
#[derive(Debug)]
pub(super) struct RangeDeletions {
    pub(super) all: Vec<Arc<RangeDeletion>>,
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
        spend(&mut self.left, &deletion)?;
        self.all.push(Arc::new(deletion));
        Ok(())
    }
}

fn spend(left: &mut usize, deletion: &RangeDeletion) -> Result<(), StoreError> {
    let bytes = deletion.start.len() + deletion.end.len() + DELETION_OVERHEAD;
    let rest = left.checked_sub(bytes);
    *left = rest.ok_or(StoreError::TooLarge("the deletions in its store"))?;
    Ok(())
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
pub(super) struct DeletionSweep {
    /// The first start first.
    waiting: BinaryHeap<Reverse<ByStart>>,
    /// Deletions whose range the current key may be in, the latest first.
    active: BinaryHeap<BySequence>,
    /// Bytes of memory that are left for further deletions.
    left: usize,
}

#[derive(Debug, PartialEq, Eq)]
struct ByStart(Arc<RangeDeletion>);

impl Ord for ByStart {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.start.cmp(&other.0.start)
    }
}

impl PartialOrd for ByStart {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Debug, PartialEq, Eq)]
struct BySequence(Arc<RangeDeletion>);

impl Ord for BySequence {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.sequence.cmp(&other.0.sequence)
    }
}

impl PartialOrd for BySequence {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl DeletionSweep {
    /// Begins with the deletions of the log. Those of a table are added before the first key that they may delete.
    pub(super) fn new(of_log: &RangeDeletions) -> Self {
        Self {
            waiting: of_log.all.iter().cloned().map(ByStart).map(Reverse).collect(),
            active: BinaryHeap::new(),
            left: of_log.left,
        }
    }

    /// Adds a deletion.
    pub(super) fn add(&mut self, deletion: RangeDeletion) -> Result<(), StoreError> {
        spend(&mut self.left, &deletion)?;
        self.waiting.push(Reverse(ByStart(Arc::new(deletion))));
        Ok(())
    }

    /// Whether a row is deleted. Keys must come in ascending order.
    pub(super) fn deletes(&mut self, key: &[u8], sequence: u64) -> bool {
        while let Some(next) = self.waiting.peek_mut()
            && next.0.0.start.as_slice() <= key
        {
            let Reverse(ByStart(deletion)) = PeekMut::pop(next);
            self.active.push(BySequence(deletion));
        }
        while self
            .active
            .peek()
            .is_some_and(|BySequence(deletion)| deletion.end.as_slice() <= key)
        {
            self.active.pop();
        }
        self.active
            .peek()
            .is_some_and(|BySequence(deletion)| deletion.sequence > sequence)
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
        let mut sweep = DeletionSweep::new(&RangeDeletions::with_limit(1 << 20));
        let mut waiting = deletions.clone();
        for key in 0_u8..60 {
            for deletion in waiting.extract_if(.., |deletion| deletion.start[0] == key) {
                sweep.add(deletion).unwrap();
            }
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
