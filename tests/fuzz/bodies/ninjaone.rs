//! What a tenant answers, as the fuzzer makes it up, through everything that reads it (docs/development/testing.md). Not in the program:
//! compiled with `--cfg fuzzing`, and for the tests that replay the corpus.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "the fuzzer learns of what is wrong by a panic"
)]

use std::fmt::Debug;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use access_core::model::{NativeId, Resource};
use access_core::ports::EventCursor;
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Body, Response};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::BaseUrl;
use crate::ClientConfig;
use crate::DEFAULT_TOKEN_PATH;
use crate::NinjaOneClient;
use crate::RetryBudget;
use crate::Secret;
use crate::WritePolicy;
use crate::api::DeviceRow;
use crate::api::OrganizationRow;
use crate::api::RoleRow;
use crate::api::Row;
use crate::api::UserRow;
use crate::client::{Answer, ListConsumer, ListEnd, ListRead, RepairLog};
use crate::event_feed;
use crate::mapping;
use crate::provisioner;
use crate::source::join_table::{JoinTableBuilder, Listed};

const MARK: &[u8] = b"\xEF\xBB\xBF";
const STATUSES: [u16; 16] = [
    200, 200, 200, 200, 201, 204, 206, 302, 400, 401, 403, 404, 429, 500, 501, 503,
];
const KINDS: [&str; 4] = [
    "application/json",
    "text/html; charset=utf-8",
    "text/plain",
    "\u{7f}",
];

/// A body of a list: which list, how it is cut into pieces, and its bytes.
///
/// # Panics
/// If reading it breaks a promise.
pub fn lists(input: &[u8]) {
    let [which, cut, body @ ..] = input else { return };
    match which % 8 {
        0 => users(&read(*cut, body), Listed::Technician),
        1 => users(&read(*cut, body), Listed::EndUser),
        2 => read(*cut, body).iter().for_each(role),
        3 => read(*cut, body).iter().for_each(organization),
        4 => read(*cut, body).iter().for_each(device),
        5 => events(*cut, body),
        6 => {
            let _ = provisioner::role_from_response(body);
        }
        _ => {
            let _: Vec<Row<Value>> = read(*cut, body);
        }
    }
}

/// An answer of the token endpoint: status, kind of body, and its bytes.
///
/// # Panics
/// If reading it breaks a promise.
pub fn token(input: &[u8]) {
    let [status, kind, body @ ..] = input else { return };
    let status = STATUSES[usize::from(status % 16)];
    let content_type = KINDS[usize::from(kind % 4)];
    let answer = http::Response::builder().status(status).header(RETRY_AFTER, "0");
    let answer = match content_type.parse::<http::HeaderValue>() {
        Ok(content_type) => answer.header(CONTENT_TYPE, content_type),
        Err(_) => answer,
    };
    let response = answer
        .body(Bytes::copy_from_slice(body))
        .expect("all parts are valid");
    let (runtime, client) = tenant();
    let before = Instant::now();
    let token = runtime.block_on(client.token_from(response.into()));
    let secret = told_secret(body);
    let shown = match &token {
        Ok(token) => {
            assert!(
                !token.is_fresh(before + Duration::from_hours(721)),
                "a token lives for ever"
            );
            assert!((200..300).contains(&status), "a token from a refusal");
            if let Some(secret) = &secret {
                assert_eq!(token.secret.expose(), secret, "another token");
            }
            format!("{token:?}")
        }
        Err(error) => format!("{error} {error:?}"),
    };
    // Other parts of the answer may be quoted, but not the token.
    if let Some(secret) = secret.filter(|secret| secret.len() >= 8 && status < 300 && kind % 4 != 1) {
        let scope = token.ok().and_then(|token| token.scope).unwrap_or_default();
        assert!(
            !shown.replace(&scope, "").contains(&secret),
            "shows the token: {shown}"
        );
    }
}

/// The token of an answer, as another reader sees it. Spaces around it are not part of it.
fn told_secret(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    Some(body.get("access_token")?.as_str()?.trim().to_owned())
}

/// A client that sends nothing, because no sending method is called.
fn tenant() -> &'static (Runtime, NinjaOneClient) {
    static TENANT: OnceLock<(Runtime, NinjaOneClient)> = OnceLock::new();
    TENANT.get_or_init(|| {
        let config = ClientConfig {
            base_url: BaseUrl::parse("http://127.0.0.1:9").expect("an address"),
            token_path: DEFAULT_TOKEN_PATH.to_owned(),
            client_id: "id".to_owned(),
            client_secret: Secret::new("secret"),
            scope: None,
            ca_file: None,
            timeout: Duration::from_secs(1),
            retry: RetryBudget {
                attempts: 1,
                ..RetryBudget::default()
            },
            pace: None,
            writes: WritePolicy::Disabled,
            user_agent: "fuzz".to_owned(),
        };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        (runtime, NinjaOneClient::new(config).expect("a client"))
    })
}

/// Reads a list in one piece and in many, and compares both with another reader.
fn read<T>(cut: u8, body: &[u8]) -> Vec<Row<T>>
where
    T: DeserializeOwned + Debug + PartialEq + Send + 'static,
    Row<T>: DeserializeOwned,
{
    let (in_one_piece, read) = parse_stream::<Row<T>>(vec![Bytes::copy_from_slice(body)]);
    let pieces = body.chunks(usize::from(cut).max(1)).map(Bytes::copy_from_slice);
    let (again, read_again) = parse_stream::<Row<T>>(pieces.collect());
    assert_eq!(in_one_piece, again, "rows depend on how the bytes come");
    assert_eq!(
        format!("{read:?}"),
        format!("{read_again:?}"),
        "the end depends on how the bytes come"
    );
    judge(body.strip_prefix(MARK).unwrap_or(body), &read);
    in_one_piece
}

