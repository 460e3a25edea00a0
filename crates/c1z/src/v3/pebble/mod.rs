//! The store within a v3 file, without Pebble. Written are sorted tables in its oldest table format (rows in
//! prefix-compressed blocks), all in the bottom level, and the two files that say so: rows are sorted before, so nothing is left
//! to compact. Read are all table formats up to the one of columns that the SDK writes; what is not understood is named.

mod block;
mod columnar_block;
mod crc32c;
mod error;
mod memory_budget;
mod range_deletions;
mod record_format;
mod row_block;
mod snappy;
mod sstable_reader;
mod sstable_writer;
mod store;
mod version;
mod version_edit;
mod wal;

pub(crate) use error::StoreError;
pub(crate) use sstable_writer::FinishedTable;
pub(crate) use sstable_writer::TableWriter;
pub(crate) use store::StoreReader;
pub(crate) use version::{FORMAT_MARKER, FORMAT_VERSION, MANIFEST, MANIFEST_MARKER, manifest, table_name};
