//! A sink's writer whose work is done by a thread that owns the file.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use access_core::Diagnostic;
use access_core::model::{AccessBatch, Baseline, SyncOrigin};
use access_core::ports::{Prepared, Receipt, SinkError, SinkWriter, Warning};
use access_core::sync::{Comparison, CurrentSync, SyncSummary};
use async_trait::async_trait;
use tokio::sync::oneshot;

use crate::stop::StopFlag;
use crate::worker::{Queue, Worker};

/// A file on its way, as its thread sees it. The methods are those of [`SinkWriter`], and may block.
pub trait FileJob: Sized {
    /// Why the file cannot be written.
    type Error: WorkerLost;
    /// The complete file.
    type Prepared: PreparedJob<Error = Self::Error>;

    /// See [`SinkWriter::baseline`].
    fn baseline(&self) -> Option<Baseline>;

    /// See [`SinkWriter::origin`].
    fn origin(&self) -> SyncOrigin;

    /// See [`SinkWriter::write`].
    ///
    /// # Errors
    /// The thread ends with it.
    fn write(&mut self, batch: &AccessBatch) -> Result<(), Self::Error>;

    /// See [`SinkWriter::compare`].
    ///
    /// # Errors
    /// The thread ends with it.
    fn compare(&mut self, current: Arc<CurrentSync>) -> Result<Option<Comparison>, Self::Error>;

    /// See [`SinkWriter::prepare`].
    ///
    /// # Errors
    /// The thread ends with it.
    fn prepare(self, summary: &SyncSummary) -> Result<Self::Prepared, Self::Error>;

    /// See [`SinkWriter::quarantine`]. Gives the path of the candidate.
    ///
    /// # Errors
    /// The thread ends with it.
    fn quarantine(self, summary: &SyncSummary) -> Result<PathBuf, Self::Error>;
}

/// A file that is complete and not visible yet. Dropping it removes it.
pub trait PreparedJob {
    /// Why it cannot be published.
    type Error;

    /// Rows of the sync in it.
    fn rows(&self) -> u64;

    /// See [`SinkWriter::warnings`].
    fn warnings(&self) -> Vec<Warning> {
        Vec::new()
    }

    /// See [`SinkWriter::publish`].
    ///
    /// # Errors
    /// The thread ends with it.
    fn publish(self) -> Result<PublishedFile, Self::Error>;
}

/// A file that is visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Rows of the sync in it.
    pub rows: u64,
}

/// The error of a thread that ended without one.
pub trait WorkerLost: Diagnostic + Send + Sync + 'static {
    /// The thread panicked or was cancelled.
    fn worker_lost() -> Self;
}

/// Why there is no [`FileWorker`].
#[derive(Debug)]
pub enum StartError<E> {
    /// The system has no thread left.
    NoThread(io::Error),
    /// The job could not begin.
    Job(E),
}

impl<E> StartError<E> {
    /// The job's error, or the one for a missing thread.
    pub fn or_no_thread(self, no_thread: impl FnOnce(io::Error) -> E) -> E {
        match self {
            Self::NoThread(error) => no_thread(error),
            Self::Job(error) => error,
        }
    }
}

enum Message {
    Write(Arc<AccessBatch>),
    Compare {
        current: Arc<CurrentSync>,
        reply: oneshot::Sender<Option<Comparison>>,
    },
    Prepare {
        summary: Box<SyncSummary>,
        reply: oneshot::Sender<(u64, Vec<Warning>)>,
    },
    Publish {
        reply: oneshot::Sender<PublishedFile>,
    },
    Quarantine {
        summary: Box<SyncSummary>,
        reply: oneshot::Sender<PathBuf>,
    },
}

/// A [`SinkWriter`] over a thread with a [`FileJob`]. Dropping it cancels the thread and waits for its end, so that no part
/// of the file is left.
pub struct FileWorker<E: WorkerLost> {
    stop: StopFlag,
    worker: Worker<Message, Result<(), E>>,
    baseline: Option<Baseline>,
    origin: SyncOrigin,
    warnings: Vec<Warning>,
}

