//! The reference's environment runs this program: every flag, variable and key of it, common values, and habits of users.

mod habits;
mod panics;
mod values;

use std::fs;

use crate::harness::{RunOutput, TestContext};

/// A row of the table in docs/reference/settings.md.
struct Row {
    name: String,
    flag: bool,
    variable: String,
    fate: String,
}

fn rows() -> Vec<Row> {
    let documents = baton_ninja_one::generated_documents();
    let (_, table) = documents
        .iter()
        .find(|(name, _)| *name == "reference-flags")
        .unwrap();
    let rows = table.lines().skip(2).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').splitn(4, '|').map(str::trim).collect();
        let variable = cells[1].trim_matches('`').to_owned();
        Row {
            name: variable
                .strip_prefix("BATON_")
                .unwrap()
                .to_lowercase()
                .replace('_', "-"),
            flag: cells[0] != "–",
            variable,
            fate: cells[3].to_owned(),
        }
    });
    rows.collect()
}

/// A value that the reference accepts.
fn plausible(name: &str) -> &'static str {
    match name {
        "create-ticket"
        | "bulk-create-ticket"
        | "get-ticket"
        | "list-ticket-schemas"
        | "ticketing"
        | "provisioning"
        | "skip-full-sync"
        | "skip-entitlements-and-grants"
        | "keep-previous-sync-c1z"
        | "diff-syncs"
        | "compact-syncs"
        | "list-action-schemas"
        | "parallel-sync"
        | "otel-collector-endpoint-tls-insecure"
        | "otel-tracing-disabled"
        | "otel-logging-disabled"
        | "health-check"
        | "log-event-log"
        | "skip-cleanup"
        | "skip-grants"
        | "event-feed" => "true",
        "workers" => "-1",
        "session-store-maximum-size" => "15728640",
        "log-level" => "INFO",
        "log-format" => "JSON",
        "log-path" => "stderr",
        "storage-engine" => "sqlite",
        "task-concurrency"
        | "http-timeout-seconds"
        | "keep-sync-count"
        | "decoder-max-decoded-size-mb"
        | "decoder-max-memory-mb" => "7",
        "health-check-port" => "8099",
        "health-check-bind-address" => "127.0.0.1",
        "otel-collector-endpoint" => "127.0.0.1:4317",
        "sync-resources" => "bid:r:role/7",
        "sync-resource-types" | "external-resource-traits" => "user,role",
        "c1z-temp-dir" | "tmpdir" => "tmp",
        "config-path" => "baton.yaml",
        "create-account-profile" | "invoke-action-args" | "invoke-resource-action-args" => "{}",
        "log-level-debug-expires-at" | "event-feed-start-at" => "2030-01-01T00:00:00Z",
        _ => "x",
    }
}

/// A command with a value in each of the three forms, as far as the row has them.
fn in_every_form(row: &Row, value: &str, command: &[&str], judge: impl Fn(&TestContext, &str, &RunOutput)) {
    let flag = format!("--{}={value}", row.name);
    let variable = row.variable.replace('*', "DEPTH");
    for form in ["flag", "variable", "key"] {
        if form != "variable" && !row.flag {
            continue;
        }
        let context = TestContext::msp();
        fs::write(context.path("baton.yaml"), "").unwrap();
        let mut arguments = command.to_vec();
        if form == "flag" {
            arguments.push(&flag);
        }
        if form == "key" {
            fs::write(context.path(".baton.yaml"), format!("{}: '{value}'\n", row.name)).unwrap();
        }
        let mut run = context.command(&arguments);
        if form == "variable" {
            run.env(&variable, value);
        }
        let ran = context.finish(&mut run);
        judge(&context, &format!("{} as {form}", row.name), &ran);
    }
}

