//! Our v3 files in the reference's hands: read, compared key by key, copied, merged, written to.

use std::collections::BTreeMap;
use std::fs;

use access_dataset::Table;
use baton_proto::connector_v2 as v2;
use baton_proto::prost::{Message, Name};

use super::our_files::{assert_holds_v3, print};
use super::rows::{Rows, assert_sound, ours, text, theirs};
use super::{Operations, Reference};
use crate::datasets::files;
use crate::harness::TestContext;
use crate::support::dataset::{latest, rows};

const V3: [&str; 4] = ["--storage-engine", "pebble", "--file", "v3.c1z"];

/// Every key of a file's store with its value.
pub(super) fn keys(reference: &Reference, context: &TestContext, file: &str) -> BTreeMap<String, String> {
    let lines = reference.json_lines(context.folder.path(), &["keys", file]);
    lines
        .iter()
        .map(|line| (text(line, "key"), text(line, "value")))
        .collect()
}

/// Whether a value is the same whenever the rows are: it is of an index, a digest or a stamp, not of a record.
fn is_timeless(key: &str) -> bool {
    key.starts_with("0307")
        || key.starts_with("030a")
        || (key.starts_with("03ff") && !key.contains("7374617473"))
}

#[test]
fn our_store_equals_the_references() {
    let Some(reference) = Reference::here("reading our v3 files") else {
        return;
    };
    let mut operations = Operations::on("our v3 files read");
    let context = TestContext::msp();
    for arguments in [&[][..], &["--ninja-one-include-devices"]] {
        for run in [&["--file", "v1.c1z"][..], &V3] {
            let ran = context.run(&[run, arguments].concat());
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        }
        let v1 = print(reference, &context, "v1.c1z");
        assert_holds_v3(reference, &context, "v3.c1z", &v1);
        operations.pass();
        reference.invoke(context.folder.path(), &["convert", "v1.c1z", "theirs.c1z"]);
        let (ours, theirs) = (
            keys(reference, &context, "v3.c1z"),
            keys(reference, &context, "theirs.c1z"),
        );
        assert!(ours.keys().eq(theirs.keys()), "the same keys");
        for (key, value) in ours.iter().filter(|(key, _)| is_timeless(key)) {
            assert_eq!(*value, theirs[key], "{key}");
        }
        assert!(
            ours.keys().filter(|key| key.starts_with("030a")).count() > 1,
            "digests"
        );
        operations.pass();
        for file in ["v1.c1z", "v3.c1z", "theirs.c1z"] {
            fs::remove_file(context.path(file)).unwrap();
        }
    }
    operations.print_counts();
}

#[test]
fn the_reference_and_we_write_the_same_v3_file_in_turn() {
    let Some(reference) = Reference::here("changing our v3 files") else {
        return;
    };
    let mut operations = Operations::on("our v3 files changed");
    let context = TestContext::msp();
    let folder = context.folder.path();
    assert_eq!(context.run(&["--file", "v1.c1z"]).code, Some(0));
    assert_eq!(context.run(&V3).code, Some(0));
    let v1 = print(reference, &context, "v1.c1z");
    for (file, command) in [
        ("clone.c1z", &["clone", "v3.c1z", "clone.c1z"][..]),
        ("new.c1z", &["resync", "v3.c1z", "new.c1z", "pebble"]),
        ("v3.c1z", &["resync", "v3.c1z", "v3.c1z", "pebble"]),
    ] {
        reference.invoke(folder, command);
        assert_holds_v3(reference, &context, file, &v1);
        operations.pass();
        // We extend what they wrote, whatever format is requested: it stays a v3.
        let ran = context.run(&["--storage-engine", "sqlite", "--file", file]);
        assert_eq!(ran.code, Some(0), "{command:?}: {}", ran.stderr);
        assert_holds_v3(reference, &context, file, &v1);
        operations.pass();
    }
    fs::create_dir(context.path("out")).unwrap();
    for others in [
        ["v3.c1z", "clone.c1z"],
        ["v3.c1z", "v1.c1z"],
        ["v1.c1z", "v3.c1z"],
    ] {
        let merged = reference.invoke(folder, &[&["compact", "out"], &others[..]].concat());
        let merged = reference.json_lines(folder, &["print", merged.trim()]);
        assert_sound(&merged);
        assert_eq!(theirs(&merged).len(), theirs(&v1).len());
        operations.pass();
    }
    operations.print_counts();
}

