//! Damaged v3 files: the program's messages, and that it leaves every file unchanged.

use std::fmt::Write;
use std::fs;

use insta::assert_snapshot;

use crate::harness::TestContext;

/// A number in the file, the high byte first.
fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// Bytes of the footer: where the index is, how long, its hash, a magic.
const FOOTER: usize = 28;

/// A file with one altered byte.
fn altered(file: &[u8], at: usize) -> Vec<u8> {
    let mut file = file.to_vec();
    file[at] ^= 0x20;
    file
}

/// A file with another length of the manifest.
fn with_length(file: &[u8], length: usize) -> Vec<u8> {
    let length = u32::try_from(length).unwrap().to_be_bytes();
    [&file[..5], &length, &file[9..]].concat()
}

/// A v3 file with an alteration in each class of its bytes.
fn classes(file: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let footer = file.len() - FOOTER;
    let frames = 9 + number(&file[5..9]);
    let index = number(&file[footer..footer + 8]);
    vec![
        ("magic", altered(file, 2)),
        ("length, too long", with_length(file, 1 << 30)),
        ("length", with_length(file, frames - 9 - 1)),
        ("manifest", altered(file, frames - 1)),
        ("frame", altered(file, frames)),
        ("index", altered(file, index + 20)),
        ("place of the index", altered(file, footer + 7)),
        ("length of the index", altered(file, footer + 11)),
        ("hash of the index", altered(file, footer + 15)),
        ("end", altered(file, file.len() - 2)),
        ("a byte more", [file, b"\0"].concat()),
        ("a byte less", file[..file.len() - 1].to_vec()),
        ("half of it", file[..file.len() / 2].to_vec()),
        ("manifest only", file[..frames].to_vec()),
        ("begin only", file[..7].to_vec()),
    ]
}

fn context_with_v3() -> (TestContext, Vec<u8>) {
    let context = TestContext::msp();
    let ran = context.run(&["--storage-engine", "pebble"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let file = fs::read(context.path("sync.c1z")).unwrap();
    (context, file)
}

#[test]
fn every_class_of_damage_is_reported() {
    let (context, undamaged) = context_with_v3();
    let calls = context.sim().ledger().calls().len();
    for (name, command) in [
        ("read", &["inspect", "sync.c1z"][..]),
        ("export", &["export", "--from", "sync.c1z", "--sink", "csv=out"]),
        ("diff", &["diff", "sync.c1z", "sync.c1z"]),
    ] {
        let mut outputs = String::new();
        for (class, file) in classes(&undamaged) {
            fs::write(context.path("sync.c1z"), &file).unwrap();
            let ran = context.run(command);
            write!(outputs, "## {class}\n{}\n", context.error_snapshot(&ran)).unwrap();
            assert_ne!(ran.code, Some(0), "{class}");
            assert_eq!(ran.stdout, "", "{class}");
            assert!(fs::read(context.path("sync.c1z")).unwrap() == file, "{class}");
            context.assert_only_files(&["sync.c1z"]);
        }
        if name == "diff" {
            continue;
        }
        assert_snapshot!(format!("damaged_v3_{name}"), outputs);
    }
    assert_eq!(context.sim().ledger().calls().len(), calls);
}

#[test]
fn a_sync_onto_a_damaged_file_leaves_it_alone() {
    let (context, undamaged) = context_with_v3();
    let calls = context.sim().ledger().calls().len();
    let mut outputs = String::new();
    for (class, file) in classes(&undamaged) {
        if class == "frame" {
            continue;
        }
        fs::write(context.path("sync.c1z"), &file).unwrap();
        let ran = context.run(&[]);
        assert!(fs::read(context.path("sync.c1z")).unwrap() == file, "{class}");
        context.assert_only_files(&["sync.c1z"]);
        // The value it begins with, which contains a length, is the last word of its line.
        let shown = context.error_snapshot(&ran);
        let shown = shown
            .split_once("(it begins with")
            .map_or(shown.clone(), |(before, _)| format!("{before}\n"));
        write!(outputs, "## {class}\n{shown}\n").unwrap();
    }
    assert_snapshot!("damaged_v3_sync", outputs);
    // Nothing of the tenant is read for a run that cannot end well.
    assert_eq!(context.sim().ledger().calls().len(), calls);
}

#[test]
fn syncs_are_listed_when_rows_are_damaged() {
    let (context, undamaged) = context_with_v3();
    let syncs = |form: &str| context.run(&["inspect", "sync.c1z", "syncs", "--output", form]);
    let before = syncs("json");
    assert_eq!(before.code, Some(0), "{}", before.stderr);
    let (_, damaged) = classes(&undamaged)
        .into_iter()
        .find(|(class, _)| *class == "frame")
        .unwrap();
    let altered = damaged;
    fs::write(context.path("sync.c1z"), &altered).unwrap();
    assert_eq!(context.run(&["inspect", "sync.c1z"]).code, Some(15));
    let after = syncs("json");
    assert_eq!((after.code, after.stdout), (Some(0), before.stdout));
    // An unreadable file may belong to another tenant and cannot be compared: it is replaced on request only.
    let ran = context.run(&[]);
    assert_eq!(ran.code, Some(15), "{}", ran.stderr);
    assert_eq!(fs::read(context.path("sync.c1z")).unwrap(), altered);
    let ran = context.run(&["--replace-existing"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(context.run(&["inspect", "sync.c1z"]).code, Some(0));
    // But the manifest's contents must be what was written.
    for (class, file) in classes(&undamaged) {
        fs::write(context.path("sync.c1z"), file).unwrap();
        assert_eq!(syncs("table").code == Some(0), class == "frame", "{class}");
    }
}
