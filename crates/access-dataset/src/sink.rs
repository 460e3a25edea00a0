//! The sink: a sync as files of a format at a location.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use access_core::diff::RemovalPolicy;
use access_core::model::{AccessBatch, Baseline, ResourceTypeId, SyncId, SyncOrigin, SyncRun};
use access_core::ports::{AccessSink, Prepared, Receipt, SinkError, SinkWriter};
use access_core::sync::{Comparer, Comparison, CurrentSync, SyncSummary};
use async_trait::async_trait;
use sink_worker::StopFlag;
use tempfile::TempDir;
use time::format_description::well_known::Rfc3339;

use crate::collector_thread::CollectorThread;
use crate::diff::Cursor;
use crate::error::DatasetError;
use crate::format::{FileFormat, Formats};
use crate::history::{HistoryFiles, HistoryUpdate, PreviousSyncs, apply_update, load_history, local_files};
use crate::manifest::Manifest;
use crate::publish::{Intent, LocalFile, Publication, TableFileWriter, partition};
use crate::reader::HashCheck;
use crate::reader::Rows;
use crate::reader::open_files;
use crate::rows::microseconds;
use crate::schema::Table;
use crate::store::{self, Location, private_folder};

/// Where a dataset goes.
#[derive(Debug, Clone)]
pub struct DatasetSinkConfig {
    /// Its root.
    pub location: Location,
    /// Where temporary files go; those of a dataset in a folder go into that folder.
    pub temp_folder: PathBuf,
    /// Whether `changes`, `grants_history` and `users_history` are kept.
    pub history: bool,
    /// Whether a new chain of syncs is started where the location holds something else or has lost its latest sync; the
    /// chain that was there is named in the manifest of the first sync of the new one, and its files stay.
    pub replace_existing: bool,
}

/// Writes each sync as a dataset.
pub struct DatasetSink {
    config: DatasetSinkConfig,
    format: Arc<dyn FileFormat>,
    formats: Formats,
}

impl DatasetSink {
    /// A sink for a location and a format.
    #[must_use]
    pub fn new(config: DatasetSinkConfig, format: impl FileFormat) -> Self {
        let format: Arc<dyn FileFormat> = Arc::new(format);
        Self {
            config,
            formats: Formats::new([Arc::clone(&format)]),
            format,
        }
    }

    /// With the formats in which earlier syncs may be.
    #[must_use]
    pub fn reading(self, formats: Formats) -> Self {
        Self { formats, ..self }
    }
}

#[async_trait]
impl AccessSink for DatasetSink {
    fn name(&self) -> String {
        format!("{} {}", self.format.name(), self.config.location)
    }

    async fn begin(&self, sync: &SyncRun) -> Result<Box<dyn SinkWriter>, SinkError> {
        let store = store::open(&self.config.location).await.map_err(SinkError::new)?;
        let temp_folder = store.scratch().unwrap_or(&self.config.temp_folder).to_owned();
        let scratch = private_folder(&temp_folder)
            .map_err(|error| SinkError::new(DatasetError::io(&temp_folder, error)))?;
        let collector = CollectorThread::start(self.format.name(), self.format.contract(), scratch.path())
            .map_err(SinkError::new)?;
        let intent = Intent {
            run: sync,
            format: &*self.format,
            formats: &self.formats,
            replace_existing: self.config.replace_existing,
        };
        let publication = Publication::begin(store, &intent).await.map_err(SinkError::new)?;
        Ok(Box::new(DatasetWriter {
            format: Arc::clone(&self.format),
            formats: self.formats.clone(),
            history: self.config.history,
            publication,
            scratch,
            collector,
            writing: None,
            stop: StopFlag::default(),
            rows: 0,
        }))
    }
}

/// Rows of the sync and its files.
type FilesResult = Result<(u64, Vec<LocalFile>), DatasetError>;

struct DatasetWriter {
    format: Arc<dyn FileFormat>,
    formats: Formats,
    history: bool,
    publication: Publication,
    scratch: TempDir,
    collector: CollectorThread,
    writing: Option<tokio::task::JoinHandle<FilesResult>>,
    /// Ends the writing of files soon after the sync was dropped.
    stop: StopFlag,
    rows: u64,
}

