//! A dataset's location is checked before it is written, and every loss or alteration in it is found.

use std::fs;
use std::path::Path;

use access_dataset::{Manifest, POINTER, Table};
use ninjaone_sim::{SimConfig, Tenant};
use serde_json::Value;

use crate::datasets::files;
use crate::harness::{RunOutput, TestContext};
use crate::support::dataset::{Files, latest, rows};

const PARQUET: [&str; 2] = ["--sink", "parquet=out"];
const CSV: [&str; 2] = ["--sink", "csv=out"];

fn synced(context: &TestContext, times: usize) -> Files {
    for _ in 0..times {
        let ran = context.run(&PARQUET);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
    files(&context.path("out"))
}

/// The run is refused with this code before the tenant is read, and every byte is as it was.
fn refused(context: &TestContext, arguments: &[&str], code: i32, words: &str) -> RunOutput {
    let (before, calls) = (files(&context.path("out")), context.sim().ledger().calls().len());
    let ran = context.run(arguments);
    assert_eq!(ran.code, Some(code), "{}", ran.stderr);
    assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    assert_eq!(files(&context.path("out")), before, "bytes are untouched");
    assert_eq!(
        context.sim().ledger().calls().len(),
        calls,
        "the tenant is not read"
    );
    ran
}

/// With `--replace-existing` a new chain begins. It names what it replaced, and `verify` accepts it.
fn replaced(context: &TestContext, arguments: &[&str]) {
    let mut with_leave = arguments.to_vec();
    with_leave.push("--replace-existing");
    let ran = context.run(&with_leave);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    // Not `latest`: it reads every row, so the compression is not visible.
    let published = files(&context.path("out"));
    let pointer: Value = serde_json::from_slice(&published[POINTER]).unwrap();
    let manifest = &published[pointer["manifest"].as_str().unwrap()];
    let manifest: Manifest = serde_json::from_slice(manifest).unwrap();
    assert!(manifest.previous.is_none());
    assert!(!manifest.replaces.unwrap().reason.is_empty());
    // The next run follows it as usual.
    let ran = context.run(arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

fn verify(context: &TestContext, location: &str, sha256: Option<&str>) -> RunOutput {
    let mut arguments = vec!["verify", location];
    arguments.extend(sha256.iter().flat_map(|hash| ["--sha256", hash]));
    context.run(&arguments)
}

fn edit(path: &Path, edit: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    edit(&mut value);
    fs::write(path, serde_json::to_vec(&value).unwrap()).unwrap();
}

#[test]
fn another_tenant_is_refused() {
    let context = TestContext::msp();
    synced(&context, 1);
    let other = TestContext::with(&SimConfig::new(Tenant::fixture("msp").unwrap()));
    let target = context.path("out");
    let sink = format!("parquet={}", target.display());
    let before = files(&target);
    let ran = other.run(&["--sink", &sink]);
    assert_eq!(ran.code, Some(9), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("it holds syncs of the tenant"),
        "{}",
        ran.stderr
    );
    assert_eq!(files(&target), before);
    assert!(other.sim().ledger().calls().is_empty());
    let ran = other.run(&["--sink", &sink, "--replace-existing"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ran = verify(&context, "out", None);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn another_format_and_another_compression_are_refused() {
    let context = TestContext::msp();
    synced(&context, 1);
    refused(&context, &CSV, 9, "it holds parquet, not csv");
    replaced(&context, &CSV);
    for (option, words) in [
        ("compression = \"gzip\"", "csv (.csv.gz)"),
        ("delimiter = \";\"", "csv (delimiter ;)"),
        ("spreadsheet_safe = false", "csv (without spreadsheet safety)"),
    ] {
        let config = format!("[[sinks]]\nkind = \"csv\"\nurl = \"out\"\n{option}\n");
        fs::write(context.path(".baton.toml"), config).unwrap();
        refused(&context, &[], 9, words);
        replaced(&context, &[]);
    }
    let ran = verify(&context, "out", None);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_sync_from_the_future_is_refused() {
    let context = TestContext::msp();
    let published = synced(&context, 1);
    // As a run with a clock far ahead leaves it: times, and the hash that goes with them.
    let id = latest(&published).unwrap().sync.id;
    let manifest = context.path("out").join(format!("_manifests/{id}.json"));
    edit(&manifest, |manifest| {
        manifest["sync"]["started_at"] = "2099-01-01T00:00:00Z".into();
        manifest["sync"]["ended_at"] = "2099-01-01T00:00:01Z".into();
    });
    let sha256 = sha256(&fs::read(&manifest).unwrap());
    edit(&context.path("out").join(POINTER), |pointer| {
        pointer["started_at"] = "2099-01-01T00:00:00Z".into();
        pointer["sha256"] = sha256.into();
    });
    refused(&context, &PARQUET, 9, "after the start of this one");
    replaced(&context, &PARQUET);
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    use std::fmt::Write;

    sha2::Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// A lost or damaged pointer or manifest beside older syncs does not count as a first sync.
#[test]
fn a_lost_dataset_is_not_treated_as_new() {
    type Loss = fn(&Path, &str);
    let losses: [(&str, Loss); 7] = [
        ("pointer", |root, _| fs::remove_file(root.join(POINTER)).unwrap()),
        ("empty pointer", |root, _| {
            fs::write(root.join(POINTER), "").unwrap();
        }),
        ("manifest", |root, id| {
            fs::remove_file(root.join(format!("_manifests/{id}.json"))).unwrap();
        }),
        ("cut manifest", |root, id| {
            let path = root.join(format!("_manifests/{id}.json"));
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("altered manifest", |root, id| {
            edit(&root.join(format!("_manifests/{id}.json")), |manifest| {
                manifest["rows"]["users"] = 1.into();
            });
        }),
        ("pointer of another time", |root, _| {
            edit(&root.join(POINTER), |pointer| {
                pointer["started_at"] = "2001-01-01T00:00:00Z".into();
            });
        }),
        ("pointer and manifests", |root, _| {
            fs::remove_file(root.join(POINTER)).unwrap();
            fs::remove_dir_all(root.join("_manifests")).unwrap();
        }),
    ];
    for (what, lose) in losses {
        let context = TestContext::msp();
        let id = latest(&synced(&context, 2)).unwrap().sync.id;
        lose(&context.path("out"), &id);
        let ran = refused(&context, &PARQUET, 15, "");
        assert!(
            ran.stderr.contains("--replace-existing"),
            "{what}: {}",
            ran.stderr
        );
        let ran = verify(&context, "out", None);
        assert_eq!(ran.code, Some(15), "{what}: {}{}", ran.stdout, ran.stderr);
        replaced(&context, &PARQUET);
    }
}

#[test]
fn verify_without_a_dataset_fails() {
    let context = TestContext::msp();
    let published = synced(&context, 2);
    let manifest = latest(&published).unwrap();
    let hash = sha256(&published[&format!("_manifests/{}.json", manifest.sync.id)]);
    let earlier = manifest.previous.unwrap();
    for known in [&hash, &earlier.sha256, &hash.to_uppercase()] {
        let ran = verify(&context, "out", Some(known));
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    }
    assert_eq!(verify(&context, "out", Some(&"0".repeat(64))).code, Some(15));

    fs::create_dir(context.path("empty")).unwrap();
    fs::create_dir(context.path("other")).unwrap();
    fs::write(context.path("other/notes.txt"), "x").unwrap();
    for location in ["empty", "other", "out/users", "absent"] {
        let ran = verify(&context, location, None);
        assert_eq!(ran.code, Some(5), "{location}: {}{}", ran.stdout, ran.stderr);
        let ran = verify(&context, location, Some(&hash));
        assert_eq!(ran.code, Some(15), "{location}: {}{}", ran.stdout, ran.stderr);
    }
    // Only partial syncs beside a pointer that was removed.
    let ran = context.run(&["--sink", "parquet=parts", "--sync-resource-types", "user"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(verify(&context, "parts", None).code, Some(5));
    assert_eq!(verify(&context, "parts", Some(&hash)).code, Some(15));
}

/// Whatever is altered in a dataset, `verify` fails, and readers ignore files that were added.
#[test]
fn every_alteration_is_found() {
    let context = TestContext::msp();
    let published = synced(&context, 2);
    let root = context.path("out");
    let restore = || {
        fs::remove_dir_all(&root).unwrap();
        for (path, bytes) in &published {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), bytes).unwrap();
        }
    };
    restore();
    assert_eq!(verify(&context, "out", None).code, Some(0));
    let old_histories: Vec<&String> = {
        let latest = latest(&published).unwrap().sync.id;
        let of_history = published.keys().filter(|path| path.contains("s_history/"));
        of_history.filter(|path| !path.contains(&latest)).collect()
    };
    for (path, bytes) in &published {
        // Older history files may be missing, because later syncs write them again.
        if !old_histories.contains(&path) {
            fs::remove_file(root.join(path)).unwrap();
            assert_ne!(verify(&context, "out", None).code, Some(0), "removed {path}");
            restore();
        }
        let mut altered = bytes.clone();
        let at = altered.len() / 2;
        altered[at] ^= 1;
        fs::write(root.join(path), altered).unwrap();
        assert_ne!(verify(&context, "out", None).code, Some(0), "altered {path}");
        restore();
    }

    // A full sync that was added by hand: its manifest and files are valid by themselves.
    let theirs = TestContext::msp();
    let other = synced(&theirs, 1);
    let id = latest(&other).unwrap().sync.id;
    for (path, bytes) in other.iter().filter(|(path, _)| path.contains(&id)) {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), bytes).unwrap();
    }
    let ran = verify(&context, "out", None);
    assert_eq!(ran.code, Some(15), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("nothing vouches"), "{}", ran.stdout);
    let ran = context.run(&["inspect", "out", "syncs"]);
    assert!(!ran.stdout.contains(&id), "{}", ran.stdout);
    assert!(ran.stderr.contains(&id), "{}", ran.stderr);
    let ran = context.run(&["export", "--from", "out", "--sync", &id, "--sink", "csv=taken"]);
    assert_eq!(ran.code, Some(9), "{}", ran.stderr);
    assert!(ran.stderr.contains("not linked"), "{}", ran.stderr);
}

#[test]
fn users_left_out_have_a_row() {
    let context = TestContext::msp();
    let published = synced(&context, 1);
    let manifest = latest(&published).unwrap();
    let left_out = rows(&published, &manifest, Table::LeftOut);
    let text = format!("{left_out:?}");
    assert!(
        text.contains("unknown_principal") && text.contains("4242"),
        "{text}"
    );
    assert_eq!(manifest.left_out.unwrap().rows, left_out.len() as u64);
    assert!(manifest.guard["max_drop_percent"].is_number());
}

/// A type that is no longer read counts as lost, and the manifest records who accepted it.
#[test]
fn a_type_that_disappears_counts_as_lost() {
    let context = TestContext::msp();
    let ran = context.run(&[PARQUET[0], PARQUET[1], "--ninja-one-include-devices"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ran = context.run(&PARQUET);
    assert_eq!(ran.code, Some(9), "{}", ran.stderr);
    assert!(ran.stderr.contains("device"), "{}", ran.stderr);
    assert!(
        files(&context.path("out"))
            .keys()
            .any(|path| path.starts_with("_candidate/"))
    );
    let ran = context.run(&[PARQUET[0], PARQUET[1], "--accept-drop", "device"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let published = files(&context.path("out"));
    assert!(
        !published.keys().any(|path| path.starts_with("_candidate/")),
        "it is not needed any more"
    );
    let guard = latest(&published).unwrap().guard.to_string();
    assert!(guard.contains("--accept-drop device"), "{guard}");
}
