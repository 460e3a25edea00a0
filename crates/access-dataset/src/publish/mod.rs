//! Publishes local files as a sync that readers can see.
//!
//! 0. The contents are checked: a location with something else, or without its latest sync, is refused.
//! 1. A claim `_staging/<sync>.json` records that files of this sync may exist. In a bucket, writing it shows
//!    whether the store honours conditional writes, which the pointer needs.
//! 2. Every file is stored under its final name and read back: bytes, hash and rows must match.
//! 3. The manifest is stored and read back.
//! 4. The pointer is moved, if it is unchanged since the run began. From here on readers see the sync.
//!    The pointer is read back.
//! 5. The claim is removed, and then the history files that the new sync replaces.
//!
//! A run that ends between two steps leaves a claim; a later run removes the files that it names.

mod existing;
mod probe;
mod quarantine;
mod staging_claims;
mod table_files;

use std::path::Path;
use std::sync::Arc;

use access_core::model::{SyncOrigin, SyncType};
use access_core::ports::Receipt;
use access_core::sync::SyncSummary;
use time::OffsetDateTime;

use crate::error::DatasetError;
use crate::format::FileFormat;
use crate::hashing_reader::HashingReader;
use crate::history::HistoryFiles;
use crate::manifest::{FileEntry, Manifest, ManifestHistory, Origin, POINTER, Pointer};
use crate::reader::check_pointer;
use crate::reader::linked;
use crate::reader::read_manifest;
use crate::store::{MAX_OBJECT_BYTES, Store, SwapOutcome};

use existing::Existing;
use probe::Claim;
pub(crate) use probe::claim_once;

pub(crate) use existing::Intent;
pub(crate) use staging_claims::claimed;

pub(crate) use table_files::LocalFile;
pub(crate) use table_files::TableFileWriter;
pub(crate) use table_files::TableWriter;
pub(crate) use table_files::partition;

/// A sync on its way into a store.
pub(crate) struct Publication {
    store: Arc<dyn Store>,
    sync_id: String,
    started_at: OffsetDateTime,
    /// The contents of the location when the run began.
    existing: Existing,
    state: State,
}

enum State {
    /// Some files may be stored already.
    Claimed { stored: Vec<String> },
    /// Everything except the pointer is stored.
    Ready {
        manifest: Manifest,
        pointer: Vec<u8>,
        stored: Vec<String>,
    },
    /// An earlier run published this very sync.
    AlreadyThere { manifest: Manifest },
}

impl Publication {
    /// Checks whether the location accepts the sync, claims the sync and removes the files of interrupted runs.
    pub(crate) async fn begin(store: Arc<dyn Store>, intent: &Intent<'_>) -> Result<Self, DatasetError> {
        let existing = existing::read_existing(&*store, intent).await?;
        let sync_id = intent.run.id.to_string();
        let claim = staging_claims::claim(&*store, &sync_id, OffsetDateTime::now_utc()).await?;
        let publication = Self {
            store,
            sync_id,
            started_at: intent.run.started_at,
            existing,
            state: State::Claimed { stored: Vec::new() },
        };
        // With a damaged pointer it is unknown which files are published.
        if publication.existing.replaces.is_none()
            && let Err(error) = publication.sweep(&claim).await
        {
            publication.abort().await;
            return Err(error);
        }
        Ok(publication)
    }

    async fn sweep(&self, claim: &Claim) -> Result<(), DatasetError> {
        staging_claims::sweep(&*self.store, self.pointer(), &self.sync_id, claim).await
    }

    fn pointer(&self) -> Option<&Pointer> {
        self.existing.latest.as_ref().map(|(pointer, _)| pointer)
    }

    /// The latest full sync.
    pub(crate) fn latest(&self) -> Option<&Manifest> {
        self.existing.latest.as_ref().map(|(_, manifest)| manifest)
    }

    /// The latest full sync, if this one is later and so may replace it.
    pub(crate) fn replaced(&self) -> Option<&Manifest> {
        let (pointer, manifest) = self.existing.latest.as_ref()?;
        pointer
            .is_before(&self.sync_id, self.started_at)
            .then_some(manifest)
    }

    /// Where the latest sync of the location came from.
    pub(crate) fn sync_origin(&self) -> &SyncOrigin {
        &self.existing.sync_origin
    }

    fn origin(&self) -> Origin {
        Origin {
            previous: self.pointer().map(|pointer| pointer.latest.clone()),
            replaces: self.existing.replaces.clone(),
        }
    }

    /// The store.
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Whether readers may see this sync as the state of the tenant: it must be full and not older than the published one.
    pub(crate) fn can_become_latest(&self, sync_type: &str) -> bool {
        let later = |pointer: &Pointer| pointer.is_before(&self.sync_id, self.started_at);
        sync_type == SyncType::Full.as_str() && self.pointer().is_none_or(later)
    }

