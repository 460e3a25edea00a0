//! The history of a dataset: compared with a plain model, incremental and rebuilt, in both formats; and every alteration is found.

mod model;
mod tenant_day;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use access_core::model::SyncType;
use access_dataset::{Location, Manifest, Table, rebuild, verify};
use proptest::prelude::*;

use model::{models, recorded_intervals};
use tenant_day::{Day, Format, day, days, formats, once_unlocked, publish, run, three_days};

use crate::datasets::files;
use crate::harness::TestContext;
use crate::support::dataset::{Files, latest, rows};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn history_matches_the_model_and_a_rebuild_is_identical(
        days in prop::collection::vec(day(), 1..6),
        format in prop::sample::select(vec![Format::Parquet, Format::Csv]),
        late in 0_usize..6,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        runtime.block_on(async {
            // History starts at some day and is then built from all days; the last day always has it.
            for (number, day) in days.iter().enumerate() {
                publish(folder.path(), format, number >= late || number + 1 == days.len(), number, day).await;
            }
        });
        let published = files(folder.path());
        let Some(manifest) = latest(&published).filter(|manifest| manifest.history.is_some()) else {
            return Ok(());
        };
        prop_assert_eq!(recorded_intervals(&published, &manifest, &days), models(&days));
        runtime.block_on(assert_rebuild_is_identical(folder.path(), &published, &manifest));
    }
}

