//! Which tables a store has: its manifest is a log of edits, tables added and removed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::error::StoreError;
use super::error::damaged;
use super::error::varint;
use super::record_format;
use super::row_block::owned;

/// A table as the manifest tells of it.
#[derive(Debug, Clone)]
pub(super) struct TableInfo {
    /// The number in the name of its file.
    pub(super) file: u64,
    /// First and last key, with their trailers.
    pub(super) smallest: Vec<u8>,
    pub(super) largest: Vec<u8>,
    /// The sequence number of all rows, of a table that was made elsewhere and taken in.
    pub(super) sequence: Option<u64>,
}

/// Longest manifest that is read.
const MOST_BYTES: u64 = 64 << 20;
const MARKER: &str = "marker.manifest.";

/// The tables of a store, of which the list may take so many bytes of memory, and the number before which logs are done with.
pub(super) fn tables(folder: &Path, most: usize) -> Result<(Vec<TableInfo>, u64), StoreError> {
    let manifest = folder.join(current(folder)?);
    let bytes = fs::metadata(&manifest)
        .map_err(|_| damaged("its store has no manifest of tables"))?
        .len();
    if bytes > MOST_BYTES.min(most as u64) {
        return Err(StoreError::TooLarge("the manifest of its tables"));
    }
    let mut edits = VersionEdits {
        tables: BTreeMap::new(),
        first_log: 0,
        left: most,
    };
    record_format::each(&fs::read(manifest)?, None, |edit| edits.apply(edit))?;
    Ok((edits.tables.into_values().collect(), edits.first_log))
}

/// The name of the manifest: that of the marker with the highest number tells it.
fn current(folder: &Path) -> Result<String, StoreError> {
    let mut newest = None;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let told = name.strip_prefix(MARKER).and_then(|rest| rest.split_once('.'));
        if let Some((number, manifest)) =
            told.and_then(|(number, name)| Some((number.parse::<u64>().ok()?, name)))
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

/// Memory that a table takes in the list, beside its keys.
const TABLE_OVERHEAD: usize = 2 * size_of::<((u64, u64), TableInfo)>();

#[derive(Debug)]
struct VersionEdits {
    tables: BTreeMap<(u64, u64), TableInfo>,
    first_log: u64,
    /// Bytes of memory that may still be taken.
    left: usize,
}

impl VersionEdits {
    fn apply(&mut self, mut edit: &[u8]) -> Result<(), StoreError> {
        while !edit.is_empty() {
            let (tag, rest) = varint(edit)?;
            edit = match tag {
                // The comparer.
                1 => owned(rest)?.1,
                2 => {
                    let (number, rest) = varint(rest)?;
                    self.first_log = number;
                    rest
                }
                // Next file, last sequence number, previous log, a backing table gone.
                3 | 4 | 9 | 106 => varint(rest)?.1,
                // A backing table made: its number and size.
                105 => varint(varint(rest)?.1)?.1,
                // How far a level was compacted.
                5 => owned(varint(rest)?.1)?.1,
                6 => {
                    let (level, rest) = varint(rest)?;
                    let (number, rest) = varint(rest)?;
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
        let (level, rest) = varint(rest)?;
        let (number, mut rest) = varint(rest)?;
        if tag == 102 {
            rest = varint(rest)?.1;
        }
        let (_size, rest) = varint(rest)?;
        let (smallest, rest) = owned(rest)?;
        let (largest, mut rest) = owned(rest)?;
        let mut info = TableInfo {
            file: number,
            smallest,
            largest,
            sequence: None,
        };
        if tag != 7 {
            let (first, after) = varint(rest)?;
            let (last, after) = varint(after)?;
            info.sequence = (first == last && first > 0).then_some(first);
            rest = after;
        }
        if tag == 103 {
            loop {
                let (field, after) = varint(rest)?;
                rest = after;
                match field {
                    1 => break,
                    // A part of another table.
                    66 => {
                        let (backing, after) = varint(rest)?;
                        info.file = backing;
                        rest = after;
                    }
                    field if field & 64 != 0 => {
                        return Err(StoreError::Unknown(
                            "its tables are made of others in a way not known here",
                        ));
                    }
                    _ => rest = owned(rest)?.1,
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
