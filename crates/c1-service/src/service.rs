//! The service loop: announce, poll for tasks, handle them, report results, until stopped
//! (docs/reference/conductorone.md §3.5).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access_core::provisioning::ProvisioningTerms;
use access_core::{Diagnostic, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tracing::field::Empty;

use crate::connector::{CancelHandle, CancelReason, CancelToken, Connector};
use crate::tasks::{Actions, TaskDisposition, TaskHandler, task_kind};
use crate::{C1Client, C1Error, Hello, Task, TaskId, TaskResult};

/// Wait after the first failed hello; doubled each time.
const INITIAL_HELLO_WAIT: Duration = Duration::from_secs(1);
/// Maximum wait between hellos.
const MAX_HELLO_WAIT: Duration = Duration::from_mins(5);
/// Minimum wait after an empty poll.
const MIN_IDLE_WAIT: Duration = Duration::from_millis(10);
/// Maximum wait after failed polls.
const MAX_POLL_WAIT: Duration = Duration::from_mins(1);
/// Consecutive failed heartbeats after which a task is cancelled.
const MAX_HEARTBEAT_FAILURES: u32 = 9;
/// Time for reporting cancelled tasks during shutdown.
const FINISH_TIMEOUT: Duration = Duration::from_secs(10);

/// Configuration of the service.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// Maximum number of concurrent tasks, 1 to 100.
    pub concurrency: usize,
    /// Time for running tasks to complete during shutdown.
    pub grace: Duration,
    /// Whether administrators can be deleted.
    pub allow_admin_delete: bool,
    /// Resource types, slugs and account rules of the connector.
    pub terms: ProvisioningTerms,
    /// The announcement of the connector.
    pub hello: Hello,
}

/// Observes the service, for metrics.
pub trait ServiceObserver: Send + Sync {
    /// ConductorOne accepted the announcement.
    fn greeted(&self) {}

    /// A task ended; `None` is success.
    fn task_finished(&self, _kind: &'static str, _status: Option<StatusCode>) {}
}

/// Service mode.
pub struct Service {
    handler: Arc<TaskHandler>,
    client: C1Client,
    slots: Arc<Semaphore>,
    grace: Duration,
    observer: Arc<dyn ServiceObserver>,
    /// Running tasks with their handles.
    running: Arc<Mutex<HashMap<TaskId, CancelHandle>>>,
    runs: JoinSet<()>,
}

impl Service {
    /// Creates a service; nothing is sent yet.
    #[must_use]
    pub fn new(
        client: C1Client,
        connector: Arc<dyn Connector>,
        config: ServiceConfig,
        observer: Arc<dyn ServiceObserver>,
    ) -> Self {
        let handler = TaskHandler {
            client: client.clone(),
            connector,
            terms: config.terms,
            allow_admin_delete: config.allow_admin_delete,
            hello: config.hello,
            actions: Actions::default(),
            heartbeat_failures: MAX_HEARTBEAT_FAILURES,
            max_heartbeat_pause: Duration::from_mins(5),
        };
        Self {
            handler: Arc::new(handler),
            client,
            slots: Arc::new(Semaphore::new(config.concurrency.max(1))),
            grace: config.grace,
            observer,
            running: Arc::default(),
            runs: JoinSet::new(),
        }
    }

