//! The judges judged: each finds what it is there for when a good run is spoilt, and nothing else.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::outputs::Output;
use super::power_loss_model::lost_by_power_cut;
use super::scenario::{Left, Scene};
use super::shim::{Outcome, Plan, shim};
use super::sweep::tells_the_truth;
use super::{SINKS, THREE, small};

/// What a judge says of a folder, if it finds fault.
fn complaint(judge: impl FnOnce()) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(judge)).err()?;
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
}

fn judged(scene: &Scene, left: &Left) -> Option<String> {
    complaint(|| {
        let is_new = scene.is_new(left);
        tells_the_truth(scene, left, &is_new);
        scene.nothing_else_is_there(left);
    })
}

/// A file of an output's folder whose name has this in it.
fn one_of(folder: &Path, output: Output, part: &str) -> std::path::PathBuf {
    let names = crate::datasets::files(folder).into_keys();
    let mut fitting = names.filter(|name| name.starts_with(output.name()) && name.contains(part));
    folder.join(fitting.next_back().unwrap())
}

fn spoil_a_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// What is done to a good run's folder, and a word of the complaint.
type Spoil<'a> = (&'a str, Box<dyn Fn(&Left) + 'a>, &'a str);

#[test]
fn a_spoilt_run_is_seen() {
    let Some(shim) = shim() else { return };
    let mut scene = Scene::new("judges", &small(), &[SINKS], SINKS, THREE);
    let good = scene.rehearse(shim);
    assert_eq!(judged(&scene, &good), None);
    let [c1z, parquet, csv] = [THREE[0], THREE[1], THREE[2]];

    // A run more makes a history that is neither the old one nor the new one.
    let again = scene.run(shim, &Plan::none());
    let more = scene.run_again(again, shim);
    assert!(judged(&scene, &more).unwrap().contains("neither old nor new"));

    let spoilings: [Spoil<'_>; 7] = [
        (
            "one output is still the old one",
            Box::new(|left| {
                fs::copy(scene.before().join(c1z.name()), left.folder.join(c1z.name())).unwrap();
            }),
            "not all is new",
        ),
        (
            "half of a file",
            Box::new(|left| {
                let path = left.folder.join(c1z.name());
                let bytes = fs::read(&path).unwrap();
                fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            }),
            "",
        ),
        (
            "a byte of a dataset",
            Box::new(|left| spoil_a_byte(&one_of(&left.folder, parquet, "/grants/"))),
            "",
        ),
        (
            "a file of a dataset is gone",
            Box::new(|left| fs::remove_file(one_of(&left.folder, csv, "/users/")).unwrap()),
            "",
        ),
        (
            "a file of the earlier sync is gone",
            Box::new(|left| {
                let manifest = one_of(scene.before(), csv, "_manifests/");
                let inside = manifest.strip_prefix(scene.before()).unwrap();
                fs::remove_file(left.folder.join(inside)).unwrap();
            }),
            "",
        ),
        (
            "a temporary file stays",
            Box::new(|left| fs::write(left.folder.join("sync.c1z.tmp"), b"x").unwrap()),
            "left behind",
        ),
        (
            "a temporary folder stays",
            Box::new(|left| fs::create_dir(left.folder.join("tmp/c1z-read-1")).unwrap()),
            "left behind",
        ),
    ];
    for (what, spoil, words) in spoilings {
        let left = scene.run(shim, &Plan::none());
        assert_eq!(judged(&scene, &left), None, "before: {what}");
        spoil(&left);
        let said = judged(&scene, &left);
        assert!(
            said.as_deref().is_some_and(|said| said.contains(words)),
            "{what}: {said:?}"
        );
    }
}

#[test]
fn what_a_power_cut_would_lose_is_seen() {
    let Some(shim) = shim() else { return };
    let mut scene = Scene::new("judges", &small(), &[SINKS], SINKS, THREE);
    let left = scene.rehearse(shim);
    let loses = |left_out: &dyn Fn(&Path) -> bool| {
        let mut calls = left.calls.clone();
        let before = calls.len();
        calls.retain(|call| call.kind != 's' || call.outcome != Outcome::Done || !left_out(&call.path));
        assert!(calls.len() < before, "nothing was left out");
        let mut lost = Vec::new();
        let complaint = complaint(|| lost = lost_by_power_cut(&calls, &left.folder));
        complaint.is_some() || !lost.is_empty()
    };
    // The last name of the c1z, the bytes of a table, the folder that a manifest is in.
    assert!(loses(&|path| path == left.folder));
    assert!(loses(&|path| path.to_string_lossy().contains("/grants-part-")));
    assert!(loses(&|path| path.ends_with("_manifests")));
    assert!(loses(&|path| path.to_string_lossy().contains("sync.c1z")));
}
