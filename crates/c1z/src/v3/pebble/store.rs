//! Reads a store in the order of its keys: merges its tables and returns the latest row of each key.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::StoreError;
use super::error::damaged;
use super::memory_budget::MemoryBudget;
use super::range_deletions::DeletionSweep;
use super::range_deletions::RangeDeletion;
use super::range_deletions::RangeDeletions;
use super::row_block;
use super::row_block::BlockRows;
use super::sstable_reader::TableReader;
use super::version_edit;
use super::version_edit::TableInfo;
use super::wal;
use super::wal::WalEntries;

/// Kinds of rows, in the low byte of a trailer.
const DELETE: u64 = 0;
const SET: u64 = 1;
const SINGLE_DELETE: u64 = 7;
const SET_WITH_DELETE: u64 = 18;
const DELETE_SIZED: u64 = 23;
/// Sequence number in the trailer of a table's last key when that key is not a row's.
const LAST_SEQUENCE: u64 = (1 << 56) - 1;
/// Tables that may be open at a time. Pebble compacts when about a dozen overlap.
const MAX_OPEN_TABLES: usize = 256;

/// A store in a folder.
#[derive(Debug)]
pub(crate) struct StoreReader {
    folder: PathBuf,
    /// Sorted by first key.
    tables: Vec<TableInfo>,
    /// Rows of the write-ahead log.
    wal_rows: Arc<BlockRows>,
    /// Range deletions, sorted by start.
    deletions: Vec<RangeDeletion>,
    budget: MemoryBudget,
}

/// A table within a merge. Sorts by key, the latest row first.
struct Cursor {
    table: TableReader,
    key: Vec<u8>,
    trailer: u64,
    /// The last key of the table.
    last: Option<Vec<u8>>,
    /// Replaces the sequence numbers of the rows.
    sequence: Option<u64>,
}

impl StoreReader {
    /// Opens a store whose blocks may take `max_bytes` of memory at a time.
    pub(crate) fn open(folder: &Path, max_bytes: usize) -> Result<Self, StoreError> {
        let (mut tables, first_log) = version_edit::tables(folder, max_bytes)?;
        tables.sort_by(|a, b| a.smallest.cmp(&b.smallest));
        let mut wal_rows = WalEntries::with_limit(max_bytes);
        let mut logs = Vec::new();
        let mut bytes = 0;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            bytes += entry.metadata()?.len();
            let name = entry.file_name().to_string_lossy().into_owned();
            logs.extend(wal::number(&name, first_log).map(|number| (number, name)));
        }
        logs.sort_unstable();
        for (number, name) in &logs {
            wal_rows.read(&folder.join(name), *number)?;
        }
        let mut deletions = std::mem::replace(&mut wal_rows.deletions, RangeDeletions::with_limit(0));
        let mut store = Self {
            folder: folder.to_owned(),
            tables,
            deletions: Vec::new(),
            wal_rows: Arc::new(wal_rows.into_rows()?),
            budget: MemoryBudget::new(bytes, max_bytes),
        };
        for info in &store.tables {
            TableReader::deletions(&store.file_of(info)?, &store.budget, |deletion| {
                within(deletion, info).map_or(Ok(()), |deletion| deletions.push(deletion))
            })?;
        }
        store.deletions = deletions.all;
        store.deletions.sort_by(|a, b| a.start.cmp(&b.start));
        Ok(store)
    }

    fn file_of(&self, info: &TableInfo) -> Result<PathBuf, StoreError> {
        let path = self.folder.join(format!("{:06}.sst", info.file));
        if path.try_exists()? {
            Ok(path)
        } else {
            Err(damaged("a table of its store is missing"))
        }
    }

    /// Calls `visit` with key and value of all keys that begin with `prefix`, in ascending order.
    pub(crate) fn each<E: From<StoreError>>(
        &self,
        prefix: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut waiting = self.tables.iter().peekable();
        let mut open: BinaryHeap<Reverse<Cursor>> = BinaryHeap::new();
        let wal_rows = Cursor {
            table: TableReader::from_rows(Arc::clone(&self.wal_rows), self.budget.clone()),
            key: Vec::new(),
            trailer: 0,
            last: None,
            sequence: None,
        };
        open.extend(wal_rows.seek(prefix)?.map(Reverse));
        // Bytes of memory of the open tables. The log has its own limit.
        let mut memory_bytes = 0;
        let mut deleted = DeletionSweep::new(&self.deletions);
        let mut before: Option<Vec<u8>> = None;
        loop {
            // A table is opened when the merge reaches its first key, so that few are open at a time.
            let next = open.peek().map(|Reverse(cursor)| cursor.key.as_slice());
            if let Some(info) = waiting.peek()
                && next.is_none_or(|key| user_key(&info.smallest) <= key)
            {
                if user_key(&info.largest) >= prefix
                    && let Some(cursor) = self.cursor(info, prefix)?
                {
                    memory_bytes += cursor.table.memory_bytes();
                    open.push(Reverse(cursor));
                    if open.len() > MAX_OPEN_TABLES {
                        return Err(StoreError::TooLarge("tables of its store that overlap").into());
                    }
                }
                waiting.next();
                continue;
            }
            let Some(mut top) = open.peek_mut() else {
                return Ok(());
            };
            let Reverse(cursor) = &mut *top;
            if cursor.key.starts_with(prefix) {
                if before.as_deref() != Some(&cursor.key) {
                    let row = cursor.table.row().ok_or_else(|| damaged("a row is gone"))?;
                    match cursor.trailer & 0xFF {
                        _ if deleted.deletes(&cursor.key, cursor.trailer >> 8) => {}
                        SET | SET_WITH_DELETE => visit(&cursor.key, row.value)?,
                        DELETE | SINGLE_DELETE | DELETE_SIZED => {}
                        _ => {
                            return Err(
                                StoreError::Unknown("its store has rows of a kind not known here").into()
                            );
                        }
                    }
                    before.get_or_insert_default().clone_from(&cursor.key);
                }
            } else if cursor.key.as_slice() > prefix {
                // All further keys are greater than the prefix.
                return Ok(());
            }
            memory_bytes -= cursor.table.memory_bytes();
            cursor.table.advance()?;
            memory_bytes += cursor.table.memory_bytes();
            if memory_bytes > self.budget.max_bytes {
                return Err(StoreError::TooLarge("tables of its store that overlap").into());
            }
            if !cursor.load()? {
                memory_bytes -= cursor.table.memory_bytes();
                std::collections::binary_heap::PeekMut::pop(top);
            }
        }
    }

    fn cursor(&self, info: &TableInfo, from: &[u8]) -> Result<Option<Cursor>, StoreError> {
        let from = from.max(user_key(&info.smallest));
        let cursor = Cursor {
            table: TableReader::open(&self.file_of(info)?, &self.budget, from)?,
            key: Vec::new(),
            trailer: 0,
            last: Some(info.largest.clone()),
            sequence: info.sequence,
        };
        cursor.seek(from)
    }
}

