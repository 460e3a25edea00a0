//! The port, on the async side.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use access_core::model::{AccessBatch, Baseline, IdScheme, ReportSchema, SyncRun};
use access_core::ports::{AccessSink, Prepared, Receipt, SinkError, SinkWriter};
use access_core::sync::{Comparison, CurrentSync, SyncSummary};
use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use crate::error::ReportError;
use crate::previous_report::Predecessor;
use crate::target::Target;
use crate::worker;
use crate::worker::Job;
use crate::worker::ReportJob;

/// Batches that may wait in front of the writing thread.
const QUEUE: usize = 2;

/// Where and how to write.
#[derive(Debug, Clone)]
pub struct HtmlSinkConfig {
    /// The file.
    pub path: PathBuf,
    /// Replaces a file there that is no report that could be followed.
    pub replace_existing: bool,
    /// The report to compare with and to carry on the chain of; the one at the path if none is named.
    pub previous: Option<PathBuf>,
    /// What writes it, for people.
    pub program: String,
    /// What the adapter declares for reports.
    pub schema: ReportSchema,
}

/// Writes each sync into a report.
#[derive(Debug, Clone)]
pub struct HtmlSink {
    config: HtmlSinkConfig,
}

impl HtmlSink {
    /// A sink over one file.
    #[must_use]
    pub fn new(config: HtmlSinkConfig) -> Self {
        Self { config }
    }
}

#[async_trait]
impl AccessSink for HtmlSink {
    fn name(&self) -> String {
        format!("report {}", self.config.path.display())
    }

    async fn begin(&self, sync: &SyncRun) -> Result<Box<dyn SinkWriter>, SinkError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (config, sync, stopping) = (self.config.clone(), sync.clone(), Arc::clone(&stop));
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (ready, opened) = oneshot::channel();
        let work = move || {
            let writing = open(config, &sync, stopping)?;
            let _ = ready.send((writing.baseline(), writing.id_scheme()));
            worker::run(writing, queue)
        };
        let spawned = std::thread::Builder::new().name("report".to_owned()).spawn(work);
        // From here on, whoever drops this waits until nothing of it is left.
        let mut writer = HtmlSinkWriter {
            stop,
            jobs: Some(jobs),
            thread: Some(spawned.map_err(|source| {
                SinkError::new(ReportError::Exhausted {
                    doing: "starting a thread for",
                    path: self.config.path.clone(),
                    source,
                })
            })?),
            baseline: None,
            id_scheme: None,
        };
        match opened.await {
            Ok((baseline, id_scheme)) => {
                writer.baseline = baseline;
                writer.id_scheme = id_scheme;
            }
            Err(_) => return Err(writer.why_gone().await),
        }
        Ok(Box::new(writer))
    }
}

fn open(config: HtmlSinkConfig, sync: &SyncRun, stop: Arc<AtomicBool>) -> Result<ReportJob, ReportError> {
    let target = Target::lock(&config.path)?;
    let predecessor = match (&config.previous, Predecessor::read(&config.path, sync)) {
        (_, Err(error)) if !config.replace_existing => return Err(error),
        (None, found) => found.unwrap_or_default(),
        (Some(named), _) => {
            let found = Predecessor::read(named, sync)?;
            let path = || named.clone();
            let found = found.ok_or_else(|| ReportError::Foreign { path: path() })?;
            if !found.is_full() {
                return Err(ReportError::NotFull { path: path() });
            }
            Some(found)
        }
    };
    Ok(ReportJob {
        target,
        predecessor,
        program: config.program,
        schema: config.schema,
        level: LEVEL,
        stop,
    })
}

/// Of gzip. Higher levels take longer and make hardly anything smaller (docs/reference/performance.md).
pub(crate) const LEVEL: u32 = 6;

struct HtmlSinkWriter {
    stop: Arc<AtomicBool>,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<Result<(), ReportError>>>,
    baseline: Option<Baseline>,
    id_scheme: Option<IdScheme>,
}

impl HtmlSinkWriter {
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
            return SinkError::new(ReportError::ThreadLost);
        };
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        SinkError::new(match joined {
            Ok(Ok(Err(error))) => error,
            _ => ReportError::ThreadLost,
        })
    }
}

#[async_trait]
impl SinkWriter for HtmlSinkWriter {
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
        let summary = Box::new(summary.clone());
        let rows = self.answer(Job::Prepare { summary, done }, answer).await?;
        Ok(Prepared { rows })
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
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.why_gone().await;
    }
}

impl Drop for HtmlSinkWriter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // The thread stops at its next step, and removes its temporary file.
            let _ = thread.join();
        }
    }
}
