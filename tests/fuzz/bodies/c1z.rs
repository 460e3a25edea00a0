//! Files that call themselves c1z, as the fuzzer makes them up (docs/development/testing.md). Not in the program: compiled with
//! `--cfg fuzzing`, and for the tests that replay the corpus.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "the fuzzer learns of what is wrong by a panic"
)]

#[path = "c1z_v3.rs"]
pub mod v3;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use time::OffsetDateTime;

use crate::format::MAGIC_V1;
use crate::{
    C1zError, Compression, Container, ExistingFilePolicy, Limits, Reader, Retention, SyncHeader, Target,
    Writer, WriterOptions,
};

const LIMITS: Limits = Limits {
    decoded_bytes: 4 << 20,
    window_bytes: 1 << 20,
};
const SYNC: &str = "2vU7QmBvvjK3kdYyV0000000009";

/// A file: how it is wrapped, and its bytes.
///
/// # Panics
/// If reading it breaks a promise.
pub fn container(input: &[u8]) {
    let [wrapping, bytes @ ..] = input else { return };
    let file = match wrapping % 4 {
        0 => bytes.to_vec(),
        1 => [&MAGIC_V1, bytes].concat(),
        // A database in one frame, so that the fuzzer reaches the code behind the compression.
        _ => {
            let frame = zstd::bulk::compress(bytes, 1).expect("memory is there");
            [MAGIC_V1.as_slice(), frame.as_slice()].concat()
        }
    };
    let folder = tempfile::tempdir_in(fast_folder()).expect("a folder");
    let path = folder.path().join("sync.c1z");
    std::fs::write(&path, file).expect("room for a file");
    let read = everything(&path, folder.path());
    if let Err(error) = &read {
        assert!(!error.to_string().is_empty());
        // Nothing here is a bug of ours, or passes.
        assert!(!matches!(error.status(), 0 | 13 | 14), "{error}");
    }
    let continued = continue_file(&path, folder.path());
    match (read, continued) {
        (Ok(rows), Ok(())) => {
            the_new_sync(&path, folder.path()).expect("our own sync");
            match everything(&path, folder.path()) {
                Ok(after) => assert!(
                    after.syncs > 0 && after.rows <= rows.rows,
                    "more rows than there were"
                ),
                // Indexes that contradict their tables can hide an unreadable row; ours hide nothing.
                Err(error) => assert_eq!(error.status(), 15, "{error}"),
            }
        }
        (Err(read), Ok(())) => {
            let holds = Container::detect(&path).expect("the file is there");
            // A v3 is replaced completely, whatever its rows were.
            if holds == Container::V3 {
                the_new_sync(&path, folder.path()).expect("our own sync");
            } else {
                assert_eq!(holds, Container::V1, "{read}");
            }
        }
        (_, Err(_)) => {}
    }
    let left = std::fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(left, 1, "files were left behind");
}

#[derive(Default)]
struct Rows {
    syncs: usize,
    rows: u64,
}

fn everything(path: &Path, folder: &Path) -> Result<Rows, C1zError> {
    let reader = Reader::open(path, folder, LIMITS, &AtomicBool::new(false))?;
    let syncs = reader.syncs()?;
    let mut found = Rows {
        syncs: syncs.len(),
        rows: 0,
    };
    let _ = reader.latest_finished();
    for sync in syncs.iter().map(|sync| sync.sync_id.as_str()).take(4) {
        found.rows += rows_of(&reader, sync)?;
    }
    Ok(found)
}

/// Reads the sync that was written here.
fn the_new_sync(path: &Path, folder: &Path) -> Result<u64, C1zError> {
    let reader = Reader::open(path, folder, LIMITS, &AtomicBool::new(false))?;
    rows_of(&reader, SYNC)
}

fn rows_of(reader: &Reader, sync: &str) -> Result<u64, C1zError> {
    let mut rows = 0;
    let mut count = || {
        rows += 1;
        Ok::<(), C1zError>(())
    };
    reader.resource_types(sync, |_| count())?;
    reader.resources(sync, |_| count())?;
    reader.entitlements(sync, |_| count())?;
    reader.grants(sync, |_| count())?;
    let nothing = || Ok::<(), C1zError>(());
    reader.types_with_entitlements(sync)?;
    reader.expandable_grants(sync, |_| nothing())?;
    reader.grants_by_entitlement(sync, |_| nothing())?;
    reader.grants_of_entitlement(sync, "role:1:assigned", |_| nothing())?;
    Ok(rows)
}

/// Writes another sync into the file, which keeps its earlier ones.
fn continue_file(path: &Path, folder: &Path) -> Result<(), C1zError> {
    let writer = begin(path, folder, "partial")?;
    _ = writer.previous().map(|stats| format!("{stats:?}"));
    writer.prepare(OffsetDateTime::UNIX_EPOCH)?.publish().map(drop)
}

fn begin(path: &Path, folder: &Path, sync_type: &'static str) -> Result<Writer, C1zError> {
    let options = WriterOptions {
        temp_folder: folder.to_owned(),
        engine: None,
        retention: Retention::default(),
        compression: Compression {
            level: Some(1),
            threads: 0,
        },
        limits: LIMITS,
        stop: Arc::new(AtomicBool::new(false)),
    };
    let header = SyncHeader {
        sync_id: SYNC.to_owned(),
        sync_type,
        started_at: OffsetDateTime::UNIX_EPOCH,
    };
    Writer::begin(Target::open(path, ExistingFilePolicy::Refuse)?, header, options)
}

/// Memory where there is some for files.
fn fast_folder() -> std::path::PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

#[cfg(test)]
#[path = "../replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::replay;

    #[test]
    fn the_corpus_holds() {
        replay::corpus("c1z_container", super::container);
    }

    #[test]
    fn the_corpus_of_v3_files_holds() {
        replay::corpus("c1z_v3", super::v3::file);
    }

    /// The seeds include a file of Pebble in each of its formats, and none is refused.
    #[test]
    fn stores_of_every_format_are_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus/c1z_v3_store");
        let mut formats = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name == "sdk" || name.starts_with("format-") {
                let read = super::v3::rows_of_store(&std::fs::read(&path).unwrap());
                assert!(read.unwrap() > 10, "{name}");
                formats += 1;
            }
        }
        assert_eq!(formats, 14);
    }

    #[test]
    fn the_corpus_of_stores_holds() {
        replay::corpus("c1z_v3_store", super::v3::store);
    }
}
