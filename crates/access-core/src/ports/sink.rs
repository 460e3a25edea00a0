//! Destinations of access data.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use crate::model::{AccessBatch, Baseline, SyncOrigin, SyncRun};
use crate::sync::{Comparison, CurrentSync, SyncSummary};

use super::{SinkError, Warning};

/// A destination for syncs: a file, a dataset, a service.
#[async_trait]
pub trait AccessSink: Send + Sync {
    /// Display name, e.g. `c1z sync.c1z`.
    fn name(&self) -> String;

    /// Prepares for a sync: takes locks, checks and opens the location, so that problems surface before the tenant is
    /// read. Published data stays untouched. A location that belongs to another tenant, has another format or a later
    /// sync is refused by [`location::check_location`](crate::location::check_location).
    ///
    /// # Errors
    /// [`SinkError`] if the sink cannot accept a sync now.
    async fn begin(&self, sync: &SyncRun) -> Result<Box<dyn SinkWriter>, SinkError>;
}

/// Writes one sync to a sink. Dropping it is the same as [`abort`](Self::abort).
///
/// The futures of all methods can be dropped before completion when the sync is cancelled; [`abort`](Self::abort) is
/// called then.
#[async_trait]
pub trait SinkWriter: Send {
    /// Row counts of the published sync that this one replaces, if known.
    fn baseline(&self) -> Option<Baseline> {
        None
    }

    /// Whether the location may contain a full sync that this writer cannot read for comparison. Implausible missing
    /// information is refused then instead of being published as incomplete.
    fn has_unknown_baseline(&self) -> bool {
        false
    }

    /// What the location records of where its latest sync came from. A sync with another id scheme, or of another tenant, is
    /// refused.
    fn origin(&self) -> SyncOrigin {
        SyncOrigin::default()
    }

    /// Compares the full sync to be replaced with the current data by id: a thread streams the earlier resources and
    /// grants into a [`Comparer`](crate::sync::Comparer). Called between the last [`write`](Self::write) and
    /// [`prepare`](Self::prepare). `None` only if the location certainly contains no full sync; an unreadable one is an
    /// error.
    ///
    /// # Errors
    /// [`SinkError`] if the earlier sync cannot be read; the sync is aborted.
    async fn compare(&mut self, _current: &Arc<CurrentSync>) -> Result<Option<Comparison>, SinkError> {
        Ok(None)
    }

    /// Accepts a batch. CPU-bound work belongs on the sink's own threads.
    ///
    /// # Errors
    /// [`SinkError`]; the sync is aborted.
    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError>;

    /// Completes, verifies and persists the output without making it visible.
    ///
    /// # Errors
    /// [`SinkError`]; the sync is aborted.
    async fn prepare(&mut self, summary: &SyncSummary) -> Result<Prepared, SinkError>;

    /// Warnings about the prepared output.
    fn warnings(&self) -> Vec<Warning> {
        Vec::new()
    }

    /// Publishes the prepared output atomically.
    ///
    /// # Errors
    /// [`SinkError`]; the previous output stays visible.
    async fn publish(self: Box<Self>) -> Result<Receipt, SinkError>;

    /// Completes the output and keeps it where readers do not look, for a person to judge. An earlier candidate is
    /// replaced. Returns the location; `None` if this sink has no quarantine. [`abort`](Self::abort) comes next.
    ///
    /// # Errors
    /// [`SinkError`] if it cannot be kept.
    async fn quarantine(&mut self, _summary: &SyncSummary) -> Result<Option<String>, SinkError> {
        Ok(None)
    }

    /// Discards the output; quarantined output stays.
    async fn abort(self: Box<Self>);
}

/// A prepared output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Prepared {
    /// Rows of this sync in the output.
    pub rows: u64,
}

/// A published output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Path or URL of the output.
    pub location: String,
    /// Size in bytes, if applicable.
    pub bytes: Option<u64>,
    /// Rows of this sync in it.
    pub rows: u64,
}
