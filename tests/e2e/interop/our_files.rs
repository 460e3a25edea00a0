//! Our files, used by the reference: read, checked, extended, copied, merged, converted.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::rows::{Rows, assert_same, assert_sound, of, ours, syncs, text, theirs};
use super::{Operations, Reference};
use crate::harness::TestContext;

pub(super) fn print(reference: &Reference, context: &TestContext, file: &str) -> Vec<Value> {
    reference.json_lines(context.folder.path(), &["print", file])
}

/// A v1 file holds these rows for both of us, and nothing that breaks a rule.
fn assert_holds(reference: &Reference, context: &TestContext, file: &str, rows: &Rows) {
    let lines = print(reference, context, file);
    assert_sound(&lines);
    assert_same(rows, &theirs(&lines));
    assert_same(rows, &ours(&context.path(file), None));
}

/// A v3 file holds them. It keeps of an entitlement's resource and of both ends of a grant the ids.
pub(super) fn assert_holds_v3(reference: &Reference, context: &TestContext, file: &str, v1: &[Value]) {
    let v3 = print(reference, context, file);
    assert_eq!(of(&v3, "format").next().unwrap()["id"], "v3");
    assert_sound(&v3);
    for kind in ["resource_type", "resource"] {
        assert!(of(v1, kind).eq(of(&v3, kind)), "{kind}");
    }
    let ends = |lines: &[Value]| -> Vec<String> {
        let rows = of(lines, "entitlement").chain(of(lines, "grant"));
        rows.map(|line| {
            let row = &line["json"];
            let more = [
                &row["id"],
                &row["display_name"],
                &row["description"],
                &row["purpose"],
                &row["slug"],
                &row["annotations"],
                &row["resource"]["id"],
                &row["entitlement"]["id"],
                &row["entitlement"]["resource"]["id"],
                &row["principal"]["id"],
            ];
            more.map(Value::to_string).join(" ")
        })
        .collect()
    };
    assert_eq!(ends(v1), ends(&v3));
}

