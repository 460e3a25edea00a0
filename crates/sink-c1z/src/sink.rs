//! The port, on the async side.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use access_core::model::{AccessBatch, Baseline, IdScheme, ResourceTypeId, SyncRun};
use access_core::ports::{AccessSink, Prepared, Receipt, SinkError, SinkWriter, Warning};
use access_core::sync::{Comparison, CurrentSync, SyncSummary};
use async_trait::async_trait;
use c1z::{
    Compression, Container, ExistingFilePolicy, Limits, Retention, StorageEngine, SyncHeader, SyncStats,
    Target, Writer, WriterOptions,
};
use tokio::sync::{mpsc, oneshot};

use crate::earlier;
use crate::error::C1zSinkError;
use crate::worker;
use crate::worker::Job;
use crate::worker::PreparedRows;

/// Batches that may wait in front of the writing thread.
const QUEUE: usize = 2;

/// Where and how to write.
#[derive(Debug, Clone)]
pub struct C1zSinkConfig {
    /// The file.
    pub path: PathBuf,
    /// Where temporary data goes.
    pub temp_folder: PathBuf,
    /// What to do with a file there that cannot be continued.
    pub on_foreign: ExistingFilePolicy,
    /// What to write, if that is not given by what is there; `None` = the usual.
    pub engine: Option<StorageEngine>,
    /// What becomes of syncs that the file already has.
    pub retention: Retention,
    /// How hard to compress.
    pub compression: Compression,
    /// Limits for unpacking the file that is continued.
    pub limits: Limits,
}

/// Writes each sync into a c1z file.
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
        let stop = Arc::new(AtomicBool::new(false));
        // Set when this future is dropped, so that carrying over a large history stops too.
        let guard = StopOnDrop(Arc::clone(&stop));
        let config = self.config.clone();
        let planned = sync.sync_type;
        let header = SyncHeader {
            sync_id: sync.id.to_string(),
            sync_type: sync.sync_type.as_str(),
            started_at: sync.started_at,
        };
        let options = WriterOptions {
            temp_folder: config.temp_folder,
            engine: config.engine,
            retention: config.retention,
            compression: config.compression,
            limits: config.limits,
            stop,
        };
        let (done, opened) = oneshot::channel();
        let run = sync.clone();
        let open = move || {
            let opened = open(&config.path, config.on_foreign, &run, header, options);
            let _ = done.send(());
            opened
        };
        let spawned = std::thread::Builder::new()
            .name("c1z-open".to_owned())
            .spawn(open);
        let thread = spawned.map_err(|error| SinkError::new(C1zSinkError::NoThread(error)))?;
        let mut opening = Opening {
            stop: Some(guard),
            thread: Some(thread),
        };
        // An error means that the thread panicked, which joining it tells too.
        let _ = opened.await;
        let (writer, id_scheme) = opening.join().map_err(SinkError::new)?;
        let guard = opening
            .stop
            .take()
            .ok_or_else(|| SinkError::new(C1zSinkError::ThreadLost))?;
        let baseline = writer.previous().map(|(sync_id, stats)| baseline(sync_id, stats));
        let (jobs, queue) = mpsc::channel(QUEUE);
        let spawned = std::thread::Builder::new()
            .name("c1z-write".to_owned())
            .spawn(move || worker::run(writer, planned, queue));
        let thread = spawned.map_err(|error| SinkError::new(C1zSinkError::NoThread(error)))?;
        Ok(Box::new(C1zSinkWriter {
            stop: guard,
            jobs: Some(jobs),
            thread: Some(thread),
            baseline,
            id_scheme,
            path: self.config.path.clone(),
            prepared: None,
        }))
    }
}

/// Opens the target and begins the sync, unless it holds what this run must not be written over.
fn open(
    path: &Path,
    on_foreign: ExistingFilePolicy,
    run: &SyncRun,
    header: SyncHeader,
    options: WriterOptions,
) -> Result<Opened, C1zSinkError> {
    let target = Target::open(path, on_foreign)?;
    tell_of_engine(&target, options.engine);
    let mut id_scheme = None;
    let writer = Writer::begin_if(target, header, options, |contents| {
        id_scheme = contents.id_scheme.as_deref().map(IdScheme::new);
        earlier::admit(contents, run).map_err(|conflict| C1zSinkError::Location {
            path: path.to_owned(),
            conflict,
        })
    })?;
    Ok((writer, id_scheme))
}

/// A sync that has begun, and how the ids in the file are made.
type Opened = (Writer, Option<IdScheme>);

/// Warns where what is asked for is not what the file is, as the reference does (docs/reference/c1z.md §1.3).
fn tell_of_engine(target: &Target, wanted: Option<StorageEngine>) {
    let file = target.path().display();
    match (target.existing_format(), wanted) {
        (Container::V3, Some(StorageEngine::Sqlite)) => {
            tracing::warn!(%file, "the file is a v3 (Pebble) and stays one, although sqlite was requested");
        }
        (Container::V1, Some(StorageEngine::Pebble)) => {
            tracing::warn!(%file, "the v1 file (SQLite) becomes a v3, because pebble was requested: it will hold only the new sync");
        }
        _ => {}
    }
}

struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A file that is being opened. Dropping it waits until nothing of it is left, as a process that ends does not wait.
struct Opening {
    stop: Option<StopOnDrop>,
    thread: Option<JoinHandle<Result<Opened, C1zSinkError>>>,
}

impl Opening {
    fn join(&mut self) -> Result<Opened, C1zSinkError> {
        let joined = self.thread.take().map(JoinHandle::join);
        joined
            .and_then(Result::ok)
            .unwrap_or(Err(C1zSinkError::ThreadLost))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.stop = None;
        let _ = self.join();
    }
}

struct C1zSinkWriter {
    stop: StopOnDrop,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<Result<(), C1zSinkError>>>,
    baseline: Option<Baseline>,
    id_scheme: Option<IdScheme>,
    path: PathBuf,
    prepared: Option<PreparedRows>,
}

impl C1zSinkWriter {
    async fn submit(&mut self, job: Job) -> Result<(), SinkError> {
        let sent = match &self.jobs {
            Some(jobs) => jobs.send(job).await.is_ok(),
            None => false,
        };
        if sent { Ok(()) } else { Err(self.why_gone().await) }
    }

    async fn answer<T>(&mut self, job: Job, done: oneshot::Receiver<T>) -> Result<T, SinkError> {
        self.submit(job).await?;
        match done.await {
            Ok(answer) => Ok(answer),
            Err(_) => Err(self.why_gone().await),
        }
    }

    /// Waits for the thread's end and gives its error.
    async fn why_gone(&mut self) -> SinkError {
        self.jobs = None;
        let Some(thread) = self.thread.take() else {
            return SinkError::new(C1zSinkError::ThreadLost);
        };
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        SinkError::new(match joined {
            Ok(Ok(Err(error))) => error,
            _ => C1zSinkError::ThreadLost,
        })
    }
}

#[async_trait]
impl SinkWriter for C1zSinkWriter {
    fn baseline(&self) -> Option<Baseline> {
        self.baseline.clone()
    }

    fn id_scheme(&self) -> Option<IdScheme> {
        self.id_scheme.clone()
    }

    async fn compare(&mut self, current: &Arc<CurrentSync>) -> Result<Option<Comparison>, SinkError> {
        let (done, answer) = oneshot::channel();
        let current = Arc::clone(current);
        self.answer(Job::Compare { current, done }, answer).await
    }

    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError> {
        self.submit(Job::Write(Arc::clone(batch))).await
    }

    async fn prepare(&mut self, summary: &SyncSummary) -> Result<Prepared, SinkError> {
        let (done, answer) = oneshot::channel();
        let prepared = self
            .answer(
                Job::Prepare {
                    summary: Box::new(summary.clone()),
                    done,
                },
                answer,
            )
            .await?;
        self.prepared = Some(prepared);
        Ok(Prepared { rows: prepared.rows })
    }

    fn warnings(&self) -> Vec<Warning> {
        let Some(prepared) = self.prepared else {
            return Vec::new();
        };
        let file = self.path.display();
        let mut remarks = Vec::new();
        if prepared.left_out > 0 {
            let (count, are) = match prepared.left_out {
                1 => ("1 earlier sync".to_owned(), "is"),
                count => (format!("{count} earlier syncs"), "are"),
            };
            remarks.push(Warning {
                code: "syncs_not_kept",
                message: format!(
                    "{count} {are} not kept in {file}: with them it would unpack to more than readers take (BATON_DECODER_MAX_DECODED_SIZE_MB, at most 10 GiB)"
                ),
            });
        }
        if prepared.too_large_for_others {
            remarks.push(Warning {
                code: "too_large_for_others",
                message: format!(
                    "{file} unpacks to more than 10 GiB, which other readers take only if they are set up to"
                ),
            });
        }
        remarks
    }

    async fn publish(mut self: Box<Self>) -> Result<Receipt, SinkError> {
        let (done, answer) = oneshot::channel();
        let published = self.answer(Job::Publish { done }, answer).await?;
        Ok(Receipt {
            location: published.path.display().to_string(),
            bytes: Some(published.bytes),
            rows: published.rows,
        })
    }

    async fn quarantine(&mut self, summary: &SyncSummary) -> Result<Option<String>, SinkError> {
        let (done, answer) = oneshot::channel();
        let summary = Box::new(summary.clone());
        let path = self.answer(Job::SetAside { summary, done }, answer).await?;
        Ok(Some(path.display().to_string()))
    }

    async fn abort(mut self: Box<Self>) {
        self.stop.0.store(true, Ordering::Relaxed);
        let _ = self.why_gone().await;
    }
}

impl Drop for C1zSinkWriter {
    fn drop(&mut self) {
        self.stop.0.store(true, Ordering::Relaxed);
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // The thread stops at its next page or chunk, a few milliseconds away, and removes its temporary file.
            let _ = thread.join();
        }
    }
}

fn baseline(sync_id: &str, stats: &SyncStats) -> Baseline {
    let typed = |counts: &std::collections::BTreeMap<String, u64>| {
        let typed = counts
            .iter()
            .filter_map(|(id, count)| Some((ResourceTypeId::new(id).ok()?, *count)));
        typed.collect()
    };
    Baseline {
        sync_id: sync_id.parse().ok(),
        resources: typed(&stats.resources_by_resource_type),
        grants: typed(&stats.grants_by_resource_type),
    }
}