impl<E: WorkerLost> FileWorker<E> {
    /// Starts a thread of this name and begins the job on it. `begin` receives the flag that cancels it.
    ///
    /// # Errors
    /// [`StartError`] if there is no thread or the job cannot begin.
    pub async fn start<J: FileJob<Error = E>>(
        name: &str,
        begin: impl FnOnce(Arc<AtomicBool>) -> Result<J, E> + Send + 'static,
    ) -> Result<Self, StartError<E>> {
        let stop = StopFlag::default();
        let shared = Arc::clone(stop.shared());
        let (opened, opening) = oneshot::channel();
        let body = move |queue| {
            let job = begin(shared)?;
            let _ = opened.send((job.baseline(), job.origin()));
            run(job, queue)
        };
        // From here on, dropping it waits until nothing of the job is left.
        let mut started = Self {
            stop,
            worker: Worker::start(name, body).map_err(StartError::NoThread)?,
            baseline: None,
            origin: SyncOrigin::default(),
            warnings: Vec::new(),
        };
        match opening.await {
            Ok((baseline, origin)) => {
                started.baseline = baseline;
                started.origin = origin;
                Ok(started)
            }
            Err(_) => Err(StartError::Job(started.error().await)),
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), SinkError> {
        if self.worker.send(message).await {
            return Ok(());
        }
        Err(SinkError::new(self.error().await))
    }

    async fn request<T>(&mut self, message: Message, reply: oneshot::Receiver<T>) -> Result<T, SinkError> {
        self.send(message).await?;
        match reply.await {
            Ok(reply) => Ok(reply),
            Err(_) => Err(SinkError::new(self.error().await)),
        }
    }

    /// Waits for the thread's end and returns its error.
    async fn error(&mut self) -> E {
        match self.worker.join().await {
            Some(Err(error)) => error,
            Some(Ok(())) | None => E::worker_lost(),
        }
    }
}

/// Handles messages until the queue is closed. An error ends the thread; a reply that is not sent makes the async side join it.
fn run<J: FileJob>(mut job: J, mut messages: Queue<Message>) -> Result<(), J::Error> {
    let (summary, reply) = loop {
        match messages.next() {
            Some(Message::Write(batch)) => job.write(&batch)?,
            Some(Message::Compare { current, reply }) => {
                let _ = reply.send(job.compare(current)?);
            }
            Some(Message::Prepare { summary, reply }) => break (summary, reply),
            Some(Message::Quarantine { summary, reply }) => {
                let _ = reply.send(job.quarantine(&summary)?);
                return Ok(());
            }
            Some(Message::Publish { .. }) | None => return Ok(()),
        }
    };
    let prepared = job.prepare(&summary)?;
    // Nobody receives this if the sync was cancelled meanwhile; then there is nothing to publish either.
    let _ = reply.send((prepared.rows(), prepared.warnings()));
    if let Some(Message::Publish { reply }) = messages.next() {
        let _ = reply.send(prepared.publish()?);
    }
    Ok(())
}

#[async_trait]
impl<E: WorkerLost> SinkWriter for FileWorker<E> {
    fn baseline(&self) -> Option<Baseline> {
        self.baseline.clone()
    }

    fn origin(&self) -> SyncOrigin {
        self.origin.clone()
    }

    async fn compare(&mut self, current: &Arc<CurrentSync>) -> Result<Option<Comparison>, SinkError> {
        let (reply, replied) = oneshot::channel();
        let current = Arc::clone(current);
        self.request(Message::Compare { current, reply }, replied).await
    }

    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError> {
        self.send(Message::Write(Arc::clone(batch))).await
    }

    async fn prepare(&mut self, summary: &SyncSummary) -> Result<Prepared, SinkError> {
        let (reply, replied) = oneshot::channel();
        let summary = Box::new(summary.clone());
        let (rows, warnings) = self.request(Message::Prepare { summary, reply }, replied).await?;
        self.warnings = warnings;
        Ok(Prepared { rows })
    }

    fn warnings(&self) -> Vec<Warning> {
        self.warnings.clone()
    }

    async fn publish(mut self: Box<Self>) -> Result<Receipt, SinkError> {
        let (reply, replied) = oneshot::channel();
        let published = self.request(Message::Publish { reply }, replied).await?;
        Ok(Receipt {
            location: published.path.display().to_string(),
            bytes: Some(published.bytes),
            rows: published.rows,
        })
    }

