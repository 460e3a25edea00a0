//! Events of the tenant.

use async_trait::async_trait;
use time::OffsetDateTime;

use super::SourceError;
use crate::model::{Resource, ResourceId};

/// A tenant with an event log.
#[async_trait]
pub trait EventFeed: Send + Sync {
    /// Reads events after a cursor, oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`SourceError`] if events cannot be read or the cursor is invalid.
    async fn events(&self, after: &EventCursor, limit: usize) -> Result<EventPage, SourceError>;
}

/// Position in the event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventCursor {
    /// Starts at this time.
    Since(OffsetDateTime),
    /// Continues after an earlier page.
    After(String),
}

/// A page of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// The events, oldest first.
    pub events: Vec<AccessEvent>,
    /// Cursor of the next page.
    pub cursor: String,
    /// Whether more events are available.
    pub has_more: bool,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessEvent {
    /// The event id.
    pub id: String,
    /// Time of the event, in UTC.
    pub at: OffsetDateTime,
    /// What happened.
    pub what: EventKind,
}

/// The kind of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A user signed in to the tenant.
    SignedIn {
        /// The account, as far as the event describes it.
        account: Box<Resource>,
        /// The tenant.
        tenant: Box<Resource>,
    },
    /// A resource or the grants on it changed.
    Changed(ResourceId),
}
