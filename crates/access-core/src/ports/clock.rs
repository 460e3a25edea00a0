//! Time and ids come from outside, so that tests and golden files can fix them.

use time::OffsetDateTime;

use crate::model::SyncId;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> OffsetDateTime;
}

/// Makes ids for syncs.
pub trait SyncIdGenerator: Send + Sync {
    /// An id that no other sync has, for one that begins at the given time.
    fn next_id(&self, started_at: OffsetDateTime) -> SyncId;
}
