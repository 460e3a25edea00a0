//! A sync for a comparison only: sorted on disk like the rows of a dataset.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use access_core::diff::{RecordKind, RemovalPolicy};
use access_core::model::{AccessBatch, SyncRun};
use access_core::ports::{AccessSink, Prepared, Receipt, SinkError, SinkWriter};
use access_core::sync::SyncSummary;
use arrow::array::RecordBatch;
use async_trait::async_trait;
use tempfile::TempDir;

use super::published_snapshot::Snapshot;
use super::table_records::TableRecords;
use super::table_records::table_of;
use crate::collector_thread::CollectorThread;
use crate::error::DatasetError;
use crate::rows::{TableError, Tables};
use crate::schema::{Contract, Table};
use crate::store::private_folder;

/// Batches that may wait for the comparison.
const QUEUE: usize = 2;

/// A sink that keeps a sync sorted on disk, for one comparison.
pub struct SortedSink {
    contract: Contract,
    temp_folder: PathBuf,
    sorted: Arc<Mutex<Option<SortedSync>>>,
}

/// A sync whose rows are sorted, on disk in files without names. A clone is the same sync.
#[derive(Clone)]
pub struct SortedSync {
    contract: Contract,
    summary: SyncSummary,
    tables: Arc<Mutex<Tables>>,
}

impl SortedSink {
    /// A sink whose rows are those of a contract, and whose temporary files go into this folder.
    #[must_use]
    pub fn new(contract: Contract, temp_folder: PathBuf) -> Self {
        Self {
            contract,
            temp_folder,
            sorted: Arc::default(),
        }
    }

    /// The sync, once it was published.
    #[must_use]
    pub fn take(&self) -> Option<SortedSync> {
        self.sorted.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl AccessSink for SortedSink {
    fn name(&self) -> String {
        "comparison".to_owned()
    }

    async fn begin(&self, _sync: &SyncRun) -> Result<Box<dyn SinkWriter>, SinkError> {
        let folder = &self.temp_folder;
        let scratch =
            private_folder(folder).map_err(|error| SinkError::new(DatasetError::io(folder, error)))?;
        let collecting =
            CollectorThread::start("comparison", self.contract, scratch.path()).map_err(SinkError::new)?;
        Ok(Box::new(SortedWriter {
            contract: self.contract,
            sorted: Arc::clone(&self.sorted),
            scratch,
            collecting,
            ready: None,
            rows: 0,
        }))
    }
}

struct SortedWriter {
    contract: Contract,
    sorted: Arc<Mutex<Option<SortedSync>>>,
    scratch: TempDir,
    collecting: CollectorThread,
    ready: Option<SortedSync>,
    rows: u64,
}

#[async_trait]
impl SinkWriter for SortedWriter {
    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError> {
        self.collecting.send(batch).await.map_err(SinkError::new)
    }

    async fn prepare(&mut self, summary: &SyncSummary) -> Result<Prepared, SinkError> {
        let collector = self.collecting.finish().await.map_err(SinkError::new)?;
        let finished = tokio::task::spawn_blocking(move || collector.finish()).await;
        let tables = match finished {
            Ok(Ok(tables)) => tables,
            Ok(Err(error)) => return Err(SinkError::new(DatasetError::scratch(self.scratch.path(), error))),
            Err(_) => return Err(SinkError::new(DatasetError::WorkerPanicked)),
        };
        self.rows = tables.rows();
        self.ready = Some(SortedSync {
            contract: self.contract,
            summary: summary.clone(),
            tables: Arc::new(Mutex::new(tables)),
        });
        Ok(Prepared { rows: self.rows })
    }

    async fn publish(self: Box<Self>) -> Result<Receipt, SinkError> {
        *self.sorted.lock().unwrap_or_else(PoisonError::into_inner) = self.ready;
        Ok(Receipt {
            location: "a comparison".to_owned(),
            bytes: None,
            rows: self.rows,
        })
    }

    async fn abort(mut self: Box<Self>) {
        let _ = self.collecting.finish().await;
    }
}

impl SortedSync {
    /// The summary of the sync.
    #[must_use]
    pub fn summary(&self) -> &SyncSummary {
        &self.summary
    }
}

impl Snapshot for SortedSync {
    fn removals(&self) -> RemovalPolicy {
        RemovalPolicy::from_completeness(self.summary.run.sync_type, &self.summary.completeness)
    }

    /// A thread of its own drains the table, and waits while its queue is full.
    fn records(&mut self, subject: RecordKind) -> Result<TableRecords, DatasetError> {
        let (batches, queue) = sync_channel(QUEUE);
        let (tables, summary) = (Arc::clone(&self.tables), self.summary.clone());
        let drain = move || {
            let mut tables = tables.lock().unwrap_or_else(PoisonError::into_inner);
            let mut take = |batch: RecordBatch| batches.send(Ok(batch)).map_err(|_| DatasetError::Stopped);
            let drained = match table_of(subject) {
                Table::Resources => tables.drain_other_resources(&summary, &mut take),
                table => tables.drain(table, &summary, &mut take),
            };
            let error = match drained {
                Ok(()) => return,
                Err(TableError::Scratch(error)) => DatasetError::scratch(&std::env::temp_dir(), error),
                Err(TableError::Arrow(error)) => DatasetError::Rows {
                    reason: error.to_string(),
                },
                Err(TableError::Consumer(error)) => error,
            };
            let _ = batches.send(Err(error));
        };
        let spawned = std::thread::Builder::new()
            .name("comparison".to_owned())
            .spawn(drain);
        spawned.map_err(DatasetError::thread)?;
        Ok(TableRecords::new(self.contract, subject, Box::new(Queue(queue))))
    }
}

struct Queue(Receiver<Result<RecordBatch, DatasetError>>);

impl Iterator for Queue {
    type Item = Result<RecordBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.recv().ok()
    }
}
