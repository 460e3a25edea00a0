//! Batches, and what becomes of the thread when nobody listens.

use std::fs;

use access_core::model::{AccessBatch, SyncScope};
use access_core::ports::{AccessSource, SourceEvent};
use baton_proto::connector_v2::resource_type::Trait;
use futures::StreamExt;

use crate::file::{TestFile, open};
use crate::pipeline::run;

/// So many users who all hold one role, and another one each.
fn large(users: usize) -> TestFile {
    let file = TestFile::new();
    file.resource_type("user", &[Trait::User]);
    file.resource_type("role", &[Trait::Role]);
    for role in ["7", "8"] {
        file.resource("role", role);
        file.entitlement("role", role, "assigned");
    }
    file.connection.execute_batch("begin").unwrap();
    for user in 0..users {
        let user = format!("{user:06}");
        file.resource("user", &user);
        file.grant("role:8:assigned", "user", &user);
        file.grant("role:7:assigned", "user", &user);
    }
    file.connection.execute_batch("commit").unwrap();
    file
}

#[tokio::test]
async fn rows_come_in_small_batches() {
    let run = run(&large(4_500).open(None).unwrap()).await;
    let sizes: Vec<(String, u64)> = run
        .batches
        .iter()
        .map(|batch| (batch.kind().plural().to_owned(), batch.rows()))
        .collect();
    let of = |kind: &str| -> Vec<u64> {
        let of_kind = sizes.iter().filter(|(name, _)| name == kind);
        of_kind.map(|(_, rows)| *rows).collect()
    };
    assert_eq!(of("resources"), [2_000, 2_000, 502]);
    assert_eq!(of("grants"), [2_000, 2_000, 2_000, 2_000, 1_000]);
}

#[tokio::test]
async fn dropping_stops_the_thread_and_removes_the_copy() {
    let file = large(20_000);
    let path = file.seal();
    let temp = tempfile::tempdir().unwrap();
    let source = open(&path, temp.path(), None).unwrap();
    for events in [0, 1, 5] {
        let mut stream = source.read(&SyncScope::default());
        for _ in 0..events {
            assert!(stream.next().await.unwrap().is_ok());
        }
        drop(stream);
    }
    // Readings do not wait for each other.
    let (mut one, mut other) = (
        source.read(&SyncScope::default()),
        source.read(&SyncScope::default()),
    );
    for stream in [&mut one, &mut other] {
        let first = stream.next().await.unwrap().unwrap();
        assert!(matches!(first, SourceEvent::Batch(AccessBatch::ResourceTypes(_))));
    }
    drop((one, other));
    drop(source);
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_damaged_row_ends_the_stream_with_an_error() {
    let file = large(10);
    let sql = "update v1_grants set data = x'ff' where principal_resource_id = '000007'";
    file.connection.execute(sql, []).unwrap();
    let source = file.open(None).unwrap();
    let mut stream = source.read(&SyncScope::default());
    let mut last = None;
    while let Some(event) = stream.next().await {
        last = Some(event);
    }
    let error = last.unwrap().unwrap_err();
    assert!(
        error.to_string().contains("a row of v1_grants is not readable"),
        "{error}"
    );
}
