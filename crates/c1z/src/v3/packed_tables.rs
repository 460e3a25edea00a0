//! The tables of a store that stay packed in their file: each is unpacked when it is read, so that only the tables that are
//! needed are unpacked, and one at a time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::envelope::{Entry, Envelope};
use super::pebble::{FolderTables, StoreError, TableFile, TableFiles};
use super::store_read_error::StoreReadError;
use crate::error::C1zError;

/// How often the bytes of a store may be unpacked: its list of tables can name parts of a few files without end.
pub(super) const MAX_TIMES_UNPACKED: u64 = 16;
/// Bytes that even the smallest store may unpack.
pub(super) const MIN_BYTES_UNPACKED: u64 = 64 << 20;

/// The tables of a store.
#[derive(Debug)]
pub(crate) enum StoreTables {
    Unpacked(FolderTables),
    Packed(Box<PackedTables>),
}

/// Tables in the file.
#[derive(Debug)]
pub(crate) struct PackedTables {
    temp_folder: PathBuf,
    stop: Arc<AtomicBool>,
    bytes: u64,
    entries: HashMap<u64, Entry>,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    envelope: Envelope,
    /// Bytes that may still be unpacked.
    bytes_left: u64,
    /// The table that was unpacked last: short scans often read the same one.
    last: Option<(u64, UnpackedTable)>,
}

#[derive(Debug)]
enum UnpackedTable {
    Memory(SharedBytes),
    /// A file without a name.
    Disk(File),
}

#[derive(Clone)]
struct SharedBytes(Arc<Vec<u8>>);

impl PackedTables {
    /// The tables of a file. Large ones are unpacked into `temp_folder`.
    pub(super) fn new(
        envelope: Envelope,
        entries: HashMap<u64, Entry>,
        temp_folder: &Path,
        stop: Arc<AtomicBool>,
    ) -> Self {
        // The index was checked: the sum is within the limit on decoded bytes.
        let bytes: u64 = entries.values().map(|entry| entry.raw_bytes).sum();
        let bytes_left = bytes.saturating_mul(MAX_TIMES_UNPACKED);
        Self {
            temp_folder: temp_folder.to_owned(),
            stop,
            bytes,
            entries,
            state: RefCell::new(State {
                envelope,
                bytes_left: bytes_left.saturating_add(MIN_BYTES_UNPACKED),
                last: None,
            }),
        }
    }

    fn open(&self, number: u64) -> Result<Box<dyn TableFile>, StoreReadError> {
        let mut state = self.state.borrow_mut();
        if let Some((last, table)) = &state.last
            && *last == number
        {
            return Ok(table.reader()?);
        }
        // Its memory is used again.
        let memory = state.last.take().and_then(|(_, table)| table.into_memory());
        let entry = self
            .entries
            .get(&number)
            .ok_or_else(|| StoreError::Damaged("a table of its store is missing".to_owned()))?;
        let bytes_left = state.bytes_left.checked_sub(entry.raw_bytes).ok_or_else(|| {
            StoreError::Damaged("reading its store takes longer than its size allows".to_owned())
        })?;
        state.bytes_left = bytes_left;
        let table = self.unpack(&mut state.envelope, entry, memory.unwrap_or_default())?;
        let reader = table.reader()?;
        state.last = Some((number, table));
        Ok(reader)
    }

    fn unpack(
        &self,
        envelope: &mut Envelope,
        entry: &Entry,
        mut memory: Vec<u8>,
    ) -> Result<UnpackedTable, C1zError> {
        if envelope.unpack_at_once(entry, &self.stop, &mut memory)? {
            return Ok(UnpackedTable::Memory(SharedBytes(Arc::new(memory))));
        }
        drop(memory);
        let writing = |error| C1zError::io("writing temporary files in", &self.temp_folder, error);
        let mut file = tempfile::tempfile_in(&self.temp_folder).map_err(writing)?;
        envelope.unpack(entry, &self.stop, |chunk| file.write_all(chunk).map_err(writing))?;
        Ok(UnpackedTable::Disk(file))
    }
}

impl UnpackedTable {
    fn reader(&self) -> io::Result<Box<dyn TableFile>> {
        Ok(match self {
            Self::Memory(bytes) => Box::new(Cursor::new(bytes.clone())),
            // The copy shares its position, which does not matter: a reader seeks before it reads, on one thread.
            Self::Disk(file) => Box::new(file.try_clone()?),
        })
    }

    /// Its memory, if nobody reads it.
    fn into_memory(self) -> Option<Vec<u8>> {
        match self {
            Self::Memory(SharedBytes(bytes)) => Arc::try_unwrap(bytes).ok(),
            Self::Disk(_) => None,
        }
    }
}

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} bytes", self.0.len())
    }
}

impl TableFiles for StoreTables {
    type Error = StoreReadError;

    fn bytes_elsewhere(&self) -> u64 {
        match self {
            Self::Unpacked(tables) => tables.bytes_elsewhere(),
            Self::Packed(tables) => tables.bytes,
        }
    }

    fn contains(&self, number: u64) -> Result<bool, StoreReadError> {
        match self {
            Self::Unpacked(tables) => Ok(tables.contains(number)?),
            Self::Packed(tables) => Ok(tables.entries.contains_key(&number)),
        }
    }

    fn open(&self, number: u64) -> Result<Box<dyn TableFile>, StoreReadError> {
        match self {
            Self::Unpacked(tables) => Ok(tables.open(number)?),
            Self::Packed(tables) => tables.open(number),
        }
    }
}
