//! Reads which tables a store has: its manifest is a log of version edits, which add and remove tables.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::error::StoreError;
use super::error::damaged;
use super::record_format;
use super::row_block::read_owned;
use super::varint;

/// A table, as the manifest describes it.
#[derive(Debug, Clone)]
pub(super) struct TableInfo {
    /// The number of its file.
    pub(super) file: u64,
    /// First and last key, with trailers.
    pub(super) smallest: Vec<u8>,
    pub(super) largest: Vec<u8>,
    /// The sequence number of all rows, if the table was ingested.
    pub(super) sequence: Option<u64>,
}

/// Maximum length of a manifest.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;
const MARKER: &str = "marker.manifest.";

/// Returns the tables of a store, whose list may take `max_bytes` of memory, and the number of the first log that is still
/// needed.
pub(super) fn tables(folder: &Path, max_bytes: usize) -> Result<(Vec<TableInfo>, u64), StoreError> {
    let manifest = folder.join(current(folder)?);
    let bytes = fs::metadata(&manifest)
        .map_err(|_| damaged("its store has no manifest of tables"))?
        .len();
    if bytes > MAX_MANIFEST_BYTES.min(max_bytes as u64) {
        return Err(StoreError::TooLarge("the manifest of its tables"));
    }
    let mut edits = VersionEdits {
        tables: BTreeMap::new(),
        first_log: 0,
        left: max_bytes,
    };
    record_format::each(&fs::read(manifest)?, None, |edit| edits.apply(edit))?;
    Ok((edits.tables.into_values().collect(), edits.first_log))
}

/// The name of the manifest, from the marker with the highest number.
fn current(folder: &Path) -> Result<String, StoreError> {
    let mut newest = None;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let parsed = name.strip_prefix(MARKER).and_then(|rest| rest.split_once('.'));
        if let Some((number, manifest)) =
            parsed.and_then(|(number, name)| Some((number.parse::<u64>().ok()?, name)))
        {
            newest = newest.max(Some((number, manifest.to_owned())));
        }
    }
    let (_, name) = newest.ok_or_else(|| damaged("its store does not say which manifest counts"))?;
    if name.contains(['/', '\\']) {
        return Err(damaged("its store names a manifest elsewhere"));
    }
    Ok(name)
}

/// Bytes of memory of a table in the list, besides its keys.
const TABLE_OVERHEAD: usize = 2 * size_of::<((u64, u64), TableInfo)>();

#[derive(Debug)]
struct VersionEdits {
    tables: BTreeMap<(u64, u64), TableInfo>,
    first_log: u64,
    /// Bytes of memory that are left.
    left: usize,
}

impl VersionEdits {
    fn apply(&mut self, mut edit: &[u8]) -> Result<(), StoreError> {
        while !edit.is_empty() {
            let (tag, rest) = varint::read(edit)?;
            edit = match tag {
                // The comparer.
                1 => read_owned(rest)?.1,
                2 => {
                    let (number, rest) = varint::read(rest)?;
                    self.first_log = number;
                    rest
                }
                // Next file, last sequence number, previous log, removed backing table.
                3 | 4 | 9 | 106 => varint::read(rest)?.1,
                // Created backing table: number and size.
                105 => varint::read(varint::read(rest)?.1)?.1,
                // Compaction pointer of a level.
                5 => read_owned(varint::read(rest)?.1)?.1,
                6 => {
                    let (level, rest) = varint::read(rest)?;
                    let (number, rest) = varint::read(rest)?;
                    self.tables.remove(&(level, number));
                    rest
                }
                7 | 100 | 102 | 103 => self.add(tag, rest)?,
                104 => return Err(StoreError::Unknown("its store has keys of ranges")),
                107 | 108 => return Err(StoreError::Unknown("its store has values in files of their own")),
                _ => {
                    return Err(StoreError::Unknown(
                        "its store has a history of a kind not known here",
                    ));
                }
            };
        }
        Ok(())
    }

    fn add<'e>(&mut self, tag: u64, rest: &'e [u8]) -> Result<&'e [u8], StoreError> {
        let (level, rest) = varint::read(rest)?;
        let (number, mut rest) = varint::read(rest)?;
        if tag == 102 {
            rest = varint::read(rest)?.1;
        }
        let (_size, rest) = varint::read(rest)?;
        let (smallest, rest) = read_owned(rest)?;
        let (largest, mut rest) = read_owned(rest)?;
        let mut info = TableInfo {
            file: number,
            smallest,
            largest,
            sequence: None,
        };
        if tag != 7 {
            let (first, after) = varint::read(rest)?;
            let (last, after) = varint::read(after)?;
            info.sequence = (first == last && first > 0).then_some(first);
            rest = after;
        }
        if tag == 103 {
            loop {
                let (field, after) = varint::read(rest)?;
                rest = after;
                match field {
                    1 => break,
                    // A virtual table: part of a backing table.
                    66 => {
                        let (backing, after) = varint::read(rest)?;
                        info.file = backing;
                        rest = after;
                    }
                    field if field & 64 != 0 => {
                        return Err(StoreError::Unknown(
                            "its tables are made of others in a way not known here",
                        ));
                    }
                    _ => rest = read_owned(rest)?.1,
                }
            }
        }
        let bytes = TABLE_OVERHEAD + info.smallest.len() + info.largest.len();
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or(StoreError::TooLarge("the list of its tables"))?;
        self.tables.insert((level, number), info);
        Ok(rest)
    }
}
