//! A tenant in which every name tries to forge lines and control the terminal, through every command that prints.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;

use ninjaone_sim::{SimConfig, Tenant};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;

use crate::harness::{RunOutput, TestContext, workspace};

/// The text added to a name: forged lines and control characters.
const FORGED: &str = "\nerror: forged\r\nNothing was changed\n\n\u{1b}[2J\u{7f}\u{85}\u{9b}31m\u{202e}\u{2066}\u{2028}\u{2029}\u{b}error: forged";
/// Keys of the tenant's answers that hold words of people.
const NAMES: [&str; 9] = [
    "firstName",
    "lastName",
    "name",
    "description",
    "displayName",
    "systemName",
    "phone",
    "email",
    "uid",
];

fn forge(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(forge),
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if NAMES.contains(&key.as_str()) => text.push_str(FORGED),
                    value => forge(value),
                }
            }
        }
        _ => {}
    }
}

fn hostile() -> TestContext {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(workspace().join("fixtures/msp")).unwrap() {
        let path = entry.unwrap().path();
        let mut content: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        forge(&mut content);
        fs::write(folder.path().join(path.file_name().unwrap()), content.to_string()).unwrap();
    }
    TestContext::with(&SimConfig::new(Tenant::folder(folder.path()).unwrap()))
}

/// Characters that may not be in output for people; line ends and the tabs of console log lines are the program's own.
fn is_control_char(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

fn escape_control_chars(what: &str, text: &str) {
    assert!(!text.contains(is_control_char), "{what}: {text:?}");
    for line in text.lines() {
        let begins = line.trim_start();
        assert!(
            !begins.starts_with("error: forged") && !begins.starts_with("Nothing was changed\\"),
            "{what}: {text}"
        );
    }
}

fn ran(context: &TestContext, arguments: &[&str]) -> RunOutput {
    let ran = context.run(arguments);
    let what = arguments.join(" ");
    escape_control_chars(&what, &ran.stdout);
    escape_control_chars(&what, &ran.stderr);
    ran
}

fn good(context: &TestContext, arguments: &[&str]) -> RunOutput {
    let ran = ran(context, arguments);
    assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
    ran
}

/// The number of lines that report no change, in the program's own words.
fn lines_without_change(ran: &RunOutput) -> usize {
    ran.stdout
        .lines()
        .filter(|line| *line == "Nothing was changed")
        .count()
}

#[test]
fn reading_commands_print_no_forged_line() {
    let context = hostile();
    let sync = [
        "--ninja-one-include-devices",
        "--log-level",
        "debug",
        "--log-format",
        "console",
        "--sink",
        "c1z",
        "--sink",
        "parquet=lake",
        "--sink",
        "html=report.html",
    ];
    let first = good(&context, &sync);
    assert!(
        first
            .stdout
            .contains("member of the role Ticket Viewers\\nerror: forged\\r\\n"),
        "{}",
        first.stdout
    );
    good(&context, &["check", "--ninja-one-include-devices"]);
    for location in ["sync.c1z", "lake"] {
        for question in [
            &["stats"][..],
            &["users"],
            &["roles"],
            &["roles", "--type", "organization", "--type", "device"],
            &["entitlements"],
            &["grants"],
            &["access", "user:3"],
            &["who", "role:1"],
            &["syncs"],
            &["access", "Nobody\nerror: forged\u{1b}"],
        ] {
            for form in ["table", "json"] {
                ran(
                    &context,
                    &[&["inspect", location], question, &["--output", form]].concat(),
                );
            }
        }
    }
    good(&context, &["verify", "lake"]);
    good(&context, &["verify", "report.html"]);
    good(
        &context,
        &[
            "export",
            "--from",
            "sync.c1z",
            "--sink",
            "csv=exported",
            "--tenant",
            FORGED,
        ],
    );
    good(&context, &["report", "--from", "lake", "--to", "again.html"]);
    good(&context, &["convert", "sync.c1z", "pebble.c1z"]);
    // Everything has another name.
    let plain = TestContext::msp();
    assert_eq!(plain.run(&["--ninja-one-include-devices"]).code, Some(0));
    let other = plain.path("sync.c1z");
    let other = other.to_str().unwrap();
    for form in ["table", "json"] {
        good(&context, &["diff", other, "sync.c1z", "--output", form]);
    }
    // A file keeps the data as it is.
    let csv = context.run(&["inspect", "sync.c1z", "roles", "--output", "csv"]);
    assert!(
        csv.stdout.contains("error: forged\r\nNothing was changed"),
        "{}",
        csv.stdout
    );
}

#[test]
fn changing_commands_print_no_forged_line() {
    let context = hostile();
    for output in ["text", "json"] {
        for change in [
            &["grant", "role:3", "--to", "user:16"][..],
            &["grant", "role:3:assigned", "--to", "user:7"],
            &["revoke", "role:1", "--from", "user:7"],
            &["revoke", "role:9", "--from", "user:4242"],
            &[
                "update-account",
                "user:903",
                "--last-name",
                "Berg\n\nNothing was changed",
            ],
            &["delete-account", "user:912"],
            &[
                "create-account",
                "--kind",
                "technician",
                "--first-name",
                "Nia\nerror: forged",
                "--last-name",
                "Okoro\u{202e}",
                "--email",
                "nia@example.com",
            ],
            // These name missing or ambiguous items.
            &["grant", "Service Desk\nerror: forged", "--to", "user:16"],
            &[
                "grant",
                "role:3",
                "--to",
                "nobody\nerror: forged\u{1b}[2J@example.com",
            ],
            &["delete-account", "user:9\nerror: forged"],
            &["grant", "--oddly\nerror: forged\u{1b}[2J"],
            &["update-account", "user:903", "--output", "x\nerror: forged"],
        ] {
            let dry = ran(&context, &[change, &["--dry-run", "--output", output]].concat());
            assert!(lines_without_change(&dry) <= 1, "{}", dry.stdout);
            ran(
                &context,
                &[change, &["-p", "--audit-log", "audit.jsonl", "--output", output]].concat(),
            );
        }
    }
    let audit = fs::read_to_string(context.path("audit.jsonl")).unwrap();
    assert!(
        audit
            .lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok())
    );
}

