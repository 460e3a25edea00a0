//! Time and ids as ports, so that tests can fix them.

use time::OffsetDateTime;

use crate::model::SyncId;

/// The current time.
pub trait Clock: Send + Sync {
    /// Returns the current time in UTC.
    fn now(&self) -> OffsetDateTime;
}

/// Generates sync ids.
pub trait SyncIdGenerator: Send + Sync {
    /// Generates a unique id for a sync that starts at this time.
    fn next_id(&self, started_at: OffsetDateTime) -> SyncId;
}