#[test]
fn the_reference_reads_every_type_of_our_files() {
    let Some(reference) = Reference::here("reading our files") else {
        return;
    };
    let mut operations = Operations::on("our files read");
    let context = TestContext::msp();
    for (file, arguments, kind) in [
        ("sync.c1z", &[][..], "full"),
        ("sync.c1z", &[], "full"),
        ("devices.c1z", &["--ninja-one-include-devices"], "full"),
        (
            "shallow.c1z",
            &["--skip-entitlements-and-grants"],
            "resources_only",
        ),
        ("typed.c1z", &["--sync-resource-types", "user,role"], "partial"),
        (
            "partial.c1z",
            &["--sync-resources", "bid:r:role/3,bid:r:user/16"],
            "partial",
        ),
    ] {
        let ran = context.run(&[&["--file", file], arguments].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert_holds(reference, &context, file, &ours(&context.path(file), None));
        let lines = print(reference, &context, file);
        assert!(
            of(&lines, "sync").all(|sync| sync["type"] == kind && sync["finished"] == true),
            "{file}"
        );
        operations.pass();
    }
    assert_eq!(syncs(&print(reference, &context, "sync.c1z")).len(), 2);
    operations.print_counts();
}

#[test]
fn the_reference_and_we_write_the_same_file_in_turn() {
    let Some(reference) = Reference::here("changing our files") else {
        return;
    };
    let mut operations = Operations::on("our files changed");
    let context = TestContext::msp();
    let folder = context.folder.path();
    for _ in 0..2 {
        assert_eq!(context.run(&[]).code, Some(0));
    }
    let rows = ours(&context.path("sync.c1z"), None);
    let v1 = print(reference, &context, "sync.c1z");

    // Each of these leaves a v1 file with the same rows.
    for (file, command) in [
        ("clone.c1z", &["clone", "sync.c1z", "clone.c1z"][..]),
        ("copy.c1z", &["rewrite", "sync.c1z", "copy.c1z"]),
        ("synced.c1z", &["resync", "sync.c1z", "synced.c1z", "sqlite"]),
        ("sync.c1z", &["recount", "sync.c1z"]),
        ("sync.c1z", &["resync", "sync.c1z", "sync.c1z", "sqlite"]),
        ("sync.c1z", &["clean", "sync.c1z"]),
    ] {
        reference.invoke(folder, command);
        assert_holds(reference, &context, file, &rows);
        operations.pass();
        // And we extend it: the existing sync is history now, and unchanged.
        let before = print(reference, &context, file);
        let sync = text(of(&before, "stats").next().unwrap(), "id");
        let ran = context.run(&["--file", file]);
        assert_eq!(ran.code, Some(0), "{command:?}: {}", ran.stderr);
        assert_holds(reference, &context, file, &rows);
        let after = print(reference, &context, file);
        assert!(syncs(&after).contains(&sync), "{command:?}");
        assert_ne!(text(of(&after, "stats").next().unwrap(), "id"), sync);
        let old = reference.json_lines(folder, &["print", file, &sync]);
        assert_sound(&old);
        assert_same(&theirs(&before), &theirs(&old));
        assert_same(&ours(&context.path(file), Some(&sync)), &theirs(&old));
        operations.pass();
    }

    // Each of these leaves a v3 file with them.
    reference.invoke(folder, &["convert", "sync.c1z", "converted.c1z"]);
    reference.invoke(folder, &["resync", "sync.c1z", "new.c1z", "pebble"]);
    fs::copy(context.path("sync.c1z"), context.path("inplace.c1z")).unwrap();
    reference.invoke(folder, &["inplace", "inplace.c1z"]);
    for file in ["converted.c1z", "new.c1z", "inplace.c1z"] {
        assert_holds_v3(reference, &context, file, &v1);
        operations.pass();
    }
    operations.print_counts();
}

#[test]
fn the_reference_merges_our_files() {
    let Some(reference) = Reference::here("merging our files") else {
        return;
    };
    let mut operations = Operations::on("our files merged");
    let context = TestContext::msp();
    let folder = context.folder.path();
    assert_eq!(context.run(&[]).code, Some(0));
    let base = ours(&context.path("sync.c1z"), None);
    context.sim().rename_role(3, "Network and Cloud");
    let partial = ["--file", "partial.c1z", "--sync-resources", "bid:r:role/3"];
    assert_eq!(context.run(&partial).code, Some(0));
    let newer = ours(&context.path("partial.c1z"), None);
    let key = ("resource".to_owned(), "role:3".to_owned());
    assert_ne!(base[&key], newer[&key]);

    // The partial sync's rows are newer; all others are the base's.
    let mut expected = base.clone();
    expected.extend(newer.clone());
    assert_eq!(expected.len(), base.len());
    let merged = reference.invoke(folder, &["compact", ".", "sync.c1z", "partial.c1z"]);
    let merged = Path::new(merged.trim())
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    assert_holds(reference, &context, &merged, &expected);
    operations.pass();
    let ran = context.run(&["--file", &merged]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let merged_rows = ours(&context.path(&merged), None);
    assert_holds(reference, &context, &merged, &merged_rows);
    operations.pass();

    // A v3 base with our partial sync on it.
    reference.invoke(folder, &["convert", "sync.c1z", "v3.c1z"]);
    fs::create_dir(context.path("out")).unwrap();
    let merged_v3 = reference.invoke(folder, &["compact", "out", "v3.c1z", "partial.c1z"]);
    let v3 = reference.json_lines(folder, &["print", merged_v3.trim()]);
    assert_sound(&v3);
    let role = of(&v3, "resource").find(|line| line["id"] == "role:3").unwrap();
    assert_eq!(role["json"]["display_name"], "Network and Cloud");
    assert_eq!(theirs(&v3).len(), expected.len());
    operations.pass();
    operations.print_counts();
}

#[test]
fn the_reference_finds_what_changed_between_our_syncs() {
    let Some(reference) = Reference::here("comparing our syncs") else {
        return;
    };
    let mut operations = Operations::on("our syncs compared");
    let context = TestContext::msp();
    let folder = context.folder.path();
    // What is new or other in the second file, and what is gone; it goes by the bytes of the rows.
    let changes = || -> [Vec<String>; 2] {
        assert_eq!(context.run(&["--file", "newer.c1z"]).code, Some(0));
        let changed = reference.invoke(folder, &["changes", "newer.c1z", "sync.c1z"]);
        let ids: Vec<&str> = changed.lines().collect();
        let [upserts, deletions] = ids[..] else {
            panic!("{changed}")
        };
        let found = [upserts, deletions].map(|id| {
            let lines = reference.json_lines(folder, &["print", "newer.c1z", id]);
            let rows = theirs(&lines).into_keys();
            rows.map(|(kind, id)| format!("{kind} {id}")).collect()
        });
        fs::remove_file(context.path("newer.c1z")).unwrap();
        found
    };
    assert_eq!(context.run(&[]).code, Some(0));
    let nothing = [const { Vec::<String>::new() }; 2];
    assert_eq!(changes(), nothing, "the same tenant has the same bytes");
    operations.pass();

    let change = |what: [&str; 2], more: &[&str]| {
        let ran = context.run(&[&["--provisioning"], &what[..], more].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    };
    let principal = ["--grant-principal", "16", "--grant-principal-type", "user"];
    change(["--grant-entitlement", "role:3:assigned"], &principal);
    assert_eq!(
        changes(),
        [vec!["grant role:3:assigned:user:16".to_owned()], vec![]]
    );
    operations.pass();
    change(["--revoke-grant", "role:1:assigned:user:3"], &[]);
    assert_eq!(
        changes(),
        [
            vec!["grant role:3:assigned:user:16".to_owned()],
            vec!["grant role:1:assigned:user:3".to_owned()]
        ]
    );
    operations.pass();
    operations.print_counts();
}
