//! The loop: hello, take tasks, work on them, tell how they ended, until stopped (docs/reference/conductorone.md §3.5).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access_core::provisioning::ProvisioningTerms;
use access_core::{Diagnostic, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tracing::field::Empty;

use crate::connector::{CancelHandle, Connector, Stop, StopReason};
use crate::tasks::{Actions, TaskDisposition, TaskHandler, word};
use crate::{C1Client, C1Error, Hello, Task, TaskId, TaskResult};

/// The first wait after a failed hello; it doubles.
const FIRST_HELLO_WAIT: Duration = Duration::from_secs(1);
/// The longest wait between hellos.
const LONGEST_HELLO_WAIT: Duration = Duration::from_mins(5);
/// The shortest wait after a poll that found nothing, whatever the answer says.
const SHORTEST_IDLE_WAIT: Duration = Duration::from_millis(10);
/// The longest wait after failed polls.
const LONGEST_POLL_WAIT: Duration = Duration::from_mins(1);
/// Failed heartbeats in a row after which a task is given up.
const HEARTBEAT_FAILURES: u32 = 9;
/// What is left for telling ConductorOne of tasks that were broken off.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// How the service is set up.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// Tasks that are worked on at the same time, 1 to 100.
    pub concurrency: usize,
    /// How long running tasks are waited for once the service is to stop.
    pub grace: Duration,
    /// Delete administrators too.
    pub allow_admin_delete: bool,
    /// What the connector's things are called.
    pub terms: ProvisioningTerms,
    /// What is said of the connector.
    pub hello: Hello,
}

/// Watches the service, for metrics.
pub trait ServiceObserver: Send + Sync {
    /// The service is known to ConductorOne.
    fn greeted(&self) {}

    /// A task of this kind ended; `None` is success.
    fn task_finished(&self, _kind: &'static str, _status: Option<StatusCode>) {}
}

/// Service mode.
pub struct Service {
    desk: Arc<TaskHandler>,
    client: C1Client,
    slots: Arc<Semaphore>,
    grace: Duration,
    observer: Arc<dyn ServiceObserver>,
    /// Tasks that are worked on, and how to stop them.
    running: Arc<Mutex<HashMap<TaskId, CancelHandle>>>,
    works: JoinSet<()>,
}

impl Service {
    /// Sets the service up; nothing is sent yet.
    #[must_use]
    pub fn new(
        client: C1Client,
        connector: Arc<dyn Connector>,
        config: ServiceConfig,
        observer: Arc<dyn ServiceObserver>,
    ) -> Self {
        let desk = TaskHandler {
            client: client.clone(),
            connector,
            terms: config.terms,
            allow_admin_delete: config.allow_admin_delete,
            hello: config.hello,
            actions: Actions::default(),
            heartbeat_failures: HEARTBEAT_FAILURES,
            longest_pause: Duration::from_mins(5),
        };
        Self {
            desk: Arc::new(desk),
            client,
            slots: Arc::new(Semaphore::new(config.concurrency.max(1))),
            grace: config.grace,
            observer,
            running: Arc::default(),
            works: JoinSet::new(),
        }
    }

    /// Serves until `stop` wants it, then lets running tasks end.
    ///
    /// # Errors
    /// [`C1Error`] if ConductorOne refuses the connector for good.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), C1Error> {
        tokio::pin!(stop);
        tokio::select! {
            greeted = self.greet() => greeted?,
            () = &mut stop => return Ok(()),
        }
        tracing::info!("ConductorOne knows this connector; waiting for tasks");
        self.observer.greeted();
        let mut failures: u64 = 0;
        loop {
            // A slot first: what is taken is worked on at once.
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
                            self.start(task, slot);
                            polled.next_poll
                        }
                        None => polled.next_poll.max(SHORTEST_IDLE_WAIT),
                    }
                }
                Err(error) => {
                    failures += 1;
                    let wait = Duration::from_secs(failures.saturating_mul(failures)).min(LONGEST_POLL_WAIT);
                    tracing::warn!(%error, failures, ?wait, "cannot request tasks");
                    wait
                }
            };
            while self.works.try_join_next().is_some() {}
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = &mut stop => break,
            }
        }
        self.drain().await;
        Ok(())
    }

    async fn greet(&self) -> Result<(), C1Error> {
        let mut wait = FIRST_HELLO_WAIT;
        loop {
            match self.desk.greet().await {
                Ok(()) => return Ok(()),
                Err(error) if error.fatal_at_start() => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, hint = error.hint().unwrap_or_default(), ?wait, "cannot say hello to ConductorOne");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_HELLO_WAIT);
                }
            }
        }
    }

    /// Works on a task beside the others. One that is being worked on already is not begun again.
    fn start(&mut self, task: Task, slot: OwnedSemaphorePermit) {
        let id = task.id.clone();
        let (handle, stop) = Stop::new();
        {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            if running.contains_key(&id) {
                tracing::info!(task = %id, "already in progress");
                return;
            }
            running.insert(id.clone(), handle);
        }
        let work = TaskRun {
            desk: Arc::clone(&self.desk),
            client: self.client.clone(),
            observer: Arc::clone(&self.observer),
            running: Arc::clone(&self.running),
        };
        self.works.spawn(async move {
            Box::pin(work.on(task, stop)).await;
            drop(slot);
        });
    }

    /// No new task; running ones get some time, then are told to stop and end as what may be tried again.
    async fn drain(&mut self) {
        tracing::info!(running = self.works.len(), "accepting no more tasks");
        let all = async { while self.works.join_next().await.is_some() {} };
        if tokio::time::timeout(self.grace, all).await.is_ok() {
            return;
        }
        for handle in self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
        {
            handle.stop(StopReason::ShuttingDown);
        }
        let all = async { while self.works.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_WORDS, all).await.is_err() {
            tracing::warn!(
                left = self.works.len(),
                "tasks did not end in time; ConductorOne will give them out again"
            );
        }
        self.works.shutdown().await;
    }
}

/// Work on one task.
struct TaskRun {
    desk: Arc<TaskHandler>,
    client: C1Client,
    observer: Arc<dyn ServiceObserver>,
    running: Arc<Mutex<HashMap<TaskId, CancelHandle>>>,
}

impl TaskRun {
    #[tracing::instrument(
        name = "task",
        skip_all,
        fields(task = %task.id, kind = word(task.kind.as_ref()), otel.status_code = Empty, status = Empty)
    )]
    async fn on(&self, task: Task, stop: Stop) {
        let id = task.id.clone();
        let kind = word(task.kind.as_ref());
        tracing::info!(task = %id, kind, "task accepted");
        let verdict = Box::pin(self.desk.work_on(task, stop)).await;
        if let TaskDisposition::End(end) = verdict {
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