    /// Keeps files where readers do not look, and gives the location.
    pub(crate) async fn quarantine(
        &self,
        format: &dyn FileFormat,
        summary: &SyncSummary,
        files: Vec<LocalFile>,
    ) -> Result<String, DatasetError> {
        quarantine::keep(&*self.store, format, summary, files, self.origin()).await
    }

    /// Stores files and manifest and verifies them.
    pub(crate) async fn prepare(
        &mut self,
        format: &Arc<dyn FileFormat>,
        summary: &SyncSummary,
        mut files: Vec<LocalFile>,
        history: Option<HistoryFiles>,
        scratch: &Path,
    ) -> Result<(), DatasetError> {
        let entries: Vec<FileEntry> = files.iter().map(|file| file.entry.clone()).collect();
        let history = history.map(|update| {
            let history = ManifestHistory {
                since: update.since,
                since_started_at: update.since_started_at,
                syncs: update.syncs,
                files: update.files.iter().map(|file| file.entry.clone()).collect(),
            };
            files.extend(update.files);
            history
        });
        let manifest = Manifest::new(&**format, summary, entries, history, self.origin())
            .map_err(|error| DatasetError::json(&error))?;
        let (bytes, link) = manifest.encode().map_err(|error| DatasetError::json(&error))?;
        if bytes.len() as u64 > MAX_OBJECT_BYTES {
            return Err(DatasetError::ObjectTooLarge {
                location: self.store.describe(&link.manifest),
                bytes: bytes.len() as u64,
                limit: MAX_OBJECT_BYTES,
            });
        }
        if let Some(earlier) = read_manifest(&*self.store, &link.manifest).await? {
            if !earlier.same_data(&manifest) {
                return Err(DatasetError::ContentConflict {
                    sync_id: self.sync_id.clone(),
                    location: self.store.describe(""),
                });
            }
            if staging_claims::is_published(self.pointer(), &earlier) {
                self.state = State::AlreadyThere { manifest: earlier };
                return Ok(());
            }
        }
        for file in &files {
            let path = &file.entry.path;
            if let State::Claimed { stored } = &mut self.state {
                stored.push(path.clone());
            }
            self.store.put_file(path, &file.local).await?;
            let back = self.store.open(path, scratch).await?;
            let (format, entry, location) =
                (Arc::clone(format), file.entry.clone(), self.store.describe(path));
            tokio::task::spawn_blocking(move || verify(&*format, &entry, &location, back))
                .await
                .unwrap_or(Err(DatasetError::WorkerPanicked))?;
        }
        let State::Claimed { stored } = &mut self.state else {
            return Ok(());
        };
        stored.push(link.manifest.clone());
        self.store.put(&link.manifest, bytes.clone()).await?;
        let back = self
            .store
            .get(&link.manifest)
            .await?
            .map(|stored| stored.bytes)
            .unwrap_or_default();
        if back != bytes {
            return Err(DatasetError::ReadBackMismatch {
                location: self.store.describe(&link.manifest),
                found: format!("{} bytes", back.len()),
                written: format!("{} other bytes", bytes.len()),
            });
        }
        // On one line, so that programs that read JSON lines read it too.
        let mut pointer =
            serde_json::to_vec(&Pointer::to(link)).map_err(|error| DatasetError::json(&error))?;
        pointer.push(b'\n');
        self.state = State::Ready {
            manifest,
            pointer,
            stored: std::mem::take(stored),
        };
        Ok(())
    }

    /// Moves the pointer.
    pub(crate) async fn publish(self, rows: u64) -> Result<Receipt, DatasetError> {
        let manifest = match &self.state {
            State::AlreadyThere { manifest } => manifest,
            State::Ready {
                manifest, pointer, ..
            } => {
                if self.can_become_latest(&manifest.sync.sync_type) {
                    if let Err(error) = self.move_pointer(pointer).await {
                        // After a failure that is not certain the pointer may name these files all the same, so they
                        // stay; the claim lets a later run look and sweep.
                        if self.pointer_is_unchanged(&error) {
                            self.abort().await;
                        }
                        return Err(error);
                    }
                    if let Err(error) = quarantine::remove(&*self.store).await {
                        tracing::warn!(%error, "the candidate that was kept earlier is still there");
                    }
                } else if manifest.sync.is_full() {
                    tracing::warn!(
                        sync = self.sync_id,
                        "the sync did not become the latest: a later one is there"
                    );
                }
                manifest
            }
            State::Claimed { .. } => return Err(DatasetError::WorkerPanicked),
        };
        staging_claims::release_claim(&*self.store, &self.sync_id).await;
        if manifest.history.is_some()
            && let Err(error) = staging_claims::remove_stale_history(&*self.store).await
        {
            tracing::warn!(%error, "a later run removes the history that is no longer needed");
        }
        Ok(Receipt {
            location: self.store.describe(""),
            bytes: Some(manifest.files.iter().map(|file| file.bytes).sum()),
            rows,
        })
    }

