//! What lies in a bucket from an earlier run, or from somebody else, as the fuzzer makes it up (docs/TESTING.md). Not in the
//! program: compiled with `--cfg fuzzing`, and for the tests that replay the corpus.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "the fuzzer learns of what is wrong by a panic"
)]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use access_core::model::{SyncId, SyncRun, SyncType};
use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::runtime::{Builder, Runtime};

use crate::error::DatasetError;
use crate::manifest::{POINTER, Pointer, path_of};
use crate::publish::Publication;
use crate::sink::baseline;
use crate::store::{Store, Stored, Swap, Version};

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
        .into_iter()
        .filter_map(|name| Some((name, parts.next()?)))
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect();
    objects.insert(FILE.to_owned(), b"rows".to_vec());
    objects.insert(OTHER.to_owned(), b"rows".to_vec());
    let claimed = objects.contains_key(&claim);
    let pointer = objects.get(POINTER).cloned();
    let store = Arc::new(Memory(Mutex::new(objects)));
    runtime().block_on(begin(&store, pointer.as_deref()));
    let left = store.0.lock().expect("one thread");
    assert!(left.contains_key(OTHER), "removed files that nobody claimed");
    assert!(
        claimed || left.contains_key(FILE),
        "removed files without a claim"
    );
    assert_eq!(left.get(POINTER), pointer.as_ref(), "touched the pointer");
}

async fn begin(store: &Arc<Memory>, pointer: Option<&[u8]>) {
    let started_at = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time");
    let run = SyncRun {
        id: SyncId::from_parts(started_at, [7; 16]),
        sync_type: SyncType::Full,
        tenant: "https://tenant.example".to_owned(),
        started_at,
        provenance: access_core::model::Provenance::default(),
    };
    let readable = pointer.is_none_or(|bytes| {
        let pointer = serde_json::from_slice::<Pointer>(bytes);
        pointer.is_ok_and(|Pointer { latest, .. }| {
            latest.sync_id.parse::<SyncId>().is_ok() && latest.manifest == path_of(&latest.sync_id)
        })
    });
    match Publication::begin(Arc::clone(store) as Arc<dyn Store>, &run).await {
        Ok(publication) => {
            assert!(readable, "goes on over a pointer that it cannot read");
            if let Ok(Some(manifest)) = publication.replaced().await {
                let before = baseline(&manifest);
                let (bytes, _) = manifest.encode().expect("a manifest");
                let again = serde_json::from_slice(&bytes).expect("our own encoding");
                assert!(manifest.same_data(&again));
                assert_eq!(format!("{before:?}"), format!("{:?}", baseline(&again)));
            }
            publication.abort().await;
        }
        Err(error) => assert!(!readable, "{error}"),
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

    async fn get(&self, path: &str) -> Result<Option<Stored>, DatasetError> {
        let bytes = self.0.lock().expect("one thread").get(path).cloned();
        Ok(bytes.map(|bytes| Stored {
            bytes,
            version: Version::none(),
        }))
    }

    async fn swap(&self, _: &str, _: Vec<u8>, _: Option<&Version>) -> Result<Swap, DatasetError> {
        Ok(Swap::Changed)
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
#[path = "../../../tests/fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay;

    #[test]
    fn the_corpus_holds() {
        replay::corpus("dataset_published", super::published);
    }
}