    async fn quarantine(&mut self, summary: &SyncSummary) -> Result<Option<String>, SinkError> {
        let (reply, replied) = oneshot::channel();
        let summary = Box::new(summary.clone());
        let path = self
            .request(Message::Quarantine { summary, reply }, replied)
            .await?;
        Ok(Some(path.display().to_string()))
    }

    async fn abort(mut self: Box<Self>) {
        self.stop.raise();
        let _ = self.worker.join().await;
    }
}

impl<E: WorkerLost> Drop for FileWorker<E> {
    fn drop(&mut self) {
        self.stop.raise();
        // The thread stops at its next step, a few milliseconds away, and removes its temporary file.
        let _ = self.worker.join_blocking();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use access_core::StatusCode;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct TestError(&'static str);

    impl Diagnostic for TestError {
        fn status(&self) -> StatusCode {
            StatusCode::Unknown
        }

        fn retryable(&self) -> bool {
            false
        }
    }

    impl WorkerLost for TestError {
        fn worker_lost() -> Self {
            Self("lost")
        }
    }

    /// A job that fails at the first batch.
    struct TestJob {
        panics: bool,
        stop: Arc<AtomicBool>,
        was_stopped: Arc<AtomicBool>,
    }

    impl Drop for TestJob {
        fn drop(&mut self) {
            self.was_stopped
                .store(self.stop.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    impl PreparedJob for TestJob {
        type Error = TestError;

        fn rows(&self) -> u64 {
            0
        }

        fn publish(self) -> Result<PublishedFile, TestError> {
            Err(TestError("not published"))
        }
    }

    impl FileJob for TestJob {
        type Error = TestError;
        type Prepared = Self;

        fn baseline(&self) -> Option<Baseline> {
            Some(Baseline::default())
        }

        fn origin(&self) -> SyncOrigin {
            SyncOrigin::default()
        }

        fn write(&mut self, _: &AccessBatch) -> Result<(), TestError> {
            assert!(!self.panics, "asked to panic");
            Err(TestError("disk full"))
        }

        fn compare(&mut self, _: Arc<CurrentSync>) -> Result<Option<Comparison>, TestError> {
            Ok(None)
        }

        fn prepare(self, _: &SyncSummary) -> Result<Self, TestError> {
            Ok(self)
        }

        fn quarantine(self, _: &SyncSummary) -> Result<PathBuf, TestError> {
            Err(TestError("not kept"))
        }
    }

    async fn start(panics: bool) -> (FileWorker<TestError>, Arc<AtomicBool>) {
        let was_stopped = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&was_stopped);
        let begin = move |stop| {
            Ok(TestJob {
                panics,
                stop,
                was_stopped: stopped,
            })
        };
        let worker = FileWorker::start("test", begin).await;
        (worker.unwrap_or_else(|_| panic!("started")), was_stopped)
    }

    async fn write_until_error(worker: &mut FileWorker<TestError>) -> String {
        let batch = Arc::new(AccessBatch::Grants(Vec::new()));
        for _ in 0..10 {
            if let Err(error) = worker.write(&batch).await {
                return error.to_string();
            }
        }
        panic!("no error");
    }

    #[tokio::test]
    async fn an_error_of_begin_is_the_error_of_start() {
        let begin = |_| Err::<TestJob, _>(TestError("locked"));
        let Err(error) = FileWorker::start("test", begin).await else {
            panic!("started");
        };
        let error = error.or_no_thread(|_| TestError("no thread"));
        assert_eq!(error.to_string(), "locked");
    }

    #[tokio::test]
    async fn the_sync_gets_the_error_that_ended_the_thread() {
        let (mut worker, _) = start(false).await;
        assert!(worker.baseline().is_some());
        assert_eq!(write_until_error(&mut worker).await, "disk full");
        assert_eq!(write_until_error(&mut worker).await, "lost");
    }

    #[tokio::test]
    async fn a_panic_is_a_lost_worker() {
        let (mut worker, _) = start(true).await;
        assert_eq!(write_until_error(&mut worker).await, "lost");
    }

    #[tokio::test]
    async fn drop_stops_the_job_and_waits_for_it() {
        let (worker, was_stopped) = start(false).await;
        drop(worker);
        assert!(was_stopped.load(Ordering::Relaxed));
    }
}
