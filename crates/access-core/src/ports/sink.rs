//! Where access data goes.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use crate::model::{AccessBatch, Baseline, IdScheme, SyncRun};
use crate::sync::{Comparison, CurrentSync, SyncSummary};

use super::{SinkError, Warning};

/// A place that takes syncs: a file, a dataset, a service.
#[async_trait]
pub trait AccessSink: Send + Sync {
    /// What people call this sink in messages, e.g. `c1z sync.c1z`.
    fn name(&self) -> String;

    /// Gets ready for a sync: locks, checks and opens, so that a run which cannot end well fails before it reads the
    /// tenant. What was published before stays untouched. A place that holds another tenant's syncs, another format or a
    /// sync of a later time is refused here by [`location::check_location`](crate::location::check_location).
    ///
    /// # Errors
    /// [`SinkError`] if the sink cannot take a sync now.
    async fn begin(&self, sync: &SyncRun) -> Result<Box<dyn SinkWriter>, SinkError>;
}

/// A sync on its way into a sink. Dropping it is the same as [`abort`](Self::abort).
///
/// The futures of all methods may be dropped half-way when the sync is cancelled; [`abort`](Self::abort) is called
/// then.
#[async_trait]
pub trait SinkWriter: Send {
    /// The size of the published sync that this one is to replace, if there is one and the sink can tell.
    fn baseline(&self) -> Option<Baseline> {
        None
    }

    /// Whether the place may hold a full sync that this writer cannot compare with, because nobody kept what it was. Silence
    /// that no tenant can mean is refused then instead of being published as incomplete.
    fn has_unknown_baseline(&self) -> bool {
        false
    }

    /// How the ids of the syncs in this place are made, if the place says so. A sync of another scheme is refused.
    fn id_scheme(&self) -> Option<IdScheme> {
        None
    }

    /// Compares the full sync that this one is to replace with what was read now, row by row, by ids: streams the ids of
    /// the earlier resources and grants into a [`Comparer`](crate::sync::Comparer) on a thread of its own. Comes after the
    /// last [`write`](Self::write) and before [`prepare`](Self::prepare). `None` only if the place certainly holds no full
    /// sync; an earlier one that cannot be read is an error.
    ///
    /// # Errors
    /// [`SinkError`] if the earlier sync cannot be read; the sync is aborted then.
    async fn compare(&mut self, _current: &Arc<CurrentSync>) -> Result<Option<Comparison>, SinkError> {
        Ok(None)
    }

    /// Takes rows. Work that needs the processor belongs on the sink's own threads.
    ///
    /// # Errors
    /// [`SinkError`]; the sync is aborted then.
    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError>;

    /// Completes the output, verifies it and makes it durable, without making it visible.
    ///
    /// # Errors
    /// [`SinkError`]; the sync is aborted then.
    async fn prepare(&mut self, summary: &SyncSummary) -> Result<Prepared, SinkError>;

    /// What a person should know about what was prepared.
    fn warnings(&self) -> Vec<Warning> {
        Vec::new()
    }

    /// Makes the prepared output visible, all at once.
    ///
    /// # Errors
    /// [`SinkError`] if that failed; what was visible before still is.
    async fn publish(self: Box<Self>) -> Result<Receipt, SinkError>;

    /// Completes the output and keeps it where readers do not look, for a person to judge. What was kept there before is
    /// replaced. Gives the place, or nothing if this sink keeps nothing; [`abort`](Self::abort) comes next.
    ///
    /// # Errors
    /// [`SinkError`] if it could not be kept.
    async fn quarantine(&mut self, _summary: &SyncSummary) -> Result<Option<String>, SinkError> {
        Ok(None)
    }

    /// Gives up and leaves no trace, except of what was set aside.
    async fn abort(self: Box<Self>);
}

/// What is ready to be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Prepared {
    /// Rows of this sync in the output.
    pub rows: u64,
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Where it is, e.g. a path or a URL.
    pub location: String,
    /// Its size in bytes, if that means anything.
    pub bytes: Option<u64>,
    /// Rows of this sync in it.
    pub rows: u64,
}
