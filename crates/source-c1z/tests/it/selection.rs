//! Which sync is read, and what is said when there is none.

use std::fs;

use access_core::model::SyncType;
use access_core::ports::AccessSource;
use access_core::{Diagnostic, StatusCode};
use time::macros::datetime;

use crate::file::{SYNC, TestFile, open};

const OTHER: &str = "2vU7QmBvvjK3kdYyV0000000002";
const THIRD: &str = "2vU7QmBvvjK3kdYyV0000000003";

fn refusal(file: &TestFile, sync: Option<&str>) -> (String, StatusCode) {
    let error = file.open(sync).err().unwrap();
    assert!(error.hint().is_some(), "{error} has a hint");
    let message = error
        .to_string()
        .replace(file.folder.path().to_str().unwrap(), "");
    (message, error.status())
}

#[test]
fn the_latest_full_sync_is_the_default() {
    let file = TestFile::new();
    file.sync(OTHER, "resources_only", Some("2026-11-25T12:00:00Z"));
    let source = file.open(None).unwrap();
    assert_eq!(source.sync_id().as_str(), SYNC);
    assert_eq!(source.sync_type(), SyncType::Full);
    assert_eq!(source.started_at(), datetime!(2026-11-24 12:00:00 UTC));
    assert_eq!(source.ended_at(), datetime!(2026-11-24 12:00:07.25 UTC));
    let source = file.open(Some(OTHER)).unwrap();
    assert_eq!(source.sync_type(), SyncType::ResourcesOnly);
    assert_eq!(source.ended_at(), datetime!(2026-11-25 12:00:00 UTC));
}

#[test]
fn errors_list_the_syncs_of_the_file() {
    let file = TestFile::new();
    file.sync(OTHER, "full", None);
    file.sync(THIRD, "partial_deletions", Some("2026-11-24 13:00:00"));
    file.sync("not-a-ksuid", "partial", Some("2026-11-24 13:00:00"));
    file.sync("2vU7QmBvvjK3kdYyV0000000004", "full", Some("yesterday"));
    let message = [
        Some("2vU7QmBvvjK3kdYyV0000000009"),
        Some(OTHER),
        Some(THIRD),
        Some("not-a-ksuid"),
        None,
    ]
    .map(|sync| {
        let (message, status) = refusal(&file, sync);
        format!("{status}: {message}")
    });
    insta::assert_snapshot!(message.join("\n"));
}

#[test]
fn files_without_a_finished_sync_are_rejected() {
    let file = TestFile::empty();
    assert_eq!(
        refusal(&file, None),
        (
            "/sync.c1z has no finished sync; it has none".to_owned(),
            StatusCode::FailedPrecondition
        )
    );
    file.sync(SYNC, "full", None);
    let (message, _) = refusal(&file, None);
    assert_eq!(
        message,
        format!("/sync.c1z has no finished sync; it has {SYNC} (full, unfinished)")
    );
    file.connection.execute_batch("drop table v1_sync_runs").unwrap();
    assert_eq!(
        refusal(&file, None).0,
        "/sync.c1z has no finished sync; it has none"
    );
}

#[test]
fn other_files_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let status = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = open(&path, folder.path(), None).err().unwrap();
        assert!(error.hint().is_some(), "{error} has a hint");
        error.status()
    };
    assert_eq!(status(b""), StatusCode::InvalidArgument);
    assert_eq!(status(b"PK\x03\x04 a zip"), StatusCode::InvalidArgument);
    assert_eq!(status(b"C1Z3\0 and so on"), StatusCode::DataLoss);
    assert_eq!(status(b"C1ZF\0 but no frame"), StatusCode::DataLoss);
    let folder = folder.path();
    assert_eq!(
        open(folder, folder, None).err().unwrap().status(),
        StatusCode::InvalidArgument
    );
}

#[tokio::test]
async fn a_check_reports_the_file_and_the_sync() {
    let source = TestFile::new().open(None).unwrap();
    let mut report = source.check().await.unwrap();
    report.endpoints[0].endpoint = "file sync.c1z".to_owned();
    insta::assert_json_snapshot!(report);
    assert_eq!(source.usage(), access_core::ports::ApiUsage::default());
}
