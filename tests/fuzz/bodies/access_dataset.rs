//! What lies in a bucket from an earlier run, or from somebody else, as the fuzzer makes it up (docs/development/testing.md). Not in the
//! program: compiled with `--cfg fuzzing`, and for the tests that replay the corpus.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "the fuzzer learns of what is wrong by a panic"
)]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use access_core::hex;
use access_core::model::{SyncId, SyncRun, SyncType};
use async_trait::async_trait;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio::runtime::{Builder, Runtime};

use crate::error::{DatasetError, FormatError};
use crate::format::{Batches, FileFormat, FileWriter, FormatOptions, Formats};
use crate::hashing_reader::HashingReader;
use crate::manifest::{POINTER, Pointer};
use crate::publish::{Intent, Publication};
use crate::schema::{Contract, Table};
use crate::sink::baseline;
use crate::store::{Store, StoredObject, SwapOutcome, Version};

const EARLIER: &str = "2vU7QmBvvjK3kdYyV0000000001";
const FILE: &str = "grants/sync=2vU7QmBvvjK3kdYyV0000000001/part-0.parquet";
const OTHER: &str = "grants/sync=2vU7QmBvvjK3kdYyV0000000002/part-0.parquet";

/// Pointer, manifest and claim, separated by zero bytes; a missing one is not there.
///
/// # Panics
/// If reading it breaks a promise.
pub fn published(input: &[u8]) {
    let mut parts = input.splitn(3, |byte| *byte == 0).map(<[u8]>::to_vec);
    let (manifest, claim) = (
        format!("_manifests/{EARLIER}.json"),
        format!("_staging/{EARLIER}.json"),
    );
    let names = [POINTER.to_owned(), manifest, claim.clone()];
    let mut objects: BTreeMap<String, Vec<u8>> = names
        .iter()
        .cloned()
        .filter_map(|name| Some((name, parts.next()?)))
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect();
    objects.insert(FILE.to_owned(), b"rows".to_vec());
    objects.insert(OTHER.to_owned(), b"rows".to_vec());
    // No fuzzer finds a hash; with the right one the manifest is looked at too.
    if let (Some(pointer), Some(manifest)) = (objects.get(POINTER), objects.get(&names[1]))
        && let Ok(mut pointer) = serde_json::from_slice::<Pointer>(pointer)
    {
        pointer.latest.sha256 = hex(&Sha256::digest(manifest));
        let text = serde_json::to_vec(&pointer).expect("a pointer");
        objects.insert(POINTER.to_owned(), text);
    }
    let claimed = objects.contains_key(&claim);
    for replace_existing in [false, true] {
        let store = Arc::new(Memory(Mutex::new(objects.clone())));
        runtime().block_on(begin(&store, replace_existing));
        let left = store.0.lock().expect("one thread");
        assert!(left.contains_key(OTHER), "removed files that nobody claimed");
        assert!(
            claimed || left.contains_key(FILE),
            "removed files without a claim"
        );
        assert_eq!(left.get(POINTER), objects.get(POINTER), "touched the pointer");
    }
}

async fn begin(store: &Arc<Memory>, replace_existing: bool) {
    let started_at = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time");
    let run = SyncRun {
        id: SyncId::from_parts(started_at, [7; 16]),
        sync_type: SyncType::Full,
        tenant: "https://tenant.example".to_owned(),
        started_at,
        provenance: access_core::model::Provenance::default(),
    };
    let intent = Intent {
        run: &run,
        format: &NoFormat,
        formats: &Formats::new([]),
        replace_existing,
    };
    match Publication::begin(Arc::clone(store) as Arc<dyn Store>, &intent).await {
        Ok(publication) => {
            if let Some(manifest) = publication.replaced() {
                let before = baseline(manifest);
                let (bytes, _) = manifest.encode().expect("a manifest");
                let again = serde_json::from_slice(&bytes).expect("our own encoding");
                assert!(manifest.same_data(&again));
                assert_eq!(format!("{before:?}"), format!("{:?}", baseline(&again)));
            }
            publication.abort().await;
        }
        Err(DatasetError::Damaged { .. } | DatasetError::Conflict { .. }) => {
            assert!(!replace_existing, "does not start a new chain");
        }
        Err(error) => panic!("{error}"),
    }
}

/// A format of which no file is made or read.
struct NoFormat;

impl FileFormat for NoFormat {
    fn contract(&self) -> Contract {
        Contract::default()
    }

    fn name(&self) -> &'static str {
        "parquet"
    }

    fn extension(&self) -> &'static str {
        "parquet"
    }

    fn rows_per_file(&self) -> u64 {
        1
    }

    fn create(&self, _: Table, _: Box<dyn Write + Send>) -> Result<Box<dyn FileWriter>, FormatError> {
        panic!("no files are made here")
    }

    fn count_rows(&self, _: &mut HashingReader) -> Result<u64, FormatError> {
        panic!("no files are read here")
    }

    fn read(&self, _: Table, _: File, _: Option<&[&str]>) -> Result<Batches, FormatError> {
        panic!("no files are read here")
    }

    fn with_options(&self, _: &FormatOptions) -> Arc<dyn FileFormat> {
        Arc::new(Self)
    }
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_current_thread().build().expect("a runtime"))
}

/// A bucket that others may be writing to.
#[derive(Debug)]
struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

#[async_trait]
impl Store for Memory {
    fn describe(&self, path: &str) -> String {
        format!("memory/{path}")
    }

    async fn put_file(&self, _: &str, _: &Path) -> Result<(), DatasetError> {
        panic!("no files are stored here")
    }

    async fn open(&self, _: &str, _: &Path) -> Result<File, DatasetError> {
        panic!("no files are read here")
    }

    async fn put(&self, path: &str, bytes: Vec<u8>) -> Result<(), DatasetError> {
        self.0.lock().expect("one thread").insert(path.to_owned(), bytes);
        Ok(())
    }

    async fn get(&self, path: &str) -> Result<Option<StoredObject>, DatasetError> {
        let bytes = self.0.lock().expect("one thread").get(path).cloned();
        Ok(bytes.map(|bytes| StoredObject {
            version: Version::of(&bytes),
            bytes,
            modified: Some(OffsetDateTime::UNIX_EPOCH),
        }))
    }

    async fn swap(
        &self,
        path: &str,
        bytes: Vec<u8>,
        was: Option<&Version>,
    ) -> Result<SwapOutcome, DatasetError> {
        let there = self.get(path).await?.map(|stored| stored.version);
        if there.as_ref() != was {
            return Ok(SwapOutcome::Changed);
        }
        self.put(path, bytes).await?;
        Ok(SwapOutcome::Done)
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, DatasetError> {
        let objects = self.0.lock().expect("one thread");
        let start = format!("{folder}/");
        Ok(objects
            .keys()
            .filter(|path| path.starts_with(&start))
            .cloned()
            .collect())
    }

    async fn delete(&self, path: &str) -> Result<(), DatasetError> {
        self.0.lock().expect("one thread").remove(path);
        Ok(())
    }

    fn is_exclusive(&self) -> bool {
        false
    }

    fn scratch(&self) -> Option<&Path> {
        None
    }
}

#[cfg(test)]
#[path = "../replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay;

    #[test]
    fn the_corpus_holds() {
        replay::corpus("dataset_published", super::published);
    }
}
