//! Builds a database, from the first row to the finished file.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::PAGE_BYTES;
use super::btree::IndexTree;
use super::btree::TableTree;
use super::cells::PageKind;
use super::cells::lay_out;
use super::key::KeyDecoder;
use super::key::push_column;
use super::key::push_row_id;
use super::key::without_row_id;
use super::page_file::PageFile;
use super::record::Value;
use super::record::encode_record;
use super::schema::Index;
use super::schema::Predicate;
use super::schema::Table;
use crate::io::external_sort::SortThread;
use crate::io::external_sort::Sorter;

/// A database that is being built. It is not readable before [`Database::finish`].
#[derive(Debug)]
pub(crate) struct Database {
    pages: PageFile,
    tables: Vec<OpenTable>,
    sort: SortThread,
    record: Vec<u8>,
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct OpenTable {
    table: &'static Table,
    tree: TableTree,
    rows: u64,
    indexes: Vec<OpenIndex>,
}

#[derive(Debug)]
struct OpenIndex {
    index: &'static Index,
    /// Positions of the indexed columns; `None` is the row id.
    columns: Vec<Option<usize>>,
    only: Option<(usize, Predicate)>,
    sorter: Sorter,
}

/// Two rows of a table have the same values in a unique index.
#[derive(Debug)]
pub(crate) struct DuplicateKey {
    pub(crate) table: &'static str,
    /// The indexed values, as text for people.
    pub(crate) values: String,
}

/// Called with the number of finished indexes and of all indexes.
pub(crate) type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// Why a database could not be finished.
#[derive(Debug)]
pub(crate) enum FinishError {
    Io(io::Error),
    Duplicate(DuplicateKey),
}

impl From<io::Error> for FinishError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Database {
    /// Begins a database in a temporary file in `folder`. Setting `stop` makes the next write fail.
    pub(crate) fn create(folder: &Path, tables: &'static [Table], stop: Arc<AtomicBool>) -> io::Result<Self> {
        let open = |table: &'static Table| OpenTable {
            table,
            tree: TableTree::new(),
            rows: 0,
            indexes: table
                .indexes
                .iter()
                .map(|index| OpenIndex::new(table, index, folder))
                .collect(),
        };
        Ok(Self {
            pages: PageFile::create(folder, stop)?,
            tables: tables.iter().map(open).collect(),
            sort: SortThread::start()?,
            record: Vec::new(),
            scratch: Vec::new(),
        })
    }

    /// Continues as if the file had this many pages already.
    #[cfg(test)]
    pub(super) fn begin_at(&self, page: u32) {
        self.pages.begin_at(page);
    }

    /// Adds a row: the values of all columns but the row id, which counts up from 1.
    pub(crate) fn insert(&mut self, table: usize, values: &[Value<'_>]) -> io::Result<()> {
        let open = &mut self.tables[table];
        debug_assert_eq!(
            values.len(),
            open.table.columns.len(),
            "a row has a value for every column"
        );
        open.rows += 1;
        let row_id = std::iter::once(Value::Null);
        encode_record(&mut self.record, row_id.chain(values.iter().copied()));
        open.tree
            .push(open.rows, &self.record, &mut self.scratch, &self.pages)?;
        for index in open.indexes.iter_mut().filter(|index| index.has(values)) {
            self.scratch.clear();
            let row_id = open.rows.cast_signed();
            for column in &index.columns {
                push_column(
                    &mut self.scratch,
                    column.map_or(Value::Integer(row_id), |at| values[at]),
                );
            }
            push_row_id(&mut self.scratch, row_id);
            index.sorter.push(&self.scratch, &self.sort)?;
        }
        Ok(())
    }

    /// Builds the indexes and the header. Returns the file, which is a complete database.
    pub(crate) fn finish(mut self, progress: Progress<'_>) -> Result<File, FinishError> {
        self.sort.finish();
        let mut tables = Vec::with_capacity(self.tables.len());
        let mut indexes = Vec::new();
        for open in self.tables {
            tables.push((open.table, open.tree.finish(&self.pages)?));
            indexes.extend(open.indexes.into_iter().map(|index| (open.table, index)));
        }
        let roots = build_indexes(indexes, &self.pages, progress)?;
        write_schema(&self.pages, &tables, &roots)?;
        Ok(self.pages.into_file())
    }
}

impl OpenIndex {
    fn new(table: &Table, index: &'static Index, folder: &Path) -> Self {
        let only = index.only.and_then(|predicate| {
            let (Predicate::NotNull(column) | Predicate::IsOne(column)) = predicate;
            Some((table.position(column)?, predicate))
        });
        let columns = index
            .columns
            .iter()
            .map(|column| table.position(column))
            .collect();
        Self {
            index,
            columns,
            only,
            sorter: Sorter::new(folder),
        }
    }

