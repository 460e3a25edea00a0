//! `/v2/activities`: sign-ins, and changes of accounts and roles (docs/reference/ninjaone-api.md §6).
//!
//! The API returns the newest activities first, and the meaning of its bounds is disputed. So pages are read backwards by
//! id until the cursor is reached, and only the oldest events after it are kept. Times do not follow ids: a late activity
//! has an earlier time than those before it. A time counts as reached only when a complete page lies before it. Old
//! activities may be deleted: a missing event does not prove that nothing happened.

use std::collections::BTreeMap;

use access_core::model::{
    DisplayName, NativeId, Profile, Resource, ResourceId, ResourceTrait, ResourceTypeId, UserTrait,
};
use access_core::ports::{AccessEvent, EventCursor, EventFeed, EventKind, EventPage, SourceError};
use async_trait::async_trait;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::api::Id;
use crate::api::Row;
use crate::api::Rows;
use crate::api::Stated;
use crate::api::Text;
use crate::api::row;
use crate::mapping::{self, role_type, user_type};
use crate::{NinjaOneClient, NinjaOneError};

const PATH: &str = "/v2/activities";
/// Activities in a page: the maximum of the API (docs/reference/ninjaone-api.md §6.1).
const PAGE: usize = 1000;
/// Maximum number of pages that one call reads: two million activities. A server with endless pages must not block it.
const MAX_PAGES: usize = 2_000;
/// The prefixes of this source's cursors.
const CURSOR: &str = "activity:";

/// A tenant's activities as [`EventFeed`].
#[derive(Debug)]
pub struct NinjaOneEventFeed {
    client: NinjaOneClient,
}

impl NinjaOneEventFeed {
    /// Events over a client.
    #[must_use]
    pub fn new(client: NinjaOneClient) -> Self {
        Self { client }
    }
}

#[derive(Debug, Default)]
struct ActivityPage {
    /// Only an empty list ends the read, not an absent one.
    activities: Stated<Rows<ActivityRow>>,
}

/// An activity, limited to the fields that are used (OpenAPI: Activity).
#[derive(Debug, Default)]
struct ActivityRow {
    id: Id,
    activity_time: Value,
    status_code: Text,
    user_id: Id,
    /// Of an undocumented shape.
    data: Value,
}

row!(ActivityPage {
    activities: "activities",
});

row!(ActivityRow {
    id: "id",
    activity_time: "activityTime",
    status_code: "statusCode",
    user_id: "userId",
    data: "data",
});

#[async_trait]
impl EventFeed for NinjaOneEventFeed {
    async fn events(&self, after: &EventCursor, most: usize) -> Result<EventPage, SourceError> {
        let bound = Bound::of(after).map_err(SourceError::new)?;
        let most = most.max(1);
        let mut kept = Oldest::new(bound, most);
        self.read(&mut kept).await.map_err(SourceError::new)?;
        if kept.without_time > 0 {
            tracing::warn!(
                activities = kept.without_time,
                "activities without a usable time are left out of the event feed"
            );
        }
        kept.into_event_page(&self.client.tenant())
            .map_err(SourceError::new)
    }
}

impl NinjaOneEventFeed {
    /// Reads backwards. Only an empty page is the end; a short page is not (docs/reference/ninjaone-api.md §6.1).
    async fn read(&self, kept: &mut Oldest) -> Result<(), NinjaOneError> {
        let mut older_than: Option<u64> = None;
        for _page in 0..MAX_PAGES {
            let mut query = vec![("class", "USER".to_owned()), ("pageSize", PAGE.to_string())];
            query.extend(older_than.map(|id| ("olderThan", id.to_string())));
            let rows = self.page(&query).await?;
            if rows.is_empty() {
                return Ok(());
            }
            let received = rows.len();
            match (kept.take_page(rows), older_than) {
                (None, _) => {
                    return Err(NinjaOneError::Malformed {
                        request: self.client.display_request(PATH),
                        reason: format!("none of its {received} entries has a usable id"),
                    });
                }
                (Some(lowest), Some(bound)) if lowest >= bound => {
                    return Err(NinjaOneError::NoProgress {
                        request: self.client.display_request(PATH),
                        after: bound,
                    });
                }
                (Some(_), _) if kept.reached => return Ok(()),
                (Some(lowest), _) => older_than = Some(lowest),
            }
        }
        tracing::warn!(
            pages = MAX_PAGES,
            older_than,
            "the event feed stopped before the requested time; older activities are left out"
        );
        Ok(())
    }
}

