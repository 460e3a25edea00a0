//! A database past 1 GiB, where SQLite keeps a page for its locks. A few huge rows make it cheap, but not cheap enough for every
//! day: `cargo test --release -p c1z --test past_one_gib -- --ignored`. Every day `sqlite_file/tests.rs` crosses that page in files
//! that are mostly a hole, and each file that is written is checked while it is read back.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use baton_proto::connector_v2::{Entitlement, Resource, ResourceId, ResourceType};
use c1z::{
    C1zError, Compression, ExistingFilePolicy, GrantTemplate, Limits, Reader, Retention, SyncHeader, Target,
    Writer, WriterOptions,
};
use rusqlite::{Connection, OpenFlags};
use time::{Duration, OffsetDateTime};

const GIB: u64 = 1 << 30;
/// Bytes of the name of a huge row.
const HUGE: usize = 64 << 20;
const USERS: usize = 2_000;

fn ksuid(n: usize) -> String {
    format!("2vU7QmBvvjK3kdYyV0000000{n:03}")
}

fn user(n: usize, display_name: String) -> Resource {
    Resource {
        id: Some(ResourceId {
            resource_type: "user".into(),
            resource: n.to_string(),
            baton_resource: false,
        }),
        display_name,
        ..Resource::default()
    }
}

/// Adds a sync of so many huge rows and of usual ones after them.
fn write(path: &Path, n: usize, huge: usize) {
    let started_at =
        OffsetDateTime::UNIX_EPOCH + Duration::days(20_000) + Duration::hours(i64::try_from(n).unwrap());
    let header = SyncHeader {
        sync_id: ksuid(n),
        sync_type: "full",
        started_at,
    };
    let options = WriterOptions {
        temp_folder: path.parent().unwrap().to_owned(),
        engine: None,
        retention: Retention::default(),
        compression: Compression::default(),
        limits: Limits::default(),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let target = Target::open(path, ExistingFilePolicy::Refuse).unwrap();
    let mut writer = Writer::begin(target, header, options).unwrap();
    writer
        .put_resource_type(&ResourceType {
            id: "user".into(),
            ..ResourceType::default()
        })
        .unwrap();
    for n in 0..huge {
        writer.put_resource(user(USERS + n, "x".repeat(HUGE))).unwrap();
    }
    let names: Vec<String> = (0..USERS).map(|n| n.to_string()).collect();
    for n in 0..USERS {
        writer.put_resource(user(n, format!("User {n}"))).unwrap();
    }
    let entitlement = Entitlement {
        id: "user:0:known".into(),
        resource: Some(user(0, String::new())),
        ..Entitlement::default()
    };
    writer.put_entitlement(&entitlement).unwrap();
    let template = GrantTemplate::new(&entitlement, "user", &[]);
    writer
        .put_grants(&template, names.iter().map(String::as_str))
        .unwrap();
    let prepared = writer.prepare(started_at + Duration::seconds(5)).unwrap();
    prepared.publish().unwrap();
}

/// Our reader finds every row, and SQLite nothing wrong.
fn is_whole(path: &Path, huge: &[usize]) {
    let folder = tempfile::tempdir().unwrap();
    let reader = Reader::open(path, folder.path(), Limits::default(), &AtomicBool::new(false)).unwrap();
    for (n, huge) in huge.iter().enumerate() {
        let mut lengths = Vec::new();
        let take = |row: Resource| {
            lengths.push(row.display_name.len());
            Ok::<(), C1zError>(())
        };
        reader.resources(&ksuid(n), take).unwrap();
        let of_huge = lengths.iter().filter(|length| **length == HUGE).count();
        assert_eq!((lengths.len(), of_huge), (USERS + huge, *huge), "sync {n}");
        let mut grants = 0;
        let take = |_| {
            grants += 1;
            Ok::<(), C1zError>(())
        };
        reader.grants(&ksuid(n), take).unwrap();
        assert_eq!(grants, USERS, "sync {n}");
    }
    drop(reader);

    let database = folder.path().join("database");
    let mut packed = File::open(path).unwrap();
    packed.seek(SeekFrom::Start(5)).unwrap();
    zstd::stream::copy_decode(&packed, File::create(&database).unwrap()).unwrap();
    assert!(database.metadata().unwrap().len() > GIB + HUGE as u64);
    let mut on_the_page = [1; 4096];
    let mut file = File::open(&database).unwrap();
    file.seek(SeekFrom::Start(GIB)).unwrap();
    file.read_exact(&mut on_the_page).unwrap();
    assert_eq!(on_the_page, [0; 4096], "data on the page of the locks");
    let connection = Connection::open_with_flags(&database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let said: String = connection
        .query_row("pragma integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(said, "ok");
}

#[test]
#[ignore = "takes 4 GB of the disk and half a minute"]
fn a_file_whose_database_passes_one_gib() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    // One that passes it by its own rows, and is carried over.
    write(&path, 0, 18);
    is_whole(&path, &[18]);
    write(&path, 1, 0);
    is_whole(&path, &[18, 0]);
    // One that passes it with what it carries over.
    std::fs::remove_file(&path).unwrap();
    write(&path, 0, 10);
    write(&path, 1, 10);
    is_whole(&path, &[10, 10]);
}
