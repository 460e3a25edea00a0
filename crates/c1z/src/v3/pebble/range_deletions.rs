//! Deletions of ranges: what was written before them, in them, is gone.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::columnar_block::Columns;
use super::error::StoreError;
use super::error::damaged;
use super::error::u32_at;
use super::row_block;

/// The kind of a deletion of a range.
pub(super) const RANGE_DELETE: u64 = 15;

/// A deletion: from a key to before another one, of what is older than a sequence number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: Vec<u8>,
    pub(super) end: Vec<u8>,
    pub(super) sequence: u64,
}

/// Memory that a deletion takes beside its keys.
const SPAN_OVERHEAD: usize = size_of::<Span>();

/// The deletions of a store, within a limit for all of them.
#[derive(Debug)]
pub(super) struct RangeDeletions {
    pub(super) all: Vec<Span>,
    left: usize,
}

impl RangeDeletions {
    pub(super) fn within(most: usize) -> Self {
        Self {
            all: Vec::new(),
            left: most,
        }
    }

    pub(super) fn push(&mut self, span: Span) -> Result<(), StoreError> {
        let bytes = span.start.len() + span.end.len() + SPAN_OVERHEAD;
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or(StoreError::TooLarge("the deletions in its store"))?;
        self.all.push(span);
        Ok(())
    }
}

/// Reads a block of deletions.
pub(super) fn read(
    block: &[u8],
    columnar: bool,
    mut take: impl FnMut(Span) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    if !columnar {
        return row_block::each(block, |key, end| {
            let (start, trailer) = row_block::part(key)?;
            take(Span {
                start: start.to_owned(),
                end: end.to_owned(),
                sequence: trailer >> 8,
            })
        });
    }
    let bounds = u32_at(block, 0)? as usize;
    let columns = Columns::parse(block, 4)?;
    if bounds > block.len() {
        return Err(damaged("a block of its store has more rows than bytes"));
    }
    let mut left = columns.rows();
    let (keys, first) = (columns.texts_of(0, bounds)?, columns.uints_of(1, bounds)?);
    let trailers = columns.uints(2)?;
    for bound in 1..bounds {
        // The deletions that begin at a bound end at the next one.
        for row in first.get(bound - 1)?..first.get(bound)? {
            let row = usize::try_from(row).ok().filter(|row| *row < columns.rows());
            // Each belongs to one place, or a few could be made to be without end.
            let row = row.zip(left.checked_sub(1));
            let (row, rest) = row.ok_or_else(|| damaged("a deletion in its store is not there"))?;
            left = rest;
            let trailer = trailers.get(row)?;
            if trailer & 0xFF != RANGE_DELETE {
                return Err(StoreError::Unknown("its tables have keys of ranges"));
            }
            take(Span {
                start: keys.get(bound - 1)?.to_owned(),
                end: keys.get(bound)?.to_owned(),
                sequence: trailer >> 8,
            })?;
        }
    }
    Ok(())
}

/// Tells of keys, in their order, what is deleted.
#[derive(Debug)]
pub(super) struct Sweep<'s> {
    /// By start.
    waiting: std::slice::Iter<'s, Span>,
    /// Those that have begun, the latest first.
    begun: BinaryHeap<Latest<'s>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Latest<'s>(&'s Span);

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

impl<'s> Sweep<'s> {
    pub(super) fn over(spans: &'s [Span]) -> Self {
        Self {
            waiting: spans.iter(),
            begun: BinaryHeap::new(),
        }
    }

    /// Whether a row is deleted. Keys come in order.
    pub(super) fn hides(&mut self, key: &[u8], sequence: u64) -> bool {
        while let Some(span) = self
            .waiting
            .as_slice()
            .first()
            .filter(|span| span.start.as_slice() <= key)
        {
            self.begun.push(Latest(span));
            self.waiting.next();
        }
        while self
            .begun
            .peek()
            .is_some_and(|Latest(span)| span.end.as_slice() <= key)
        {
            self.begun.pop();
        }
        self.begun
            .peek()
            .is_some_and(|Latest(span)| span.sequence > sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_agrees_with_a_look_at_every_span() {
        let spans: Vec<Span> = (0_u8..40)
            .map(|n| Span {
                start: vec![n / 2],
                end: vec![n / 2 + n % 11],
                sequence: u64::from(n) * 37 % 41,
            })
            .collect();
        let mut sweep = Sweep::over(&spans);
        for key in 0_u8..60 {
            for sequence in [0, 5, 20, 40] {
                let within = |span: &&Span| span.start[0] <= key && key < span.end[0];
                let hidden = spans.iter().filter(within).any(|span| span.sequence > sequence);
                assert_eq!(sweep.hides(&[key], sequence), hidden, "{key} {sequence}");
            }
        }
    }
}
