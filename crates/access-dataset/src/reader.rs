//! Published syncs, read as readers should: pointer, manifest, files.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use access_core::hex;
use access_core::memory;
use access_core::model::SyncId;
use arrow::array::RecordBatch;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::error::{DatasetError, FormatError, FormatTooLarge};
use crate::format::{Batches, FileFormat, Formats};
use crate::hashing_reader::HashingReader;
use crate::manifest::{FileEntry, MANIFESTS, Manifest, ManifestLink, POINTER, Pointer, manifest_path};
use crate::schema::Table;
use crate::store::{self, Location, Store, private_folder};

/// A dataset opened for reading. It takes no lock, because published files stay.
pub struct Published {
    store: Arc<dyn Store>,
    formats: Formats,
    /// Where copies of a bucket's files are; they go with it.
    scratch: TempDir,
}

/// A sync of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedSync {
    /// Its files.
    pub manifest: Manifest,
    /// What vouches for it.
    pub standing: Voucher,
}

/// What vouches for a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voucher {
    /// The pointer names it, or leads to it through later syncs.
    Linked,
    /// A sync that started a new chain names it, or leads to it: it is of the chain before.
    Replaced,
    /// A partial sync, which the pointer never names. Nothing vouches for it.
    Beside,
    /// A full sync that nothing links to: it was put there by hand, or the pointer was reset.
    Unlinked,
}

/// The links from the pointer backwards: the chain first, then the chains it replaced.
#[derive(Debug, Default)]
pub(crate) struct Links {
    queue: VecDeque<(ManifestLink, Voucher)>,
    seen: BTreeSet<String>,
}

impl Links {
    pub(crate) fn from(pointer: &Pointer) -> Self {
        Self {
            queue: VecDeque::from([(pointer.latest.clone(), Voucher::Linked)]),
            seen: BTreeSet::new(),
        }
    }

    /// The next sync; each once.
    pub(crate) async fn next(&mut self, store: &dyn Store) -> Result<Option<ListedSync>, DatasetError> {
        while let Some((link, standing)) = self.queue.pop_front() {
            if !self.seen.insert(link.sync_id.clone()) {
                continue;
            }
            check_memory(&store.describe(&link.manifest))?;
            let manifest = linked(store, &link).await?;
            for link in manifest.replaces.iter().flat_map(|replaces| &replaces.syncs) {
                self.queue.push_back((link.clone(), Voucher::Replaced));
            }
            if let Some(link) = &manifest.previous {
                self.queue.push_front((link.clone(), standing));
            }
            return Ok(Some(ListedSync { manifest, standing }));
        }
        Ok(None)
    }
}

/// Whether files are checked against their manifest before their rows are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashCheck {
    /// Sizes and SHA-256 must be right.
    Verify,
    /// Only the numbers of rows must be.
    Skip,
}

impl Published {
    /// Opens an existing dataset.
    ///
    /// # Errors
    /// [`DatasetError`] if the location does not exist or cannot be read.
    pub async fn open(
        location: &Location,
        formats: Formats,
        temp_folder: &Path,
    ) -> Result<Self, DatasetError> {
        let store = store::open_to_read(location).await?;
        let scratch = private_folder(temp_folder).map_err(|error| DatasetError::io(temp_folder, error))?;
        Ok(Self {
            store,
            formats,
            scratch,
        })
    }

    /// The location, for people.
    #[must_use]
    pub fn location(&self) -> String {
        self.store.describe("")
    }

    /// The sync that the pointer names.
    ///
    /// # Errors
    /// [`DatasetError::NotFound`] without a pointer, [`DatasetError::Damaged`] if it or the manifest is damaged.
    pub async fn latest(&self) -> Result<Manifest, DatasetError> {
        let (_, pointer) = read_pointer(&*self.store)
            .await?
            .ok_or_else(|| self.not_there("latest sync"))?;
        self.linked(&pointer.latest).await
    }

    /// A sync by its id, and what vouches for it.
    ///
    /// # Errors
    /// [`DatasetError::NotFound`], [`DatasetError::Damaged`] if a manifest on the way to it is damaged, or
    /// [`DatasetError::Unlinked`] for a full sync to which the pointer does not lead.
    pub async fn sync(&self, id: &SyncId) -> Result<ListedSync, DatasetError> {
        let path = manifest_path(id.as_str());
        // Before the links, which need a request for each sync.
        let bytes = self.store.get(&path).await?;
        let bytes = bytes.ok_or_else(|| self.not_there(&format!("sync {id}")))?.bytes;
        let found = parse_manifest(&*self.store, &path, &bytes)?;
        if !found.sync.is_full() {
            return Ok(ListedSync {
                manifest: found,
                standing: Voucher::Beside,
            });
        }
        let mut links = self.links().await?;
        while let Some(linked) = links.next(&*self.store).await? {
            if linked.manifest.sync.id == found.sync.id {
                return Ok(linked);
            }
        }
        Err(DatasetError::Unlinked {
            sync_id: found.sync.id,
            location: self.location(),
        })
    }

