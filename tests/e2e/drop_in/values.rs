//! Values as people have them: spellings, spaces, quotes, several sources.

use std::fs;

use super::warnings;
use crate::harness::{SECRET, TestContext};

#[test]
fn values_in_any_case_and_unknown_levels() {
    for (variable, value, message) in [
        ("BATON_LOG_LEVEL", "INFO", 0),
        ("BATON_LOG_LEVEL", "Debug", 0),
        ("BATON_LOG_LEVEL", "warning", 0),
        ("BATON_LOG_LEVEL", "chatty", 1),
        ("BATON_LOG_FORMAT", "JSON", 0),
        ("BATON_LOG_FORMAT", "text", 1),
        ("BATON_STORAGE_ENGINE", "SQLite", 0),
        ("BATON_PROVISIONING", "False", 0),
        ("BATON_PROVISIONING", "tRUE", 0),
        ("BATON_KEEP_SYNC_COUNT", "0", 1),
        ("BATON_DECODER_MAX_MEMORY_MB", "-1", 1),
    ] {
        let context = TestContext::msp();
        let ran = context.finish(context.command(&[]).env(variable, value));
        assert_eq!(
            (ran.code, warnings(&ran).len()),
            (Some(0), message),
            "{variable}={value}: {}",
            ran.stderr
        );
    }
}

