//! Unpacks and opens the store of a v3 file, and classifies what goes wrong.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::envelope::{Entry, Envelope};
use super::key;
use super::manifest;
use super::packed_tables::{PackedTables, StoreTables};
use super::pebble::{self, FolderTables, StoreError, StoreReader, TableFiles};
use crate::error::C1zError;
use crate::options::Limits;

/// The first engine. Its stores lack the version of their keys, without which baton-sdk refuses them.
const OLDEST_ENGINE: &str = "pebble";
/// The engine between the first and the current one (docs/reference/c1z.md §3.1).
const OLDER_ENGINE: &str = "pebble2";

/// Why the rows of a store could not be read or translated.
pub(crate) enum StoreReadError {
    Store(StoreError),
    /// Temporary files could not be written.
    Writing(io::Error),
    /// Two rows of a table have the same id.
    Duplicate {
        table: &'static str,
        id: String,
    },
    /// A row of a table is not the message that it should be.
    Undecodable(&'static str, prost::DecodeError),
    /// A table could not be unpacked.
    Unpacking(C1zError),
    TooLarge,
    Stopped,
}

impl From<StoreError> for StoreReadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for StoreReadError {
    fn from(error: io::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<C1zError> for StoreReadError {
    fn from(error: C1zError) -> Self {
        Self::Unpacking(error)
    }
}

impl StoreReadError {
    /// The error for the file at `path`, whose temporary files are in `folder`.
    pub(crate) fn into_c1z_error(self, path: &Path, folder: &Path, limits: Limits) -> C1zError {
        let path = path.to_owned();
        match self {
            Self::Store(StoreError::Io(error)) => C1zError::io("reading the unpacked copy of", &path, error),
            Self::Store(StoreError::Damaged(detail)) => C1zError::Corrupt { path, detail },
            Self::Store(StoreError::Unknown(what)) => C1zError::UnsupportedV3 {
                path,
                what: what.into(),
            },
            Self::Store(StoreError::TooLarge(what)) => C1zError::TooMuchMemory {
                path,
                limit: limits.window_bytes,
                what,
            },
            Self::Writing(error) => C1zError::io("writing temporary files in", folder, error),
            Self::Duplicate { table, id } => C1zError::Corrupt {
                path,
                detail: format!("two rows of {table} have the same id {id}"),
            },
            Self::Undecodable(table, error) => C1zError::Corrupt {
                path,
                detail: format!("a row of {table} is not readable: {error}"),
            },
            Self::Unpacking(error) => error,
            Self::TooLarge => C1zError::TooLarge {
                path,
                limit: limits.decoded_bytes,
            },
            Self::Stopped => C1zError::Stopped,
        }
    }
}

/// Unpacks the store of a file into a folder that does not exist yet. Returns whether the manifest names a finished sync.
pub(crate) fn unpack(path: &Path, to: &Path, limits: Limits, stop: &AtomicBool) -> Result<bool, C1zError> {
    let mut envelope = open_envelope(path, limits)?;
    envelope.unpack_to(to, stop)?;
    Ok(names_a_sync(&envelope))
}

/// The same, except that tables stay packed where the file allows it. Those are returned; large ones are unpacked into
/// `temp_folder` when they are read.
pub(crate) fn unpack_without_tables(
    path: &Path,
    to: &Path,
    temp_folder: &Path,
    limits: Limits,
    stop: &Arc<AtomicBool>,
) -> Result<(bool, StoreTables), C1zError> {
    without_tables(open_envelope(path, limits)?, to, temp_folder, stop)
}

pub(super) fn without_tables(
    mut envelope: Envelope,
    to: &Path,
    temp_folder: &Path,
    stop: &Arc<AtomicBool>,
) -> Result<(bool, StoreTables), C1zError> {
    let names_a_sync = names_a_sync(&envelope);
    let number = |entry: &Entry| pebble::table_number(&entry.name);
    let packed = envelope.unpack_partly(to, stop, |entry| number(entry).is_some())?;
    let tables = match packed {
        Some(packed) => {
            let by_number = |entry: Entry| Some((number(&entry)?, entry));
            let entries = packed.into_iter().filter_map(by_number).collect();
            let tables = PackedTables::new(envelope, entries, temp_folder, Arc::clone(stop));
            StoreTables::Packed(Box::new(tables))
        }
        None => StoreTables::Unpacked(FolderTables::new(to)),
    };
    Ok((names_a_sync, tables))
}

fn open_envelope(path: &Path, limits: Limits) -> Result<Envelope, C1zError> {
    let mut envelope = Envelope::open(path, limits)?;
    envelope.check()?;
    let engine = envelope.manifest().engine.as_str();
    if engine == OLDEST_ENGINE {
        return Err(C1zError::OldestV3 {
            path: path.to_owned(),
        });
    }
    if engine != manifest::ENGINE {
        return Err(C1zError::UnsupportedV3 {
            path: path.to_owned(),
            what: describe_other_engine(engine).into(),
        });
    }
    Ok(envelope)
}

/// Whether the manifest names a finished sync.
fn names_a_sync(envelope: &Envelope) -> bool {
    let runs = &envelope.manifest().sync_runs;
    runs.iter().any(|run| run.ended_at.is_some())
}

fn describe_other_engine(engine: &str) -> String {
    let age = if engine == OLDER_ENGINE {
        "an older"
    } else {
        "an unknown"
    };
    let short: String = engine.chars().take(20).collect();
    format!("its engine is {age} one, {short:?}")
}

/// Opens an unpacked store, if its keys have the layout that is known here.
pub(crate) fn open<T: TableFiles>(
    folder: &Path,
    tables: T,
    limits: Limits,
) -> Result<StoreReader<T>, StoreReadError>
where
    StoreReadError: From<T::Error>,
{
    let max_block_bytes = usize::try_from(limits.window_bytes).unwrap_or(usize::MAX);
    let store = StoreReader::open(folder, tables, max_block_bytes)?;
    for stamp in [key::KEYSPACE, key::ID_FORMAT] {
        let mut found = None;
        store.each(stamp, |_, value| {
            found = Some(value.to_vec());
            Ok::<(), StoreReadError>(())
        })?;
        if found.as_deref() != Some(&key::LAYOUT) {
            return Err(StoreError::Unknown("its keys are of an older or later layout").into());
        }
    }
    Ok(store)
}
