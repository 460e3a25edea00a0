//! Somebody who watches a sync: progress bars, logs, metrics.

use crate::model::{ResourceTypeId, RowKind};

use super::{Activity, ApiUsage, Warning};

/// The steps of a sync, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Rows flow from the source to the sinks.
    Reading,
    /// What was read is compared with the syncs that it replaces.
    Comparing,
    /// The sinks complete, verify and make durable what they have.
    Preparing,
    /// The sinks make it visible.
    Publishing,
}

/// Watches a sync. Calls come from the pipeline's own task: they must be quick and must not block.
pub trait SyncObserver: Send + Sync {
    /// A step begins.
    fn phase(&self, _phase: Phase) {}

    /// Rows have been accepted and handed to the sinks. For entitlements and grants the type is that of the resource
    /// they are held on.
    fn rows(&self, _kind: RowKind, _resource_type: &ResourceTypeId, _count: u64) {}

    /// How far reading is; comes several times a second.
    fn progress(&self, _usage: &ApiUsage, _activity: &Activity) {}

    /// The source has something to say that a person should read.
    fn warning(&self, _warning: &Warning) {}
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopObserver;

impl SyncObserver for NoopObserver {}
