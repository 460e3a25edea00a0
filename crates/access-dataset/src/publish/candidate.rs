//! What was not published because too much was gone, kept for a person to look at.

use access_core::sync::SyncSummary;

use super::files::MadeFile;
use super::not_json;
use crate::error::DatasetError;
use crate::format::FileFormat;
use crate::manifest::{FileEntry, Manifest, ManifestLink};
use crate::store::Store;

/// Where the last candidate is. Readers of Hive layouts leave out names that begin with an underscore.
const CANDIDATE: &str = "_candidate";

/// Replaces the candidate that is there, if any; the manifest comes last and goes first.
pub(super) async fn keep(
    store: &dyn Store,
    format: &dyn FileFormat,
    summary: &SyncSummary,
    files: Vec<MadeFile>,
    previous: Option<ManifestLink>,
) -> Result<String, DatasetError> {
    let manifest_path = format!("{CANDIDATE}/manifest.json");
    store.delete(&manifest_path).await?;
    for path in store.list(CANDIDATE).await? {
        store.delete(&path).await?;
    }
    let mut entries = Vec::with_capacity(files.len());
    for MadeFile { entry, local } in files {
        let path = format!("{CANDIDATE}/{}", entry.path);
        store.put_file(&path, &local).await?;
        entries.push(FileEntry { path, ..entry });
    }
    let manifest =
        Manifest::new(format, summary, entries, None, previous).map_err(|error| not_json(&error))?;
    let (bytes, _) = manifest.encode().map_err(|error| not_json(&error))?;
    store.put(&manifest_path, bytes).await?;
    Ok(store.describe(CANDIDATE))
}
