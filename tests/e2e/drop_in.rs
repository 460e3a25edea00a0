//! What ran the reference runs this program: every flag, variable and key of it, values as people have them, and their habits.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::harness::{Ran, SECRET, TestContext, example_configurations, workspace};

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

/// A value that the reference takes.
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
fn in_every_form(row: &Row, value: &str, command: &[&str], judge: impl Fn(&TestContext, &str, &Ran)) {
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

fn warnings(ran: &Ran) -> Vec<&str> {
    ran.stderr
        .lines()
        .filter(|line| line.contains(r#""level":"warn""#))
        .collect()
}

#[test]
fn what_the_reference_has_and_is_not_done_never_becomes_a_sync() {
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
fn what_has_no_effect_is_accepted_with_one_warning() {
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
fn what_works_is_known_in_every_form() {
    let rows = rows();
    for row in rows.iter().filter(|row| row.fate == "works") {
        in_every_form(row, plausible(&row.name), &["capabilities"], |_, what, ran| {
            let of_a_group = [
                "says what to do already",
                "must all be set",
                "goes with",
                "makes no account alone",
                "no action",
            ];
            let understood = ran.code == Some(0) || of_a_group.iter().any(|words| ran.stderr.contains(words));
            assert!(understood, "{what}: {:?} {}", ran.code, ran.stderr);
            assert!(!ran.stderr.contains("no setting of this"), "{what}");
        });
    }
}

#[test]
fn an_operation_that_is_switched_off_asks_for_nothing() {
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
fn unknown_variables_are_told_by_every_command() {
    for (variable, meant) in [
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
                ran.stderr.contains(&format!("did you mean {meant}?")),
                "{}",
                ran.stderr
            );
            assert!(context.sim().ledger().calls().is_empty());
        }
    }
    for command in [&["check"][..], &[], &["capabilities"], &["inspect", "sync.c1z"]] {
        let context = TestContext::msp();
        context.good_sync();
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

#[test]
fn words_in_any_case_and_unknown_levels() {
    for (variable, value, told) in [
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
            (Some(0), told),
            "{variable}={value}: {}",
            ran.stderr
        );
    }
}

#[test]
fn the_last_of_two_counts_and_lists_add_up() {
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
    context.only_holds(&["b.c1z"]);
    let ran = context.run(&["--sink", "c1z=c.c1z", "--sink=html=d.html"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    context.only_holds(&["b.c1z", "c.c1z", "d.html"]);
}

#[test]
fn every_value_is_judged_in_every_command() {
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
            context.good_sync();
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
    // What service mode would refuse, a check refuses too.
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

/// What env files, Secrets, shells and editors do to a text.
fn spoilt(text: &str) -> Vec<String> {
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
        for value in spoilt(&value) {
            let ran = plain.finish(plain.command(&["check"]).env(name, &value));
            assert_eq!(ran.code, Some(0), "{name}={value:?}: {}", ran.stderr);
            // The quotes are named by their setting, never the value.
            let quotes = value.contains(['"', '\'', '“']);
            let told = warnings(&ran)
                .iter()
                .any(|line| line.contains(name) && line.contains("quotes"));
            assert_eq!(told, quotes, "{name}={value:?}: {}", ran.stderr);
        }
        for value in spoilt(&value) {
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

/// The harness looks for the secret in everything that is said.
#[test]
fn nothing_after_the_flag_of_a_secret_is_repeated() {
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
fn a_value_may_begin_with_a_hyphen_but_is_no_flag() {
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
fn a_config_file_that_is_broken_tells_no_value() {
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
        // The variable would weigh more than the file, whose value would not be looked at.
        let mut run = context.command(&["check", "--config", name]);
        run.env_remove("BATON_NINJA_ONE_CLIENT_SECRET");
        let ran = context.finish(&mut run);
        assert_eq!(ran.code, Some(3), "{text:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("from_str"), "{}", ran.stderr);
    }
}

/// Panics are internal errors; no variable that this program or the stores read may lead to 101, or tell the secret.
#[test]
fn no_variable_leads_to_a_panic() {
    assert!(
        !fs::read_to_string(workspace().join("Cargo.toml"))
            .unwrap()
            .contains("panic = \"abort\""),
        "the release must unwind"
    );
    let long = "x".repeat(70_000);
    let canary = format!("http://user:{SECRET}@[::bad");
    let junk = [
        "",
        ":",
        "http://",
        "[::",
        "\u{1}\u{7f}ü",
        "%zz",
        "-1",
        "99999999999999999999",
        "{",
        &long,
        &canary,
    ];
    let settings = workspace().join("docs/reference/settings.md");
    let settings = fs::read_to_string(settings).unwrap();
    let own = settings
        .split('`')
        .filter(|word| word.starts_with("BATON_") && !word.contains(['*', '=', '…']));
    let mut variables: Vec<&str> = own.collect();
    variables.sort_unstable();
    variables.dedup();
    variables.extend([
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "TZ",
        "HOME",
        "USER",
        "PAGER",
        "TERM",
    ]);
    assert!(variables.len() > 100, "{}", variables.len());
    let context = TestContext::msp();
    for variable in variables {
        // Values of other settings are shown where they are wrong.
        let is_hidden = ["SECRET", "_URL", "TOKEN_PATH", "ENDPOINT", "PROXY", "proxy"]
            .iter()
            .any(|part| variable.contains(part));
        for value in junk.into_iter().filter(|value| is_hidden || *value != canary) {
            let mut run =
                context.command(&["check", "--ninja-one-retry-seconds=0", "--http-timeout-seconds=1"]);
            run.env(variable, value);
            let output = run.output().unwrap();
            let code = output.status.code();
            assert!(
                code.is_some_and(|code| code < 17),
                "{variable}={value:.20}: {code:?}"
            );
            let said = format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(!said.contains(SECRET), "{variable}: {said}");
        }
    }
}

/// Names, values and arguments that are no Unicode.
#[test]
fn what_is_no_unicode_leads_to_no_panic() {
    let odd = OsStr::from_bytes(b"\xff\xfe\xf0");
    let context = TestContext::msp();
    for variable in [
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "BATON_CA_FILE",
        "BATON_CONFIG_PATH",
        "BATON_FILE",
        "BATON_LOG_LEVEL",
        "BATON_NINJA_ONE_CLIENT_SECRET",
        "BATON_NINJA_ONE_CLIENT_SECRET_FILE",
        "BATON_SOMETHING_ELSE",
        "HOME",
        "HTTPS_PROXY",
        "LANG",
        "NO_PROXY",
        "OTEL_RESOURCE_ATTRIBUTES",
        "PAGER",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TERM",
        "TMPDIR",
        "TZ",
        "USER",
    ] {
        for arguments in [&["check"][..], &["check", "--sink", "parquet=s3://bucket/access"]] {
            let mut run = context.command(arguments);
            run.args(["--ninja-one-retry-seconds=0"])
                .env("AWS_ENDPOINT", "http://127.0.0.1:1")
                .env(variable, odd);
            let code = run.output().unwrap().status.code();
            assert!(code.is_some_and(|code| code < 17), "{variable}: {code:?}");
        }
    }
    let mut run = context.command(&["check"]);
    run.env(odd, "x").env(OsStr::from_bytes(b"BATON_\xff"), "x");
    assert_eq!(context.finish(&mut run).code, Some(0));
    for arguments in [&["inspect"][..], &["--file"], &["check"], &[], &["grant"]] {
        let mut run = context.command(arguments);
        run.arg(odd);
        let code = run.output().unwrap().status.code();
        assert!(code.is_some_and(|code| code < 17), "{arguments:?}: {code:?}");
    }
}

/// Whatever is in a variable that a store's library reads: an error with a code, and nothing secret in it.
fn sweep_variables(sink: &str, variables: &[&str]) {
    let canary = format!("http://user:{SECRET}@[::bad");
    let password = format!("user:{SECRET}@host");
    let junk = [
        ":",
        "http://",
        "[::",
        "\u{1}\u{7f}ü",
        "-1",
        "{",
        &canary,
        &password,
    ];
    for variable in variables {
        for value in junk {
            let context = TestContext::msp();
            let mut run = context.command(&[
                "--sink",
                sink,
                "--ninja-one-retry-seconds=0",
                "--http-timeout-seconds=1",
            ]);
            // Nobody is there, and nothing leaves this machine.
            run.env("HTTPS_PROXY", "http://127.0.0.1:1")
                .env("HTTP_PROXY", "http://127.0.0.1:1")
                .env("AWS_EC2_METADATA_DISABLED", "true");
            run.env(variable, value);
            let ran = context.finish(&mut run);
            assert!(
                ran.code.is_some_and(|code| code < 17),
                "{variable}={value}: {:?} {}",
                ran.code,
                ran.stderr
            );
        }
    }
}

#[test]
fn no_variable_of_amazon_leads_to_a_panic() {
    sweep_variables(
        "parquet=s3://bucket/access",
        &[
            "AWS_ENDPOINT",
            "AWS_ENDPOINT_URL",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_ALLOW_HTTP",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_ROLE_ARN",
            "AWS_METADATA_ENDPOINT",
            "AWS_CONDITIONAL_PUT",
            "AWS_COPY_IF_NOT_EXISTS",
            "AWS_CHECKSUM_ALGORITHM",
            "AWS_BUCKET",
            "AWS_ENDPOINT_URL_S3",
            "AWS_ENDPOINT_URL_STS",
            "AWS_IMDSV1_FALLBACK",
            "AWS_ROLE_SESSION_NAME",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            "AWS_SKIP_SIGNATURE",
            "AWS_UNSIGNED_PAYLOAD",
            "AWS_S3_EXPRESS",
            "AWS_REQUEST_PAYER",
            "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
            "AWS_SERVER_SIDE_ENCRYPTION",
            "AWS_SSE_KMS_KEY_ID",
            "AWS_SSE_CUSTOMER_KEY_BASE64",
            "AWS_PROXY_URL",
            "AWS_TIMEOUT",
            "AWS_USER_AGENT",
            "HTTPS_PROXY",
            "NO_PROXY",
        ],
    );
}

#[test]
fn no_variable_of_azure_leads_to_a_panic() {
    sweep_variables(
        "parquet=az://container/access",
        &[
            "AZURE_STORAGE_ACCOUNT_NAME",
            "AZURE_STORAGE_ACCOUNT_KEY",
            "AZURE_STORAGE_ENDPOINT",
            "AZURE_STORAGE_SAS_KEY",
            "AZURE_CLIENT_ID",
            "AZURE_CLIENT_SECRET",
            "AZURE_TENANT_ID",
            "AZURE_AUTHORITY_HOST",
            "AZURE_FEDERATED_TOKEN_FILE",
            "AZURE_STORAGE_TOKEN",
            "AZURE_STORAGE_USE_EMULATOR",
            "AZURE_USE_FABRIC_ENDPOINT",
            "AZURE_USE_AZURE_CLI",
            "AZURE_MSI_ENDPOINT",
            "AZURE_OBJECT_ID",
            "AZURE_CONTAINER_NAME",
            "AZURE_SKIP_SIGNATURE",
            "AZURITE_BLOB_STORAGE_URL",
            "MSI_ENDPOINT",
            "IDENTITY_HEADER",
            "IDENTITY_ENDPOINT",
        ],
    );
}

#[test]
fn no_variable_of_google_leads_to_a_panic() {
    sweep_variables(
        "parquet=gs://bucket/access",
        &[
            "GOOGLE_SERVICE_ACCOUNT",
            "GOOGLE_SERVICE_ACCOUNT_KEY",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "GOOGLE_BUCKET",
            "GOOGLE_BASE_URL",
            "GOOGLE_BUCKET_NAME",
            "GOOGLE_SERVICE_ACCOUNT_PATH",
            "GOOGLE_SKIP_SIGNATURE",
            "GOOGLE_PROXY_URL",
        ],
    );
}

#[test]
fn a_proxy_that_cannot_be_read_is_refused() {
    for value in [
        "http://user:pw@[::bad",
        "ftp://proxy:3128",
        "socks5://proxy:1080",
        "http://",
        "://",
    ] {
        let context = TestContext::msp();
        let ran = context.finish(context.command(&["check"]).env("HTTPS_PROXY", value));
        assert_eq!(ran.code, Some(3), "{value}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("HTTPS_PROXY") && !ran.stderr.contains("pw"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn habits_lead_to_the_command() {
    let context = TestContext::msp();
    assert_eq!(context.run(&["sync"]).code, Some(0));
    assert_eq!(context.run(&["validate"]).code, Some(0));
    assert_eq!(
        context.run(&["version"]).stdout,
        context.run(&["--version"]).stdout
    );
    assert!(context.run(&["help"]).stdout.contains("Usage: "));
    for (arguments, start) in [
        (&["inspect", "-f", "sync.c1z", "users", "-o", "json"][..], "["),
        (
            &["inspect", "users", "--file=sync.c1z", "--output-format", "json"],
            "[",
        ),
        (&["-o", "json", "inspect", "-fsync.c1z", "roles"], "["),
    ] {
        let ran = context.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
        assert!(
            ran.stdout.starts_with(['[', '{']),
            "{arguments:?} {start}: {}",
            ran.stdout
        );
    }
    fs::copy(context.path("sync.c1z"), context.path("old.c1z")).unwrap();
    for arguments in [
        &["diff", "-f", "old.c1z", "sync.c1z"][..],
        &["diff", "old.c1z", "-f", "sync.c1z"],
        &["diff", "-f", "old.c1z", "-f", "sync.c1z"],
    ] {
        assert_eq!(context.run(arguments).code, Some(0), "{arguments:?}");
    }
    for (word, told) in [
        ("resources", "inspect my.c1z"),
        ("access", "inspect my.c1z access USER"),
        ("grants", "inspect my.c1z grants"),
        ("entitlements", "inspect my.c1z entitlements"),
        ("users", "inspect my.c1z users"),
        ("stats", "inspect my.c1z stats"),
        ("syncs", "inspect my.c1z syncs"),
        ("start", "Windows"),
    ] {
        let ran = context.run(&[word, "-f", "my.c1z"]);
        assert_eq!(ran.code, Some(2), "{word}: {}", ran.stderr);
        assert!(ran.stderr.contains(told), "{word}: {}", ran.stderr);
    }
    let ran = context.run(&["export", "csv", "-f", "my.c1z"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains("export --from my.c1z --sink csv="),
        "{}",
        ran.stderr
    );
}

#[test]
fn no_suggestion_changes_the_tenant() {
    for arguments in [
        &["grants-all"][..],
        &["revok"],
        &["revoked"],
        &["grnat"],
        &["granted"],
        &["delete"],
        &["delete-acount"],
        &["create-acount"],
        &["update-acount"],
        &["apply-reviews"],
        &["--delete-resources"],
        &["--invoke-acton"],
        &["--grant-entitlment"],
        &["--revoke-grnat"],
        &["--provisionning"],
        &["--allow-admin-deletes"],
        &["--create-account-emails"],
    ] {
        let ran = TestContext::bare().run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("hint: "), "{arguments:?}: {}", ran.stderr);
        assert!(
            !ran.stderr.contains("did you mean") && !ran.stderr.contains("tip:"),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert!(!ran.stderr.contains("of the reference"), "{}", ran.stderr);
    }
    // The same for variables and keys.
    for (variable, value) in [
        ("BATON_PROVISIONNING", "true"),
        ("BATON_GRANT_ENTITLEMNT", "role:7:assigned"),
        ("BATON_DELETE_RESOURCES", "901"),
        ("BATON_INVOKE_ACTON", "update-account"),
        ("BATON_ALLOW_ADMIN_DELETES", "true"),
    ] {
        let context = TestContext::msp();
        let ran = context.finish(context.command(&[]).env(variable, value));
        assert_eq!(ran.code, Some(3), "{variable}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(variable) && !ran.stderr.contains("did you mean"),
            "{}",
            ran.stderr
        );
        let key = variable
            .trim_start_matches("BATON_")
            .to_lowercase()
            .replace('_', "-");
        fs::write(context.path(".baton.yaml"), format!("{key}: {value}\n")).unwrap();
        let ran = context.run(&[]);
        assert_eq!(ran.code, Some(3), "{key}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(&key) && !ran.stderr.contains("did you mean"),
            "{}",
            ran.stderr
        );
        assert!(context.sim().ledger().calls().is_empty());
    }
    let ran = TestContext::bare().run(&["--log-levle", "debug"]);
    assert!(ran.stderr.contains("did you mean --log-level?"), "{}", ran.stderr);
    let ran = TestContext::bare().run(&["inspct"]);
    assert!(
        ran.stderr.contains("did you mean `baton-ninja-one inspect`?"),
        "{}",
        ran.stderr
    );
}

/// As `docker --env-file` reads them: the rest of the line is the value, quotes and all.
#[test]
fn published_env_files_run_unmodified() {
    for file in ["config/systemd/feed.env", "config/systemd/service.env"] {
        let context = TestContext::msp();
        let mut run = context.command(&["check", "--ninja-one-client-id=sim-client"]);
        let text = fs::read_to_string(workspace().join(file)).unwrap();
        for line in text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (name, value) = line.split_once('=').unwrap();
            // The placeholders of a tenant and of ConductorOne are nobody's, and the folder is the unit's own.
            if name != "BATON_NINJA_ONE_BASE_URL" && name != "BATON_CLIENT_ID" {
                run.env(name, value.replace("/var/lib/baton-ninja-one-feed/", "./"));
            }
        }
        let ran = context.finish(&mut run);
        assert_eq!(ran.code, Some(0), "{file}: {}", ran.stderr);
    }
    assert!(!example_configurations().is_empty());
}
