//! Tests of the checks: each finds its kind of damage in a good run, and nothing else.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::outputs::Output;
use super::power_loss_model::lost_by_power_cut;
use super::scenario::{RunResult, Scenario};
use super::shim::{Outcome, Plan, shim};
use super::sweep::assert_report_is_true;
use super::{SINKS, THREE, small};

/// The message of a failed check.
fn complaint(judge: impl FnOnce()) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(judge)).err()?;
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
}

fn judged(scenario: &Scenario, result: &RunResult) -> Option<String> {
    complaint(|| {
        let is_new = scenario.is_new(result);
        assert_report_is_true(scenario, result, &is_new);
        scenario.assert_no_leftovers(result);
    })
}

/// A file of an output's folder whose name contains this part.
fn file_with(folder: &Path, output: Output, part: &str) -> std::path::PathBuf {
    let names = crate::datasets::files(folder).into_keys();
    let mut fitting = names.filter(|name| name.starts_with(output.name()) && name.contains(part));
    folder.join(fitting.next_back().unwrap())
}

fn alter_a_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// An alteration of a good run's folder, and a part of the expected message.
type Alteration<'a> = (&'a str, Box<dyn Fn(&RunResult) + 'a>, &'a str);

#[test]
fn a_damaged_run_is_detected() {
    let Some(shim) = shim() else { return };
    let mut scenario = Scenario::new("judges", &small(), &[SINKS], SINKS, THREE);
    let good = scenario.rehearse(shim);
    assert_eq!(judged(&scenario, &good), None);
    let [c1z, parquet, csv] = [THREE[0], THREE[1], THREE[2]];

    // A run more makes a history that is neither the old one nor the new one.
    let again = scenario.run(shim, &Plan::none());
    let more = scenario.run_again(again, shim);
    assert!(judged(&scenario, &more).unwrap().contains("neither old nor new"));

    let alterations: [Alteration<'_>; 7] = [
        (
            "one output is still the old one",
            Box::new(|result| {
                fs::copy(scenario.before().join(c1z.name()), result.folder.join(c1z.name())).unwrap();
            }),
            "not all is new",
        ),
        (
            "half of a file",
            Box::new(|result| {
                let path = result.folder.join(c1z.name());
                let bytes = fs::read(&path).unwrap();
                fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            }),
            "",
        ),
        (
            "a byte of a dataset",
            Box::new(|result| alter_a_byte(&file_with(&result.folder, parquet, "/grants/"))),
            "",
        ),
        (
            "a file of a dataset is gone",
            Box::new(|result| fs::remove_file(file_with(&result.folder, csv, "/users/")).unwrap()),
            "",
        ),
        (
            "a file of the earlier sync is gone",
            Box::new(|result| {
                let manifest = file_with(scenario.before(), csv, "_manifests/");
                let inside = manifest.strip_prefix(scenario.before()).unwrap();
                fs::remove_file(result.folder.join(inside)).unwrap();
            }),
            "",
        ),
        (
            "a temporary file stays",
            Box::new(|result| fs::write(result.folder.join("sync.c1z.tmp"), b"x").unwrap()),
            "left behind",
        ),
        (
            "a temporary folder stays",
            Box::new(|result| fs::create_dir(result.folder.join("tmp/c1z-read-1")).unwrap()),
            "left behind",
        ),
    ];
    for (effect, alter, words) in alterations {
        let result = scenario.run(shim, &Plan::none());
        assert_eq!(judged(&scenario, &result), None, "before: {effect}");
        alter(&result);
        let complaint_text = judged(&scenario, &result);
        assert!(
            complaint_text
                .as_deref()
                .is_some_and(|complaint_text| complaint_text.contains(words)),
            "{effect}: {complaint_text:?}"
        );
    }
}

#[test]
fn losses_of_a_power_cut_are_detected() {
    let Some(shim) = shim() else { return };
    let mut scenario = Scenario::new("judges", &small(), &[SINKS], SINKS, THREE);
    let result = scenario.rehearse(shim);
    let loses = |left_out: &dyn Fn(&Path) -> bool| {
        let mut calls = result.calls.clone();
        let before = calls.len();
        calls.retain(|call| call.kind != 's' || call.outcome != Outcome::Done || !left_out(&call.path));
        assert!(calls.len() < before, "nothing was left out");
        let mut lost = Vec::new();
        let complaint = complaint(|| lost = lost_by_power_cut(&calls, &result.folder));
        complaint.is_some() || !lost.is_empty()
    };
    // The last name of the c1z, the bytes of a table, the folder that a manifest is in.
    assert!(loses(&|path| path == result.folder));
    assert!(loses(&|path| path.to_string_lossy().contains("/grants-part-")));
    assert!(loses(&|path| path.ends_with("_manifests")));
    assert!(loses(&|path| path.to_string_lossy().contains("sync.c1z")));
}