    /// Whether a row belongs to the index.
    fn has(&self, values: &[Value<'_>]) -> bool {
        match self.only {
            None => true,
            Some((at, Predicate::NotNull(_))) => values[at] != Value::Null,
            Some((at, Predicate::IsOne(_))) => values[at] == Value::Integer(1),
        }
    }
}

type Built = (&'static Table, &'static Index, u32);

/// Builds indexes on two threads: merging keys is CPU-bound, and small machines have two cores.
///
/// # Errors
/// Of several indexes that cannot be built, the first in order says why, whichever thread is faster: indexes are taken in
/// order, so all before a failed one are built or have failed themselves.
fn build_indexes(
    indexes: Vec<(&'static Table, OpenIndex)>,
    pages: &PageFile,
    progress: Progress<'_>,
) -> Result<Vec<Built>, FinishError> {
    let total = indexes.len();
    let waiting = std::sync::Mutex::new(indexes.into_iter().enumerate());
    let finished = std::sync::atomic::AtomicUsize::new(0);
    let waiting = || waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let work = || -> Result<Vec<(usize, Built)>, (usize, FinishError)> {
        let mut built = Vec::new();
        loop {
            let next = waiting().next();
            let Some((position, (table, open))) = next else {
                return Ok(built);
            };
            let index = open.index;
            let root = build_index(table, open, pages).map_err(|error| {
                waiting().by_ref().for_each(drop);
                (position, error)
            })?;
            built.push((position, (table, index, root)));
            progress(
                finished.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1,
                total,
            );
        }
    };
    let (here, there) = std::thread::scope(|scope| {
        // If no thread can be started, this one does all the work.
        let other = std::thread::Builder::new().spawn_scoped(scope, work);
        let here = work();
        let lost = |_| {
            let error = io::Error::other("an index thread ended unexpectedly");
            Err((total, FinishError::Io(error)))
        };
        let there = other.map(|other| other.join().unwrap_or_else(lost));
        (here, there.unwrap_or_else(|_| Ok(Vec::new())))
    });
    let mut built = match (here, there) {
        (Ok(here), Ok(there)) => [here, there].concat(),
        (Err(here), Err(there)) => return Err(if here.0 < there.0 { here.1 } else { there.1 }),
        (Err((_, error)), Ok(_)) | (Ok(_), Err((_, error))) => return Err(error),
    };
    built.sort_by_key(|(position, _)| *position);
    Ok(built.into_iter().map(|(_, index)| index).collect())
}

fn build_index(table: &'static Table, open: OpenIndex, pages: &PageFile) -> Result<u32, FinishError> {
    let OpenIndex { index, sorter, .. } = open;
    let mut tree = IndexTree::new();
    let mut decoder = KeyDecoder::default();
    let (mut record, mut scratch, mut before) = (Vec::new(), Vec::new(), Vec::new());
    let mut duplicate = None;
    let outcome = sorter.merge(|key| {
        if index.unique {
            if without_row_id(key) == without_row_id(&before) && !before.is_empty() {
                duplicate = Some(key.to_vec());
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            before.clear();
            before.extend_from_slice(key);
        }
        decoder.record(key, &mut record);
        tree.push(&record, &mut scratch, pages)
    });
    if let Some(key) = duplicate {
        let values = String::from_utf8_lossy(without_row_id(&key)).replace(|c: char| c.is_control(), " ");
        let values = values.trim().to_owned();
        return Err(FinishError::Duplicate(DuplicateKey {
            table: table.name,
            values,
        }));
    }
    outcome?;
    Ok(tree.finish(pages)?)
}

/// Writes the schema table, whose root must be page 1, behind the file header. The statements of all our tables and
/// indexes do not fit one page, so page 1 is always an interior page over at least two leaves.
fn write_schema(pages: &PageFile, tables: &[(&'static Table, u32)], indexes: &[Built]) -> io::Result<()> {
    let mut tree = TableTree::new();
    let (mut record, mut scratch) = (Vec::new(), Vec::new());
    let mut rows = 0;
    let mut row = |tree: &mut TableTree, kind: &str, name: &str, table: &str, root: u32, sql: &str| {
        let values = [
            Value::from(kind),
            Value::from(name),
            Value::from(table),
            Value::Integer(i64::from(root)),
            Value::from(sql),
        ];
        encode_record(&mut record, values.into_iter());
        rows += 1;
        tree.push(rows, &record, &mut scratch, pages)
    };
    for (table, root) in tables {
        row(
            &mut tree,
            "table",
            table.name,
            table.name,
            *root,
            &table.create_statement(),
        )?;
    }
    tree.break_leaf(pages)?;
    for (table, index, root) in indexes {
        row(
            &mut tree,
            "index",
            index.name,
            table.name,
            *root,
            &index.create_statement(table),
        )?;
    }
    let leaves = tree.into_leaves(pages)?;
    let Some(((last, _), rest)) = leaves.split_last() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };

    let mut page = [0; PAGE_BYTES];
    let cells = rest.iter().map(|(child, key)| (Some(*child), key.as_slice()));
    lay_out(&mut page, HEADER_BYTES, PageKind::InteriorTable, *last, cells);
    page[..HEADER_BYTES].copy_from_slice(&header(pages.pages()));
    pages.write(1, &page)
}

pub(super) const HEADER_BYTES: usize = 100;

/// The file header (SQLite file format §1.3).
fn header(page_count: u32) -> [u8; HEADER_BYTES] {
    const SCHEMA_FORMAT: u32 = 4;
    const UTF_8: u32 = 1;
    const CHANGE_COUNTER: u32 = 1;
    /// The SQLite release whose rules the file follows.
    const SQLITE_VERSION: u32 = 3_045_000;
    let mut header = [0; HEADER_BYTES];
    header[..16].copy_from_slice(b"SQLite format 3\0");
    let page_bytes = u16::try_from(PAGE_BYTES).unwrap_or(1);
    header[16..18].copy_from_slice(&page_bytes.to_be_bytes());
    // Rollback journal, no reserved bytes, and the three payload fractions that the format fixes.
    header[18..24].copy_from_slice(&[1, 1, 0, 64, 32, 32]);
    let words = [
        (24, CHANGE_COUNTER),
        (28, page_count),
        (40, 1),
        (44, SCHEMA_FORMAT),
        (56, UTF_8),
        (92, CHANGE_COUNTER),
        (96, SQLITE_VERSION),
    ];
    for (at, word) in words {
        header[at..at + 4].copy_from_slice(&word.to_be_bytes());
    }
    header
}
