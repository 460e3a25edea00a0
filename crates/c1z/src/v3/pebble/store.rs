//! Reads a store in the order of its keys: merges its tables and returns the latest row of each key.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
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
use super::table_files::{TableFiles, missing};
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

/// A store: its tables, and what is in their folder besides them.
#[derive(Debug)]
pub(crate) struct StoreReader<T> {
    files: T,
    /// Sorted by first key.
    tables: Vec<TableInfo>,
    /// Rows of the write-ahead log.
    wal_rows: Arc<BlockRows>,
    /// Range deletions of the log.
    wal_deletions: RangeDeletions,
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

impl<T: TableFiles> StoreReader<T> {
    /// Opens a store whose blocks may take `max_bytes` of memory at a time.
    pub(crate) fn open(folder: &Path, files: T, max_bytes: usize) -> Result<Self, T::Error> {
        let store = Self::open_folder(folder, files, max_bytes)?;
        for info in &store.tables {
            if !store.files.contains(info.file)? {
                return Err(missing().into());
            }
        }
        Ok(store)
    }

    fn open_folder(folder: &Path, files: T, max_bytes: usize) -> Result<Self, StoreError> {
        let (mut tables, first_log) = version_edit::tables(folder, max_bytes)?;
        tables.sort_by(|a, b| a.smallest.cmp(&b.smallest));
        let mut wal_rows = WalEntries::with_limit(max_bytes);
        let mut logs = Vec::new();
        let mut bytes = files.bytes_elsewhere();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            bytes = entry.metadata()?.len().saturating_add(bytes);
            let name = entry.file_name().to_string_lossy().into_owned();
            logs.extend(wal::number(&name, first_log).map(|number| (number, name)));
        }
        logs.sort_unstable();
        for (number, name) in &logs {
            wal_rows.read(&folder.join(name), *number)?;
        }
        Ok(Self {
            files,
            tables,
            wal_deletions: std::mem::replace(&mut wal_rows.deletions, RangeDeletions::with_limit(0)),
            wal_rows: Arc::new(wal_rows.into_rows()?),
            budget: MemoryBudget::new(bytes, max_bytes),
        })
    }

    /// Calls `visit` with key and value of all keys that begin with `prefix`, in ascending order.
    pub(crate) fn each<E: From<T::Error>>(
        &self,
        prefix: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.scan(prefix, prefix, |key, value| {
            visit(key, value).map(ControlFlow::Continue)
        })
    }

    /// The first key that begins with `prefix` and is not before `from`.
    pub(crate) fn first_from(&self, prefix: &[u8], from: &[u8]) -> Result<Option<Vec<u8>>, T::Error> {
        let mut found = None;
        self.scan(prefix, from, |key, _| {
            found = Some(key.to_vec());
            Ok::<_, T::Error>(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// Calls `visit` with the rows whose keys begin with `prefix` and are not before `from`, in ascending order, until it breaks.
    fn scan<E: From<T::Error>>(
        &self,
        prefix: &[u8],
        from: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let from = from.max(prefix);
        let failed = |error: StoreError| E::from(T::Error::from(error));
        let mut waiting = self.tables.iter().peekable();
        let mut open: BinaryHeap<Reverse<Cursor>> = BinaryHeap::new();
        open.extend(self.log_cursor().seek(from).map_err(failed)?.map(Reverse));
        // Bytes of memory of the open tables. The log has its own limit.
        let mut memory_bytes = 0;
        let mut deletions = DeletionSweep::new(&self.wal_deletions);
        let mut before: Option<Vec<u8>> = None;
        loop {
            // A table is opened when the merge reaches its first key, so that few are open at a time.
            let next = open.peek().map(|Reverse(cursor)| cursor.key.as_slice());
            if let Some(info) = waiting.peek()
                && next.is_none_or(|key| user_key(&info.smallest) <= key)
            {
                if is_after(user_key(&info.smallest), prefix) {
                    return Ok(());
                }
                if user_key(&info.largest) >= from
                    && let Some(cursor) = self.cursor(info, from, &mut deletions)?
                {
                    memory_bytes += cursor.table.memory_bytes();
                    open.push(Reverse(cursor));
                    if open.len() > MAX_OPEN_TABLES {
                        return Err(failed(StoreError::TooLarge("tables of its store that overlap")));
                    }
                }
                waiting.next();
                continue;
            }
            let Some(mut top) = open.peek_mut() else {
                return Ok(());
            };
            let Reverse(cursor) = &mut *top;
            if is_after(&cursor.key, prefix) {
                return Ok(());
            }
            if before.as_ref() != Some(&cursor.key) {
                if is_live(cursor, &mut deletions).map_err(failed)? {
                    let row = cursor
                        .table
                        .row()
                        .ok_or_else(|| failed(damaged("a row is gone")))?;
                    if visit(&cursor.key, row.value)?.is_break() {
                        return Ok(());
                    }
                }
                before.get_or_insert_default().clone_from(&cursor.key);
            }
            memory_bytes -= cursor.table.memory_bytes();
            cursor.table.advance().map_err(failed)?;
            memory_bytes += cursor.table.memory_bytes();
            if memory_bytes > self.budget.max_bytes {
                return Err(failed(StoreError::TooLarge("tables of its store that overlap")));
            }
            if !cursor.load().map_err(failed)? {
                memory_bytes -= cursor.table.memory_bytes();
                PeekMut::pop(top);
            }
        }
    }

    fn log_cursor(&self) -> Cursor {
        Cursor {
            table: TableReader::from_rows(Arc::clone(&self.wal_rows), self.budget.clone()),
            key: Vec::new(),
            trailer: 0,
            last: None,
            sequence: None,
        }
    }

    /// Opens a table at a key. Its deletions are added to `deletions` even if it has no further rows.
    fn cursor(
        &self,
        info: &TableInfo,
        from: &[u8],
        deletions: &mut DeletionSweep,
    ) -> Result<Option<Cursor>, T::Error> {
        let from = from.max(user_key(&info.smallest));
        let table = TableReader::open(self.files.open(info.file)?, &self.budget, from, |deletion| {
            within(deletion, info).map_or(Ok(()), |deletion| deletions.add(deletion))
        })?;
        let cursor = Cursor {
            table,
            key: Vec::new(),
            trailer: 0,
            last: Some(info.largest.clone()),
            sequence: info.sequence,
        };
        Ok(cursor.seek(from)?)
    }
}

/// Whether a key is after all keys that begin with a prefix.
fn is_after(key: &[u8], prefix: &[u8]) -> bool {
    !key.starts_with(prefix) && key > prefix
}

/// Whether the current row sets its key and is not deleted.
fn is_live(cursor: &Cursor, deletions: &mut DeletionSweep) -> Result<bool, StoreError> {
    if deletions.deletes(&cursor.key, cursor.trailer >> 8) {
        return Ok(false);
    }
    match cursor.trailer & 0xFF {
        SET | SET_WITH_DELETE => Ok(true),
        DELETE | SINGLE_DELETE | DELETE_SIZED => Ok(false),
        _ => Err(StoreError::Unknown("its store has rows of a kind not known here")),
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
