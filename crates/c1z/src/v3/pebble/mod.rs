//! The store within a v3 file, without Pebble. Written are sorted tables in its oldest table format (rows in
//! prefix-compressed blocks), all in the bottom level, and the two files that say so: rows are sorted before, so nothing is left
//! to compact. Read are all table formats up to the one of columns that the SDK writes; what is not understood is named.

mod allowance;
mod block;
mod broken;
mod columns;
mod crc32c;
mod edits;
mod log;
mod record_log;
mod rows;
mod snappy;
mod spans;
mod store;
mod table;
mod table_reader;
mod version;

pub(crate) use broken::Broken;
pub(crate) use store::StoreReader;
pub(crate) use table::{Placed, TableWriter};
pub(crate) use version::{FORMAT_MARKER, FORMAT_VERSION, MANIFEST, MANIFEST_MARKER, manifest, table_name};
