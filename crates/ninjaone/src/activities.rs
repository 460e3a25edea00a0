//! `/v2/activities`: who signed in, and which accounts and roles changed (NinjaOne facts §6).
//!
//! The API tells the newest first and what its bounds mean is not agreed on, so pages are read backwards until the
//! cursor is reached, and only the oldest events beyond it are kept. Activities may be gone after a while: no event is
//! no proof that nothing happened.

use std::collections::VecDeque;

use access_core::model::{
    DisplayName, NativeId, Profile, Resource, ResourceId, ResourceTypeId, Trait, UserTrait,
};
use access_core::ports::{AccessEvent, AccessEvents, EventCursor, EventPage, Happening, SourceError};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::mapping::{self, role_type, user_type};
use crate::wire::{Id, Row, Rows, Said, Text};
use crate::{NinjaOneClient, NinjaOneError};

const PATH: &str = "/v2/activities";
/// Activities asked for at a time: the most that the API gives (NinjaOne facts §6.1).
const PAGE: usize = 1000;
/// What a cursor of this source begins with.
const CURSOR: &str = "activity:";

/// A tenant's activities as [`AccessEvents`].
#[derive(Debug)]
pub struct NinjaOneEvents {
    client: NinjaOneClient,
}

impl NinjaOneEvents {
    /// Events over a client.
    #[must_use]
    pub fn new(client: NinjaOneClient) -> Self {
        Self { client }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ActivityPage {
    /// Only an empty list ends the reading, not an absent one.
    activities: Said<Rows<ActivityRow>>,
}

/// An activity, as far as it matters here (OpenAPI: Activity).
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ActivityRow {
    id: Id,
    activity_time: Value,
    status_code: Text,
    user_id: Id,
    /// Of a shape that is nowhere told.
    data: Value,
}

#[async_trait]
impl AccessEvents for NinjaOneEvents {
    async fn events(&self, after: &EventCursor, most: usize) -> Result<EventPage, SourceError> {
        let bound = Bound::of(after).map_err(SourceError::new)?;
        let most = most.max(1);
        let mut kept = Oldest::new(bound, most);
        self.read(&mut kept).await.map_err(SourceError::new)?;
        kept.into_page(&self.client.tenant()).map_err(SourceError::new)
    }
}

impl NinjaOneEvents {
    /// Reads backwards. Only an empty page ends: shorter ones do not (NinjaOne facts §6.1).
    async fn read(&self, kept: &mut Oldest) -> Result<(), NinjaOneError> {
        let mut older_than: Option<u64> = None;
        loop {
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
                        request: self.client.shown(PATH),
                        reason: format!("none of its {received} entries has a usable id"),
                    });
                }
                (Some(lowest), Some(bound)) if lowest >= bound => {
                    return Err(NinjaOneError::NoProgress {
                        request: self.client.shown(PATH),
                        after: bound,
                    });
                }
                (Some(_), _) if kept.reached => return Ok(()),
                (Some(lowest), _) => older_than = Some(lowest),
            }
        }
    }
}

impl NinjaOneEvents {
    async fn page(&self, query: &[(&str, String)]) -> Result<Vec<Row<ActivityRow>>, NinjaOneError> {
        match self.client.object(PATH, query).await? {
            Row::Object(ActivityPage {
                activities: Said::Said(rows),
            }) => Ok(rows.0),
            _ => Err(NinjaOneError::Malformed {
                request: self.client.shown(PATH),
                reason: "there is no list of activities in it".to_owned(),
            }),
        }
    }
}

/// Events of one page's bytes; `None` if they are no page.
#[cfg(any(test, fuzzing))]
pub(crate) fn page_of(
    body: &[u8],
    after: &EventCursor,
    most: usize,
) -> Result<Option<EventPage>, NinjaOneError> {
    let mut kept = Oldest::new(Bound::of(after)?, most);
    let Ok(Row::Object(ActivityPage {
        activities: Said::Said(rows),
    })) = serde_json::from_slice::<Row<ActivityPage>>(body)
    else {
        return Ok(None);
    };
    kept.take_page(rows.0);
    kept.into_page("https://tenant.example").map(Some)
}

