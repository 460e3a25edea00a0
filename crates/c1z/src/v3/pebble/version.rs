//! The files that say what a store has: two empty ones whose names are all they say, and the manifest of tables.

use prost::encoding::encode_varint;

use super::record_format;
use super::sstable_writer::FinishedTable;

/// What Pebble calls the format major version: the one that the SDK writes, which tables of any older kind are part of.
pub(crate) const FORMAT_VERSION: u32 = 24;
pub(crate) const MANIFEST: &str = "MANIFEST-000001";
pub(crate) const MANIFEST_MARKER: &str = "marker.manifest.000001.MANIFEST-000001";
pub(crate) const FORMAT_MARKER: &str = "marker.format-version.000001.024";

/// Tags of an edit.
const COMPARER: u64 = 1;
const LOG_NUMBER: u64 = 2;
const NEXT_FILE: u64 = 3;
const LAST_SEQUENCE: u64 = 4;
const NEW_TABLE: u64 = 100;

const BOTTOM_LEVEL: u64 = 6;
/// The manifest has the first number and the log, which is not there, the second.
const FIRST_TABLE: u64 = 3;

/// The name of the table with an index.
pub(crate) fn table_name(index: u64) -> String {
    format!("{:06}.sst", FIRST_TABLE + index)
}

/// The manifest over tables.
pub(crate) fn manifest(tables: &[FinishedTable]) -> Vec<u8> {
    let mut edit = Vec::new();
    encode_varint(COMPARER, &mut edit);
    push(b"leveldb.BytewiseComparator", &mut edit);
    let next = FIRST_TABLE + tables.len() as u64;
    for number in [LOG_NUMBER, 2, NEXT_FILE, next, LAST_SEQUENCE, 9] {
        encode_varint(number, &mut edit);
    }
    for (index, table) in (FIRST_TABLE..).zip(tables) {
        for number in [NEW_TABLE, BOTTOM_LEVEL, index, table.bytes] {
            encode_varint(number, &mut edit);
        }
        push(&table.smallest, &mut edit);
        push(&table.largest, &mut edit);
        // First and last sequence number of its rows.
        edit.extend_from_slice(&[0, 0]);
    }
    let mut log = Vec::new();
    record_format::append(&edit, &mut log);
    log
}

fn push(bytes: &[u8], out: &mut Vec<u8>) {
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}
