//! Syncs that were not published because they lost too much, kept for a person to inspect.

use access_core::sync::SyncSummary;

use super::table_files::LocalFile;
use crate::error::DatasetError;
use crate::format::FileFormat;
use crate::manifest::{FileEntry, Manifest, Origin};
use crate::store::Store;

/// Where the last candidate is. Readers of Hive layouts leave out names that begin with an underscore.
const CANDIDATE: &str = "_candidate";

/// Replaces the candidate, if there is one. The manifest is written last and removed first.
pub(super) async fn keep(
    store: &dyn Store,
    format: &dyn FileFormat,
    summary: &SyncSummary,
    files: Vec<LocalFile>,
    origin: Origin,
) -> Result<String, DatasetError> {
    let candidate_manifest_path = candidate_manifest_path();
    remove(store).await?;
    let mut entries = Vec::with_capacity(files.len());
    for LocalFile { entry, local } in files {
        let path = format!("{CANDIDATE}/{}", entry.path);
        store.put_file(&path, &local).await?;
        entries.push(FileEntry { path, ..entry });
    }
    let manifest =
        Manifest::new(format, summary, entries, None, origin).map_err(|error| DatasetError::json(&error))?;
    let (bytes, _) = manifest.encode().map_err(|error| DatasetError::json(&error))?;
    store.put(&candidate_manifest_path, bytes).await?;
    Ok(store.describe(CANDIDATE))
}

/// Removes the candidate, e.g. because a later sync was published. Its manifest is removed first.
pub(super) async fn remove(store: &dyn Store) -> Result<(), DatasetError> {
    let paths = store.list(CANDIDATE).await?;
    let candidate_manifest_path = candidate_manifest_path();
    if paths.contains(&candidate_manifest_path) {
        store.delete(&candidate_manifest_path).await?;
    }
    for path in paths.iter().filter(|path| **path != candidate_manifest_path) {
        store.delete(path).await?;
    }
    Ok(())
}

fn candidate_manifest_path() -> String {
    format!("{CANDIDATE}/manifest.json")
}
