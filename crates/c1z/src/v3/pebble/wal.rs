//! Reads the write-ahead log: rows that are in no table yet.

use std::fs;
use std::path::Path;

use super::error::StoreError;
use super::error::damaged;
use super::range_deletions::RANGE_DELETE;
use super::range_deletions::RangeDeletion;
use super::range_deletions::RangeDeletions;
use super::record_format;
use super::row_block::BlockRows;
use super::row_block::Row;
use super::row_block::read_owned;

/// Bytes of a batch header: first sequence number, and number of operations.
const BATCH_HEADER: usize = 12;

/// Kind of an operation that is not applied to the store. All others are kinds of rows.
const LOG_DATA: u8 = 3;

type WalRow = (Vec<u8>, u64, Vec<u8>);

/// The rows and range deletions of the logs.
#[derive(Debug)]
pub(super) struct WalEntries {
    rows: Vec<WalRow>,
    pub(super) deletions: RangeDeletions,
    /// Bytes of memory that are left.
    left: usize,
}

impl WalEntries {
    pub(super) fn with_limit(max_bytes: usize) -> Self {
        Self {
            rows: Vec::new(),
            deletions: RangeDeletions::with_limit(max_bytes),
            left: max_bytes,
        }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), StoreError> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or(StoreError::TooLarge("the log of its store"))?;
        Ok(())
    }

    /// Reads the log with a number.
    pub(super) fn read(&mut self, path: &Path, number: u64) -> Result<(), StoreError> {
        self.spend(usize::try_from(fs::metadata(path)?.len()).unwrap_or(usize::MAX))?;
        record_format::each(&fs::read(path)?, Some(number), |batch| self.batch(batch))
    }

    fn batch(&mut self, batch: &[u8]) -> Result<(), StoreError> {
        let short = || damaged("a batch in the log of its store ends too early");
        let (header, mut rest) = batch.split_at_checked(BATCH_HEADER).ok_or_else(short)?;
        let mut sequence = header[..8]
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        while let Some((kind, after)) = rest.split_first() {
            let (key, mut after) = read_owned(after)?;
            let trailer = sequence << 8 | u64::from(*kind);
            self.spend(size_of::<WalRow>())?;
            match kind {
                0 | 7 => self.rows.push((key, trailer, Vec::new())),
                1 | 18 | 23 => {
                    let (value, behind) = read_owned(after)?;
                    after = behind;
                    self.rows.push((key, trailer, value));
                }
                &LOG_DATA => {
                    rest = after;
                    continue;
                }
                kind if u64::from(*kind) == RANGE_DELETE => {
                    let (end, behind) = read_owned(after)?;
                    after = behind;
                    self.deletions.push(RangeDeletion {
                        start: key,
                        end,
                        sequence,
                    })?;
                }
                _ => {
                    return Err(StoreError::Unknown(
                        "the log of its store does what is not known here",
                    ));
                }
            }
            rest = after;
            sequence = sequence.wrapping_add(1);
        }
        Ok(())
    }

    /// The rows in the order of their keys, the latest first.
    pub(super) fn into_rows(mut self) -> Result<BlockRows, StoreError> {
        self.rows.sort_by(|a, b| (&a.0, b.1).cmp(&(&b.0, a.1)));
        let mut out = BlockRows::with_limit(usize::MAX);
        for (key, trailer, value) in &self.rows {
            out.push(Row {
                key,
                trailer: *trailer,
                value,
            })?;
        }
        Ok(out)
    }
}

/// The number in the name of a log, if it is `first` or a later one.
pub(super) fn number(name: &str, first: u64) -> Option<u64> {
    let stem = name.strip_suffix(".log")?;
    // Logs that were moved to another disk have a second number.
    let number = stem.split_once('-').map_or(stem, |(number, _)| number);
    number.parse().ok().filter(|number| *number >= first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_numbers_in_file_names() {
        assert_eq!(number("000012.log", 12), Some(12));
        assert_eq!(number("000012-001.log", 12), Some(12));
        assert_eq!(number("000012.log", 13), None);
        assert_eq!(number("000012.sst", 0), None);
    }

    #[test]
    fn batches_are_read_and_truncated_ones_rejected() {
        let mut batch = vec![10, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0];
        batch.extend_from_slice(b"\x01\x01b\x02xy\x0F\x01a\x01c\x00\x01a");
        let mut wal_rows = WalEntries::with_limit(1 << 10);
        wal_rows.batch(&batch).unwrap();
        let deletion = RangeDeletion {
            start: b"a".to_vec(),
            end: b"c".to_vec(),
            sequence: 11,
        };
        assert_eq!(wal_rows.deletions.all, [deletion.into()]);
        let rows = wal_rows.into_rows().unwrap();
        let row = |at| rows.get(at).map(|row| (row.key, row.trailer, row.value));
        assert_eq!(row(0), Some((&b"a"[..], 12 << 8, &b""[..])));
        assert_eq!(row(1), Some((&b"b"[..], 10 << 8 | 1, &b"xy"[..])));
        assert_eq!(row(2), None);
        for cut in [5, 13, 15, 20] {
            assert!(
                WalEntries::with_limit(1 << 10).batch(&batch[..cut]).is_err(),
                "{cut}"
            );
        }
        let outcome = WalEntries::with_limit(2 * size_of::<WalRow>()).batch(&batch);
        assert!(matches!(outcome, Err(StoreError::TooLarge(_))));
    }
}