/// Where the cursor stands.
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

    /// `activity:<id>`, or `since:<epoch seconds>` where no activity had been seen yet.
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
            cursor: crate::client::fault::quote(cursor),
        })
    }

    fn shown(self) -> String {
        match self {
            Self::Time(time) => format!("since:{}", time.unix_timestamp()),
            Self::Activity(id) => format!("{CURSOR}{id}"),
        }
    }

    /// Whether an activity lies beyond.
    fn is_before(self, id: u64, at: OffsetDateTime) -> bool {
        match self {
            Self::Time(time) => at >= time,
            Self::Activity(seen) => id > seen,
        }
    }
}

/// The oldest events beyond a bound, gathered from the newest on.
#[derive(Debug)]
struct Oldest {
    bound: Bound,
    most: usize,
    /// Newest first.
    kept: VecDeque<(u64, OffsetDateTime, What)>,
    dropped: bool,
    reached: bool,
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
            kept: VecDeque::new(),
            dropped: false,
            reached: false,
        }
    }

    /// The lowest id of the page.
    fn take_page(&mut self, rows: Vec<Row<ActivityRow>>) -> Option<u64> {
        let rows = rows.into_iter().filter_map(|row| match row {
            Row::Object(row) => row.id.get().map(|id| (id, row)),
            Row::Null | Row::Other => None,
        });
        let mut lowest: Option<u64> = None;
        for (id, row) in rows {
            lowest = Some(lowest.map_or(id, |lowest| lowest.min(id)));
            self.take(id, &row);
        }
        lowest
    }

    fn take(&mut self, id: u64, row: &ActivityRow) {
        let Some(at) = time_of(&row.activity_time) else {
            return;
        };
        if !self.bound.is_before(id, at) {
            self.reached = true;
            return;
        }
        let Some(what) = what(row) else { return };
        if self.kept.iter().any(|(known, _, _)| *known == id) {
            return;
        }
        self.kept.push_back((id, at, what));
        if self.kept.len() > self.most {
            self.kept.pop_front();
            self.dropped = true;
        }
    }

    fn into_page(self, tenant: &str) -> Result<EventPage, NinjaOneError> {
        let mut kept: Vec<_> = self.kept.into();
        kept.sort_by_key(|(id, _, _)| *id);
        let cursor = kept
            .last()
            .map_or(self.bound, |(id, _, _)| Bound::Activity(*id))
            .shown();
        let tenant = mapping::tenant(tenant)?;
        let events = kept.into_iter().map(|(id, at, what)| AccessEvent {
            id: id.to_string(),
            at,
            what: match what {
                What::SignedIn(user) => Happening::SignedIn {
                    account: Box::new(account(user)),
                    tenant: Box::new(tenant.clone()),
                },
                What::Changed(kind, id) => {
                    Happening::Changed(ResourceId::new(kind, NativeId::from_number(id)))
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

/// Chosen by the status code alone; device events that sound alike are none of ours (NinjaOne facts §6.2).
fn what(row: &ActivityRow) -> Option<What> {
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
                .and_then(Value::as_u64);
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
        kind: Trait::User(Box::<UserTrait>::default()),
    }
}

/// Epoch seconds, with or without a fraction (NinjaOne facts §3.3).
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn time_of(seconds: &Value) -> Option<OffsetDateTime> {
    let seconds = seconds.as_f64().filter(|seconds| seconds.abs() < 1e12)?;
    OffsetDateTime::from_unix_timestamp_nanos((seconds * 1e3).round() as i128 * 1_000_000).ok()
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
            kept.take(id, &row);
        }
        let reached = kept.reached;
        let page = kept.into_page("https://tenant.example").unwrap();
        let events = page.events.iter().map(|event| match &event.what {
            Happening::SignedIn { account, .. } => format!("{} {} signed in", event.id, account.id),
            Happening::Changed(id) => format!("{} {id} changed", event.id),
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
    fn the_oldest_beyond_the_bound() {
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
            json!("1778198400"),
            json!(null),
        ] {
            assert_eq!(time_of(&none), None, "{none}");
        }
        assert_eq!(
            time_of(&json!(1_624_014_024.761)),
            Some(datetime!(2021-06-18 11:00:24.761 UTC))
        );
    }

    #[test]
    fn cursors_survive_the_trip() {
        for bound in [
            Bound::Activity(7_300_000_001),
            Bound::Time(datetime!(2026-11-25 12:00 UTC)),
        ] {
            assert_eq!(Bound::parse(&bound.shown()).unwrap(), bound);
        }
        assert!(Bound::parse("7").is_err());
    }
}