fn warnings(ran: &RunOutput) -> Vec<&str> {
    ran.stderr
        .lines()
        .filter(|line| line.contains(r#""level":"warn""#))
        .collect()
}

#[test]
fn unsupported_reference_options_never_start_a_sync() {
    let rows = rows();
    let refused = rows.iter().filter(|row| row.fate.starts_with("**refused**"));
    let mut seen = 0;
    for row in refused {
        seen += 1;
        in_every_form(row, plausible(&row.name), &[], |context, what, ran| {
            assert_eq!(ran.code, Some(12), "{what}: {}", ran.stderr);
            assert!(
                ran.stderr.contains("not supported: ") && ran.stderr.contains("hint: "),
                "{what}: {}",
                ran.stderr
            );
            assert!(context.sim().ledger().calls().is_empty(), "{what}");
            assert!(!context.path("sync.c1z").exists(), "{what}");
        });
    }
    assert!(seen > 25, "{seen}");
}

#[test]
fn options_without_effect_are_accepted_with_a_warning() {
    let rows = rows();
    for row in rows.iter().filter(|row| row.fate.starts_with("no effect")) {
        in_every_form(row, plausible(&row.name), &["capabilities"], |_, what, ran| {
            assert_eq!(ran.code, Some(0), "{what}: {}", ran.stderr);
            let warnings = warnings(ran);
            assert_eq!(warnings.len(), 1, "{what}: {}", ran.stderr);
            assert!(
                warnings[0].contains("accepted without effect: "),
                "{what}: {}",
                warnings[0]
            );
        });
    }
    // They really are accepted by a sync, all at once, as the arguments of a Deployment would have them.
    let context = TestContext::msp();
    let ran = context.run(&[
        "--workers=4",
        "--parallel-sync",
        "--keep-previous-sync-c1z",
        "--session-store-maximum-size",
        "15728640",
        "--log-level-debug-expires-at",
        "2030-01-01T00:00:00Z",
        "--auth-method",
        "default",
        "--ticketing",
    ]);
    assert_eq!((ran.code, warnings(&ran).len()), (Some(0), 7), "{}", ran.stderr);
}

#[test]
fn supported_options_work_in_every_form() {
    let rows = rows();
    for row in rows.iter().filter(|row| row.fate == "works") {
        in_every_form(row, plausible(&row.name), &["capabilities"], |_, what, ran| {
            let of_a_group = [
                "already says what to do",
                "must all be set",
                "it requires --",
                "creates no account by itself",
                "no action",
            ];
            let understood = ran.code == Some(0) || of_a_group.iter().any(|words| ran.stderr.contains(words));
            assert!(understood, "{what}: {:?} {}", ran.code, ran.stderr);
            assert!(!ran.stderr.contains("not a setting of this"), "{what}");
        });
    }
}

#[test]
fn disabled_operations_cause_no_warning() {
    for variable in [
        "BATON_CREATE_TICKET",
        "BATON_EVENT_FEED",
        "BATON_COMPACT_SYNCS",
        "BATON_TICKETING",
        "BATON_WORKERS",
    ] {
        let context = TestContext::msp();
        let value = if variable == "BATON_WORKERS" { "0" } else { "false" };
        let ran = context.finish(context.command(&[]).env(variable, value));
        assert_eq!(
            (ran.code, warnings(&ran).len()),
            (Some(0), 0),
            "{variable}: {}",
            ran.stderr
        );
    }
}

#[test]
fn actions_of_a_resource_type() {
    let context = TestContext::msp();
    let ran = context.run(&[
        "--invoke-action",
        "update-account",
        "--invoke-action-resource-type",
        "role",
    ]);
    assert_eq!(ran.code, Some(5), "{}", ran.stderr);
    let ran = context.run(&[
        "--list-action-schemas",
        "--list-action-schemas-resource-type=role",
    ]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "[]\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(context.run(&["--invoke-action-resource-type=role"]).code, Some(2));
    assert!(context.sim().ledger().calls().is_empty());
}

#[test]
fn every_command_reports_unknown_variables() {
    for (variable, suggestion) in [
        ("BATON_NINJA_ONE_SCOPES", "BATON_NINJA_ONE_SCOPE"),
        ("BATON_NINJA_ONE_CLIENT_IDD", "BATON_NINJA_ONE_CLIENT_ID"),
        ("BATON_NINJAONE_CLIENT_ID", "BATON_NINJA_ONE_CLIENT_ID"),
        ("baton_file", "BATON_FILE"),
        ("BATON_SINKS", "BATON_SINK"),
    ] {
        for command in [
            &["check"][..],
            &[],
            &["capabilities"],
            &["grant", "role:7", "--to", "901"],
            &["inspect", "x"],
        ] {
            let context = TestContext::msp();
            let ran = context.finish(context.command(command).env(variable, "x"));
            assert_eq!(ran.code, Some(3), "{variable} {command:?}: {}", ran.stderr);
            assert!(
                ran.stderr.contains(&format!("did you mean {suggestion}?")),
                "{}",
                ran.stderr
            );
            assert!(context.sim().ledger().calls().is_empty());
        }
    }
    for command in [&["check"][..], &[], &["capabilities"], &["inspect", "sync.c1z"]] {
        let context = TestContext::msp();
        context.write_good_sync();
        let mut run = context.command(command);
        run.env("BATON_SOMETHING_ELSE", "x")
            .env("BATON_NINJA_ONE_SERVICE_HOST", "10.0.0.1")
            .env("BATON_NINJA_ONE_PORT", "tcp://10.0.0.1:8081");
        let ran = context.finish(&mut run);
        assert_eq!(ran.code, Some(0), "{command:?}: {}", ran.stderr);
        let warnings = warnings(&ran);
        assert!(
            warnings.len() == 1 && warnings[0].contains("BATON_SOMETHING_ELSE"),
            "{command:?}: {}",
            ran.stderr
        );
    }
}