    /// All syncs that have a manifest, partial ones too, the earliest first, each with what vouches for it. A manifest to
    /// which no link leads and that cannot be read is named in a warning.
    ///
    /// # Errors
    /// [`DatasetError`] if the location cannot be read, [`DatasetError::Damaged`] if a linked manifest is damaged.
    pub async fn syncs(&self) -> Result<Vec<ListedSync>, DatasetError> {
        let mut syncs = Vec::new();
        let mut links = self.links().await?;
        while let Some(linked) = links.next(&*self.store).await? {
            syncs.push(linked);
        }
        for path in self.store.list(MANIFESTS).await? {
            if syncs
                .iter()
                .any(|sync| path == manifest_path(&sync.manifest.sync.id))
            {
                continue;
            }
            check_memory(&self.store.describe(&path))?;
            let Some(stored) = self.store.get(&path).await? else {
                continue;
            };
            match parse_manifest(&*self.store, &path, &stored.bytes) {
                Ok(manifest) => syncs.push(ListedSync {
                    standing: if manifest.sync.is_full() {
                        Voucher::Unlinked
                    } else {
                        Voucher::Beside
                    },
                    manifest,
                }),
                Err(error) => tracing::warn!(%error, "not linked, and left out"),
            }
        }
        let key = |sync: &ListedSync| (sync.manifest.sync.start_time(), sync.manifest.sync.id.clone());
        syncs.sort_by_cached_key(key);
        Ok(syncs)
    }

    async fn links(&self) -> Result<Links, DatasetError> {
        Ok(match read_pointer(&*self.store).await? {
            Some((_, pointer)) => Links::from(&pointer),
            None => Links::default(),
        })
    }

    /// The manifest that a link names; it must be the very one.
    pub(crate) async fn linked(&self, link: &ManifestLink) -> Result<Manifest, DatasetError> {
        linked(&*self.store, link).await
    }

    /// Rows of one table of a sync in the order of their keys, with the requested columns (`None`: all).
    ///
    /// # Errors
    /// [`DatasetError`] if a file is missing, cannot be read or differs from the manifest.
    pub async fn rows(
        &self,
        sync: &Manifest,
        table: Table,
        columns: Option<&[&str]>,
        hashes: HashCheck,
    ) -> Result<Rows, DatasetError> {
        let files = self.open_files(sync, table, hashes).await?;
        Ok(Rows::new(table, self.format_of(sync)?, columns, files))
    }

    pub(crate) async fn open_files(
        &self,
        sync: &Manifest,
        table: Table,
        hashes: HashCheck,
    ) -> Result<Vec<RowsFile>, DatasetError> {
        let (store, scratch) = (&*self.store, self.scratch.path());
        open_files(store, sync, sync.entries(table), table, hashes, scratch).await
    }

    pub(crate) fn format_of(&self, sync: &Manifest) -> Result<Arc<dyn FileFormat>, DatasetError> {
        self.formats.named(&sync.format, &sync.format_options)
    }

    fn not_there(&self, what: &str) -> DatasetError {
        DatasetError::NotFound {
            location: self.location(),
            what: what.to_owned(),
        }
    }
}

/// Rows of one table, file by file.
pub struct Rows {
    table: Table,
    format: Arc<dyn FileFormat>,
    columns: Option<Vec<String>>,
    files: VecDeque<RowsFile>,
    current: Option<(Batches, RowsFile)>,
    over: bool,
}

/// A file to read, and its expected number of rows.
pub(crate) struct RowsFile {
    /// `None` once it is being read.
    pub(crate) file: Option<File>,
    pub(crate) location: String,
    pub(crate) rows: u64,
    /// Its bytes were checked, so that a failure is one of reading.
    pub(crate) verified: bool,
}

impl RowsFile {
    fn unreadable(&self, error: &FormatError) -> DatasetError {
        if let Some(too_large) = too_large(error) {
            return DatasetError::TooLarge {
                location: self.location.clone(),
                reason: too_large.to_string(),
            };
        }
        if self.verified {
            let error = std::io::Error::other(error.to_string());
            return DatasetError::io(Path::new(&self.location), error);
        }
        DatasetError::damaged(&self.location, error.to_string())
    }
}

/// Whether a file would take too much memory.
pub(crate) fn too_large(error: &FormatError) -> Option<&FormatTooLarge> {
    let wrapped = || error.downcast_ref::<std::io::Error>()?.get_ref()?.downcast_ref();
    error.downcast_ref().or_else(wrapped)
}

