//! `check` distinguishes a wrong secret, a wrong region, missing scopes and network failures.

use insta::assert_snapshot;
use ninjaone_sim::{AppRegistration, Fault, Scopes, SimConfig, Tenant, When};

use crate::harness::TestContext;

fn checked(context: &TestContext) -> String {
    let ran = context.run(&[
        "check",
        "--ninja-one-retry-seconds=0",
        "--ninja-one-include-devices",
    ]);
    assert!(!context.path("sync.c1z").exists());
    let base_url = context.base_url.clone().unwrap();
    format!(
        "{}\n{}",
        context.error_snapshot(&ran),
        ran.stdout.replace(&base_url, "[TENANT]")
    )
}

fn with_scopes(scopes: &str) -> SimConfig {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.app = AppRegistration {
        scopes: Scopes::parse(scopes),
        ..AppRegistration::default()
    };
    config
}

#[test]
fn a_healthy_tenant() {
    let context = TestContext::msp();
    assert_snapshot!(checked(&context));
    // The calls of a sync, including the page after the last one, and roles and users to the end.
    assert_eq!(context.sim().ledger().calls().len(), 15);
}

#[test]
fn wrong_region() {
    let mut config = with_scopes("monitoring management");
    config.app.other_region = true;
    assert_snapshot!(checked(&TestContext::with(&config)));
}

#[test]
fn scopes_missing_and_not_needed() {
    assert_snapshot!(
        "not_needed",
        checked(&TestContext::with(&with_scopes("monitoring management control")))
    );
    assert_snapshot!(
        "works_without",
        checked(&TestContext::with(&with_scopes("monitoring")))
    );
    let mut config = with_scopes("monitoring");
    config.behavior.authorization.role_reads_need_management = true;
    assert_snapshot!("fails_without", checked(&TestContext::with(&config)));
}

#[test]
fn endpoints_that_fail() {
    assert_snapshot!(
        "devices_off",
        checked(&TestContext::faulty(
            "/v2/devices",
            When::Always,
            Fault::Status(403)
        ))
    );
    assert_snapshot!(
        "users_fail",
        checked(&TestContext::faulty("/v2/users", When::Always, Fault::Html(502)))
    );
    let mut config = with_scopes("monitoring management");
    config.behavior.transport.old_instance = true;
    assert_snapshot!("older_instance", checked(&TestContext::with(&config)));
}

#[test]
fn an_unreachable_tenant() {
    let context = TestContext {
        base_url: Some("http://127.0.0.1:1".to_owned()),
        ..TestContext::bare()
    };
    assert_snapshot!(checked(&context));
}

/// The output of a check about sinks and settings, without the tenant's part.
fn refused(context: &TestContext, variables: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = context.command(&[&["check"], arguments].concat());
    command.envs(variables.iter().copied());
    let ran = context.finish(&mut command);
    (ran.code, ran.stdout + &ran.stderr)
}

#[test]
fn every_value_is_validated() {
    let context = TestContext::msp();
    for (variable, value) in [
        ("BATON_TASK_CONCURRENCY", "0"),
        ("BATON_PROVISIONING", "yes"),
        ("BATON_HEALTH_CHECK", "maybe"),
        ("BATON_HEALTH_CHECK_PORT", "0"),
        ("BATON_STORAGE_ENGINE", "rocks"),
        ("BATON_MAX_DROP_PERCENT", "200"),
        ("BATON_KEEP_SYNC_COUNT", "none"),
        ("BATON_SKIP_FULL_SYNC", "perhaps"),
        ("BATON_DATASET_HISTORY", "2"),
        ("BATON_ACCEPT_DROP", "role@yesterday"),
        ("BATON_SYNC_RESOURCES", "role/7"),
        ("BATON_SYNC_RESOURCE_TYPES", "rôle"),
        ("BATON_SYNC_RESOURCE_TYPES", "repository"),
        ("BATON_SINK", "tape=x"),
        ("BATON_C1Z_TEMP_DIR", "nowhere"),
        ("BATON_OTEL_COLLECTOR_ENDPOINT", "ftp://x"),
        ("BATON_SHUTDOWN_GRACE_SECONDS", "-1"),
        ("BATON_CA_FILE", "nowhere.pem"),
    ] {
        let (code, text) = refused(&context, &[(variable, value)], &[]);
        assert_eq!(code, Some(3), "{variable}={value}: {text}");
        context.assert_only_files(&[]);
    }
    // Every other command validates them too.
    for command in [
        &["inspect", "sync.c1z"][..],
        &["capabilities"],
        &["verify", "lake"],
    ] {
        let mut command = context.command(command);
        command.env("BATON_PROVISIONING", "yes");
        assert_eq!(context.finish(&mut command).code, Some(3));
    }
}