#[test]
fn a_sheet_prints_no_forged_line() {
    let context = hostile();
    let head = "decision,reviewer,note,entitlement_id,principal_type,principal_id,principal_name,entitlement_name,tenant,sync_id";
    let tenant = context.base_url.clone().unwrap();
    let name = format!("\"Ada {}\"", FORGED.replace('"', ""));
    let rows = [(1, 8), (9, 4242), (77, 8)].map(|(role, user)| {
        format!("revoke,{name},{name},role:{role}:assigned,user,{user},{name},{name},{tenant},{name}\r\n")
    });
    fs::write(context.path("review.csv"), format!("{head}\r\n{}", rows.concat())).unwrap();
    for flags in [
        &["--dry-run"][..],
        &["-p", "--yes"],
        &["--dry-run", "--output", "json"],
    ] {
        let ran = ran(
            &context,
            &[
                &[
                    "apply-review",
                    "review.csv",
                    "--without-report",
                    "--incomplete-review",
                ],
                flags,
            ]
            .concat(),
        );
        assert!(lines_without_change(&ran) <= 1, "{}", ran.stdout);
    }
    fs::write(context.path("review.csv"), "a\n\u{1b}[2J,b\r\n1,2\r\n").unwrap();
    ran(
        &context,
        &["apply-review", "review.csv", "--without-report", "--dry-run"],
    );
}

/// Runs the program with a terminal as the requested streams and returns what it wrote there.
fn at_terminal(context: &TestContext, typed: &str, arguments: &[&str], is_output: bool) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let open_terminal = || {
        File::options()
            .read(true)
            .write(true)
            .open(Path::new(name.to_str().unwrap()))
            .unwrap()
    };
    let mut command = context.command(arguments);
    if is_output {
        command.stdout(open_terminal()).stderr(Stdio::null());
    } else {
        command
            .stdin(open_terminal())
            .stderr(open_terminal())
            .stdout(Stdio::null());
    }
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut terminal = File::from(terminal);
    terminal.write_all(typed.as_bytes()).unwrap();
    let mut shown = Vec::new();
    let mut chunk = [0; 4096];
    // Reading a closed terminal ends with an error.
    while let Ok(got @ 1..) = terminal.read(&mut chunk) {
        shown.extend_from_slice(&chunk[..got]);
    }
    child.wait().unwrap();
    // A terminal ends lines in its own way.
    String::from_utf8(shown).unwrap().replace("\r\n", "\n")
}

#[test]
fn a_prompt_prints_no_forged_line() {
    let context = hostile();
    let change = ["grant", "role:3", "--to", "user:16", "-p", "--log-level", "error"];
    let shown = at_terminal(&context, "n\n", &change, false);
    escape_control_chars("the prompt", &shown);
    assert!(shown.contains("Continue? [y/N] "), "{shown}");
    assert!(shown.contains("not confirmed"), "{shown}");
}

#[test]
fn csv_cannot_control_a_terminal() {
    let context = hostile();
    good(&context, &[]);
    let shown = at_terminal(
        &context,
        "",
        &["inspect", "sync.c1z", "users", "--output", "csv"],
        true,
    );
    assert!(shown.contains("error: forged"), "{shown}");
    // The carriage return at the end of each CSV line is the format's own.
    escape_control_chars("csv", &shown.replace("\r\n", "\n").replace('\r', ""));
}
