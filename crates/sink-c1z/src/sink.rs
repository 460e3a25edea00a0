//! The access sink.

use std::path::{Path, PathBuf};

use access_core::model::{SyncOrigin, SyncRun};
use access_core::ports::{AccessSink, SinkError, SinkWriter};
use async_trait::async_trait;
use c1z::{
    Compression, Container, ExistingFilePolicy, Limits, Retention, StorageEngine, SyncHeader, Target, Writer,
    WriterOptions,
};
use sink_worker::FileWorker;

use crate::earlier;
use crate::error::C1zSinkError;
use crate::worker::RowWriter;

/// Settings of [`C1zSink`].
#[derive(Debug, Clone)]
pub struct C1zSinkConfig {
    /// The file.
    pub path: PathBuf,
    /// The folder for temporary data.
    pub temp_folder: PathBuf,
    /// What to do with an existing file that cannot be continued.
    pub on_foreign: ExistingFilePolicy,
    /// The format of a new file; `None` for the default. An existing file keeps its format.
    pub engine: Option<StorageEngine>,
    /// Which earlier syncs of the file to keep.
    pub retention: Retention,
    /// The compression of the file.
    pub compression: Compression,
    /// Limits for unpacking the file that is continued.
    pub limits: Limits,
}

/// A sink that writes each sync into a c1z file.
#[derive(Debug, Clone)]
pub struct C1zSink {
    config: C1zSinkConfig,
}

impl C1zSink {
    /// A sink over one file.
    #[must_use]
    pub fn new(config: C1zSinkConfig) -> Self {
        Self { config }
    }
}

#[async_trait]
impl AccessSink for C1zSink {
    fn name(&self) -> String {
        format!("c1z {}", self.config.path.display())
    }

    async fn begin(&self, sync: &SyncRun) -> Result<Box<dyn SinkWriter>, SinkError> {
        let (config, run) = (self.config.clone(), sync.clone());
        let worker = FileWorker::start("c1z-write", move |stop| {
            let header = SyncHeader {
                sync_id: run.id.to_string(),
                sync_type: run.sync_type.as_str(),
                started_at: run.started_at,
            };
            let options = WriterOptions {
                temp_folder: config.temp_folder,
                engine: config.engine,
                retention: config.retention,
                compression: config.compression,
                limits: config.limits,
                stop,
            };
            open(&config.path, config.on_foreign, &run, header, options)
        });
        match worker.await {
            Ok(worker) => Ok(Box::new(worker)),
            Err(error) => Err(SinkError::new(error.or_no_thread(C1zSinkError::NoThread))),
        }
    }
}

/// Opens the target and begins the sync, unless this run must not be added to the contents.
fn open(
    path: &Path,
    on_foreign: ExistingFilePolicy,
    run: &SyncRun,
    header: SyncHeader,
    options: WriterOptions,
) -> Result<RowWriter, C1zSinkError> {
    let target = Target::open(path, on_foreign)?;
    warn_about_engine(&target, options.engine);
    let mut origin = SyncOrigin::default();
    let writer = Writer::begin_if(target, header, options, |contents| {
        origin = earlier::origin(contents);
        earlier::admit(contents, run).map_err(|conflict| C1zSinkError::Location {
            path: path.to_owned(),
            conflict,
        })
    })?;
    Ok(RowWriter::new(writer, path.to_owned(), run.sync_type, origin))
}

/// Warns if the requested engine is not the one of the file, as the reference does (docs/reference/c1z.md §1.3).
fn warn_about_engine(target: &Target, requested: Option<StorageEngine>) {
    let file = target.path().display();
    match (target.existing_format(), requested) {
        (Container::V3, Some(StorageEngine::Sqlite)) => {
            tracing::warn!(%file, "the file is a v3 (Pebble) and stays one, although sqlite was requested");
        }
        (Container::V1, Some(StorageEngine::Pebble)) => {
            tracing::warn!(%file, "the v1 file (SQLite) becomes a v3, because pebble was requested: it will hold only the new sync");
        }
        _ => {}
    }
}