impl Rows {
    pub(crate) fn new(
        table: Table,
        format: Arc<dyn FileFormat>,
        columns: Option<&[&str]>,
        files: impl IntoIterator<Item = RowsFile>,
    ) -> Self {
        Self {
            table,
            format,
            columns: columns.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            files: files.into_iter().collect(),
            current: None,
            over: false,
        }
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> Table {
        self.table
    }

    fn step(&mut self) -> Result<Option<RecordBatch>, DatasetError> {
        loop {
            if let Some((batches, file)) = &mut self.current {
                match batches.next() {
                    Some(Ok(batch)) => {
                        check_memory(&file.location)?;
                        let rows = batch.num_rows() as u64;
                        file.rows = file.rows.checked_sub(rows).ok_or_else(|| {
                            DatasetError::damaged(&file.location, "it has more rows than its manifest says")
                        })?;
                        return Ok(Some(batch));
                    }
                    Some(Err(error)) => return Err(file.unreadable(&error)),
                    None if file.rows > 0 => {
                        let missing = format!("{} rows are missing", file.rows);
                        return Err(DatasetError::damaged(&file.location, missing));
                    }
                    None => self.current = None,
                }
            }
            let Some(mut next) = self.files.pop_front() else {
                return Ok(None);
            };
            let Some(file) = next.file.take() else { continue };
            let names: Option<Vec<&str>> = self
                .columns
                .as_ref()
                .map(|names| names.iter().map(String::as_str).collect());
            let batches = self.format.read(self.table, file, names.as_deref());
            let batches = batches.map_err(|error| next.unreadable(&error))?;
            self.current = Some((batches, next));
        }
    }
}

impl Iterator for Rows {
    type Item = Result<RecordBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let batch = self.step().transpose();
        self.over = !matches!(batch, Some(Ok(_)));
        batch
    }
}

/// Opens the files of one table of a sync.
pub(crate) async fn open_files(
    store: &dyn Store,
    sync: &Manifest,
    entries: impl IntoIterator<Item = &FileEntry>,
    table: Table,
    hashes: HashCheck,
    scratch: &Path,
) -> Result<Vec<RowsFile>, DatasetError> {
    let mut files = Vec::new();
    for entry in entries {
        let location = store.describe(&entry.path);
        if !is_ours(&entry.path, table, &sync.sync.id) {
            return Err(DatasetError::damaged(
                &location,
                "the manifest names a file that cannot be its own",
            ));
        }
        let file = open_file(store, &entry.path, scratch).await?;
        let file = match hashes {
            HashCheck::Skip => file,
            HashCheck::Verify => {
                let (entry, location) = (entry.clone(), location.clone());
                tokio::task::spawn_blocking(move || checked(file, &entry, &location))
                    .await
                    .unwrap_or(Err(DatasetError::WorkerPanicked))?
            }
        };
        files.push(RowsFile {
            file: Some(file),
            location,
            rows: entry.rows,
            verified: hashes == HashCheck::Verify,
        });
    }
    Ok(files)
}

/// A file that a manifest names; one that is not there is damage.
pub(crate) async fn open_file(store: &dyn Store, path: &str, scratch: &Path) -> Result<File, DatasetError> {
    store.open(path, scratch).await.map_err(|error| match error {
        DatasetError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            DatasetError::damaged(&store.describe(path), "it is missing")
        }
        DatasetError::Missing { .. } => DatasetError::damaged(&store.describe(path), "it is missing"),
        other => other,
    })
}

/// The file at its start, if its bytes are those of the manifest.
pub(crate) fn checked(file: File, entry: &FileEntry, location: &str) -> Result<File, DatasetError> {
    let mut back = HashingReader::new(file);
    let failed = |error| DatasetError::io(Path::new(location), error);
    let file = back.seekable().map_err(failed)?;
    let (bytes, sha256) = back.finish().map_err(failed)?;
    if bytes != entry.bytes {
        let found = format!("it has {bytes} bytes, the manifest says {}", entry.bytes);
        return Err(DatasetError::damaged(location, found));
    }
    if sha256 != entry.sha256 {
        let found = format!("its SHA-256 is {sha256}, the manifest says {}", entry.sha256);
        return Err(DatasetError::damaged(location, found));
    }
    Ok(file)
}

/// Sees that the memory budget of the process is not spent.
pub(crate) fn check_memory(location: &str) -> Result<(), DatasetError> {
    memory::check().map_err(|spent| DatasetError::MemoryExhausted {
        location: location.to_owned(),
        spent,
    })
}

