//! From files on this machine to a sync that readers can see.
//!
//! 1. A claim `_staging/<sync>.json` says that files of this sync may lie about.
//! 2. Every file is stored under its final name and read back: bytes, hash and rows must be what was written.
//! 3. The manifest is stored and read back.
//! 4. The pointer is moved, if it is still what it was when the run began. From here on readers see the sync.
//! 5. The claim is removed, and then what later syncs have anew of the history.
//!
//! A run that ends between two steps leaves a claim; a later run sweeps what it names.

mod candidate;
mod files;
mod sweep;

use std::path::Path;
use std::sync::Arc;

use access_core::model::{SyncRun, SyncType};
use access_core::ports::Receipt;
use access_core::sync::SyncSummary;
use time::OffsetDateTime;

use crate::error::DatasetError;
use crate::format::FileFormat;
use crate::history::MadeHistory;
use crate::manifest::{FileEntry, Manifest, ManifestHistory, POINTER, Pointer, path_of};
use crate::published::{read_manifest, read_pointer};
use crate::read_back::ReadBack;
use crate::store::{Store, Stored, Swap};

pub(crate) use sweep::claimed;

pub(crate) use files::{MadeFile, MakeFiles, TableWriter, partition};

/// A sync on its way into a store.
pub(crate) struct Publication {
    store: Arc<dyn Store>,
    sync_id: String,
    started_at: OffsetDateTime,
    /// The pointer when the run began.
    before: Option<(Stored, Pointer)>,
    state: State,
}

enum State {
    /// Files may lie about.
    Claimed { stored: Vec<String> },
    /// Everything but the pointer is there.
    Ready {
        manifest: Manifest,
        pointer: Vec<u8>,
        stored: Vec<String>,
    },
    /// An earlier run published this very sync.
    AlreadyThere { manifest: Manifest },
}

impl Publication {
    /// Looks at what is published, sweeps what interrupted runs left, and claims the sync.
    pub(crate) async fn begin(store: Arc<dyn Store>, run: &SyncRun) -> Result<Self, DatasetError> {
        let before = read_pointer(&*store).await?;
        let sync_id = run.id.to_string();
        let now = OffsetDateTime::now_utc();
        sweep::sweep(
            &*store,
            before.as_ref().map(|(_, pointer)| pointer),
            &sync_id,
            now,
        )
        .await?;
        if let Err(error) = sweep::claim(&*store, &sync_id, now).await {
            // It may be there all the same.
            sweep::unclaim(&*store, &sync_id).await;
            return Err(error);
        }
        Ok(Self {
            store,
            sync_id,
            started_at: run.started_at,
            before,
            state: State::Claimed { stored: Vec::new() },
        })
    }

    /// The sync that readers see now, if this one is later and so may take its place. One that is damaged tells nothing;
    /// one that cannot be read now is an error, or a loss would go unnoticed.
    pub(crate) async fn replaced(&self) -> Result<Option<Manifest>, DatasetError> {
        let earlier = self.before.as_ref().map(|(_, pointer)| pointer);
        let Some(pointer) = earlier.filter(|pointer| pointer.is_before(&self.sync_id, self.started_at))
        else {
            return Ok(None);
        };
        match read_manifest(&*self.store, &pointer.latest.manifest).await {
            Err(DatasetError::Damaged { .. }) => Ok(None),
            read => read,
        }
    }

    /// The place.
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Whether readers are to see this sync: only a full one may be read as the state of the tenant, and only one that is not
    /// older than what is there.
    pub(crate) fn becomes_the_latest(&self, sync_type: &str) -> bool {
        let later = |(_, pointer): &(Stored, Pointer)| pointer.is_before(&self.sync_id, self.started_at);
        sync_type == SyncType::Full.as_str() && self.before.as_ref().is_none_or(later)
    }

    /// Keeps files where readers do not look, and tells where.
    pub(crate) async fn set_aside(
        &self,
        format: &dyn FileFormat,
        summary: &SyncSummary,
        files: Vec<MadeFile>,
    ) -> Result<String, DatasetError> {
        let previous = self.before.as_ref().map(|(_, pointer)| pointer.latest.clone());
        candidate::keep(&*self.store, format, summary, files, previous).await
    }

