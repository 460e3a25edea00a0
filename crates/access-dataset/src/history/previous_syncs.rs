//! The syncs that came before, and the history that they make.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::update::HistoryFiles;
use super::update::HistoryUpdate;
use super::update::local_files;
use crate::diff::TableFiles;
use crate::diff::removals_of;
use crate::error::DatasetError;
use crate::format::{FileFormat, Formats};
use crate::manifest::Manifest;
use crate::publish::{LocalFile, TableFileWriter, partition};
use crate::reader::HashCheck;
use crate::reader::linked;
use crate::reader::open_files;
use crate::rows::microseconds;
use crate::schema::Table;
use crate::store::Store;

/// Reads the previous syncs of a dataset.
pub(crate) struct PreviousSyncs<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) formats: &'a Formats,
    pub(crate) scratch: &'a Path,
    pub(crate) stop: &'a Arc<AtomicBool>,
}

/// Called with the history files of each sync.
type Each<'a> = &'a mut (dyn FnMut(&Manifest, &[LocalFile]) -> Result<(), DatasetError> + Send);

/// The tables of the previous sync that an update reads, each with the number of times.
const PREVIOUS_TABLES: [(Table, usize); 4] = [
    (Table::Users, 2),
    (Table::Resources, 1),
    (Table::Entitlements, 1),
    (Table::Grants, 1),
];
/// The tables that each sync writes again in full.
const VALIDITY_TABLES: [Table; 2] = [Table::GrantsHistory, Table::UsersHistory];

/// The history at the latest sync, ready for the next update.
pub(crate) async fn load_history(
    location: &PreviousSyncs<'_>,
    latest: &Manifest,
) -> Result<(HistoryUpdate, HistoryFiles), DatasetError> {
    if let Some(history) = &latest.history {
        match location.maintained(latest).await {
            Ok(previous) => {
                let history_files = HistoryFiles {
                    since: history.since.clone(),
                    since_started_at: history.since_started_at.clone(),
                    syncs: history.syncs,
                    files: Vec::new(),
                };
                return Ok((previous, history_files));
            }
            Err(error @ DatasetError::Damaged { .. }) => {
                tracing::warn!(%error, "the history is rebuilt from all syncs");
            }
            Err(error) => return Err(error),
        }
    }
    let chain = location.chain(latest.clone(), true).await?;
    let (rebuilt, since) = location.replay(&chain, &mut |_, _| Ok(())).await?;
    let mut previous = location.open(latest, PREVIOUS_TABLES).await?;
    previous.add_history(&rebuilt.files, Arc::clone(&previous.format))?;
    Ok((
        previous,
        HistoryFiles {
            since: since.0,
            since_started_at: since.1,
            ..rebuilt
        },
    ))
}

