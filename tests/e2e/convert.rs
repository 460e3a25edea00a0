//! `convert`: the same sync in the other format, without loss of anything the format can hold.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use c1z::{C1zError, Limits, Reader};
use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::TestContext;

/// Every row of the latest sync of a file, in order.
fn rows(path: &Path) -> Vec<String> {
    let temp = tempfile::tempdir().unwrap();
    let reader = Reader::open(path, temp.path(), Limits::default(), &AtomicBool::new(false)).unwrap();
    let sync = reader.latest_finished().unwrap().sync_id;
    let mut rows = Vec::new();
    let mut add = |row: String| {
        rows.push(row);
        Ok::<(), C1zError>(())
    };
    reader
        .resource_types(&sync, |row| add(format!("{row:?}")))
        .unwrap();
    reader.resources(&sync, |row| add(format!("{row:?}"))).unwrap();
    reader.entitlements(&sync, |row| add(format!("{row:?}"))).unwrap();
    reader.grants(&sync, |row| add(format!("{row:?}"))).unwrap();
    rows.sort();
    rows
}

/// A v1 and a v3 of the same tenant.
fn both(arguments: &[&str]) -> TestContext {
    let context = TestContext::msp();
    for run in [
        &["--file", "v1.c1z"][..],
        &["--file", "v3.c1z", "--storage-engine", "pebble"],
    ] {
        let ran = context.run(&[run, arguments].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
    context
}

fn convert(context: &TestContext, arguments: &[&str]) -> String {
    let ran = context.run(&[&["convert"], arguments].concat());
    assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
    ran.stdout
}

#[test]
fn converted_files_equal_written_files() {
    let context = both(&["--ninja-one-include-devices"]);
    let path = |name: &str| context.path(name);
    convert(&context, &["v1.c1z", "to-v3.c1z"]);
    convert(&context, &["v3.c1z", "to-v1.c1z"]);
    assert!(fs::read(path("to-v3.c1z")).unwrap().starts_with(b"C1Z3"));
    assert!(fs::read(path("to-v1.c1z")).unwrap().starts_with(b"C1ZF"));
    for (converted, written) in [("to-v3.c1z", "v3.c1z"), ("to-v1.c1z", "v1.c1z")] {
        let (converted, written) = (rows(&path(converted)), rows(&path(written)));
        for (one, other) in converted.iter().zip(&written) {
            assert_eq!(one, other);
        }
        assert_eq!(converted.len(), written.len());
    }
    for pair in [["v1.c1z", "to-v3.c1z"], ["v3.c1z", "to-v1.c1z"]] {
        let ran = context.run(&[&["diff", "--exit-code"], &pair[..]].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    }
    // The same bytes whenever it is done.
    convert(&context, &["v1.c1z", "again.c1z"]);
    assert!(fs::read(path("again.c1z")).unwrap() == fs::read(path("to-v3.c1z")).unwrap());
}

#[test]
fn convert_reports_its_result() {
    let context = TestContext::msp();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let ran = context.run(&["--output", "json"]);
        let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
        ids.push(summary["sync"]["id"].as_str().unwrap().to_owned());
    }
    let shown = |text: &str| {
        let [older, newer] = &ids[..] else {
            panic!("{ids:?}")
        };
        let text = text.replace(older, "[OLDER]").replace(newer, "[NEWER]");
        let size = text
            .split_once(" (v3, ")
            .and_then(|(_, rest)| rest.split_once(')'));
        let Some((size, _)) = size else { panic!("{text}") };
        text.replace(size, "[SIZE]")
    };
    let outputs = [
        convert(&context, &["sync.c1z", "new.c1z"]),
        convert(&context, &["sync.c1z", "old.c1z", "--sync", &ids[0]]),
    ];
    assert_snapshot!(outputs.map(|text| shown(&text)).join("\n"));
    let result = convert(&context, &["new.c1z", "back.c1z", "--output", "json"]);
    let result: Value = serde_json::from_str(&result).unwrap();
    assert_eq!(result["from"]["format"], "v3");
    assert_eq!(result["to"]["format"], "v1");
    assert_eq!(
        result["to"]["bytes"],
        fs::metadata(context.path("back.c1z")).unwrap().len()
    );
    assert_eq!(result["sync"]["id"], *ids[1]);
    assert_eq!(
        (&result["syncs_left_out"], &result["grants_merged"]),
        (&0.into(), &0.into())
    );
}

#[test]
fn convert_never_overwrites() {
    let context = TestContext::bare();
    let arguments: [&[&str]; 5] = [
        &["sync.c1z", "sync.c1z"],
        &["sync.c1z", "new.c1z", "--storage-engine", "sqlite"],
        &["sync.c1z", "new.c1z", "--sync", "none"],
        &["absent.c1z", "new.c1z"],
        &["sync.c1z", "no/new.c1z"],
    ];
    let mut outputs = arguments
        .map(|arguments| context.failure_snapshot(&[&["convert"], arguments].concat()))
        .to_vec();
    fs::write(context.path("taken"), "mine").unwrap();
    outputs.push(context.error_snapshot(&context.run(&["convert", "sync.c1z", "taken"])));
    assert_snapshot!(outputs.join("\n"));
    assert_eq!(fs::read(context.path("taken")).unwrap(), b"mine");
}