impl DatasetWriter {
    async fn write_files(&mut self, summary: &SyncSummary) -> Result<Vec<LocalFile>, DatasetError> {
        let collector = self.collector.finish().await?;
        let (format, summary) = (Arc::clone(&self.format), summary.clone());
        let (folder, stop) = (self.scratch.path().to_owned(), Arc::clone(self.stop.shared()));
        // Stored, so that an abort can wait until nothing writes to the scratch folder any more.
        let writing = self.writing.insert(tokio::task::spawn_blocking(move || {
            let mut tables = collector
                .finish()
                .map_err(|error| DatasetError::scratch(&folder, error))?;
            let file_writer = TableFileWriter {
                format: &*format,
                partition: partition(summary.run.started_at, summary.run.id.as_str()),
                folder: &folder,
                stop: &stop,
            };
            Ok((tables.rows(), file_writer.run(&mut tables, &summary)?))
        }));
        let joined = writing.await;
        self.writing = None;
        let (rows, files) = joined.unwrap_or(Err(DatasetError::WorkerPanicked))?;
        self.rows = rows;
        Ok(files)
    }
}

impl DatasetWriter {
    /// The history with this sync, if readers are to see it.
    async fn write_history(
        &mut self,
        summary: &SyncSummary,
        files: &[LocalFile],
    ) -> Result<Option<HistoryFiles>, DatasetError> {
        let run = &summary.run;
        if !self.history || !self.publication.can_become_latest(run.sync_type.as_str()) {
            return Ok(None);
        }
        let (before, history_files) = match self.publication.replaced() {
            None => (None, None),
            Some(latest) => {
                let location = PreviousSyncs {
                    store: self.publication.store(),
                    formats: &self.formats,
                    scratch: self.scratch.path(),
                    stop: self.stop.shared(),
                };
                let (before, history_files) = load_history(&location, latest).await?;
                (Some(before), Some(history_files))
            }
        };
        let this = HistoryUpdate {
            sync_id: run.id.to_string(),
            synced_at: microseconds(run.started_at),
            tenant: run.tenant.clone(),
            format: Arc::clone(&self.format),
            history_format: Arc::clone(&self.format),
            removals: RemovalPolicy::from_completeness(run.sync_type, &summary.completeness),
            files: local_files(files, HistoryUpdate::TABLES)?,
        };
        let partition = partition(run.started_at, run.id.as_str());
        let (format, folder, stop) = (
            Arc::clone(&self.format),
            self.scratch.path().to_owned(),
            Arc::clone(self.stop.shared()),
        );
        let writing = self.writing.insert(tokio::task::spawn_blocking(move || {
            Ok((
                0,
                apply_update(this, before, &*format, partition, &folder, &stop)?,
            ))
        }));
        let joined = writing.await;
        self.writing = None;
        let (_, files) = joined.unwrap_or(Err(DatasetError::WorkerPanicked))?;
        let since = started_at(summary)?;
        Ok(Some(match history_files {
            Some(history_files) => HistoryFiles {
                syncs: history_files.syncs + 1,
                files,
                ..history_files
            },
            None => HistoryFiles {
                since: run.id.to_string(),
                since_started_at: since,
                syncs: 1,
                files,
            },
        }))
    }
}

/// The columns by which rows are compared.
const RESOURCE_IDS: [&str; 2] = ["resource_type_id", "resource_id"];
const GRANT_IDS: [&str; 3] = ["entitlement_id", "principal_type_id", "principal_id"];

impl DatasetWriter {
    /// The ids of the resources and the grants of a previous sync, whose files are checked against its manifest first.
    async fn earlier_ids(&self, sync: &Manifest) -> Result<[Cursor; 2], DatasetError> {
        let (store, scratch) = (self.publication.store(), self.scratch.path());
        let format = self.formats.named(&sync.format, &sync.format_options)?;
        let open = async |table: Table, columns: &[&'static str]| {
            let entries = sync.entries(table);
            let files = open_files(store, sync, entries, table, HashCheck::Verify, scratch).await?;
            let rows = Rows::new(table, Arc::clone(&format), Some(columns), files);
            Ok::<_, DatasetError>(Cursor::new(Box::new(rows), columns.to_vec()))
        };
        Ok([
            open(Table::Resources, &RESOURCE_IDS).await?,
            open(Table::Grants, &GRANT_IDS).await?,
        ])
    }
}