impl PreviousSyncs<'_> {
    async fn maintained(&self, sync: &Manifest) -> Result<HistoryUpdate, DatasetError> {
        let mut previous = self.open(sync, PREVIOUS_TABLES).await?;
        for table in VALIDITY_TABLES {
            let entries = sync.entries(table);
            let open = open_files(self.store, sync, entries, table, HashCheck::Verify, self.scratch).await?;
            previous.files.entry(table).or_default().push(open);
        }
        Ok(previous)
    }

    /// Opens the tables of a sync, each the given number of times.
    pub(crate) async fn open(
        &self,
        sync: &Manifest,
        tables: impl IntoIterator<Item = (Table, usize)>,
    ) -> Result<HistoryUpdate, DatasetError> {
        let mut files = TableFiles::new();
        for (table, times) in tables {
            for time in 0..times {
                // Checking once is enough.
                let hashes = if time == 0 {
                    HashCheck::Verify
                } else {
                    HashCheck::Skip
                };
                let mut open =
                    open_files(self.store, sync, sync.entries(table), table, hashes, self.scratch).await?;
                for file in &mut open {
                    file.verified = true;
                }
                files.entry(table).or_default().push(open);
            }
        }
        let format = self.formats.named(&sync.format, &sync.format_options)?;
        Ok(HistoryUpdate {
            sync_id: sync.sync.id.clone(),
            synced_at: microseconds(sync.sync.start_time()),
            tenant: sync.sync.tenant.clone(),
            history_format: Arc::clone(&format),
            format,
            removals: removals_of(sync),
            files,
        })
    }

    /// All syncs that were the latest at some time, the earliest first. With `gaps`, the chain begins after a missing one.
    pub(crate) async fn chain(&self, latest: Manifest, gaps: bool) -> Result<Vec<Manifest>, DatasetError> {
        let mut chain = vec![latest];
        while let Some(link) = chain.last().and_then(|sync| sync.previous.clone()) {
            match linked(self.store, &link).await {
                Ok(manifest) => chain.push(manifest),
                Err(error @ DatasetError::Damaged { .. }) if gaps => {
                    tracing::warn!(%error, "the history begins after this sync");
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        chain.reverse();
        Ok(chain)
    }

    /// Replays syncs, the earliest first. Gives the history of the last one, and the id and time of the first.
    pub(crate) async fn replay(
        &self,
        chain: &[Manifest],
        each: Each<'_>,
    ) -> Result<(HistoryFiles, (String, String)), DatasetError> {
        let (mut files, mut folders): (Vec<LocalFile>, Vec<tempfile::TempDir>) = (Vec::new(), Vec::new());
        for (n, sync) in chain.iter().enumerate() {
            let previous = match n.checked_sub(1).and_then(|previous| chain.get(previous)) {
                None => None,
                Some(last) => {
                    let mut previous = self.open(last, PREVIOUS_TABLES).await?;
                    let format = Arc::clone(&previous.format);
                    previous.add_history(&files, format)?;
                    Some(previous)
                }
            };
            let this = self.open(sync, HistoryUpdate::TABLES).await?;
            let folder =
                tempfile::tempdir_in(self.scratch).map_err(|error| DatasetError::io(self.scratch, error))?;
            files = self.update(this, previous, sync, folder.path()).await?;
            each(sync, &files)?;
            // The files of the previous update were read; those of this one are the next one's input.
            folders.push(folder);
            if folders.len() > 1 {
                folders.remove(0);
            }
        }
        for folder in folders {
            // Removed with the scratch folder.
            let _ = folder.keep();
        }
        let first = chain
            .first()
            .map(|sync| (sync.sync.id.clone(), sync.sync.started_at.clone()));
        let since = first.unwrap_or_default();
        let history = HistoryFiles {
            since: since.0.clone(),
            since_started_at: since.1.clone(),
            syncs: chain.len() as u64,
            files,
        };
        Ok((history, since))
    }

    async fn update(
        &self,
        this: HistoryUpdate,
        previous: Option<HistoryUpdate>,
        sync: &Manifest,
        folder: &Path,
    ) -> Result<Vec<LocalFile>, DatasetError> {
        let partition = partition(sync.sync.start_time(), &sync.sync.id);
        let (folder, stop) = (folder.to_owned(), Arc::clone(self.stop));
        let format = Arc::clone(&this.format);
        let work = move || apply_update(this, previous, &*format, partition, &folder, &stop);
        let stepped = tokio::task::spawn_blocking(work).await;
        stepped.unwrap_or(Err(DatasetError::WorkerPanicked))
    }
}

/// Merges a sync into the history of the one before. Blocks.
pub(crate) fn apply_update(
    this: HistoryUpdate,
    previous: Option<HistoryUpdate>,
    format: &dyn FileFormat,
    partition: String,
    folder: &Path,
    stop: &AtomicBool,
) -> Result<Vec<LocalFile>, DatasetError> {
    let writer = TableFileWriter {
        format,
        partition,
        folder,
        stop,
    };
    this.apply(previous, &writer)
}

impl HistoryUpdate {
    fn add_history(&mut self, files: &[LocalFile], format: Arc<dyn FileFormat>) -> Result<(), DatasetError> {
        self.files
            .extend(local_files(files, VALIDITY_TABLES.map(|table| (table, 1)))?);
        self.history_format = format;
        Ok(())
    }
}