/// Whether a path is one that this sync may name: a manifest must not lead readers elsewhere.
pub(crate) fn is_ours(path: &str, table: Table, sync_id: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let plain =
        |part: &&str| !part.is_empty() && *part != "." && *part != ".." && !part.contains(['\\', ':']);
    parts.len() == 4
        && parts[0] == table.name()
        && parts[2].strip_prefix("sync=") == Some(sync_id)
        && parts.iter().all(plain)
}

/// The pointer, if there is one.
pub(crate) async fn read_pointer(
    store: &dyn Store,
) -> Result<Option<(store::StoredObject, Pointer)>, DatasetError> {
    let Some(stored) = store.get(POINTER).await? else {
        return Ok(None);
    };
    let pointer = check_pointer(store, &stored)?;
    Ok(Some((stored, pointer)))
}

/// Parses the pointer.
pub(crate) fn check_pointer(
    store: &dyn Store,
    stored: &store::StoredObject,
) -> Result<Pointer, DatasetError> {
    let location = store.describe(POINTER);
    let pointer: Pointer = json(&location, &stored.bytes)?;
    // A pointer must not lead readers elsewhere.
    check_link(&location, &pointer.latest)?;
    Ok(pointer)
}

fn check_link(location: &str, link: &ManifestLink) -> Result<(), DatasetError> {
    let id: Result<SyncId, _> = link.sync_id.parse();
    let id = id.map_err(|error| DatasetError::damaged(location, error.to_string()))?;
    if link.manifest != manifest_path(id.as_str()) {
        return Err(DatasetError::damaged(
            location,
            "it names a manifest of another sync",
        ));
    }
    Ok(())
}

/// The manifest that a link names; it must be the very one.
pub(crate) async fn linked(store: &dyn Store, link: &ManifestLink) -> Result<Manifest, DatasetError> {
    let location = store.describe(&link.manifest);
    check_link(&location, link)?;
    let stored = store.get(&link.manifest).await?;
    let bytes = stored
        .ok_or_else(|| DatasetError::damaged(&location, "it is missing"))?
        .bytes;
    let found = hex(&Sha256::digest(&bytes));
    if found != link.sha256 {
        let reason = format!("its SHA-256 is {found}, the link to it says {}", link.sha256);
        return Err(DatasetError::damaged(&location, reason));
    }
    let manifest = parse_manifest(store, &link.manifest, &bytes)?;
    if manifest.sync.started_at != link.started_at {
        let reason = format!(
            "it began at {}, the link to it says {}",
            manifest.sync.started_at, link.started_at
        );
        return Err(DatasetError::damaged(&location, reason));
    }
    if !manifest.sync.is_full() {
        return Err(DatasetError::damaged(
            &location,
            "it is linked, but is not of a full sync",
        ));
    }
    Ok(manifest)
}

/// The manifest at a path.
pub(crate) async fn read_manifest(store: &dyn Store, path: &str) -> Result<Option<Manifest>, DatasetError> {
    match store.get(path).await? {
        Some(stored) => parse_manifest(store, path, &stored.bytes).map(Some),
        None => Ok(None),
    }
}

/// Parses a manifest, which must be of the sync in its name.
pub(crate) fn parse_manifest(store: &dyn Store, path: &str, bytes: &[u8]) -> Result<Manifest, DatasetError> {
    let location = store.describe(path);
    let manifest: Manifest = json(&location, bytes)?;
    let id: Result<SyncId, _> = manifest.sync.id.parse();
    let id = id.map_err(|error| DatasetError::damaged(&location, error.to_string()))?;
    if path != manifest_path(id.as_str()) {
        return Err(DatasetError::damaged(
            &location,
            "it is the manifest of another sync",
        ));
    }
    Ok(manifest)
}

fn json<T: DeserializeOwned>(location: &str, bytes: &[u8]) -> Result<T, DatasetError> {
    serde_json::from_slice(bytes).map_err(|error| DatasetError::damaged(location, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifest_paths_stay_inside() {
        let id = "3MbL6oflC9jQKpjaUfUbVqpgBbC";
        let path = |table: &str, date: &str, sync: &str| format!("{table}/{date}/sync={sync}/part-00000.csv");
        assert!(is_ours(
            &path("users", "sync_date=2026-11-25", id),
            Table::Users,
            id
        ));
        for path in [
            path("grants", "sync_date=2026-11-25", id),
            path("users", "..", id),
            path("users", "sync_date=2026-11-25", "3MbL6oflC9jQKpjaUfUbVqpgBbD"),
            path("users/..", "x", id),
            format!("/etc/x/sync={id}/passwd"),
            format!("users/x/sync={id}/.."),
            format!("users/x\\..\\y/sync={id}/z"),
            format!("users/C:/sync={id}/z"),
        ] {
            assert!(!is_ours(&path, Table::Users, id), "{path}");
        }
    }
}
