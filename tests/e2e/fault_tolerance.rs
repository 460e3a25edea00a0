//! Transient and partial failures that must not stop a sync.

use std::time::{Duration, Instant};

use insta::assert_snapshot;
use ninjaone_sim::{Behavior, Cut, ExpiresIn, Fault, SimConfig, Tenant, When};

use crate::golden::{assert_same_rows, rows_of};
use crate::harness::TestContext;

/// The fixture tenant's rows, without anything wrong.
fn healthy_rows() -> String {
    rows_after(&TestContext::msp())
}

fn rows_after(context: &TestContext) -> String {
    let ran = context.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    rows_of(context)
}

fn switched(change: impl FnOnce(&mut Behavior)) -> TestContext {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    change(&mut config.behavior);
    TestContext::with(&config)
}

#[test]
fn transient_failures_change_nothing() {
    let healthy = healthy_rows();
    for (path, fault) in [
        ("/v2/users", Fault::Status(503)),
        ("/v2/users", Fault::Html(200)),
        ("/v2/users", Fault::Drop),
        ("/v2/users", Fault::RevokeTokens),
        ("/ws/oauth/token", Fault::Status(503)),
        ("/ws/oauth/token", Fault::RateLimit(Some("0".to_owned()))),
        (
            "/v2/users",
            Fault::CutBody {
                at: Cut::Eighths(5),
                clean: true,
            },
        ),
        (
            "/v2/user/technicians",
            Fault::CutBody {
                at: Cut::Eighths(5),
                clean: false,
            },
        ),
        (
            "/v2/user/end-users",
            Fault::CutBody {
                at: Cut::Eighths(7),
                clean: true,
            },
        ),
        (
            "/v2/user/roles",
            Fault::CutBody {
                at: Cut::Eighths(6),
                clean: false,
            },
        ),
        (
            "/v2/organizations",
            Fault::CutBody {
                at: Cut::Eighths(3),
                clean: true,
            },
        ),
        ("/v2/users", Fault::ContentType("text/plain")),
        ("/v2/users", Fault::Bom),
        (
            "/v2/users",
            Fault::SlowBody {
                first: Duration::from_millis(50),
                pause: Duration::from_millis(1),
                piece: 400,
            },
        ),
    ] {
        let context = TestContext::faulty(path, When::First(1), fault.clone());
        let mut command = context.command(&["--ninja-one-retry-seconds=30"]);
        let ran = context.finish(&mut command);
        assert_eq!(ran.code, Some(0), "{path} {fault:?}: {}", ran.stderr);
        assert_same_rows(&rows_of(&context), &healthy, &format!("{path} {fault:?}"));
    }
}

#[test]
fn every_read_behavior_gives_the_same_rows() {
    let healthy = healthy_rows();
    let contexts = [
        switched(|behavior| behavior.transport.gzip = true),
        switched(|behavior| behavior.token.expires_in = ExpiresIn::Absent),
        switched(|behavior| behavior.token.expires_in = ExpiresIn::Claimed(0)),
        switched(|behavior| behavior.reads.roles_key = ninjaone_sim::RolesKey::Filled),
        switched(|behavior| behavior.reads.roles_key = ninjaone_sim::RolesKey::Null),
        switched(|behavior| behavior.reads.page_size_cap = Some(2)),
        switched(|behavior| behavior.reads.default_page_size = 3),
        switched(|behavior| behavior.reads.paged_user_lists = true),
        switched(|behavior| behavior.transport.request_id_on_errors_only = true),
    ];
    for context in contexts {
        assert_same_rows(&rows_after(&context), &healthy, "");
    }
}

#[test]
fn retry_after_is_honored() {
    let context = TestContext::faulty(
        "/v2/users",
        When::First(1),
        Fault::RateLimit(Some("1".to_owned())),
    );
    let begin = Instant::now();
    assert_eq!(context.run(&[]).code, Some(0));
    assert!(begin.elapsed() >= Duration::from_secs(1));
    assert_eq!(context.sim().ledger().count("GET", "/v2/users"), 2);
}

#[test]
fn a_name_of_a_megabyte_is_clipped_and_reported() {
    let context = TestContext::faulty("/v2/users", When::Always, Fault::HugeName(1 << 20));
    let ran = context.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let warnings = ran.stdout.split("Warnings\n").nth(1).unwrap_or_default();
    assert_snapshot!(warnings.lines().next().unwrap_or_default());
}

#[test]
fn duplicates_are_counted_and_written_once() {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    let doubled = Fault::Reshape(ninjaone_sim::Reshape::Doubled);
    config.faults = ninjaone_sim::FaultSchedule::at("/v2/*", When::Always, doubled);
    let context = TestContext::with(&config);
    let ran = context.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_same_rows(&rows_of(&context), &healthy_rows(), "");
    let left_out = ran
        .stdout
        .split("Left out\n")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    assert_snapshot!(left_out);
}

#[test]
fn the_calls_match_the_documentation() {
    let context = TestContext::msp();
    assert_eq!(
        context.run(&["--ninja-one-scope", "monitoring management"]).code,
        Some(0)
    );
    let calls: Vec<String> = context
        .sim()
        .ledger()
        .calls()
        .iter()
        .map(|call| {
            let query: Vec<String> = call
                .query
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            let question = if query.is_empty() { "" } else { "?" };
            format!(
                "{} {}{question}{} authorized={}",
                call.method,
                call.path,
                query.join("&"),
                call.authorized
            )
        })
        .collect();
    assert_snapshot!(calls.join("\n"));
    assert!(context.sim().ledger().max_in_flight() <= 2);
    let calls = context.sim().ledger().calls();
    assert!(
        calls[0].body.contains("scope=monitoring+management") && !calls[0].body.contains("offline_access")
    );
    assert!(calls.iter().skip(1).all(|call| call.body.is_empty()));
    assert!(
        calls[1]
            .accept_encoding
            .as_deref()
            .unwrap_or_default()
            .contains("gzip")
    );
}

#[test]
fn a_tenant_that_changes_during_the_sync_stays_consistent() {
    let context = switched(|behavior| behavior.reads.moving = true);
    let ran = context.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn exactly_a_thousand_users_do_not_loop() {
    let size = ninjaone_sim::GeneratedSize {
        technicians: 100,
        end_users: 900,
        roles: 10,
        grants: 2000,
        ..Default::default()
    };
    let context = TestContext::with(&SimConfig::new(Tenant::generated(size).unwrap()));
    let ran = context.run(&["--output", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(context.sim().ledger().count("GET", "/v2/users"), 1);
    let summary: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(summary["source"]["calls"], 7);
}
