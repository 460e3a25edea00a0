//! Observers of a sync: progress bars, logs, metrics.

use crate::model::{ResourceTypeId, RowKind};

use super::{Activity, ApiUsage, Warning};

/// The phases of a sync, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Rows flow from the source to the sinks.
    Reading,
    /// The data is compared with the syncs that it replaces.
    Comparing,
    /// The sinks complete, verify and persist their output.
    Preparing,
    /// The sinks make their output visible.
    Publishing,
}

/// Observes a sync. The pipeline's task calls these methods: they must return quickly and not block.
pub trait SyncObserver: Send + Sync {
    /// A phase starts.
    fn phase(&self, _phase: Phase) {}

    /// Rows passed validation and were sent to the sinks. For entitlements and grants, `resource_type` is the type of
    /// their resource.
    fn rows(&self, _kind: RowKind, _resource_type: &ResourceTypeId, _count: u64) {}

    /// Reading progress; called several times a second.
    fn progress(&self, _usage: &ApiUsage, _activity: &Activity) {}

    /// The source reported a warning.
    fn warning(&self, _warning: &Warning) {}
}

/// An observer that does nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopObserver;

impl SyncObserver for NoopObserver {}
