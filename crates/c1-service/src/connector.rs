//! What the service needs of the connector, in the domain's words.

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
    /// Runs a sync and delivers it as the task's asset. Ends soon after `cancel` wants it.
    ///
    /// # Errors
    /// [`TaskFailure`]; nothing was delivered then, or nobody knows.
    async fn sync(&self, task: &TaskId, order: SyncTaskSpec, cancel: CancelToken) -> Result<(), TaskFailure>;

    /// Makes a change.
    ///
    /// # Errors
    /// [`TaskFailure`], with [`StatusCode::FailedPrecondition`] if changes are switched off.
    async fn change(&self, task: &TaskId, change: Change) -> Result<Outcome, TaskFailure>;

    /// Events after a cursor, oldest first.
    ///
    /// # Errors
    /// [`TaskFailure`] if they cannot be read.
    async fn events(&self, after: EventCursor, limit: usize) -> Result<EventPage, TaskFailure>;
}

/// What of the tenant a task wants synced (docs/reference/conductorone.md §3.5, `sync_full`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncTaskSpec {
    /// What to read.
    pub scope: SyncScope,
    /// The storage engine that is asked for, `sqlite` or `pebble`; empty leaves the choice.
    pub storage_engine: String,
    /// Whether the debug log lines of the task are to be delivered as a second asset, after the file.
    pub debug: bool,
}

/// Why a task failed, as it is told to ConductorOne.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TaskFailure {
    /// The class.
    pub status: StatusCode,
    /// What and why.
    pub message: String,
}

impl TaskFailure {
    /// A failure of this class.
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
        // Whoever reads it in ConductorOne sees no log.
        if let Some(hint) = error.hint() {
            message = format!("{message} ({hint})");
        }
        Self::new(error.status(), message)
    }
}

/// Why a task is to end before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReason {
    /// ConductorOne wants it no more.
    Cancelled,
    /// ConductorOne hears nothing of it any more.
    HeartbeatLost,
    /// The service goes down.
    ShuttingDown,
}

impl CancelReason {
    /// What ConductorOne is told.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "task was cancelled",
            Self::HeartbeatLost => "task failed heartbeat",
            Self::ShuttingDown => "the connector is shutting down",
        }
    }
}

/// Tells a task when it is to end.
#[derive(Debug, Clone)]
pub struct CancelToken(watch::Receiver<Option<CancelReason>>);

/// Makes a task end.
#[derive(Debug)]
pub(crate) struct CancelHandle(watch::Sender<Option<CancelReason>>);

impl CancelToken {
    pub(crate) fn new() -> (CancelHandle, Self) {
        let (sender, receiver) = watch::channel(None);
        (CancelHandle(sender), Self(receiver))
    }

    /// Why it is to end, if it is.
    #[must_use]
    pub fn reason(&self) -> Option<CancelReason> {
        *self.0.borrow()
    }

    /// Waits until it is to end.
    pub async fn cancelled(mut self) {
        // Whoever could have wanted it is gone: nobody will.
        if self.0.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl CancelHandle {
    /// The first reason counts.
    pub(crate) fn cancel(&self, reason: CancelReason) {
        self.0.send_if_modified(|held| {
            let first = held.is_none();
            held.get_or_insert(reason);
            first
        });
    }
}