    async fn move_pointer(&self, bytes: &[u8]) -> Result<(), DatasetError> {
        let was = self.existing.pointer.as_ref().map(|stored| &stored.version);
        let swapped = self.store.swap(POINTER, bytes.to_vec(), was).await;
        if matches!(swapped, Ok(SwapOutcome::Done)) {
            return self.check_pointer_moved(bytes).await;
        }
        // A folder's answer is never lost.
        if self.store.is_exclusive() && swapped.is_err() {
            return swapped.map(drop);
        }
        if let Err(DatasetError::Unsupported { .. } | DatasetError::Refused { .. }) = &swapped {
            return swapped.map(drop);
        }
        // The answer may have been lost after the move, and a repetition refused because of the move itself.
        let now = match self.store.get(POINTER).await {
            Ok(now) => now,
            // It is unknown whether the pointer was moved, so this is not the store's answer to the move.
            Err(
                DatasetError::Unsupported { location, reason } | DatasetError::Refused { location, reason },
            ) => {
                return Err(DatasetError::Unavailable { location, reason });
            }
            Err(error) => return Err(error),
        };
        if now.as_ref().is_some_and(|now| now.bytes == bytes) {
            return Ok(());
        }
        swapped?;
        let to = now.and_then(|now| serde_json::from_slice::<Pointer>(&now.bytes).ok());
        Err(DatasetError::PointerConflict {
            pointer: self.store.describe(POINTER),
            to: to.map_or_else(|| "nothing".to_owned(), |to| to.latest.sync_id),
        })
    }

    /// The pointer must name this sync or lead to it: another run may have followed already.
    async fn check_pointer_moved(&self, bytes: &[u8]) -> Result<(), DatasetError> {
        let now = match self.store.get(POINTER).await {
            Ok(now) => now,
            Err(error) => {
                tracing::warn!(%error, "the pointer was moved, but cannot be read back");
                return Ok(());
            }
        };
        if now.as_ref().is_some_and(|now| now.bytes == bytes) {
            return Ok(());
        }
        let to = now.and_then(|now| check_pointer(&*self.store, &now).ok());
        if let Some(to) = &to
            && let Ok(manifest) = linked(&*self.store, &to.latest).await
            && manifest
                .previous
                .is_some_and(|previous| previous.sync_id == self.sync_id)
        {
            return Ok(());
        }
        Err(DatasetError::Overtaken {
            pointer: self.store.describe(POINTER),
            to: to.map_or_else(|| "nothing".to_owned(), |to| to.latest.sync_id),
        })
    }

    /// Whether no reader can ever follow the pointer to this sync.
    fn pointer_is_unchanged(&self, error: &DatasetError) -> bool {
        match error {
            DatasetError::DurabilityUnknown { .. } | DatasetError::Overtaken { .. } => false,
            // The store did nothing of it.
            DatasetError::PointerConflict { .. }
            | DatasetError::Unsupported { .. }
            | DatasetError::Refused { .. } => true,
            _ => self.store.is_exclusive(),
        }
    }

    /// Removes the stored files, the claim last. A later run removes those that cannot be removed now.
    pub(crate) async fn abort(&self) {
        let stored = match &self.state {
            State::Claimed { stored } | State::Ready { stored, .. } => stored.as_slice(),
            State::AlreadyThere { .. } => &[],
        };
        // The manifest was stored last and is removed first, so that its files always exist.
        for path in stored.iter().rev() {
            if let Err(error) = self.store.delete(path).await {
                tracing::warn!(path = self.store.describe(path), %error, "a later run removes this");
                return;
            }
        }
        staging_claims::release_claim(&*self.store, &self.sync_id).await;
    }
}

/// Reads a file back: its bytes, its hash, its rows.
fn verify(
    format: &dyn FileFormat,
    entry: &FileEntry,
    location: &str,
    back: std::fs::File,
) -> Result<(), DatasetError> {
    let differs = |found: String, written: String| DatasetError::ReadBackMismatch {
        location: location.to_owned(),
        found,
        written,
    };
    let mut back = HashingReader::new(back);
    // Different bytes explain more than the format's error, so they are checked first.
    let rows = format.count_rows(&mut back);
    let sum = back.finish();
    let (bytes, sha256) = sum.map_err(|error| DatasetError::io(Path::new(location), error))?;
    if (bytes, &sha256) != (entry.bytes, &entry.sha256) {
        return Err(differs(
            format!("{bytes} bytes, sha256 {sha256}"),
            format!("{} bytes, sha256 {}", entry.bytes, entry.sha256),
        ));
    }
    match rows {
        Ok(rows) if rows == entry.rows => Ok(()),
        Ok(rows) => Err(differs(format!("{rows} rows"), format!("{} rows", entry.rows))),
        // The bytes match, so they are not the cause.
        Err(error) => {
            let cause = table_files::io_cause(&*error).filter(access_core::is_exhausted);
            let source = cause.unwrap_or_else(|| std::io::Error::other(error.to_string()));
            Err(DatasetError::io(Path::new(location), source))
        }
    }
}