#[test]
fn every_sink_is_opened_without_leftovers() {
    let context = TestContext::msp();
    let sinks = [
        "--sink",
        "c1z",
        "--sink",
        "parquet=deep/lake",
        "--sink",
        "csv=csv",
        "--sink",
        "html=report.html",
    ];
    let log = ["--provisioning", "--audit-log", "audit.jsonl"];
    let (code, text) = refused(&context, &[], &[&sinks[..], &log].concat());
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(text.matches("takes a sync").count(), 4, "{text}");
    context.assert_only_files(&[]);
    assert_eq!(context.run(&sinks).code, Some(0));
    // Existing files stay unchanged.
    let before = std::fs::read(context.path("sync.c1z")).unwrap();
    let (code, text) = refused(&context, &[], &[&sinks[..], &["--output", "json"]].concat());
    assert_eq!(code, Some(0), "{text}");
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let results: Vec<&serde_json::Value> = report["sinks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sink| &sink["result"])
        .collect();
    assert_eq!(results, ["ok"; 4]);
    assert_eq!(std::fs::read(context.path("sync.c1z")).unwrap(), before);
    context.assert_only_files(&["csv", "deep", "report.html", "sync.c1z"]);
}

#[test]
fn check_refuses_what_a_sync_refuses() {
    let context = TestContext::msp();
    std::fs::write(context.path("notes.c1z"), "The quarterly report.\n").unwrap();
    for sink in ["c1z=notes.c1z", "c1z=nowhere/sync.c1z", "html=notes.c1z"] {
        let (code, text) = refused(&context, &[], &["--sink", sink]);
        let synced = context.run(&["--sink", sink]);
        assert_ne!(code, Some(0), "{sink}: {text}");
        assert_eq!(code, synced.code, "{sink}: {text}{}", synced.stderr);
        assert!(
            text.contains("\nSinks\n  FAILED  ") && text.contains("hint: "),
            "{sink}: {text}"
        );
        assert!(
            !text.contains("run `check`") && !text.contains("`baton-ninja-one check`"),
            "{text}"
        );
    }
    context.assert_only_files(&["notes.c1z"]);
}

/// `check` refuses a location if a sync refuses it because of its ids.
#[test]
fn an_older_instance_with_numeric_ids() {
    let today = TestContext::msp();
    let folder = tempfile::tempdir().unwrap();
    for sinks in [
        ["--sink", "c1z=sync.c1z"],
        ["--sink", "parquet=lake"],
        ["--sink", "html=report.html"],
    ] {
        let ran = today.finish(today.command(&sinks).current_dir(folder.path()));
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.behavior.transport.old_instance = true;
    let older = today.on_another_day(&config);
    for sinks in [
        ["--sink", "c1z=sync.c1z"],
        ["--sink", "parquet=lake"],
        ["--sink", "html=report.html"],
    ] {
        for command in [&["check"][..], &[]] {
            let arguments = [command, &sinks[..]].concat();
            let ran = older.finish(older.command(&arguments).current_dir(folder.path()));
            assert_eq!(ran.code, Some(9), "{arguments:?}: {}", ran.stderr);
            assert!(
                ran.stderr.contains("its ids use the scheme `numeric`"),
                "{arguments:?}: {}",
                ran.stderr
            );
        }
    }
}
