//! Event feeds: sign-ins, and changes of accounts and roles.

use access_core::StatusCode;
use access_core::ports::{AccessEvent, EventCursor, EventKind};
use baton_proto::connector_v2::{self as v2, EventType};
use baton_proto::connectorapi_baton_v1::task::ListEventsTask;
use baton_proto::prost_types::Timestamp;
use time::{Duration, OffsetDateTime};

use super::handler::TaskHandler;
use super::response::TaskResponse;
use crate::connector::TaskFailure;

/// The id of the only feed.
const FEED: &str = "ninja-one-activities";
/// The reference's name for the only feed of a connector that has one (docs/reference/conductorone.md §1.4).
const LEGACY_FEED: &str = "baton_feed_event";
/// Default number of events in a response.
const DEFAULT_PAGE_SIZE: u32 = 100;
/// Maximum number of events in a response.
const MAX_PAGE_SIZE: u32 = 1000;

/// Lists the feeds.
pub(super) fn list_feeds() -> TaskResponse {
    let feed = v2::EventFeedMetadata {
        id: FEED.to_owned(),
        supported_event_types: vec![EventType::Usage.into(), EventType::ResourceChange.into()],
    };
    let response = v2::ListEventFeedsResponse {
        list: vec![feed],
        annotations: Vec::new(),
    };
    TaskResponse::new(&response, Vec::new())
}

impl TaskHandler {
    pub(super) async fn events(&self, request: ListEventsTask) -> Result<TaskResponse, TaskFailure> {
        if !["", FEED, LEGACY_FEED].contains(&request.event_feed_id.as_str()) {
            let message = format!(
                "there is no event feed `{}`; there is {FEED}",
                request.event_feed_id
            );
            return Err(TaskFailure::new(StatusCode::NotFound, message));
        }
        let size = if request.page_size == 0 {
            DEFAULT_PAGE_SIZE
        } else {
            request.page_size.min(MAX_PAGE_SIZE)
        };
        let cursor = if request.cursor.is_empty() {
            EventCursor::Since(
                request
                    .start_at
                    .as_ref()
                    .and_then(to_date_time)
                    .unwrap_or_else(yesterday),
            )
        } else {
            EventCursor::After(request.cursor)
        };
        let page = self
            .connector
            .events(cursor, usize::try_from(size).unwrap_or(100))
            .await?;
        let response = v2::ListEventsResponse {
            events: page.events.iter().map(event).collect(),
            cursor: page.cursor,
            has_more: page.has_more,
            annotations: Vec::new(),
        };
        Ok(TaskResponse::new(&response, Vec::new()))
    }
}

fn event(row: &AccessEvent) -> v2::Event {
    let payload = match &row.what {
        EventKind::SignedIn { account, tenant } => v2::event::Event::UsageEvent(v2::UsageEvent {
            target_resource: Some(access_wire::resource(tenant)),
            actor_resource: Some(access_wire::resource(account)),
        }),
        EventKind::Changed(id) => v2::event::Event::ResourceChangeEvent(v2::ResourceChangeEvent {
            resource_id: Some(access_wire::resource_id(id)),
            parent_resource_id: None,
        }),
    };
    v2::Event {
        id: row.id.clone(),
        occurred_at: Some(Timestamp {
            seconds: row.at.unix_timestamp(),
            nanos: i32::try_from(row.at.nanosecond()).unwrap_or(0),
        }),
        annotations: Vec::new(),
        event: Some(payload),
    }
}

fn to_date_time(timestamp: &Timestamp) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(timestamp.seconds).ok()
}

fn yesterday() -> OffsetDateTime {
    OffsetDateTime::now_utc() - Duration::DAY
}