#[test]
fn existing_file_and_setting_decide_the_format() {
    let context = TestContext::msp();
    let begins = |magic: &[u8]| {
        let file = fs::read(context.path("sync.c1z")).unwrap();
        assert!(file.starts_with(magic));
    };
    let stays = "is a v3 (Pebble) and stays one";
    let becomes = "becomes a v3";
    for (arguments, code, magic, warns) in [
        (&[][..], 0, b"C1ZF", ""),
        (&["--storage-engine", "sqlite"], 0, b"C1ZF", ""),
        // A partial sync would replace the full one, because v3 keeps one sync.
        (
            &["--storage-engine", "pebble", "--sync-resource-types", "user"],
            9,
            b"C1ZF",
            becomes,
        ),
        (&["--storage-engine", "pebble"], 0, b"C1Z3", becomes),
        (&["--storage-engine", "pebble"], 0, b"C1Z3", ""),
        (&["--storage-engine", "sqlite"], 0, b"C1Z3", stays),
        (&["--sync-resource-types", "user"], 9, b"C1Z3", ""),
        (&[], 0, b"C1Z3", ""),
        (
            &["--storage-engine", "sqlite", "--replace-existing"],
            0,
            b"C1ZF",
            "",
        ),
    ] {
        let ran = context.run(arguments);
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.stderr);
        begins(magic);
        let warned = |what| ran.stderr.contains(what);
        for what in [stays, becomes] {
            assert_eq!(warned(what), what == warns, "{arguments:?}: {}", ran.stderr);
        }
    }
}

/// Rows of a sync, decoded: Go writes empty values of maps too, and gives what a grant makes effective back to the grant.
fn decoded(rows: &Rows) -> Vec<String> {
    let expandable = v2::GrantExpandable::full_name();
    let shown = rows.iter().map(|((kind, id), bytes)| {
        let row = match kind.as_str() {
            "resource_type" => format!("{:?}", v2::ResourceType::decode(bytes.as_slice()).unwrap()),
            "resource" => format!("{:?}", v2::Resource::decode(bytes.as_slice()).unwrap()),
            "entitlement" => format!("{:?}", v2::Entitlement::decode(bytes.as_slice()).unwrap()),
            _ => {
                let mut grant = v2::Grant::decode(bytes.as_slice()).unwrap();
                grant
                    .annotations
                    .retain(|any| !any.type_url.ends_with(&expandable));
                format!("{grant:?}")
            }
        };
        format!("{kind} {id} {row}")
    });
    shown.collect()
}

/// Both of us read the same rows of a v3 file.
fn assert_read_alike(reference: &Reference, context: &TestContext, file: &str) {
    let theirs = decoded(&theirs(&print(reference, context, file)));
    let ours = decoded(&ours(&context.path(file), None));
    for (our, their) in ours.iter().zip(&theirs) {
        assert_eq!(our, their, "{file}");
    }
    assert_eq!(ours.len(), theirs.len(), "{file}");
}

#[test]
fn our_reader_reads_the_references_v3_files() {
    let Some(reference) = Reference::here("reading the reference's v3 files") else {
        return;
    };
    let mut operations = Operations::on("the reference's v3 files read");
    let context = TestContext::msp();
    let folder = context.folder.path();
    assert_eq!(
        context
            .run(&["--file", "v1.c1z", "--ninja-one-include-devices"])
            .code,
        Some(0)
    );
    assert_eq!(context.run(&V3).code, Some(0));
    // Everything that the SDK can write, of another connector.
    reference.invoke(folder, &["write", "world.c1z"]);
    fs::create_dir(context.path("out")).unwrap();
    for (file, command) in [
        ("converted.c1z", &["convert", "v1.c1z", "converted.c1z"][..]),
        ("world3.c1z", &["convert", "world.c1z", "world3.c1z"]),
        ("clone.c1z", &["clone", "converted.c1z", "clone.c1z"]),
        ("ours.c1z", &["clone", "v3.c1z", "ours.c1z"]),
        ("new.c1z", &["resync", "v1.c1z", "new.c1z", "pebble"]),
        ("new.c1z", &["resync", "v1.c1z", "new.c1z", "pebble"]),
        ("new.c1z", &["resync", "v1.c1z", "new.c1z", "pebble"]),
        ("v3.c1z", &["resync", "v1.c1z", "v3.c1z", "pebble"]),
    ] {
        reference.invoke(folder, command);
        assert_read_alike(reference, &context, file);
        operations.pass();
    }
    let merged = reference.invoke(
        folder,
        &["compact", "out", "converted.c1z", "new.c1z", "ours.c1z"],
    );
    let merged = format!("out/{}", merged.trim().rsplit('/').next().unwrap());
    assert_read_alike(reference, &context, &merged);
    operations.pass();

    // An export of a v3 equals the export of the v1 that it was converted from.
    let out = |from: &str| {
        let (parquet, csv) = (format!("parquet={from}-parquet"), format!("csv={from}-csv"));
        let ran = context.run(&[
            "export", "--from", from, "--tenant", "there", "--sink", &parquet, "--sink", &csv,
        ]);
        assert_eq!(ran.code, Some(0), "{from}: {}", ran.stderr);
        let files = files(&context.path(&format!("{from}-csv")));
        let latest = latest(&files).unwrap();
        Table::ALL.map(|dataset| rows(&files, &latest, dataset))
    };
    assert_eq!(out("converted.c1z"), out("v1.c1z"));
    operations.pass();
    operations.print_counts();
}