impl NinjaOneEventFeed {
    async fn page(&self, query: &[(&str, String)]) -> Result<Vec<Row<ActivityRow>>, NinjaOneError> {
        match self.client.object(PATH, query).await? {
            Row::Object(ActivityPage {
                activities: Stated::Value(rows),
            }) => Ok(rows.0),
            _ => Err(NinjaOneError::Malformed {
                request: self.client.display_request(PATH),
                reason: "there is no list of activities in it".to_owned(),
            }),
        }
    }
}

/// Parses the events of a page; `None` if the bytes are not a page.
#[cfg(any(test, fuzzing))]
pub(crate) fn page_of(
    body: &[u8],
    after: &EventCursor,
    most: usize,
) -> Result<Option<EventPage>, NinjaOneError> {
    let mut kept = Oldest::new(Bound::of(after)?, most);
    let Ok(Row::Object(ActivityPage {
        activities: Stated::Value(rows),
    })) = serde_json::from_slice::<Row<ActivityPage>>(body)
    else {
        return Ok(None);
    };
    kept.take_page(rows.0);
    kept.into_event_page("https://tenant.example").map(Some)
}

/// The position of a cursor.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    Time(OffsetDateTime),
    Activity(u64),
}

impl Bound {
    fn of(cursor: &EventCursor) -> Result<Self, NinjaOneError> {
        match cursor {
            EventCursor::Since(time) => Ok(Self::Time(*time)),
            EventCursor::After(cursor) => Self::parse(cursor),
        }
    }

    /// `activity:<id>`, or `since:<epoch seconds>` before the first activity.
    fn parse(cursor: &str) -> Result<Self, NinjaOneError> {
        let id = cursor
            .strip_prefix(CURSOR)
            .and_then(|id| id.parse().ok())
            .map(Self::Activity);
        let since = cursor
            .strip_prefix("since:")
            .and_then(|seconds| seconds.parse().ok());
        let since = since
            .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
            .map(Self::Time);
        id.or(since).ok_or_else(|| NinjaOneError::Cursor {
            cursor: crate::client::api_error::sanitize(cursor),
        })
    }

    fn shown(self) -> String {
        match self {
            Self::Time(time) => format!("since:{}", time.unix_timestamp()),
            Self::Activity(id) => format!("{CURSOR}{id}"),
        }
    }

    /// Whether an activity lies after the position.
    fn is_before(self, id: u64, at: OffsetDateTime) -> bool {
        match self {
            Self::Time(time) => at >= time,
            Self::Activity(seen) => id > seen,
        }
    }
}

/// The oldest events after a bound, collected page by page.
#[derive(Debug)]
struct Oldest {
    bound: Bound,
    most: usize,
    /// By id.
    kept: BTreeMap<u64, (OffsetDateTime, What)>,
    dropped: bool,
    /// No older page has activities after the bound.
    reached: bool,
    /// Number of events without a usable time.
    without_time: u64,
}

#[derive(Debug)]
enum What {
    SignedIn(u64),
    Changed(ResourceTypeId, u64),
}

impl Oldest {
    fn new(bound: Bound, most: usize) -> Self {
        Self {
            bound,
            most,
            kept: BTreeMap::new(),
            dropped: false,
            reached: false,
            without_time: 0,
        }
    }

    /// The lowest id of the page.
    fn take_page(&mut self, rows: Vec<Row<ActivityRow>>) -> Option<u64> {
        let rows = rows.into_iter().filter_map(|row| match row {
            Row::Object(row) => row.id.get().map(|id| (id, row)),
            Row::Null | Row::Other => None,
        });
        let mut lowest: Option<u64> = None;
        let mut has_time = false;
        let mut is_inside = false;
        for (id, row) in rows {
            lowest = Some(lowest.map_or(id, |lowest| lowest.min(id)));
            let at = time_of(&row.activity_time);
            has_time |= at.is_some();
            is_inside |= self.take(id, at, &row);
        }
        self.reached = match self.bound {
            Bound::Time(_) => has_time && !is_inside,
            Bound::Activity(seen) => lowest.is_some_and(|lowest| lowest <= seen),
        };
        lowest
    }

    /// Keeps an event after the bound. Returns whether the activity lies after the bound, event or not.
    fn take(&mut self, id: u64, at: Option<OffsetDateTime>, row: &ActivityRow) -> bool {
        let what = event_kind(row);
        let Some(at) = at else {
            let is_new = match self.bound {
                Bound::Time(_) => true,
                Bound::Activity(seen) => id > seen,
            };
            self.without_time += u64::from(is_new && what.is_some());
            return false;
        };
        if !self.bound.is_before(id, at) {
            return false;
        }
        if let Some(what) = what {
            self.kept.entry(id).or_insert((at, what));
            if self.kept.len() > self.most {
                self.kept.pop_last();
                self.dropped = true;
            }
        }
        true
    }

