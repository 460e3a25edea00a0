//! The reference's own command line prints the same for our two formats.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{Operations, Reference, built};
use crate::harness::{TestContext, split_words};

/// `baton`, as the SDK has it.
const PROGRAM: &str = "github.com/conductorone/baton-sdk/cmd/baton";

/// The CLI's JSON output: the command, its arguments, the key of its rows.
const LISTS: [(&str, &[&str], &str); 6] = [
    ("resource-types", &[], "resourceTypes"),
    ("resources", &[], "resources"),
    ("entitlements", &[], "entitlements"),
    ("grants", &[], "grants"),
    ("principals", &[], "resources"),
    ("access", &["-t", "user", "-r", "2"], "access"),
];

fn baton(folder: &Path, arguments: &[&str]) -> Option<String> {
    static BUILT: OnceLock<Result<std::path::PathBuf, String>> = OnceLock::new();
    let program = BUILT.get_or_init(|| built("baton", PROGRAM)).as_ref().ok()?;
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The rows of a list, in order; the two formats list in different ones.
fn rows(folder: &Path, file: &str, (command, arguments, key): (&str, &[&str], &str)) -> Vec<Value> {
    let flags = [&[command, "-f", file, "-o", "json"], arguments].concat();
    let printed: Value = serde_json::from_str(&baton(folder, &flags).unwrap()).unwrap();
    let mut rows = printed[key].as_array().unwrap().clone();
    for held in rows
        .iter_mut()
        .filter_map(|row| row["entitlements"].as_array_mut())
    {
        held.sort_by_key(Value::to_string);
    }
    rows.sort_by_key(Value::to_string);
    assert!(!rows.is_empty(), "{command}");
    rows
}

/// A v1 row as v3 stores it: references of entitlements and grants to other rows become ids.
fn as_v3(mut value: Value) -> Value {
    match &mut value {
        Value::Array(list) => list.iter_mut().for_each(|item| *item = as_v3(item.take())),
        Value::Object(object) => {
            if let Some(kinds) = object.get_mut("grantableTo") {
                let ids = kinds
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|kind| json!({"id": kind["id"]}));
                *kinds = ids.collect();
                object["resource"] = json!({"id": object["resource"]["id"]});
            }
            if let Some(grant) = object.get_mut("grant") {
                let held = &grant["entitlement"];
                grant["entitlement"] = json!({"id": held["id"], "resource": {"id": held["resource"]["id"]}});
                grant["principal"] = json!({"id": grant["principal"]["id"]});
            }
            object.iter_mut().for_each(|(_, part)| *part = as_v3(part.take()));
        }
        _ => {}
    }
    value
}

/// The CLI's counts for a file, without the sync's id and times.
fn stats(folder: &Path, file: &str) -> Value {
    let printed = baton(folder, &["stats", "-f", file, "-o", "json"]).unwrap();
    let mut stats: Value = serde_json::from_str(&printed).unwrap();
    stats["stats"].take()
}

#[test]
fn unreadable_files_are_rewritten_as_the_hint_says() {
    let Some(reference) = Reference::here("rewriting a file of an older engine") else {
        return;
    };
    let mut operations = Operations::on("a file of an older engine rewritten");
    let context = TestContext::bare();
    let folder = context.folder.path();
    reference.invoke(folder, &["bulk", "old.c1z", "1000", "tar"]);
    let mut file = fs::read(context.path("old.c1z")).unwrap();
    let engine = file.windows(7).position(|text| text == b"pebble3").unwrap();
    file[engine + 6] = b'2';
    fs::write(context.path("old.c1z"), file).unwrap();
    let ran = context.run(&["inspect", "old.c1z"]);
    assert_snapshot!("an_older_engine", context.error_snapshot(&ran));
    // Ids and counts are reported nevertheless.
    let ran = context.run(&["inspect", "old.c1z", "syncs", "--output", "json"]);
    let result: Value = serde_json::from_str(ran.stdout.trim()).unwrap();
    assert_eq!(result["grants"], 1000, "{result}");

    let hint = context
        .run(&["export", "--from", "old.c1z", "--sink", "csv=out"])
        .stderr;
    let (_, command) = hint.split_once("(cmd/baton): baton ").unwrap();
    let (command, _) = command.split_once(';').unwrap();
    baton(
        folder,
        &split_words(command)
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
    )
    .unwrap();
    let ran = context.run(&["inspect", "readable.c1z", "grants", "--output", "csv"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.lines().count() > 1000);
    operations.pass();
    operations.print_counts();
}

#[test]
fn the_references_cli_prints_the_same_for_both_formats() {
    let Some(_) = Reference::here("the CLI on our files") else {
        return;
    };
    let mut operations = Operations::on("what the CLI prints of v1 and v3");
    let context = TestContext::msp();
    let folder = context.folder.path();
    for arguments in [&[][..], &["--ninja-one-include-devices"]] {
        for file in [
            &["--file", "v1.c1z"][..],
            &["--file", "v3.c1z", "--storage-engine", "pebble"],
        ] {
            let ran = context.run(&[file, arguments].concat());
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        }
        let converted = ["to-pebble", "-f", "v1.c1z", "--out", "converted.c1z"];
        baton(folder, &converted).unwrap();
        for list in LISTS {
            let v3 = rows(folder, "v3.c1z", list);
            // The SDK's own conversion of our v1.
            assert_eq!(v3, rows(folder, "converted.c1z", list), "{list:?}");
            let mut v1: Vec<Value> = rows(folder, "v1.c1z", list).into_iter().map(as_v3).collect();
            v1.sort_by_key(Value::to_string);
            assert_eq!(v3, v1, "{list:?}");
            operations.pass();
        }
        assert!(stats(folder, "v1.c1z")["grants"].is_string());
        assert_eq!(stats(folder, "v1.c1z"), stats(folder, "v3.c1z"));
        operations.pass();
        for file in ["v1.c1z", "v3.c1z", "converted.c1z"] {
            fs::remove_file(context.path(file)).unwrap();
        }
    }
    operations.print_counts();
}