/// A rebuild gives the same bytes and restores lost or altered files; until then a verification reports them.
async fn assert_rebuild_is_identical(root: &Path, published: &Files, manifest: &Manifest) {
    let (location, temp) = (Location::Folder(root.to_owned()), std::env::temp_dir());
    let again = || once_unlocked(async || rebuild(&location, &formats(), &temp, false).await);
    let checked = || async { verify(&location, &formats(), &temp, None).await.unwrap() };
    assert_eq!(checked().await.findings, []);
    let rebuilt = again().await;
    assert!(
        rebuilt.restored.is_empty() && rebuilt.different.is_empty(),
        "{rebuilt:?}"
    );
    let history = manifest.history.as_ref().unwrap();
    for (n, file) in history.files.iter().enumerate() {
        let path = root.join(&file.path);
        match n % 2 {
            0 => fs::remove_file(&path).unwrap(),
            _ => fs::write(&path, b"altered").unwrap(),
        }
    }
    let found = checked().await;
    let paths: BTreeSet<&str> = found
        .findings
        .iter()
        .map(|finding| finding.path.as_str())
        .collect();
    assert_eq!(
        paths,
        history.files.iter().map(|file| file.path.as_str()).collect()
    );
    let rebuilt = again().await;
    assert_eq!(rebuilt.restored.len(), history.files.len(), "{rebuilt:?}");
    assert_eq!(&files(root), published);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_between_syncs_are_published() {
    for format in [Format::Parquet, Format::Csv] {
        let folder = tempfile::tempdir().unwrap();
        three_days(folder.path(), format).await;
        let files = files(folder.path());
        let mut changes = Vec::new();
        for (number, day) in days().iter().enumerate() {
            let path = format!("_manifests/{}.json", run(number, day).id);
            let manifest: Manifest = serde_json::from_slice(&files[&path]).unwrap();
            for row in rows(&files, &manifest, Table::Changes) {
                let text = |name: &str| row[name].clone().unwrap_or_default();
                let fields = text("fields").replace('"', "");
                let what = ["resource_id", "entitlement_id", "principal_id"]
                    .map(text)
                    .concat();
                changes.push(format!(
                    "{number} {} {} {what} {fields}",
                    text("kind"),
                    text("subject")
                ));
            }
        }
        let expected = [
            "1 changed user 1 [profile.department]",
            "1 added resource 2 [display_name]",
            "1 added entitlement role:2:assigned [resource_type_id",
            "1 removed grant role:1:assigned2 [is_direct",
            "1 added grant role:2:assigned2 [is_direct",
            "2 removed user 2 [display_name",
            "2 removed grant role:2:assigned2 [is_direct",
        ];
        assert_eq!(changes.len(), expected.len(), "{changes:#?}");
        for (change, expected) in changes.iter().zip(expected) {
            assert!(change.starts_with(expected), "{change} is not {expected}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_histories_are_kept_and_partial_syncs_have_none() {
    let folder = tempfile::tempdir().unwrap();
    three_days(folder.path(), Format::Parquet).await;
    let part = Day {
        sync_type: SyncType::Partial,
        ..days()[0].clone()
    };
    publish(folder.path(), Format::Parquet, true, 3, &part).await;
    let files = files(folder.path());
    let kept = |table: &str| files.keys().filter(|path| path.starts_with(table)).count();
    assert_eq!(
        [kept("changes/"), kept("grants_history/"), kept("users_history/")],
        [3, 2, 2]
    );
    let manifest: Manifest =
        serde_json::from_slice(&files[&format!("_manifests/{}.json", run(3, &part).id)]).unwrap();
    assert!(manifest.history.is_none());
}

/// The findings of `verify` after an alteration of a dataset.
async fn found_after(alter: impl FnOnce(&Path, &Files)) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    three_days(folder.path(), Format::Csv).await;
    let original = files(folder.path());
    alter(folder.path(), &original);
    let location = Location::Folder(folder.path().to_owned());
    let found = verify(&location, &formats(), &std::env::temp_dir(), None)
        .await
        .unwrap();
    let ids: Vec<String> = days()
        .iter()
        .enumerate()
        .map(|(n, day)| run(n, day).id.to_string())
        .collect();
    let named = |text: String| {
        ids.iter()
            .enumerate()
            .fold(text, |text, (n, id)| text.replace(id, &format!("[{n}]")))
    };
    let findings = found.findings.into_iter();
    findings
        .map(|finding| named(format!("{}: {}", finding.path, finding.problem)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_alteration_is_reported_by_name() {
    let manifest = |n: usize| format!("_manifests/{}.json", run(n, &days()[n]).id);
    assert_eq!(found_after(|_, _| {}).await, [""; 0]);
    let some =
        |files: &Files, table: &str| files.keys().find(|path| path.starts_with(table)).unwrap().clone();
    // An added row, which only hash and size reveal.
    let found = found_after(|root, files| {
        let path = some(files, "grants/");
        let text = String::from_utf8(files[&path].clone()).unwrap();
        let last = text.lines().last().unwrap();
        fs::write(root.join(path), format!("{text}{last}\r\n")).unwrap();
    })
    .await;
    assert!(
        found.len() == 1 && found[0].starts_with("grants/") && found[0].contains("bytes"),
        "{found:?}"
    );
    // The manifest was updated, but not the manifest that names it.
    let found = found_after(|root, files| {
        let text = String::from_utf8(files[&manifest(1)].clone()).unwrap();
        fs::write(
            root.join(manifest(1)),
            text.replace("https://tenant", "https://Tenant"),
        )
        .unwrap();
    })
    .await;
    assert!(
        found.len() == 1 && found[0].starts_with("_manifests/[1].json: its SHA-256 is"),
        "{found:?}"
    );
    assert!(found[0].contains("_manifests/[2].json says"), "{found:?}");
    // A sync in the middle is missing.
    let found = found_after(|root, _| fs::remove_file(root.join(manifest(1))).unwrap()).await;
    assert!(
        found
            .iter()
            .any(|finding| finding
                == "_manifests/[1].json: _manifests/[2].json links to it, but it is missing"),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|finding| finding.contains("no manifest names it")),
        "{found:?}"
    );
    // A file that a query would read.
    let found = found_after(|root, files| {
        let path = some(files, "users/");
        fs::copy(
            root.join(&path),
            root.join(path.replace("part-00000", "part-00001")),
        )
        .unwrap();
    })
    .await;
    assert!(
        found.len() == 1 && found[0].ends_with("no manifest names it"),
        "{found:?}"
    );
    // The pointer is moved back to an older sync: the later one is unlinked, and a known hash reveals it too.
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), Format::Csv, true, 0, &days()[0]).await;
    let first = fs::read(folder.path().join("latest.json")).unwrap();
    publish(folder.path(), Format::Csv, true, 1, &days()[1]).await;
    let location = Location::Folder(folder.path().to_owned());
    let known = |hash: Option<String>| {
        let location = location.clone();
        async move {
            verify(&location, &formats(), &std::env::temp_dir(), hash.as_deref())
                .await
                .unwrap()
        }
    };
    let head = known(None).await.sha256;
    assert_eq!(known(head.clone()).await.findings, []);
    fs::write(folder.path().join("latest.json"), first).unwrap();
    assert_eq!(known(None).await.findings.len(), 1);
    assert_eq!(known(head).await.findings.len(), 2);
}

#[test]
fn verify_and_rebuild_commands() {
    let context = TestContext::msp();
    assert_eq!(context.run(&["--sink", "parquet=lake"]).code, Some(0));
    assert_eq!(context.run(&["--sink", "parquet=lake"]).code, Some(0));
    let ran = context.run(&["verify", "lake"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stdout.ends_with("everything is as it was published\n"),
        "{}",
        ran.stdout
    );
    let lake = files(&context.path("lake"));
    let manifest = latest(&lake).unwrap();
    let path = manifest
        .entries(Table::GrantsHistory)
        .next()
        .unwrap()
        .path
        .clone();
    fs::remove_file(context.path("lake").join(&path)).unwrap();
    let ran = context.run(&["verify", "lake", "--output", "json"]);
    assert_eq!(ran.code, Some(15), "{}", ran.stdout);
    let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["findings"][0]["path"], path);
    let ran = context.run(&["history", "rebuild", "lake"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("restored"), "{}", ran.stdout);
    assert_eq!(files(&context.path("lake")), lake);
    // A missing dataset is not created.
    assert_eq!(context.run(&["verify", "absent"]).code, Some(5));
    assert_eq!(context.run(&["history", "rebuild", "absent"]).code, Some(5));
    assert!(!context.path("absent").exists());
    let ran = context.run(&["--sink", "csv=plain", "--dataset-history=false"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!context.path("plain/grants_history").exists());
}
