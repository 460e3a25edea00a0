//! Unpacks and opens the store of a v3 file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::envelope::{Entry, Envelope};
use super::key;
use super::manifest;
use super::packed_tables::{PackedTables, StoreTables};
use super::pebble::{self, FolderTables, StoreError, StoreReader, TableFiles};
use super::store_read_error::StoreReadError;
use crate::error::C1zError;
use crate::options::Limits;

/// The first engine. Its stores lack the version of their keys, without which baton-sdk refuses them.
const OLDEST_ENGINE: &str = "pebble";
/// The engine between the first and the current one (docs/reference/c1z.md §3.1).
const OLDER_ENGINE: &str = "pebble2";

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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;

    use baton_proto::c1z_v3::{C1zManifestV3, PayloadEncoding};

    use super::*;
    use crate::options::Limits;
    use crate::v3::envelope::{EnvelopeWriter, Frame};
    use crate::v3::packed_tables::{MAX_TIMES_UNPACKED, MIN_BYTES_UNPACKED};

    #[test]
    fn tables_are_unpacked_a_limited_number_of_times() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync.c1z");
        let file = File::create(&path).unwrap();
        let manifest = C1zManifestV3 {
            payload_encoding: PayloadEncoding::IndexedZstd.into(),
            ..C1zManifestV3::default()
        };
        let mut writer = EnvelopeWriter::begin(&file, &manifest).unwrap();
        let size = MIN_BYTES_UNPACKED / 32;
        for (name, byte) in [("000001.sst", b'1'), ("000002.sst", b'2')] {
            let content = vec![byte; usize::try_from(size).unwrap()];
            writer
                .add(Frame::pack(name.to_owned(), &content, 1).unwrap())
                .unwrap();
        }
        writer.finish().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let unpacked = folder.path().join("store");
        let (_, tables) = without_tables(
            Envelope::open(&path, Limits::default()).unwrap(),
            &unpacked,
            folder.path(),
            &stop,
        )
        .unwrap();
        let read = |number| {
            let mut first = [0];
            tables.open(number)?.read_exact(&mut first)?;
            Ok::<_, StoreReadError>(first)
        };
        // The table that was read last is not unpacked again.
        for _ in 0..100 {
            assert_eq!(read(1).ok(), Some(*b"1"));
        }
        for _ in 0..MAX_TIMES_UNPACKED + 15 {
            assert_eq!(read(2).ok(), Some(*b"2"));
            assert_eq!(read(1).ok(), Some(*b"1"));
        }
        assert!(read(2).is_ok());
        assert!(matches!(
            read(1),
            Err(StoreReadError::Store(StoreError::Damaged(_)))
        ));
        assert!(!tables.contains(3).unwrap_or(true));
        assert_eq!(tables.bytes_elsewhere(), 2 * size);
    }
}
