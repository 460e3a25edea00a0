//! The port: a sync becomes files of a format in a place.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use access_core::model::{AccessBatch, Baseline, ResourceTypeId, SyncId, SyncRun};
use access_core::ports::{AccessSink, Prepared, Receipt, SinkError, SinkWriter};
use access_core::sync::SyncSummary;
use async_trait::async_trait;
use tempfile::TempDir;

use crate::collecting::Collecting;
use crate::error::DatasetError;
use crate::format::FileFormat;
use crate::manifest::Manifest;
use crate::publish::{MadeFile, MakeFiles, Publication};
use crate::store::{self, Location, private_folder};

/// Where a dataset goes.
#[derive(Debug, Clone)]
pub struct DatasetSinkConfig {
    /// Its root.
    pub location: Location,
    /// Where temporary files go; those of a dataset in a folder go into that folder.
    pub temp_folder: PathBuf,
}

/// Writes each sync as a dataset.
pub struct DatasetSink {
    config: DatasetSinkConfig,
    format: Arc<dyn FileFormat>,
}

impl DatasetSink {
    /// A sink over one place and one format.
    #[must_use]
    pub fn new(config: DatasetSinkConfig, format: impl FileFormat) -> Self {
        Self {
            config,
            format: Arc::new(format),
        }
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
        let collecting = Collecting::start(self.format.name(), scratch.path()).map_err(SinkError::new)?;
        let publication = Publication::begin(store, sync).await.map_err(SinkError::new)?;
        let baseline = match publication.replaced().await {
            Ok(replaced) => replaced.as_ref().map(baseline),
            Err(error) => {
                publication.abort().await;
                return Err(SinkError::new(error));
            }
        };
        Ok(Box::new(DatasetWriter {
            format: Arc::clone(&self.format),
            publication,
            scratch,
            collecting,
            making: None,
            stop: StopOnDrop(Arc::new(AtomicBool::new(false))),
            baseline,
            rows: 0,
        }))
    }
}

/// Rows of the sync and its files.
type Made = Result<(u64, Vec<MadeFile>), DatasetError>;

/// Ends the making of files soon after nobody wants them any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct DatasetWriter {
    format: Arc<dyn FileFormat>,
    publication: Publication,
    scratch: TempDir,
    collecting: Collecting,
    making: Option<tokio::task::JoinHandle<Made>>,
    stop: StopOnDrop,
    baseline: Option<Baseline>,
    rows: u64,
}

impl DatasetWriter {
    async fn make_files(&mut self, summary: &SyncSummary) -> Result<Vec<MadeFile>, DatasetError> {
        let collector = self.collecting.finish().await?;
        let (format, summary) = (Arc::clone(&self.format), summary.clone());
        let (folder, stop) = (self.scratch.path().to_owned(), Arc::clone(&self.stop.0));
        // Kept, so that an abort can wait until nobody writes to the scratch folder any more.
        let making = self.making.insert(tokio::task::spawn_blocking(move || {
            let mut tables = collector
                .finish()
                .map_err(|error| DatasetError::scratch(&folder, error))?;
            let make = MakeFiles {
                format: &*format,
                summary: &summary,
                folder: &folder,
                stop: &stop,
            };
            Ok((tables.rows(), make.run(&mut tables)?))
        }));
        let made = making.await;
        self.making = None;
        let (rows, files) = made.unwrap_or(Err(DatasetError::ThreadLost))?;
        self.rows = rows;
        Ok(files)
    }
}

#[async_trait]
impl SinkWriter for DatasetWriter {
    fn baseline(&self) -> Option<Baseline> {
        self.baseline.clone()
    }

    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError> {
        self.collecting.send(batch).await.map_err(SinkError::new)
    }

    async fn prepare(&mut self, summary: &SyncSummary) -> Result<Prepared, SinkError> {
        let files = self.make_files(summary).await.map_err(SinkError::new)?;
        let prepared = self
            .publication
            .prepare(&self.format, summary, files, self.scratch.path());
        prepared.await.map_err(SinkError::new)?;
        Ok(Prepared { rows: self.rows })
    }

    async fn set_aside(&mut self, summary: &SyncSummary) -> Result<Option<String>, SinkError> {
        let files = self.make_files(summary).await.map_err(SinkError::new)?;
        let place = self.publication.set_aside(&*self.format, summary, files).await;
        Ok(Some(place.map_err(SinkError::new)?))
    }

    async fn publish(self: Box<Self>) -> Result<Receipt, SinkError> {
        self.publication.publish(self.rows).await.map_err(SinkError::new)
    }

    async fn abort(mut self: Box<Self>) {
        self.stop.0.store(true, Ordering::Relaxed);
        let _ = self.collecting.finish().await;
        if let Some(making) = self.making.take() {
            let _ = making.await;
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
