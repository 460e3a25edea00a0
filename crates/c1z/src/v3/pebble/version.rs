//! Writes the files that describe a store: two empty markers, whose names are their content, and the manifest of tables.

use super::record_format;
use super::sstable_writer::FinishedTable;
use super::table_files;
use super::varint;

/// Pebble's format major version. Tables of all older formats are allowed in it.
pub(crate) const FORMAT_VERSION: u32 = 24;
pub(crate) const MANIFEST: &str = "MANIFEST-000001";
pub(crate) const MANIFEST_MARKER: &str = "marker.manifest.000001.MANIFEST-000001";
pub(crate) const FORMAT_MARKER: &str = "marker.format-version.000001.024";

/// Tags of a version edit.
const COMPARER: u64 = 1;
const LOG_NUMBER: u64 = 2;
const NEXT_FILE: u64 = 3;
const LAST_SEQUENCE: u64 = 4;
const NEW_TABLE: u64 = 100;

const BOTTOM_LEVEL: u64 = 6;
/// File numbers start with the manifest's and the one of the write-ahead log, which does not exist.
const FIRST_TABLE: u64 = 3;

/// The file name of the table at an index.
pub(crate) fn table_name(index: u64) -> String {
    table_files::table_name(FIRST_TABLE + index)
}

/// The manifest of a store that has these tables, all in the bottom level.
pub(crate) fn manifest(tables: &[FinishedTable]) -> Vec<u8> {
    let mut edit = Vec::new();
    varint::push(COMPARER, &mut edit);
    varint::push_bytes(b"leveldb.BytewiseComparator", &mut edit);
    let next = FIRST_TABLE + tables.len() as u64;
    for number in [LOG_NUMBER, 2, NEXT_FILE, next, LAST_SEQUENCE, 9] {
        varint::push(number, &mut edit);
    }
    for (index, table) in (FIRST_TABLE..).zip(tables) {
        for number in [NEW_TABLE, BOTTOM_LEVEL, index, table.bytes] {
            varint::push(number, &mut edit);
        }
        varint::push_bytes(&table.smallest, &mut edit);
        varint::push_bytes(&table.largest, &mut edit);
        // Smallest and largest sequence number.
        edit.extend_from_slice(&[0, 0]);
    }
    let mut log = Vec::new();
    record_format::append(&edit, &mut log);
    log
}
