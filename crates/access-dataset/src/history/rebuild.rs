//! Rebuilds the history from the syncs and compares it with the maintained one.

use std::path::Path;
use std::sync::Arc;

use super::previous_syncs::PreviousSyncs;
use crate::error::DatasetError;
use crate::format::Formats;
use crate::manifest::FileEntry;
use crate::publish::LocalFile;
use crate::reader::checked;
use crate::reader::linked;
use crate::reader::open_file;
use crate::reader::read_pointer;
use crate::schema::Table;
use crate::store::{self, Location, private_folder};

/// The result of a rebuild.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rebuilt {
    /// How many syncs went into it.
    pub syncs: u64,
    /// The sync with which it begins.
    pub since: String,
    /// Files that are unchanged.
    pub same: Vec<String>,
    /// Files that were missing or altered and were put back.
    pub restored: Vec<String>,
    /// Files whose manifest entry differs from what the syncs give.
    pub different: Vec<String>,
}

/// Rebuilds the history of a dataset from all of its syncs. Missing and altered files are restored if the syncs give the bytes that
/// the manifests name; manifests and pointer are not touched.
///
/// # Errors
/// [`DatasetError`] if the location or a sync cannot be read; [`DatasetError::NotFound`] if the latest sync has no history.
pub async fn rebuild(
    location: &Location,
    formats: &Formats,
    temp_folder: &Path,
    accept_gap: bool,
) -> Result<Rebuilt, DatasetError> {
    // A missing folder must not be created.
    drop(store::open_to_read(location).await?);
    let store = store::open(location).await?;
    let temp_folder = store.scratch().unwrap_or(temp_folder).to_owned();
    let scratch = private_folder(&temp_folder).map_err(|error| DatasetError::io(&temp_folder, error))?;
    let not_there = |what: &str| DatasetError::NotFound {
        location: store.describe(""),
        what: what.to_owned(),
    };
    let (_, pointer) = read_pointer(&*store)
        .await?
        .ok_or_else(|| not_there("latest sync"))?;
    let latest = linked(&*store, &pointer.latest).await?;
    let history = latest.history.clone();
    let history = history.ok_or_else(|| not_there("history; the next sync makes it from all syncs"))?;
    let location = PreviousSyncs {
        store: &*store,
        formats,
        scratch: scratch.path(),
        stop: &Arc::default(),
    };
    let mut chain = location.chain(latest.clone(), accept_gap).await?;
    // Syncs from before the start of the history are not part of it.
    if let Some(begin) = chain.iter().position(|sync| sync.sync.id == history.since) {
        chain.drain(..begin);
    }
    let kept =
        tempfile::tempdir_in(scratch.path()).map_err(|error| DatasetError::io(scratch.path(), error))?;
    let mut replayed: Vec<(Vec<FileEntry>, LocalFile)> = Vec::new();
    let (last, since) = location
        .replay(&chain, &mut |sync, files| {
            let of_sync: Vec<FileEntry> = sync
                .history
                .iter()
                .flat_map(|history| history.files.clone())
                .collect();
            for file in files
                .iter()
                .filter(|file| file.entry.dataset == Table::Changes.name())
            {
                let local = kept.path().join(format!("{}-{}", sync.sync.id, replayed.len()));
                std::fs::rename(&file.local, &local).map_err(|error| DatasetError::io(&local, error))?;
                let entry = file.entry.clone();
                replayed.push((of_sync.clone(), LocalFile { entry, local }));
            }
            Ok(())
        })
        .await?;
    let validity = last
        .files
        .into_iter()
        .filter(|file| file.entry.dataset != Table::Changes.name());
    replayed.extend(validity.map(|file| (history.files.clone(), file)));
    let mut rebuilt = Rebuilt {
        syncs: last.syncs,
        since: since.0,
        same: Vec::new(),
        restored: Vec::new(),
        different: Vec::new(),
    };
    for (named, file) in replayed {
        let path = file.entry.path.clone();
        match named.iter().find(|entry| entry.path == path) {
            // A sync from before histories.
            None if named.is_empty() => {}
            Some(entry) if *entry == file.entry => {
                let stored = open_file(&*store, &path, scratch.path()).await;
                let location = store.describe(&path);
                match stored.and_then(|stored| checked(stored, entry, &location)) {
                    Ok(_) => rebuilt.same.push(path),
                    Err(DatasetError::Damaged { .. }) => {
                        store.put_file(&path, &file.local).await?;
                        rebuilt.restored.push(path);
                    }
                    Err(error) => return Err(error),
                }
            }
            _ => rebuilt.different.push(path),
        }
    }
    Ok(rebuilt)
}