    /// Stores files and manifest and verifies what was stored.
    pub(crate) async fn prepare(
        &mut self,
        format: &Arc<dyn FileFormat>,
        summary: &SyncSummary,
        mut files: Vec<MadeFile>,
        history: Option<MadeHistory>,
        scratch: &Path,
    ) -> Result<(), DatasetError> {
        let entries: Vec<FileEntry> = files.iter().map(|file| file.entry.clone()).collect();
        let history = history.map(|made| {
            let history = ManifestHistory {
                since: made.since,
                since_started_at: made.since_started_at,
                syncs: made.syncs,
                files: made.files.iter().map(|file| file.entry.clone()).collect(),
            };
            files.extend(made.files);
            history
        });
        let previous = self.before.as_ref().map(|(_, pointer)| pointer.latest.clone());
        let manifest = Manifest::new(&**format, summary, entries, history, previous)
            .map_err(|error| not_json(&error))?;
        let (bytes, link) = manifest.encode().map_err(|error| not_json(&error))?;
        if let Some(earlier) = read_manifest(&*self.store, &link.manifest).await? {
            if !earlier.same_data(&manifest) {
                return Err(DatasetError::OtherContent {
                    sync_id: self.sync_id.clone(),
                    place: self.store.describe(""),
                });
            }
            let latest = self.before.as_ref().map(|(_, pointer)| pointer);
            if sweep::is_published(latest, &earlier) {
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
            let (format, entry, place) = (Arc::clone(format), file.entry.clone(), self.store.describe(path));
            tokio::task::spawn_blocking(move || verify(&*format, &entry, &place, back))
                .await
                .unwrap_or(Err(DatasetError::ThreadLost))?;
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
            return Err(DatasetError::NotVerified {
                place: self.store.describe(&link.manifest),
                found: format!("{} bytes", back.len()),
                written: format!("{} other bytes", bytes.len()),
            });
        }
        // On one line, so that programs that read JSON lines read it too.
        let mut pointer = serde_json::to_vec(&Pointer::to(link)).map_err(|error| not_json(&error))?;
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
                if self.becomes_the_latest(&manifest.sync.sync_type)
                    && let Err(error) = self.move_pointer(pointer).await
                {
                    // After a failure that is not certain the pointer may name these files all the same, so they stay;
                    // the claim lets a later run look and sweep.
                    if self.certainly_not_moved(&error) {
                        self.abort().await;
                    }
                    return Err(error);
                }
                manifest
            }
            State::Claimed { .. } => return Err(DatasetError::ThreadLost),
        };
        sweep::unclaim(&*self.store, &self.sync_id).await;
        if manifest.history.is_some()
            && let Err(error) = sweep::supersede(&*self.store).await
        {
            tracing::warn!(%error, "a later run will remove the history that is no longer needed");
        }
        Ok(Receipt {
            location: self.store.describe(""),
            bytes: Some(manifest.files.iter().map(|file| file.bytes).sum()),
            rows,
        })
    }

    async fn move_pointer(&self, bytes: &[u8]) -> Result<(), DatasetError> {
        let was = self.before.as_ref().map(|(stored, _)| &stored.version);
        let swapped = self.store.swap(POINTER, bytes.to_vec(), was).await;
        if matches!(swapped, Ok(Swap::Done)) {
            return Ok(());
        }
        // A folder's answer is never lost.
        if self.store.is_exclusive() && swapped.is_err() {
            return swapped.map(drop);
        }
        // The answer may have been lost after the move, and a repetition refused because of the move itself.
        let now = self.store.get(POINTER).await?;
        if now.as_ref().is_some_and(|now| now.bytes == bytes) {
            return Ok(());
        }
        swapped?;
        let to = now.and_then(|now| serde_json::from_slice::<Pointer>(&now.bytes).ok());
        Err(DatasetError::Moved {
            pointer: self.store.describe(POINTER),
            to: to.map_or_else(|| "nothing".to_owned(), |to| to.latest.sync_id),
        })
    }

    /// Whether no reader can ever follow the pointer to this sync.
    fn certainly_not_moved(&self, error: &DatasetError) -> bool {
        match error {
            DatasetError::Moved { .. } => true,
            DatasetError::NotConfirmed { .. } => false,
            _ => self.store.is_exclusive(),
        }
    }

    /// Removes what was stored, the claim last. What cannot be removed now is swept by a later run.
    pub(crate) async fn abort(&self) {
        let stored = match &self.state {
            State::Claimed { stored } | State::Ready { stored, .. } => stored.as_slice(),
            State::AlreadyThere { .. } => &[],
        };
        // The manifest came last and goes first: where one is, its files are.
        for path in stored.iter().rev() {
            if let Err(error) = self.store.delete(path).await {
                tracing::warn!(path = self.store.describe(path), %error, "a later run will sweep this");
                return;
            }
        }
        sweep::unclaim(&*self.store, &self.sync_id).await;
    }
}

fn not_json(error: &serde_json::Error) -> DatasetError {
    DatasetError::Rows {
        reason: error.to_string(),
    }
}

/// Reads a file back: its bytes, its hash, its rows.
fn verify(
    format: &dyn FileFormat,
    entry: &FileEntry,
    place: &str,
    back: std::fs::File,
) -> Result<(), DatasetError> {
    let differs = |found: String, written: String| DatasetError::NotVerified {
        place: place.to_owned(),
        found,
        written,
    };
    let mut back = ReadBack::new(back);
    // Bytes that differ say more than what a format makes of them, so they are looked at first.
    let rows = format.count_rows(&mut back);
    let sum = back.finish();
    let (bytes, sha256) = sum.map_err(|error| DatasetError::io(Path::new(place), error))?;
    if (bytes, &sha256) != (entry.bytes, &entry.sha256) {
        return Err(differs(
            format!("{bytes} bytes, sha256 {sha256}"),
            format!("{} bytes, sha256 {}", entry.bytes, entry.sha256),
        ));
    }
    match rows {
        Ok(rows) if rows == entry.rows => Ok(()),
        Ok(rows) => Err(differs(format!("{rows} rows"), format!("{} rows", entry.rows))),
        // The bytes are what was written, so it is not they that are at fault.
        Err(error) => Err(DatasetError::io(
            Path::new(place),
            std::io::Error::other(error.to_string()),
        )),
    }
}

/// Where the manifest of a sync would be.
pub(super) fn manifest_path(sync_id: &str) -> String {
    path_of(sync_id)
}
