//! A store of keys and values in the files of Pebble, `CockroachDB`'s LSM tree, without Pebble. It knows nothing of what is
//! stored: no other module of this crate is used here (a test checks that), so that it could be a crate of its own.
//!
//! - **Writing**: sorted tables in the oldest table format that Pebble 2 opens, all in the bottom level, so that nothing is left to
//!   compact, and the files that describe them ([`TableWriter`], [`manifest`]).
//! - **Reading**: all table formats up to the columnar one ([`StoreReader`]). Features that are not supported are named in errors.

mod block;
mod checksum;
mod columnar_block;
mod error;
mod memory_budget;
mod range_deletions;
mod record_format;
mod row_block;
mod snappy;
mod sstable_reader;
mod sstable_writer;
mod store;
mod table_files;
mod varint;
mod version;
mod version_edit;
mod wal;

#[cfg(any(test, fuzzing))]
pub(crate) use checksum::ignore_checksums_for_fuzzing;
pub(crate) use error::StoreError;
pub(crate) use sstable_writer::FinishedTable;
pub(crate) use sstable_writer::TableWriter;
pub(crate) use store::StoreReader;
pub(crate) use table_files::{FolderTables, TableFile, TableFiles, table_number};
pub(crate) use version::{FORMAT_MARKER, FORMAT_VERSION, MANIFEST, MANIFEST_MARKER, manifest, table_name};
