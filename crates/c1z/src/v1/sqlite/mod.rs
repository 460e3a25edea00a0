//! Writes complete SQLite databases, page by page, without SQLite.
//!
//! A sync is a bulk load: rows come once, in one go, and are never changed. SQLite's own way — insert, then build each index with
//! a pass over the table — costs several times what the data is worth. Here rows go straight to the leaf pages of their table,
//! index entries to an external sort, and every page is written once. The result is an ordinary database in SQLite's documented
//! file format; The tests verify it with SQLite.

mod btree;
mod cells;
mod database;
mod key;
mod page_check;
mod page_file;
mod record;
mod schema;
#[cfg(test)]
mod tests;

pub(crate) use database::Database;
pub(crate) use database::FinishError;
pub(crate) use page_check::PageCheck;
pub(crate) use record::Value;
pub(crate) use schema::Column;
pub(crate) use schema::Index;
pub(crate) use schema::Predicate;
pub(crate) use schema::Table;
pub(crate) use schema::trees;

/// Bytes of a page: SQLite's default, as in files of baton-sdk (docs/reference/c1z.md §2.1).
pub(crate) const PAGE_BYTES: usize = 4096;
