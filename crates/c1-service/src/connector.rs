//! The connector port of the service.

use access_core::model::SyncScope;
use access_core::ports::{EventCursor, EventPage};
use access_core::provisioning::{Change, Outcome};
use access_core::{Diagnostic, StatusCode, error_chain};
use async_trait::async_trait;
use tokio::sync::watch;

use crate::TaskId;

/// The connector behind the service.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Runs a sync and delivers it as the asset of the task. Ends soon after `cancel`.
    ///
    /// # Errors
    /// [`TaskFailure`]; nothing was delivered, or it is unknown.
    async fn sync(&self, task: &TaskId, order: SyncTaskSpec, cancel: CancelToken) -> Result<(), TaskFailure>;

    /// Applies a change. Ends soon after `cancel`.
    ///
    /// # Errors
    /// [`TaskFailure`]; [`StatusCode::FailedPrecondition`] if provisioning is disabled, [`StatusCode::Cancelled`] if it was cancelled.
    async fn change(
        &self,
        task: &TaskId,
        change: Change,
        cancel: CancelToken,
    ) -> Result<Outcome, TaskFailure>;

    /// Reads events after a cursor, oldest first.
    ///
    /// # Errors
    /// [`TaskFailure`] if reading fails.
    async fn events(&self, after: EventCursor, limit: usize) -> Result<EventPage, TaskFailure>;
}

/// The parameters of a sync task (docs/reference/conductorone.md §3.5, `sync_full`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncTaskSpec {
    /// What to read.
    pub scope: SyncScope,
    /// The requested storage engine, `sqlite` or `pebble`; empty for any.
    pub storage_engine: String,
    /// Whether to deliver the debug log of the task as a second asset after the file.
    pub debug: bool,
}

/// The failure of a task, as reported to ConductorOne.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TaskFailure {
    /// The status.
    pub status: StatusCode,
    /// The message.
    pub message: String,
}

impl TaskFailure {
    /// Creates a failure.
    #[must_use]
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

impl<E: Diagnostic + 'static> From<E> for TaskFailure {
    fn from(error: E) -> Self {
        let mut message = error_chain(&error);
        // The message is read in ConductorOne, without the log, so it includes the hint.
        if let Some(hint) = error.hint() {
            message = format!("{message} ({hint})");
        }
        Self::new(error.status(), message)
    }
}

/// Why a task is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReason {
    /// ConductorOne cancelled it.
    Cancelled,
    /// Heartbeats fail.
    HeartbeatLost,
    /// The service is shutting down.
    ShuttingDown,
}

impl CancelReason {
    /// The message for ConductorOne.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "task was cancelled",
            Self::HeartbeatLost => "task failed heartbeat",
            Self::ShuttingDown => "the connector is shutting down",
        }
    }
}

/// Signals a task to end.
#[derive(Debug, Clone)]
pub struct CancelToken(watch::Receiver<Option<CancelReason>>);

/// Cancels a task.
#[derive(Debug)]
pub(crate) struct CancelHandle(watch::Sender<Option<CancelReason>>);

impl CancelToken {
    pub(crate) fn new() -> (CancelHandle, Self) {
        let (sender, receiver) = watch::channel(None);
        (CancelHandle(sender), Self(receiver))
    }

    /// The reason, if cancelled.
    #[must_use]
    pub fn reason(&self) -> Option<CancelReason> {
        *self.0.borrow()
    }

    /// Waits for cancellation.
    pub async fn cancelled(mut self) {
        // The handle was dropped, so this task can no longer be cancelled.
        if self.0.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl CancelHandle {
    /// Cancels; the first reason is kept.
    pub(crate) fn cancel(&self, reason: CancelReason) {
        self.0.send_if_modified(|held| {
            let first = held.is_none();
            held.get_or_insert(reason);
            first
        });
    }
}
