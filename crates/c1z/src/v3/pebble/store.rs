//! A whole store, read in the order of its keys: tables side by side, the latest row of each key.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::StoreError;
use super::error::damaged;
use super::memory_budget::MemoryBudget;
use super::range_deletions::RangeDeletions;
use super::range_deletions::Span;
use super::range_deletions::Sweep;
use super::row_block;
use super::row_block::BlockRows;
use super::sstable_reader::TableReader;
use super::version_edit;
use super::version_edit::TableInfo;
use super::wal;
use super::wal::WalEntries;

/// What a row does to its key.
const DELETE: u64 = 0;
const SET: u64 = 1;
const SINGLE_DELETE: u64 = 7;
const SET_WITH_DELETE: u64 = 18;
const DELETE_SIZED: u64 = 23;
/// In the trailer of a table's last key: it is not a row's.
const LAST_SEQUENCE: u64 = (1 << 56) - 1;
/// Tables that may be open at a time. The reference lets a dozen lie one upon the other before it merges them.
const MOST_OPEN: usize = 256;

/// An unpacked store.
#[derive(Debug)]
pub(crate) struct StoreReader {
    folder: PathBuf,
    /// By first key.
    tables: Vec<TableInfo>,
    /// What is in no table yet.
    logged: Arc<BlockRows>,
    /// Deletions of ranges, by start.
    spans: Vec<Span>,
    allowance: MemoryBudget,
}

/// A table within a merge: ordered by key, the latest row first.
struct Cursor {
    table: TableReader,
    key: Vec<u8>,
    trailer: u64,
    /// The last key that counts.
    last: Option<Vec<u8>>,
    /// What counts instead of the rows' own sequence numbers.
    sequence: Option<u64>,
}

impl StoreReader {
    /// Looks at a store, of which blocks may unpack to so many bytes.
    pub(crate) fn open(folder: &Path, most: usize) -> Result<Self, StoreError> {
        let (mut tables, first_log) = version_edit::tables(folder, most)?;
        tables.sort_by(|a, b| a.smallest.cmp(&b.smallest));
        let mut logged = WalEntries::within(most);
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
            logged.read(&folder.join(name), *number)?;
        }
        let mut spans = std::mem::replace(&mut logged.spans, RangeDeletions::within(0));
        let mut store = Self {
            folder: folder.to_owned(),
            tables,
            spans: Vec::new(),
            logged: Arc::new(logged.into_rows()?),
            allowance: MemoryBudget::of(bytes, most),
        };
        for info in &store.tables {
            TableReader::spans(&store.file_of(info)?, &store.allowance, |span| {
                within(span, info).map_or(Ok(()), |span| spans.push(span))
            })?;
        }
        store.spans = spans.all;
        store.spans.sort_by(|a, b| a.start.cmp(&b.start));
        Ok(store)
    }

    fn file_of(&self, info: &TableInfo) -> Result<PathBuf, StoreError> {
        let path = self.folder.join(format!("{:06}.sst", info.file));
        if path.exists() {
            Ok(path)
        } else {
            Err(damaged("a table of its store is missing"))
        }
    }

    /// Calls `take` with the rows of all keys that begin with something.
    pub(crate) fn each<E: From<StoreError>>(
        &self,
        prefix: &[u8],
        mut take: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut waiting = self.tables.iter().peekable();
        let mut open: BinaryHeap<Reverse<Cursor>> = BinaryHeap::new();
        let logged = Cursor {
            table: TableReader::of(Arc::clone(&self.logged), self.allowance.clone()),
            key: Vec::new(),
            trailer: 0,
            last: None,
            sequence: None,
        };
        open.extend(logged.at(prefix)?.map(Reverse));
        // Memory that the open tables take; the log has its own limit.
        let mut held = 0;
        let mut deleted = Sweep::over(&self.spans);
        let mut before: Option<Vec<u8>> = None;
        loop {
            // A table is opened when its turn comes, so that few are open at a time.
            let next = open.peek().map(|Reverse(cursor)| cursor.key.as_slice());
            if let Some(info) = waiting.peek()
                && next.is_none_or(|key| user_key(&info.smallest) <= key)
            {
                if user_key(&info.largest) >= prefix
                    && let Some(cursor) = self.cursor(info, prefix)?
                {
                    held += cursor.table.held();
                    open.push(Reverse(cursor));
                    if open.len() > MOST_OPEN {
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
                        _ if deleted.hides(&cursor.key, cursor.trailer >> 8) => {}
                        SET | SET_WITH_DELETE => take(&cursor.key, row.value)?,
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
                // Whatever comes is behind it.
                return Ok(());
            }
            held -= cursor.table.held();
            cursor.table.advance()?;
            held += cursor.table.held();
            if held > self.allowance.most {
                return Err(StoreError::TooLarge("tables of its store that overlap").into());
            }
            if !cursor.load()? {
                held -= cursor.table.held();
                std::collections::binary_heap::PeekMut::pop(top);
            }
        }
    }

    fn cursor(&self, info: &TableInfo, from: &[u8]) -> Result<Option<Cursor>, StoreError> {
        let from = from.max(user_key(&info.smallest));
        let cursor = Cursor {
            table: TableReader::open(&self.file_of(info)?, &self.allowance, from)?,
            key: Vec::new(),
            trailer: 0,
            last: Some(info.largest.clone()),
            sequence: info.sequence,
        };
        cursor.at(from)
    }
}

/// The part of a deletion that is within its table, which may be a part of another one.
fn within(span: Span, info: &TableInfo) -> Option<Span> {
    let mut end = user_key(&info.largest).to_vec();
    // A last key that is a row's is within, one that only ends a deletion is not.
    if row_block::part(&info.largest).is_ok_and(|(_, trailer)| trailer >> 8 != LAST_SEQUENCE) {
        end.push(0);
    }
    let start = span.start.max(user_key(&info.smallest).to_vec());
    let end = span.end.min(end);
    (start < end).then_some(Span {
        start,
        end,
        sequence: info.sequence.unwrap_or(span.sequence),
    })
}

fn user_key(key: &[u8]) -> &[u8] {
    row_block::part(key).map_or(&[], |(key, _)| key)
}

impl Cursor {
    /// Goes to a key; `None` if there is nothing from there.
    fn at(mut self, from: &[u8]) -> Result<Option<Self>, StoreError> {
        while self.table.row().is_some_and(|row| row.key < from) {
            self.table.advance()?;
        }
        Ok(self.load()?.then_some(self))
    }

    /// Takes over the current row; whether there is one within the table's bounds.
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
