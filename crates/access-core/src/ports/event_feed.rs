//! What happened in the tenant.

use async_trait::async_trait;
use time::OffsetDateTime;

use super::SourceError;
use crate::model::{Resource, ResourceId};

/// A tenant that tells what happened in it.
#[async_trait]
pub trait EventFeed: Send + Sync {
    /// Events after a cursor, oldest first, at most so many.
    ///
    /// # Errors
    /// [`SourceError`] if they cannot be read, or the cursor is none of this source.
    async fn events(&self, after: &EventCursor, most: usize) -> Result<EventPage, SourceError>;
}

/// Where to go on reading events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventCursor {
    /// From this time on.
    Since(OffsetDateTime),
    /// From where an earlier page ended, as it told.
    After(String),
}

/// Some events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// Oldest first.
    pub events: Vec<AccessEvent>,
    /// Where to go on.
    pub cursor: String,
    /// Whether more are there already.
    pub has_more: bool,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessEvent {
    /// Names it.
    pub id: String,
    /// When, in UTC.
    pub at: OffsetDateTime,
    /// What.
    pub what: EventKind,
}

/// Sorts of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// Somebody signed in to the tenant.
    SignedIn {
        /// Who, as far as the event tells.
        account: Box<Resource>,
        /// Where.
        tenant: Box<Resource>,
    },
    /// A thing was made, changed or removed, or what is held on it.
    Changed(ResourceId),
}