/// Streams the ids of an earlier sync into a comparison. Blocks.
fn compare_ids(
    mut comparer: Comparer,
    [mut resources, mut grants]: [Cursor; 2],
    stop: &AtomicBool,
) -> Result<Comparison, DatasetError> {
    let stopped = || {
        if stop.load(Ordering::Relaxed) {
            return Err(DatasetError::Stopped);
        }
        Ok(())
    };
    while resources.advance()? {
        stopped()?;
        let id = |column| resources.text(column).unwrap_or_default();
        comparer.add_resource(id(0), id(1));
    }
    while grants.advance()? {
        stopped()?;
        let id = |column| grants.text(column).unwrap_or_default();
        comparer.add_grant(id(0), id(1), id(2));
    }
    Ok(comparer.finish())
}

fn started_at(summary: &SyncSummary) -> Result<String, DatasetError> {
    let history_files = summary.run.started_at.format(&Rfc3339);
    history_files.map_err(|error| DatasetError::Rows {
        reason: error.to_string(),
    })
}

#[async_trait]
impl SinkWriter for DatasetWriter {
    fn baseline(&self) -> Option<Baseline> {
        self.publication.replaced().map(baseline)
    }

    fn origin(&self) -> SyncOrigin {
        self.publication.sync_origin().clone()
    }

    async fn compare(&mut self, current: &Arc<CurrentSync>) -> Result<Option<Comparison>, SinkError> {
        let Some(latest) = self.publication.latest().cloned() else {
            return Ok(None);
        };
        let rows = self.earlier_ids(&latest).await.map_err(SinkError::new)?;
        let (current, stop) = (Arc::clone(current), Arc::clone(self.stop.shared()));
        let comparing = tokio::task::spawn_blocking(move || {
            let comparer = Comparer::new(current, latest.sync.id.parse().ok());
            compare_ids(comparer, rows, &stop)
        });
        let compared = comparing.await.unwrap_or(Err(DatasetError::WorkerPanicked));
        compared.map(Some).map_err(SinkError::new)
    }

    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError> {
        self.collector.send(batch).await.map_err(SinkError::new)
    }

    async fn prepare(&mut self, summary: &SyncSummary) -> Result<Prepared, SinkError> {
        let files = self.write_files(summary).await.map_err(SinkError::new)?;
        let history = self
            .write_history(summary, &files)
            .await
            .map_err(SinkError::new)?;
        let prepared = self
            .publication
            .prepare(&self.format, summary, files, history, self.scratch.path());
        prepared.await.map_err(SinkError::new)?;
        Ok(Prepared { rows: self.rows })
    }

    async fn quarantine(&mut self, summary: &SyncSummary) -> Result<Option<String>, SinkError> {
        let files = self.write_files(summary).await.map_err(SinkError::new)?;
        let location = self.publication.quarantine(&*self.format, summary, files).await;
        Ok(Some(location.map_err(SinkError::new)?))
    }

    async fn publish(self: Box<Self>) -> Result<Receipt, SinkError> {
        self.publication.publish(self.rows).await.map_err(SinkError::new)
    }

    async fn abort(mut self: Box<Self>) {
        self.stop.raise();
        let _ = self.collector.finish().await;
        if let Some(writing) = self.writing.take() {
            let _ = writing.await;
        }
        self.publication.abort().await;
    }
}

pub(crate) fn baseline(manifest: &Manifest) -> Baseline {
    let lines = manifest.ledger.as_array().into_iter().flatten();
    let mut baseline = Baseline {
        sync_id: manifest.sync.id.parse::<SyncId>().ok(),
        ..Baseline::default()
    };
    for line in lines {
        let text = |key: &str| line.get(key).and_then(serde_json::Value::as_str);
        let written = line
            .get("written")
            .and_then(serde_json::Value::as_u64)
            .unwrap_or_default();
        let Some(Ok(resource_type)) = text("resource_type").map(ResourceTypeId::new) else {
            continue;
        };
        let rows = match text("kind") {
            Some("resource") => &mut baseline.resources,
            Some("grant") => &mut baseline.grants,
            _ => continue,
        };
        rows.insert(resource_type, written);
    }
    baseline
}