/// The part of a deletion that is within the bounds of its table: the table may be a part of a larger file.
fn within(deletion: RangeDeletion, info: &TableInfo) -> Option<RangeDeletion> {
    let mut end = user_key(&info.largest).to_vec();
    // The last key is within the bounds if it is a row's, and not if it is the end of a deletion.
    if row_block::split_trailer(&info.largest).is_ok_and(|(_, trailer)| trailer >> 8 != LAST_SEQUENCE) {
        end.push(0);
    }
    let start = deletion.start.max(user_key(&info.smallest).to_vec());
    let end = deletion.end.min(end);
    (start < end).then_some(RangeDeletion {
        start,
        end,
        sequence: info.sequence.unwrap_or(deletion.sequence),
    })
}

fn user_key(key: &[u8]) -> &[u8] {
    row_block::split_trailer(key).map_or(&[], |(key, _)| key)
}

impl Cursor {
    /// Moves to the first row from a key on; `None` if there is none.
    fn seek(mut self, from: &[u8]) -> Result<Option<Self>, StoreError> {
        while self.table.row().is_some_and(|row| row.key < from) {
            self.table.advance()?;
        }
        Ok(self.load()?.then_some(self))
    }

    /// Copies key and trailer of the current row. Returns whether there is one within the table's bounds.
    fn load(&mut self) -> Result<bool, StoreError> {
        let Some(row) = self.table.row() else {
            return Ok(false);
        };
        if self.last.as_ref().is_some_and(|last| row.key > user_key(last)) {
            return Ok(false);
        }
        if row.key < self.key.as_slice() {
            return Err(damaged("the keys of a table of its store are not in order"));
        }
        self.key.clear();
        self.key.extend_from_slice(row.key);
        self.trailer = self
            .sequence
            .map_or(row.trailer, |sequence| sequence << 8 | row.trailer & 0xFF);
        Ok(true)
    }
}

impl Ord for Cursor {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key
            .cmp(&other.key)
            .then_with(|| other.trailer.cmp(&self.trailer))
    }
}

impl PartialOrd for Cursor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cursor {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Cursor {}
