//! The client by itself: the call that checks whether a tenant responds, the counters, and responses that stop arriving.

use access_core::ports::{AccessSource, EventCursor, EventFeed};
use access_core::{Diagnostic, StatusCode};
use ninjaone::{DEFAULT_TOKEN_PATH, NinjaOneEventFeed, WritePolicy};
use ninjaone_sim::{Cut, Fault, When};
use time::OffsetDateTime;

use crate::tenant::{TestTenant, json_response};

/// The rest of the list is not read, not even for its faults.
#[test]
fn ping_reads_only_the_first_entry() {
    for body in [r#"[{"id":1},{"id":"#, r#"[{"id":1},?"#, "[]"] {
        let test_tenant = TestTenant::with_fault("/v2/organizations", When::Always, json_response(body));
        let client = test_tenant.client(WritePolicy::Disabled);
        test_tenant.block_on(client.ping()).unwrap();
        assert_eq!(
            test_tenant.drain_calls(),
            ["GET /v2/organizations pageSize=1000"],
            "{body}"
        );
    }
    let test_tenant = TestTenant::with_fault("/v2/organizations", When::Always, Fault::MissingScope);
    let client = test_tenant.client(WritePolicy::Disabled);
    let error = test_tenant.block_on(client.ping()).unwrap_err();
    assert_eq!(error.status(), StatusCode::PermissionDenied, "{error}");
}

#[test]
fn calls_retries_and_throttling_are_counted() {
    let path = "/v2/organizations";
    let limited = Fault::RateLimit(Some("0".to_owned()));
    let test_tenant = TestTenant::with_faults([
        (path, When::Nth(1), limited),
        (path, When::Nth(2), Fault::Status(500)),
        (path, When::After(2), json_response("[]")),
    ]);
    let client = test_tenant.client(WritePolicy::Disabled);
    test_tenant.block_on(client.ping()).unwrap();
    let usage = client.usage();
    // The sign-in is a call too.
    assert_eq!(
        (usage.calls, usage.retries, usage.throttled, usage.bytes),
        (4, 2, 1, 2)
    );
}

/// A web page in place of a token is how proxies throttle.
#[test]
fn page_in_place_of_a_token_counts_as_throttling() {
    let test_tenant = TestTenant::with_fault(DEFAULT_TOKEN_PATH, When::First(1), Fault::Html(200));
    let client = test_tenant.client(WritePolicy::Disabled);
    test_tenant.block_on(client.ping()).unwrap();
    let usage = client.usage();
    assert_eq!((usage.calls, usage.retries, usage.throttled), (3, 1, 1));
}

#[test]
fn repaired_text_is_a_warning() {
    let body = r#"[{"id":1,"name":"Zo\ud83d"},{"id":2,"name":"b"}]"#;
    let test_tenant = TestTenant::with_fault("/v2/organizations", When::First(1), json_response(body));
    let output = test_tenant.read_all();
    let repaired = "text_repaired: GET <tenant>/v2/organizations?pageSize=1000: 1 character that is not Unicode, shown as U+FFFD, in id 1";
    assert!(
        output.remarks.contains(&repaired.to_owned()),
        "{:?}",
        output.remarks
    );
}

#[test]
fn activity_names_the_list_of_the_last_request() {
    let test_tenant = TestTenant::healthy();
    let source = test_tenant.source(true);
    assert_eq!(source.activity().list, None);
    test_tenant.block_on(source.check()).unwrap();
    let list = source.activity().list.unwrap();
    assert_eq!((list.name, list.number, list.of), ("devices", 6, 6));
}

#[test]
fn broken_connection_is_not_a_timeout() {
    for clean in [true, false] {
        let at = Cut::Eighths(4);
        let test_tenant = TestTenant::with_fault("/v2/*", When::Always, Fault::CutBody { at, clean });
        let error = test_tenant.read_all().error.unwrap();
        let request = "GET <tenant>/v2/organizations?pageSize=1000: ";
        assert!(
            error.starts_with(&format!("{request}the list was cut short after ")),
            "{error}"
        );
        let feed = NinjaOneEventFeed::new(test_tenant.client(WritePolicy::Disabled));
        let after = EventCursor::Since(OffsetDateTime::UNIX_EPOCH);
        let error = test_tenant.block_on(feed.events(&after, 1)).unwrap_err();
        assert_eq!(error.status(), StatusCode::Unavailable, "{error}");
    }
}