    /// Runs until `stop` completes, then lets running tasks complete.
    ///
    /// # Errors
    /// [`C1Error`] if ConductorOne permanently rejects the connector.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), C1Error> {
        tokio::pin!(stop);
        tokio::select! {
            greeted = self.say_hello() => greeted?,
            () = &mut stop => return Ok(()),
        }
        tracing::info!("ConductorOne knows this connector; waiting for tasks");
        self.observer.greeted();
        let mut failures: u64 = 0;
        loop {
            // A slot is acquired before polling, so that every received task starts immediately.
            let slot = tokio::select! {
                slot = Arc::clone(&self.slots).acquire_owned() => slot,
                () = &mut stop => break,
            };
            let Ok(slot) = slot else { break };
            let polled = tokio::select! {
                polled = self.client.get_task() => polled,
                () = &mut stop => break,
            };
            let pause = match polled {
                Ok(polled) => {
                    failures = 0;
                    match polled.task {
                        Some(task) => {
                            self.start_task(task, slot);
                            polled.next_poll
                        }
                        None => polled.next_poll.max(MIN_IDLE_WAIT),
                    }
                }
                Err(error) => {
                    failures += 1;
                    let wait = Duration::from_secs(failures.saturating_mul(failures)).min(MAX_POLL_WAIT);
                    tracing::warn!(%error, failures, ?wait, "cannot request tasks");
                    wait
                }
            };
            while self.runs.try_join_next().is_some() {}
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = &mut stop => break,
            }
        }
        self.drain().await;
        Ok(())
    }

    async fn say_hello(&self) -> Result<(), C1Error> {
        let mut wait = INITIAL_HELLO_WAIT;
        loop {
            match self.handler.send_hello().await {
                Ok(()) => return Ok(()),
                Err(error) if error.fatal_at_start() => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, hint = error.hint().unwrap_or_default(), ?wait, "cannot greet ConductorOne (the Hello call failed)");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(MAX_HELLO_WAIT);
                }
            }
        }
    }

    /// Starts a task. A task that is already running is ignored.
    fn start_task(&mut self, task: Task, slot: OwnedSemaphorePermit) {
        let id = task.id.clone();
        let (handle, stop) = CancelToken::new();
        {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            if running.contains_key(&id) {
                tracing::info!(task = %id, "already in progress");
                return;
            }
            running.insert(id.clone(), handle);
        }
        let run = TaskRun {
            handler: Arc::clone(&self.handler),
            client: self.client.clone(),
            observer: Arc::clone(&self.observer),
            running: Arc::clone(&self.running),
        };
        self.runs.spawn(async move {
            Box::pin(run.run(task, stop)).await;
            drop(slot);
        });
    }

    /// Accepts no new tasks; running ones get some time, then are cancelled and reported as retryable.
    async fn drain(&mut self) {
        tracing::info!(running = self.runs.len(), "accepting no more tasks");
        let all = async { while self.runs.join_next().await.is_some() {} };
        if tokio::time::timeout(self.grace, all).await.is_ok() {
            return;
        }
        for handle in self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
        {
            handle.cancel(CancelReason::ShuttingDown);
        }
        let all = async { while self.runs.join_next().await.is_some() {} };
        if tokio::time::timeout(FINISH_TIMEOUT, all).await.is_err() {
            tracing::warn!(
                left = self.runs.len(),
                "tasks did not end in time; ConductorOne will give them out again"
            );
        }
        self.runs.shutdown().await;
    }
}

/// Handles one task.
struct TaskRun {
    handler: Arc<TaskHandler>,
    client: C1Client,
    observer: Arc<dyn ServiceObserver>,
    running: Arc<Mutex<HashMap<TaskId, CancelHandle>>>,
}

impl TaskRun {
    #[tracing::instrument(
        name = "task",
        skip_all,
        fields(task = %task.id, kind = task_kind(task.kind.as_ref()), otel.status_code = Empty, status = Empty)
    )]
    async fn run(&self, task: Task, stop: CancelToken) {
        let id = task.id.clone();
        let kind = task_kind(task.kind.as_ref());
        tracing::info!(task = %id, kind, "task accepted");
        let disposition = Box::pin(self.handler.handle(task, stop)).await;
        if let TaskDisposition::Finish(end) = disposition {
            let status = match &end {
                TaskResult::Success { .. } => None,
                TaskResult::Failure { code, message, .. } => {
                    tracing::warn!(task = %id, kind, status = %code, message, "task failed");
                    let span = tracing::Span::current();
                    span.record("otel.status_code", "ERROR");
                    span.record("status", tracing::field::display(code));
                    Some(*code)
                }
            };
            match self.client.finish(&id, end).await {
                Ok(()) => tracing::info!(task = %id, kind, "task finished"),
                Err(error) => tracing::error!(task = %id, kind, %error, "cannot report how the task ended"),
            }
            self.observer.task_finished(kind, status);
        }
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
    }
}