    fn into_event_page(self, tenant: &str) -> Result<EventPage, NinjaOneError> {
        let kept = self.kept;
        let cursor = kept
            .last_key_value()
            .map_or(self.bound, |(id, _)| Bound::Activity(*id))
            .shown();
        let tenant = mapping::tenant(tenant)?;
        let events = kept.into_iter().map(|(id, (at, what))| AccessEvent {
            id: id.to_string(),
            at,
            what: match what {
                What::SignedIn(user) => EventKind::SignedIn {
                    account: Box::new(account(user)),
                    tenant: Box::new(tenant.clone()),
                },
                What::Changed(kind, id) => {
                    EventKind::Changed(ResourceId::new(kind, NativeId::from_number(id)))
                }
            },
        });
        Ok(EventPage {
            events: events.collect(),
            cursor,
            has_more: self.dropped,
        })
    }
}

/// Chosen by the status code alone; device events with similar names are ignored (docs/reference/ninjaone-api.md §6.2).
fn event_kind(row: &ActivityRow) -> Option<What> {
    let code = row.status_code.trimmed()?;
    let user = row.user_id.get();
    match code {
        "APP_USER_LOGGED_IN" | "END_USER_LOGGED_IN" => user.map(What::SignedIn),
        _ if code.ends_with("_ROLE_ASSIGNMENT_CHANGED") || code.ends_with("_PERMISSIONS_CHANGED") => {
            user.map(|user| What::Changed(user_type(), user))
        }
        _ if code.starts_with("TECHNICIAN_ROLE_") || code.starts_with("END_USER_ROLE_") => {
            let role = row
                .data
                .get("role")
                .and_then(|role| role.get("id"))
                .and_then(|id| serde_json::from_value::<Id>(id.clone()).ok()?.get());
            role.map(|role| What::Changed(role_type(), role))
        }
        _ if ["CREATED", "UPDATED", "DELETED"]
            .iter()
            .any(|word| code.contains(word))
            && (code.starts_with("APP_USER_") || code.starts_with("END_USER_")) =>
        {
            user.map(|user| What::Changed(user_type(), user))
        }
        _ => None,
    }
}

fn account(user: u64) -> Resource {
    Resource {
        id: ResourceId::new(user_type(), NativeId::from_number(user)),
        parent: None,
        display_name: DisplayName::new(&format!("User {user}")),
        description: None,
        profile: Profile::new(),
        status: None,
        resource_trait: ResourceTrait::User(Box::<UserTrait>::default()),
    }
}

/// Larger numbers are milliseconds: as seconds they would be in the year 5138.
const MIN_MILLISECONDS: f64 = 1e11;

