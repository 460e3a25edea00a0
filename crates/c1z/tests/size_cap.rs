//! What a file unpacks to stays within what is read again.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use baton_proto::connector_v2::{Resource, ResourceId, ResourceType};
use c1z::{
    C1zError, Compression, ExistingFilePolicy, Limits, PreparedFile, Reader, Retention, SyncHeader, Target,
    Writer, WriterOptions,
};
use time::OffsetDateTime;

fn limits(decoded_bytes: u64) -> Limits {
    Limits {
        decoded_bytes,
        ..Limits::default()
    }
}

/// Prepares sync `n` with so many users of about half a kilobyte.
fn prepare(path: &Path, n: i64, users: usize, cap: u64, keep_all: bool) -> Result<PreparedFile, C1zError> {
    let started_at = OffsetDateTime::from_unix_timestamp(1_780_000_000 + 100 * n).unwrap();
    let header = SyncHeader {
        sync_id: format!("2vU7QmBvvjK3kdYyV0000000{n:03}"),
        sync_type: "full",
        started_at,
    };
    let options = WriterOptions {
        temp_folder: path.parent().unwrap().to_owned(),
        engine: None,
        retention: Retention {
            full_syncs: 3,
            keep_all,
        },
        compression: Compression::default(),
        limits: limits(cap),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let mut writer = Writer::begin(Target::open(path, ExistingFilePolicy::Refuse)?, header, options)?;
    writer.put_resource_type(&ResourceType {
        id: "user".into(),
        ..ResourceType::default()
    })?;
    for user in 0..users {
        writer.put_resource(Resource {
            id: Some(ResourceId {
                resource_type: "user".into(),
                resource: user.to_string(),
                baton_resource: false,
            }),
            description: "x".repeat(400),
            ..Resource::default()
        })?;
    }
    writer.prepare(started_at + time::Duration::seconds(5))
}

fn syncs(path: &Path, cap: u64) -> Vec<String> {
    let stop = AtomicBool::new(false);
    let reader = Reader::open(path, path.parent().unwrap(), limits(cap), &stop).unwrap();
    let syncs = reader.syncs().unwrap();
    for sync in &syncs {
        let counted = reader.count(&sync.sync_id).unwrap();
        assert_eq!(
            Some(counted.resources),
            sync.stats.as_ref().map(|stats| stats.resources)
        );
    }
    let number = |id: &str| {
        id.trim_start_matches("2vU7QmBvvjK3kdYyV")
            .trim_start_matches('0')
            .to_owned()
    };
    syncs.iter().map(|sync| number(&sync.sync_id)).collect()
}

#[test]
fn retention_keeps_the_file_readable() {
    for keep_all in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync.c1z");
        // A sync of 1,000 users unpacks to about 700 kB.
        let cap = 1_800_000;
        for (n, users, left_out, kept) in [
            (1, 1_000, 0, &["1"][..]),
            (2, 1_000, 0, &["1", "2"]),
            // A third one of the size has no room.
            (3, 1_000, 1, &["2", "3"]),
            // A smaller one is taken for as large.
            (4, 100, 1, &["3", "4"]),
            // It grows beyond what was thought: all others go.
            (5, 2_000, 2, &["5"]),
        ] {
            let prepared = prepare(&path, n, users, cap, keep_all).unwrap();
            assert_eq!(prepared.left_out(), left_out, "sync {n}, all: {keep_all}");
            prepared.publish().unwrap();
            assert_eq!(syncs(&path, cap), kept, "sync {n}, all: {keep_all}");
        }
        // Not even alone.
        let before = fs::read(&path).unwrap();
        let error = prepare(&path, 6, 4_000, cap, keep_all).unwrap_err();
        assert!(matches!(error, C1zError::TooLargeToRead { .. }), "{error}");
        assert_eq!(error.status(), 8);
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