fn judge(body: &[u8], read: &ListRead) {
    // The loose reading checks brackets only; the strict one looks into every value. `null` is an empty list.
    let loose = serde_json::from_slice::<Option<Vec<IgnoredAny>>>(body)
        .map(|list| list.map_or(0, |list| list.len() as u64));
    let strict = serde_json::from_slice::<Vec<Value>>(body);
    let repaired = read.repairs != RepairLog::default();
    match &read.end {
        ListEnd::Complete if repaired => assert!(strict.is_err(), "a good list was repaired"),
        ListEnd::Complete => assert_eq!(loose.ok(), Some(read.count), "not the whole list"),
        ListEnd::Truncated => assert!(loose.is_err(), "a whole list counts as cut short"),
        ListEnd::Malformed(reason) => assert!(
            strict.is_err() || reason.contains("duplicate field"),
            "a good list is refused: {reason}"
        ),
        ListEnd::ApiError(_) => assert!(strict.is_err(), "a list is taken for a failure"),
        ListEnd::Stopped
        | ListEnd::Io
        | ListEnd::TooSlow
        | ListEnd::TooLarge(_)
        | ListEnd::MemoryExhausted(_) => {
            panic!("nobody stopped, and no connection failed")
        }
    }
}

struct Kept<T>(Vec<T>);

impl<T> ListConsumer<T> for Kept<T> {
    fn accept(&mut self, element: T) -> bool {
        self.0.push(element);
        true
    }

    fn restart(&mut self) {
        self.0.clear();
    }
}

fn parse_stream<T: DeserializeOwned + Send + 'static>(pieces: Vec<Bytes>) -> (Vec<T>, ListRead) {
    let stream = futures::stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>));
    let response = Response::from(http::Response::new(Body::wrap_stream(stream)));
    let (runtime, client) = tenant();
    let pumped = runtime.block_on(client.parse_stream::<T, _>(Answer::new(response), Kept(Vec::new())));
    let (kept, read, _) = pumped.expect("the parser does not panic");
    (kept.0, read)
}

/// Users go through the table that joins the lists, and must come out unchanged.
fn users(rows: &[Row<UserRow>], listed: Listed) {
    let mut builder = JoinTableBuilder::new(true);
    let rows = || {
        rows.iter().filter_map(|row| match row {
            Row::Object(row) => Some((row.id.get()?, row)),
            Row::Null | Row::Other => None,
        })
    };
    for (id, row) in rows() {
        builder.add(id, listed, row);
    }
    let mut duplicates = Vec::new();
    let table = builder.build(|doubled| duplicates.push(doubled));
    assert_eq!(table.len() + duplicates.len(), rows().count());
    for (id, row) in rows() {
        let row_index = table.find(id).expect("every id is in the table");
        let (kept_as, kept) = table.row(row_index);
        assert_eq!(kept_as, listed);
        // Several with one id are joined.
        let expected = if duplicates.iter().any(|duplicate| duplicate.id == id) {
            let mut same = rows()
                .filter(|(other, _)| *other == id)
                .map(|(_, row)| row.clone());
            let first = same.next().expect("one of them is this row");
            same.fold(first, |joined, row| joined.join(row).0)
        } else {
            row.clone()
        };
        let organization = expected.email.text();
        assert_eq!(
            mapping::user(id, &kept, organization),
            mapping::user(id, &expected, organization),
            "the table changed a user"
        );
    }
}

fn role(row: &Row<RoleRow>) {
    if let Row::Object(row) = row
        && let Some(id) = row.id.get()
    {
        let role = mapping::role(NativeId::from_number(id), row);
        named(&role, id);
        mapping::assigned(&role).expect("a role has its entitlement");
    }
}

fn organization(row: &Row<OrganizationRow>) {
    if let Row::Object(row) = row
        && let Some(id) = row.id.get()
    {
        let organization = mapping::organization(id, row);
        named(&organization, id);
        mapping::member(&organization).expect("an organization has its entitlement");
    }
}

fn device(row: &Row<DeviceRow>) {
    if let Row::Object(row) = row
        && let Some(id) = row.id.get()
    {
        let device = mapping::device(id, row);
        named(&device, id);
        for which in 0..mapping::DEVICE_ENTITLEMENTS.len() {
            mapping::device_entitlement(&device, which).expect("a device has its entitlements");
        }
    }
}

fn named(resource: &Resource, id: u64) {
    assert_eq!(resource.id.id.as_str(), id.to_string());
    assert!(!resource.display_name.as_str().is_empty(), "{id} has no name");
}

/// Activities: never more than requested, in order, and the cursor continues after the last.
fn events(max_events: u8, body: &[u8]) {
    let max_events = usize::from(max_events).max(1);
    let since = EventCursor::After("since:1700000000".to_owned());
    let Ok(Some(page)) = event_feed::page_of(body, &since, max_events) else {
        return;
    };
    assert!(page.events.len() <= max_events);
    let ids: Vec<u64> = page
        .events
        .iter()
        .filter_map(|event| event.id.parse().ok())
        .collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "events out of order: {ids:?}");
    let on = EventCursor::After(page.cursor);
    let next = event_feed::page_of(body, &on, usize::MAX)
        .expect("a cursor of our own")
        .expect("the same body");
    let content_type = next.events.iter().filter_map(|event| event.id.parse().ok());
    assert!(
        content_type.into_iter().all(|id: u64| !ids.contains(&id)),
        "an event came twice"
    );
}

#[cfg(test)]
#[path = "../replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::{lists, replay, token};

    #[test]
    fn the_corpora_hold() {
        replay::corpus("ninjaone_lists", lists);
        replay::corpus("ninjaone_token", token);
    }
}
