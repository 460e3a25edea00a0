//! The store within a v3 file, written without Pebble: sorted tables in its oldest table format (rows in prefix-compressed
//! blocks), all in the bottom level, and the two files that say so. Rows are sorted before, so nothing is left to compact.

mod block;
mod crc32c;
mod record_log;
mod table;
mod version;

pub(crate) use table::{Placed, TableWriter};
pub(crate) use version::{FORMAT_MARKER, FORMAT_VERSION, MANIFEST, MANIFEST_MARKER, manifest, table_name};