/// Epoch seconds, with or without a fraction (docs/reference/ninjaone-api.md §3.3), or milliseconds, as a number or a text.
/// A text may also be an RFC 3339 date.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn time_of(time: &Value) -> Option<OffsetDateTime> {
    let number = match time {
        Value::String(text) => match text.trim().parse::<f64>() {
            Ok(number) => number,
            Err(_) => return OffsetDateTime::parse(text.trim(), &Rfc3339).ok(),
        },
        other => other.as_f64()?,
    };
    let milliseconds = if number >= MIN_MILLISECONDS {
        number
    } else {
        number * 1e3
    };
    if !milliseconds.is_finite() || milliseconds.abs() >= 1e15 {
        return None;
    }
    OffsetDateTime::from_unix_timestamp_nanos(milliseconds.round() as i128 * 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    fn row(id: u64, code: &str, user: Option<u64>) -> (u64, ActivityRow) {
        let row = json!({ "id": id, "activityTime": 1_778_198_400.5 + f64::from(u32::try_from(id).unwrap()), "statusCode": code, "userId": user, "data": { "role": { "id": 4 } } });
        (id, serde_json::from_value(row).unwrap())
    }

    fn page(bound: Bound, most: usize) -> String {
        let mut kept = Oldest::new(bound, most);
        let mut rows = Vec::new();
        for (id, row) in [
            row(9, "APP_USER_LOGGED_IN", Some(7)),
            row(9, "APP_USER_LOGGED_IN", Some(7)),
            row(8, "USER_LOGGED_IN", Some(7)),
            row(7, "END_USER_ROLE_ASSIGNMENT_CHANGED", Some(901)),
            row(6, "TECHNICIAN_ROLE_UPDATED", Some(2)),
            row(5, "END_USER_DELETED_API", Some(902)),
            row(4, "APP_USER_CREATED", Some(12)),
            row(3, "APP_USER_MFA_SETUP", Some(12)),
            row(2, "END_USER_LOGGED_IN", None),
            row(1, "END_USER_LOGGED_IN", Some(901)),
        ] {
            rows.push(Row::Object(row));
            let _ = id;
        }
        kept.take_page(rows);
        let reached = kept.reached;
        let page = kept.into_event_page("https://tenant.example").unwrap();
        let events = page.events.iter().map(|event| match &event.what {
            EventKind::SignedIn { account, .. } => format!("{} {} signed in", event.id, account.id),
            EventKind::Changed(id) => format!("{} {id} changed", event.id),
        });
        let events: Vec<String> = events.collect();
        format!(
            "{}\ncursor {}, more {}, reached {reached}",
            events.join("\n"),
            page.cursor,
            page.has_more
        )
    }

    #[test]
    fn oldest_events_after_the_bound_are_kept() {
        insta::assert_snapshot!(page(Bound::Time(datetime!(2020-01-01 0:00 UTC)), 100));
        insta::assert_snapshot!(page(Bound::Activity(4), 2));
        insta::assert_snapshot!(page(Bound::Activity(9), 2));
    }

    #[test]
    fn times_that_are_none() {
        for none in [
            json!(1e300),
            json!(-1e300),
            json!(1.8e22),
            json!(u64::MAX),
            json!("soon"),
            json!("NaN"),
            json!(""),
            json!(null),
            json!([1_778_198_400]),
        ] {
            assert_eq!(time_of(&none), None, "{none}");
        }
        assert_eq!(
            time_of(&json!(1_624_014_024.761)),
            Some(datetime!(2021-06-18 11:00:24.761 UTC))
        );
        for same in [
            json!(1_624_014_024_761_u64),
            json!("1624014024761"),
            json!(" 1624014024.761 "),
            json!("2021-06-18T11:00:24.761Z"),
        ] {
            assert_eq!(
                time_of(&same),
                Some(datetime!(2021-06-18 11:00:24.761 UTC)),
                "{same}"
            );
        }
    }

    fn signed_in(id: u64, at: &Value) -> Row<ActivityRow> {
        let row = json!({ "id": id, "activityTime": at, "statusCode": "APP_USER_LOGGED_IN", "userId": 7 });
        serde_json::from_value(row).unwrap()
    }

    #[test]
    fn late_activity_does_not_end_the_read() {
        let bound = datetime!(2026-11-25 12:00 UTC);
        let at = |id: u64| bound.unix_timestamp() + i64::try_from(id).unwrap();
        let mut kept = Oldest::new(Bound::Time(bound), 1_000);
        let page = (1501..=2500).rev().map(|id| {
            let at = if id == 2491 {
                bound.unix_timestamp() - 30
            } else {
                at(id)
            };
            signed_in(id, &json!(at))
        });
        assert_eq!(kept.take_page(page.collect()), Some(1501));
        assert!(!kept.reached, "the page has activities beyond the bound");
        kept.take_page(
            (501..=1500)
                .rev()
                .map(|id| signed_in(id, &json!(at(id))))
                .collect(),
        );
        kept.take_page((1..=500).rev().map(|id| signed_in(id, &json!(at(id)))).collect());
        assert!(!kept.reached);
        let before = signed_in(0, &json!(bound.unix_timestamp() - 1));
        kept.take_page(vec![before, signed_in(3000, &json!(null))]);
        assert!(kept.reached);
        assert_eq!(kept.without_time, 1);
        let page = kept.into_event_page("https://tenant.example").unwrap();
        let ids: Vec<u64> = page
            .events
            .iter()
            .map(|event| event.id.parse().unwrap())
            .collect();
        assert_eq!(ids, (1..=1000).collect::<Vec<u64>>());
        assert_eq!((page.cursor.as_str(), page.has_more), ("activity:1000", true));
        // A late activity is after the cursor by its id, and comes with the next call.
        let mut rest = Oldest::new(Bound::parse(&page.cursor).unwrap(), 5_000);
        rest.take_page(vec![signed_in(2491, &json!(bound.unix_timestamp() - 30))]);
        assert_eq!(
            rest.into_event_page("https://tenant.example")
                .unwrap()
                .events
                .len(),
            1
        );
    }

    #[test]
    fn page_without_times_does_not_reach_the_bound() {
        let mut kept = Oldest::new(Bound::Time(datetime!(2026-11-25 12:00 UTC)), 10);
        kept.take_page(vec![signed_in(5, &json!(null)), signed_in(4, &json!({}))]);
        assert!(!kept.reached);
        assert_eq!(kept.without_time, 2);
    }

    #[test]
    fn cursors_round_trip() {
        for bound in [
            Bound::Activity(7_300_000_001),
            Bound::Time(datetime!(2026-11-25 12:00 UTC)),
        ] {
            assert_eq!(Bound::parse(&bound.shown()).unwrap(), bound);
        }
        assert!(Bound::parse("7").is_err());
    }
}
