//! `inspect`: rows of a finished sync, from every type of location.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Stdio;

use access_dataset::Table;
use insta::assert_snapshot;
use serde_json::Value;

use crate::datasets::files;
use crate::harness::{RunOutput, TestContext};
use crate::lake::{self, lake};
#[cfg(unix)]
use crate::security::renamed;
use crate::support::dataset::{latest, rows};

/// A tenant's sync as a c1z and as two datasets.
pub(crate) fn synced() -> TestContext {
    let context = TestContext::msp();
    let sinks = ["--sink", "c1z", "--sink", "parquet=lake", "--sink", "csv=csv"];
    let ran = context.run(&sinks);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    context
}

/// The output for a location.
fn inspect(context: &TestContext, arguments: &[&str]) -> RunOutput {
    let ran = context.run(&[&["inspect"], arguments].concat());
    assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
    ran
}

/// The JSON lines of the output.
fn lines(context: &TestContext, arguments: &[&str]) -> Vec<Value> {
    let ran = inspect(context, &[arguments, &["--output", "json"]].concat());
    let lines = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

/// Removes values that differ from run to run.
fn normalized_output(context: &TestContext, ran: &RunOutput) -> String {
    let sync = latest(&files(&context.path("lake"))).unwrap().sync;
    let mut text = ran.stdout.replace(&sync.id, "[SYNC]");
    for time in [&sync.started_at, &sync.ended_at] {
        text = text.replace(time.as_str(), "[TIME]");
    }
    let text = text.replace(context.base_url.as_deref().unwrap(), "[TENANT]");
    let lines = text.lines().map(|line| match line.split_once("ended 20") {
        Some((before, _)) => format!("{before}ended [TIME]\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}

#[test]
fn tables_for_people() {
    let context = synced();
    for (name, arguments) in [
        ("stats", &["sync.c1z"][..]),
        ("stats_of_dataset", &["lake", "stats"]),
        ("users", &["lake", "users"]),
        (
            "users_filtered",
            &["sync.c1z", "users", "--no-mfa", "--status", "enabled"],
        ),
        ("users_of_role", &["sync.c1z", "users", "--role", "role:3"]),
        ("users_none", &["sync.c1z", "users", "nobody at all"]),
        ("roles", &["sync.c1z", "roles"]),
        ("organizations", &["sync.c1z", "roles", "--type", "organization"]),
        ("entitlements", &["sync.c1z", "entitlements", "--type", "tenant"]),
        ("access", &["sync.c1z", "access", "zoe.larsen@example.com"]),
        ("who", &["sync.c1z", "who", "role:3"]),
        ("who_of_several", &["sync.c1z", "who", "tenant:ninja-one"]),
    ] {
        let ran = inspect(&context, arguments);
        assert_snapshot!(format!("inspect_{name}"), normalized_output(&context, &ran));
    }
}

/// The commands that show rows, with filters.
const QUESTIONS: [&[&str]; 6] = [
    &["users"],
    &["roles"],
    &["entitlements"],
    &["grants"],
    &["access", "user:2"],
    &["who", "role:3"],
];

#[test]
fn every_location_gives_the_same_answer() {
    let context = synced();
    let s3 = lake(None);
    let in_bucket = |arguments: &[&str]| {
        let ran = context.finish(&mut lake::command(&context, &s3, arguments));
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
        ran.stdout
    };
    in_bucket(&[
        "export",
        "--from",
        "sync.c1z",
        "--sink",
        "parquet=s3://lake/access",
    ]);
    for question in QUESTIONS {
        for form in ["json", "csv", "table"] {
            let inspect_args = |location| [&["inspect", location], question, &["--output", form]].concat();
            let expected = context.run(&inspect_args("sync.c1z"));
            assert_eq!(expected.code, Some(0), "{question:?}: {}", expected.stderr);
            assert!(expected.stdout.lines().count() > 1, "{question:?}");
            for location in ["lake", "csv"] {
                assert_eq!(
                    context.run(&inspect_args(location)).stdout,
                    expected.stdout,
                    "{location} {question:?}"
                );
            }
            assert_eq!(
                in_bucket(&inspect_args("s3://lake/access")),
                expected.stdout,
                "{question:?}"
            );
        }
    }
}

#[test]
fn rows_match_the_tables() {
    let context = synced();
    let files = files(&context.path("lake"));
    let manifest = latest(&files).unwrap();
    for (command, table) in [
        ("users", Table::Users),
        ("entitlements", Table::Entitlements),
        ("grants", Table::Grants),
    ] {
        let printed = lines(&context, &["sync.c1z", command]);
        let expected = rows(&files, &manifest, table);
        assert_eq!(printed.len(), expected.len(), "{command}");
        for (line, expected) in printed.iter().zip(&expected) {
            let line = line.as_object().unwrap();
            assert!(line.len() > 8, "{command}");
            for (column, value) in line {
                let value = match value {
                    Value::Null => None,
                    Value::String(text) => Some(text.clone()),
                    // As the test prints lists.
                    Value::Array(list) => Some(format!(
                        "[{}]",
                        list.iter()
                            .map(|text| text.as_str().unwrap())
                            .collect::<Vec<_>>()
                            .join(", ")
                    )),
                    other => Some(other.to_string()),
                };
                assert_eq!(value, expected[column], "{command} {column}");
            }
        }
    }
}

/// Whether a filter should keep a user.
type Keeps<'a> = &'a dyn Fn(&Value) -> bool;

#[test]
fn filters_keep_matching_rows() {
    let context = synced();
    let all = lines(&context, &["sync.c1z", "users"]);
    let grants = lines(&context, &["sync.c1z", "grants"]);
    let holders: BTreeSet<&str> = grants
        .iter()
        .filter(|row| text(row, "entitlement_id") == "role:3:assigned")
        .map(|row| text(row, "principal_id"))
        .collect();
    let cases: [(&[&str], Keeps<'_>); 8] = [
        (&["--no-mfa"], &|row| row["mfa_enabled"] == false),
        (&["--admin"], &|row| row["administrator"] == true),
        (&["--status", "disabled"], &|row| row["status"] == "disabled"),
        (
            &["--status", "disabled", "--status", "enabled", "--admin"],
            &|row| ["disabled", "enabled"].contains(&text(row, "status")) && row["administrator"] == true,
        ),
        (&["--role", "role:3"], &|row| {
            holders.contains(text(row, "user_id"))
        }),
        (&["--type", "user"], &|_| true),
        (&["--type", "role"], &|_| false),
        (&["SOFIA"], &|row| {
            row.to_string().to_lowercase().contains("sofia")
        }),
    ];
    for (flags, keeps) in cases {
        let kept: Vec<&Value> = all.iter().filter(|row| keeps(row)).collect();
        for location in ["sync.c1z", "lake"] {
            let printed = lines(&context, &[&[location, "users"], flags].concat());
            assert_eq!(printed.iter().collect::<Vec<_>>(), kept, "{location} {flags:?}");
        }
        let nothing = flags == ["--type", "role"];
        assert_eq!(
            kept.is_empty(),
            nothing,
            "{flags:?}: a filter that keeps nothing shows nothing"
        );
    }
    let of_tenant = lines(&context, &["sync.c1z", "grants", "--type", "tenant"]);
    assert!(!of_tenant.is_empty() && of_tenant.iter().all(|row| row["resource_type_id"] == "tenant"));
    let kept = grants
        .iter()
        .filter(|row| row["resource_type_id"] == "tenant")
        .count();
    assert_eq!(of_tenant.len(), kept);
}

#[test]
fn grants_by_principal_and_entitlement_add_up() {
    let context = synced();
    let grants = lines(&context, &["lake", "grants"]);
    let mut by_principal: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    let mut by_entitlement: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for row in &grants {
        let principal = format!("{}:{}", text(row, "principal_type_id"), text(row, "principal_id"));
        by_principal.entry(principal).or_default().push(row);
        by_entitlement
            .entry(text(row, "entitlement_id").to_owned())
            .or_default()
            .push(row);
    }
    assert!(by_principal.len() > 10 && by_entitlement.len() > 5);
    for (command, parts) in [("access", &by_principal), ("who", &by_entitlement)] {
        for (n, (name, part)) in parts.iter().enumerate() {
            let location = ["sync.c1z", "lake"][n % 2];
            let printed = lines(&context, &[location, command, name]);
            assert_eq!(
                &printed.iter().collect::<Vec<_>>(),
                part,
                "{location} {command} {name}"
            );
        }
    }
}

#[test]
fn syncs_are_listed_and_selectable() {
    let context = synced();
    let first = latest(&files(&context.path("lake"))).unwrap().sync.id;
    let again = context.run(&["--sink", "c1z", "--sink", "parquet=lake"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    let second = latest(&files(&context.path("lake"))).unwrap().sync.id;
    for location in ["sync.c1z", "lake"] {
        let printed = lines(&context, &[location, "syncs"]);
        let listed: Vec<(&str, &Value)> = printed
            .iter()
            .map(|row| (text(row, "sync_id"), &row["latest"]))
            .collect();
        let (no, yes) = (Value::Bool(false), Value::Bool(true));
        assert_eq!(
            listed,
            [(first.as_str(), &no), (second.as_str(), &yes)],
            "{location}"
        );
        for sync in [&first, &second] {
            let stats = lines(&context, &[location, "stats", "--sync", sync]);
            assert_eq!(stats[0]["sync"]["sync_id"], **sync, "{location}");
            assert_eq!(
                stats[0]["users"]["total"],
                lines(&context, &[location, "users"]).len()
            );
        }
    }
}

#[test]
fn queries_without_an_answer() {
    let context = synced();
    fs::write(context.path("v3.c1z"), b"C1Z3\0and more").unwrap();
    fs::write(context.path("notes.txt"), "The quarterly report.\n").unwrap();
    fs::create_dir(context.path("empty")).unwrap();
    for (name, arguments) in [
        ("nowhere", &["inspect", "nowhere.c1z"][..]),
        ("v3", &["inspect", "v3.c1z", "users"]),
        ("foreign", &["inspect", "notes.txt", "users"]),
        ("no_dataset", &["inspect", "empty", "users"]),
        ("strange_url", &["inspect", "ftp://example.com/x", "users"]),
        ("no_such_user", &["inspect", "sync.c1z", "access", "sofia"]),
        ("no_such_role", &["inspect", "lake", "who", "administrators"]),
        ("ambiguous", &["inspect", "sync.c1z", "who", "1"]),
        (
            "no_such_sync",
            &["inspect", "lake", "--sync", "000000000000000000000000000"],
        ),
        ("no_sync", &["inspect", "lake", "--sync", "yesterday"]),
        ("no_status", &["inspect", "lake", "users", "--status", "away"]),
        ("csv_of_a_sync", &["--output", "csv"]),
    ] {
        let ran = context.run(arguments);
        assert_ne!(ran.code, Some(0), "{name}");
        assert_eq!(ran.stdout, "", "{name}");
        assert_snapshot!(format!("inspect_{name}"), context.error_snapshot(&ran));
    }
}

#[test]
fn the_default_location_is_the_file_in_this_folder() {
    let context = synced();
    for command in [&[][..], &["users"], &["access", "user:3"], &["syncs"]] {
        let named = inspect(&context, &[&["sync.c1z"], command].concat()).stdout;
        assert_eq!(inspect(&context, command).stdout, named, "{command:?}");
    }
    // An argument that is a command name is the command, even if a file has the same name.
    fs::rename(context.path("lake"), context.path("users")).unwrap();
    let users = inspect(&context, &["users", "--limit", "1"]).stdout;
    assert!(users.contains("57 users"), "{users}");
    assert!(
        inspect(&context, &["./users", "roles"])
            .stdout
            .contains("8 roles")
    );
    let ran = TestContext::bare().run(&["inspect"]);
    assert_eq!(ran.stdout, "");
    assert_snapshot!("inspect_no_place", context.error_snapshot(&ran));
}

#[cfg(unix)]
#[test]
fn names_stay_in_their_cells() {
    let name = "\u{1b}[2J=Net,\"work\"\nEngineering\u{202e}";
    let context = renamed("Network Engineering", name);
    assert_eq!(context.run(&[]).code, Some(0));
    let table = inspect(&context, &["sync.c1z", "roles"]).stdout;
    assert!(
        table.contains("\\u001b[2J=Net,\"work\" Engineering\\u202e"),
        "{table}"
    );
    assert!(
        !table.contains(|c: char| c.is_control() && c != '\n'),
        "{table:?}"
    );
    let printed = lines(&context, &["sync.c1z", "roles"]);
    assert!(printed.iter().any(|row| row["display_name"] == name));
    // In a file a cell keeps its line breaks; a formula would be neutralised.
    let csv = inspect(&context, &["sync.c1z", "roles", "--output", "csv"]).stdout;
    assert!(
        csv.contains("\"\\u001b[2J=Net,\"\"work\"\"\nEngineering\\u202e\""),
        "{csv:?}"
    );
}

#[test]
fn a_closed_output_is_success() {
    let context = synced();
    let mut child = context
        .command(&["inspect", "sync.c1z", "grants", "--output", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.stderr, b"");
    assert_eq!(fs::read_dir(context.path("tmp")).unwrap().count(), 0);
}

#[cfg(unix)]
mod at_a_terminal {
    use std::fs::File;
    use std::io::Read;
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    /// Runs the program with a terminal as its output and returns what it wrote there.
    fn run(context: &TestContext, pager: &str, arguments: &[&str]) -> String {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let replica = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        let mut command = context.command(arguments);
        command
            .env("PAGER", pager)
            .env("PATH", std::env::var_os("PATH").unwrap())
            .stdout(replica)
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // Its copy of the terminal would keep the reading from ending.
        drop(command);
        let mut shown = Vec::new();
        let mut reader = File::from(terminal);
        let mut chunk = [0; 4096];
        // Reading a closed terminal ends with an error.
        while let Ok(got @ 1..) = reader.read(&mut chunk) {
            shown.extend_from_slice(&chunk[..got]);
        }
        assert_eq!(child.wait().unwrap().code(), Some(0));
        String::from_utf8(shown).unwrap()
    }

    #[test]
    fn a_pager_gets_the_table() {
        let context = synced();
        let pager = "tee paged.txt > /dev/null";
        assert_eq!(run(&context, pager, &["inspect", "sync.c1z", "users"]), "");
        let shown = fs::read_to_string(context.path("paged.txt")).unwrap();
        assert_eq!(shown, inspect(&context, &["sync.c1z", "users"]).stdout);
        fs::remove_file(context.path("paged.txt")).unwrap();
        // No pager for machine formats or when it is disabled.
        for flags in [&["--no-pager"][..], &["--output", "json"], &["--output", "csv"]] {
            let arguments = [&["inspect", "sync.c1z", "roles"], flags].concat();
            let shown = run(&context, pager, &arguments);
            assert!(shown.contains("Network Engineering"), "{shown}");
            assert!(!context.path("paged.txt").exists(), "{flags:?}");
        }
        // No pager at all.
        assert!(run(&context, "", &["inspect", "sync.c1z", "roles"]).contains("Network Engineering"));
    }

    #[test]
    fn a_stop_leaves_no_files() {
        let context = synced();
        let mut child = context
            .command(&["inspect", "sync.c1z", "grants", "--output", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The pipe fills up, because nobody reads it.
        std::thread::sleep(Duration::from_millis(300));
        let _ = kill_process(Pid::from_child(&child), Signal::TERM);
        drop(child.stdout.take());
        child.wait().unwrap();
        assert_eq!(fs::read_dir(context.path("tmp")).unwrap().count(), 0);
    }
}
