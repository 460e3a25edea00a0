//! The run after one that was killed: it finds claims, and reads decide about what to remove. A read that fails removes nothing of
//! a sync that is published.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::outputs::Output;
use super::scenario::Scenario;
use super::shim::{Effect, Fault, Outcome, Plan, shim};
use super::small;
use super::sweep::{is_exhaustive, sample_calls};
use crate::datasets::files;

const EIO: i32 = 5;
const EMFILE: i32 = 24;
const EACCES: i32 = 13;

/// A sync that was never published.
const ORPHAN: &str = "2vU7QmBvvjK3kdYyV0000000001";

const SINK: &[&str] = &["--sink", "parquet=out"];
const OUTPUT: &[Output] = &[Output::Dataset("out")];

/// Creates the leftovers of killed runs: one right after it had moved the pointer, one while it wrote files.
fn leave_claims(folder: &Path) -> String {
    let pointer = fs::read(folder.join("out/latest.json")).unwrap();
    let pointer: serde_json::Value = serde_json::from_slice(&pointer).unwrap();
    let published = pointer["sync_id"].as_str().unwrap().to_owned();
    let staging = folder.join("out/_staging");
    fs::create_dir_all(&staging).unwrap();
    for id in [published.as_str(), ORPHAN] {
        fs::write(staging.join(format!("{id}.json")), "{\"claimed_at\":1}\n").unwrap();
    }
    let half = folder.join(format!("out/users/sync_date=2026-11-01/sync={ORPHAN}"));
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("part-00000.parquet"), "PAR1").unwrap();
    published
}

/// The files that readers of the sync need.
fn files_of_sync(folder: &Path, sync: &str) -> BTreeMap<String, Vec<u8>> {
    let all = files(folder).into_iter();
    // The claim is removed, and so is the history that the next sync writes again.
    let needed =
        |name: &str| name.contains(sync) && !name.contains("_staging/") && !name.contains("_history/");
    all.filter(|(name, _)| needed(name)).collect()
}

#[test]
fn a_failed_read_after_a_kill_removes_nothing() {
    let Some(shim) = shim() else { return };
    let scenario = Scenario::new("after a kill", &small(), &[SINK], SINK, OUTPUT);
    let published = leave_claims(scenario.before());
    let before = files_of_sync(scenario.before(), &published);
    assert!(before.len() > 5, "{:?}", before.keys());
    let good = scenario.run(shim, &Plan::none());
    assert_eq!(good.code, Some(0), "{}", good.stderr);
    assert!(!files(&good.folder).keys().any(|name| name.contains(ORPHAN)));
    for (name, errno, codes) in [
        ("input/output error", EIO, [0, 2]),
        ("too many open files", EMFILE, [0, 8]),
        ("not allowed", EACCES, [0, 7]),
    ] {
        for (kinds, sample) in [("o", 14), ("r", 8)] {
            // These errors occur when a file is opened, not when it is read.
            if kinds == "r" && errno != EIO {
                continue;
            }
            let possible = good.calls.iter().filter(|call| kinds.contains(call.kind)).count();
            let sample = if is_exhaustive() { possible } else { sample };
            let mut ends: BTreeMap<Option<i32>, usize> = BTreeMap::new();
            let mut runs = 0;
            for at in sample_calls(possible, sample) {
                let fault = Fault {
                    name,
                    effect: Effect::Fail,
                    kinds,
                    errno,
                };
                let result = scenario.run(shim, &Plan { fault, at });
                let struck = result.calls.iter().find(|call| call.outcome == Outcome::Struck);
                let details = format!(
                    "{name} at {kinds} {at} ({struck:?}): {:?}\n{}",
                    result.code, result.stderr
                );
                assert!(
                    files_of_sync(&result.folder, &published) == before,
                    "something is gone: {details}"
                );
                assert!(result.code.is_some_and(|code| codes.contains(&code)), "{details}");
                for word in ["panicked", "is a bug", "damaged"] {
                    assert!(!result.stderr.contains(word), "{details}");
                }
                *ends.entry(result.code).or_default() += 1;
                runs += 1;
                let again = scenario.run_again(result, shim);
                assert_eq!(again.code, Some(0), "{details}\nthe next run: {}", again.stderr);
                assert!(files_of_sync(&again.folder, &published) == before, "{details}");
                assert!(!files(&again.folder).keys().any(|name| name.contains("_staging/")));
            }
            eprintln!("after a kill: {name}, {kinds}: {runs} runs of {possible} calls, ends {ends:?}");
        }
    }
}