#[test]
fn the_last_value_wins_and_lists_add_up() {
    let context = TestContext::msp();
    let ran = context.run(&[
        "-f",
        "a.c1z",
        "-p",
        "-p",
        "--log-level",
        "debug",
        "--file=b.c1z",
        "--log-level",
        "error",
    ]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    context.assert_only_files(&["b.c1z"]);
    let ran = context.run(&["--sink", "c1z=c.c1z", "--sink=html=d.html"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    context.assert_only_files(&["b.c1z", "c.c1z", "d.html"]);
}

#[test]
fn every_value_is_validated_in_every_command() {
    for (variable, value) in [
        ("BATON_TASK_CONCURRENCY", "0"),
        ("BATON_PROVISIONING", "yes"),
        ("BATON_HEALTH_CHECK", "maybe"),
        ("BATON_HEALTH_CHECK_PORT", "99999"),
        ("BATON_STORAGE_ENGINE", "rocks"),
        ("BATON_MAX_DROP_PERCENT", "200"),
        ("BATON_SINK", "paper=x"),
        ("BATON_SINK", "html=s3://bucket/report.html"),
        ("BATON_FILE", "-"),
        ("BATON_NINJA_ONE_TOKEN_PATH", "oauth"),
        ("BATON_SYNC_RESOURCES", "role/7"),
        ("BATON_WORKERS", "many"),
        ("BATON_TICKETING", "maybe"),
    ] {
        for command in [
            &["check"][..],
            &[],
            &["capabilities"],
            &["inspect", "sync.c1z"],
            &["revoke", "role:7", "--from", "901"],
        ] {
            let context = TestContext::msp();
            context.write_good_sync();
            let ran = context.finish(context.command(command).env(variable, value));
            assert_eq!(
                ran.code,
                Some(3),
                "{variable}={value} {command:?}: {}",
                ran.stderr
            );
            assert!(ran.stderr.contains(variable), "{}", ran.stderr);
            assert!(
                context.sim().ledger().calls().is_empty(),
                "{variable} {command:?}"
            );
        }
    }
    // A check refuses what service mode refuses.
    for (secret, code) in [(None, 2), (Some("not a secret"), 3)] {
        let context = TestContext::msp();
        let mut run = context.command(&["check"]);
        run.env("BATON_CLIENT_ID", "name@tenant.conductor.one/rest");
        if let Some(secret) = secret {
            run.env("BATON_CLIENT_SECRET", secret);
        }
        let ran = context.finish(&mut run);
        assert_eq!(ran.code, Some(code), "{}", ran.stderr);
    }
}

/// How env files, Secrets, shells and editors change a text.
fn altered(text: &str) -> Vec<String> {
    vec![
        format!("{text}\n"),
        format!("{text}\r\n"),
        format!("  {text}\t"),
        format!("\u{feff}{text}"),
        format!("{text}\u{a0}"),
        format!("\u{200b}{text}\u{200b}"),
        format!("\"{text}\""),
        format!("'{text}'"),
        format!("\"{text}\"\r\n"),
        format!("“{text}”"),
    ]
}

#[test]
fn credentials_as_people_have_them() {
    for name in [
        "BATON_NINJA_ONE_BASE_URL",
        "BATON_NINJA_ONE_CLIENT_ID",
        "BATON_NINJA_ONE_CLIENT_SECRET",
        "BATON_NINJA_ONE_SCOPE",
    ] {
        let plain = TestContext::msp();
        let value = match name {
            "BATON_NINJA_ONE_BASE_URL" => plain.base_url.clone().unwrap(),
            "BATON_NINJA_ONE_CLIENT_ID" => "sim-client".to_owned(),
            "BATON_NINJA_ONE_CLIENT_SECRET" => SECRET.to_owned(),
            _ => "monitoring management".to_owned(),
        };
        for value in altered(&value) {
            let ran = plain.finish(plain.command(&["check"]).env(name, &value));
            assert_eq!(ran.code, Some(0), "{name}={value:?}: {}", ran.stderr);
            // The quotes are named by their setting, never the value.
            let quotes = value.contains(['"', '\'', '“']);
            let message = warnings(&ran)
                .iter()
                .any(|line| line.contains(name) && line.contains("quotes"));
            assert_eq!(message, quotes, "{name}={value:?}: {}", ran.stderr);
        }
        for value in altered(&value) {
            fs::write(plain.path("value"), &value).unwrap();
            let mut run = plain.command(&["check"]);
            run.env_remove(name).env(format!("{name}_FILE"), "value");
            let ran = plain.finish(&mut run);
            assert_eq!(ran.code, Some(0), "{name}_FILE={value:?}: {}", ran.stderr);
        }
    }
}

#[test]
fn scopes_as_people_write_them() {
    for scope in [
        "monitoring,management",
        "monitoring+management",
        "monitoring%20management",
        "Monitoring  Management",
        "monitoring\tmanagement",
        "[\"monitoring\", \"management\"]",
    ] {
        let context = TestContext::msp();
        let ran = context.run(&["check", "--ninja-one-scope", scope]);
        assert_eq!(ran.code, Some(0), "{scope}: {}", ran.stderr);
    }
    let context = TestContext::msp();
    fs::write(
        context.path(".baton.yaml"),
        "ninja-one-scope: [monitoring, management]\n",
    )
    .unwrap();
    assert_eq!(context.run(&["check"]).code, Some(0));
}

/// The harness searches all output for the secret.
#[test]
fn values_after_secret_flags_are_not_echoed() {
    let hyphened = format!("--{SECRET}");
    let single = format!("-V{SECRET}");
    let with_equals = format!("--client-secret={SECRET}");
    let unknown = format!("--ninja-one-client-secrets={SECRET}");
    let assigned = format!("BATON_NINJA_ONE_CLIENT_SECRET={SECRET}");
    let url = format!("https://eu.ninjarmm.com/?client_secret={SECRET}");
    let user = format!("https://user:{SECRET}@eu.ninjarmm.com");
    for arguments in [
        &["--ninja-one-client-secret", &hyphened][..],
        &["--ninja-one-client-secret", &single],
        &["--ninja-one-client-secret", "a", SECRET],
        &["--ninja-one-client-secret", "a", &hyphened],
        &["--ninja-one-client-secret", "a", &single],
        &["--ninja-one-client-secret=a", SECRET],
        &["check", "--client-secret", "x", SECRET],
        &["--ninja-one-client-id", "--ninja-one-client-secret", SECRET],
        &["--ninja-one-client-secret"],
        &["inspect", "x", &with_equals, SECRET],
        &[&unknown],
        &["--secret", SECRET],
        &["--api-token", SECRET],
        &[&assigned],
        &["check", "--ninja-one-base-url", &url],
        &["check", "--ninja-one-base-url", &user],
    ] {
        let mut context = TestContext::bare();
        context.base_url = None;
        let ran = context.run(arguments);
        assert!(
            matches!(ran.code, Some(2 | 3)),
            "{arguments:?}: {:?} {}",
            ran.code,
            ran.stderr
        );
    }
}

#[test]
fn values_may_begin_with_a_hyphen_but_not_be_flags() {
    for secret in ["-VRbLexample", "-h3example", "--S3CRETexample"] {
        let mut config = ninjaone_sim::SimConfig::new(ninjaone_sim::Tenant::fixture("msp").unwrap());
        secret.clone_into(&mut config.app.client_secret);
        let context = TestContext::with(&config);
        let ran = context.run(&["check", "--ninja-one-client-secret", secret]);
        assert_eq!(ran.code, Some(0), "{secret}: {}", ran.stderr);
    }
    // A switch is never lost as the value of the flag before it.
    let context = TestContext::msp();
    let ran = context.run(&[
        "revoke",
        "role:7",
        "--from",
        "901",
        "-p",
        "--audit-log",
        "--dry-run",
    ]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(context.sim().ledger().calls().is_empty());
}

#[test]
fn a_broken_config_file_shows_no_value() {
    for (name, text) in [
        ("a.yaml", format!("{SECRET}\n")),
        ("a.yaml", format!("- {SECRET}\n")),
        ("a.yaml", format!("ninja-one-client-secret: {SECRET}: x\n")),
        ("a.yaml", format!("ninja-one-client-secret: *{SECRET}\n")),
        ("a.yaml", format!("ninja-one-client-secret: [{SECRET}\n")),
        ("a.yaml", format!("ninja-one-client-secret: \"\\q{SECRET}\"\n")),
        ("a.yaml", format!("ninja-one-client-secret: {{a: {SECRET}}}\n")),
        ("a.yaml", format!("http-timeout-seconds:\n  {SECRET}: 1\n")),
        (
            "a.yaml",
            format!("a: 1\n---\nninja-one-client-secret: {SECRET}\n"),
        ),
        ("a.toml", format!("ninja-one-client-secret = {SECRET}\n")),
        ("a.toml", format!("ninja-one-client-secret = \"\\q{SECRET}\"\n")),
        ("a.toml", format!("{SECRET}\n")),
        (
            "a.toml",
            format!("ninja-one-client-secret = '{SECRET}' {SECRET}\n"),
        ),
        ("a.toml", format!("ninja-one-client-secret = [\"{SECRET}\"]\n")),
    ] {
        let context = TestContext::msp();
        fs::write(context.path(name), &text).unwrap();
        // The variable would override the file, and the file's value would not be read.
        let mut run = context.command(&["check", "--config", name]);
        run.env_remove("BATON_NINJA_ONE_CLIENT_SECRET");
        let ran = context.finish(&mut run);
        assert_eq!(ran.code, Some(3), "{text:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("from_str"), "{}", ran.stderr);
    }
}
