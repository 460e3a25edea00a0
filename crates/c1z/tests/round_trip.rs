//! Files through the public interface: written, read back, continued, refused.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use baton_proto::connector_v2::{Entitlement, Resource, ResourceId, ResourceType};
use c1z::{
    C1zError, Compression, ExistingFilePolicy, GrantTemplate, Limits, Published, Reader, Retention,
    SyncHeader, Target, Writer, WriterOptions,
};
use time::OffsetDateTime;

fn options(folder: &Path) -> WriterOptions {
    WriterOptions {
        temp_folder: folder.to_owned(),
        engine: None,
        retention: Retention::default(),
        compression: Compression::default(),
        limits: Limits::default(),
        stop: Arc::new(AtomicBool::new(false)),
    }
}

fn id(resource_type: &str, resource: &str) -> ResourceId {
    ResourceId {
        resource_type: resource_type.into(),
        resource: resource.into(),
        baton_resource: false,
    }
}

fn ksuid(n: usize) -> String {
    format!("2vU7QmBvvjK3kdYyV0000000{n:03}")
}

/// Writes sync `n`: so many users, one role that all of them have.
fn write(path: &Path, n: usize, users: usize, options: WriterOptions) -> Result<Published, C1zError> {
    let started_at =
        OffsetDateTime::from_unix_timestamp(1_780_000_000 + 100 * i64::try_from(n).unwrap()).unwrap();
    let target = Target::open(path, ExistingFilePolicy::Refuse)?;
    let header = SyncHeader {
        sync_id: ksuid(n),
        sync_type: "full",
        started_at,
    };
    let mut writer = Writer::begin(target, header, options)?;
    for name in ["user", "role"] {
        writer.put_resource_type(&ResourceType {
            id: name.into(),
            ..ResourceType::default()
        })?;
    }
    let names: Vec<String> = (0..users).map(|user| user.to_string()).collect();
    for name in &names {
        writer.put_resource(Resource {
            id: Some(id("user", name)),
            display_name: format!("User {name}"),
            ..Resource::default()
        })?;
    }
    let role = Resource {
        id: Some(id("role", "7")),
        ..Resource::default()
    };
    writer.put_resource(role.clone())?;
    let entitlement = Entitlement {
        id: "role:7:assigned".into(),
        resource: Some(role),
        ..Entitlement::default()
    };
    writer.put_entitlement(&entitlement)?;
    let template = GrantTemplate::new(&entitlement, "user", &[]);
    writer.put_grants(&template, names.iter().map(String::as_str))?;
    writer.prepare(started_at + time::Duration::seconds(5))?.publish()
}

fn open(path: &Path) -> Result<Reader, C1zError> {
    let folder = path.parent().unwrap();
    Reader::open(path, folder, Limits::default(), &AtomicBool::new(false))
}

fn grants(reader: &Reader, sync_id: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let take = |grant: baton_proto::connector_v2::Grant| {
        ids.push(grant.id);
        Ok::<(), C1zError>(())
    };
    reader.grants(sync_id, take).unwrap();
    ids
}

#[test]
fn written_files_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let published = write(&path, 1, 300, options(folder.path())).unwrap();
    assert_eq!(
        (published.rows, published.bytes),
        (2 + 301 + 1 + 300, fs::metadata(&path).unwrap().len())
    );

    let reader = open(&path).unwrap();
    let sync = reader.latest_finished().unwrap();
    assert_eq!(
        (sync.started_at.as_str(), sync.ended_at.as_deref()),
        ("2026-05-28 20:28:20", Some("2026-05-28 20:28:25"))
    );
    let stats = serde_json::to_string(&sync.stats).unwrap();
    insta::assert_snapshot!(stats, @r#"{"resource_types":2,"resources":301,"entitlements":1,"grants":300,"resources_by_resource_type":{"role":1,"user":300},"grants_by_resource_type":{"role":300},"entitlements_by_resource_type":{"role":1}}"#);
    assert_eq!(grants(&reader, &ksuid(1)).len(), 300);
    drop(reader);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "only the file itself stays"
    );
}

#[test]
fn one_frame_with_size_and_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    write(&path, 1, 10, options(folder.path())).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(&bytes[..5], b"C1ZF\0");
    let descriptor = bytes[5 + 4];
    assert_ne!(descriptor & 0b100, 0, "the checksum flag is set");
    let size = zstd::zstd_safe::get_frame_content_size(&bytes[5..])
        .unwrap()
        .unwrap();
    let frame = zstd::zstd_safe::find_frame_compressed_size(&bytes[5..]).unwrap();
    assert_eq!(frame, bytes.len() - 5, "nothing follows the frame");
    assert_eq!(zstd::decode_all(&bytes[5..]).unwrap().len() as u64, size);
}

#[test]
fn history_is_retained_up_to_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    for n in 1..=4 {
        write(&path, n, 10 * n, options(folder.path())).unwrap();
        let reader = open(&path).unwrap();
        let ids: Vec<String> = reader
            .syncs()
            .unwrap()
            .into_iter()
            .map(|sync| sync.sync_id)
            .collect();
        let expected: Vec<String> = (n.max(2) - 1..=n).map(ksuid).collect();
        assert_eq!(ids, expected);
        for (id, n) in expected.iter().zip(n.max(2) - 1..) {
            assert_eq!(grants(&reader, id).len(), 10 * n, "sync {n} is whole");
        }
        assert_eq!(reader.latest_finished().unwrap().sync_id, ksuid(n));
    }
}

#[test]
fn the_same_tenant_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a.c1z", "b.c1z"].map(|name| folder.path().join(name));
    let single = Compression {
        level: Some(2),
        threads: 0,
    };
    for path in [&a, &b] {
        write(
            path,
            1,
            5_000,
            WriterOptions {
                compression: single,
                ..options(folder.path())
            },
        )
        .unwrap();
    }
    let rows = |path: &Path| {
        let reader = open(path).unwrap();
        grants(&reader, &ksuid(1))
    };
    assert_eq!(rows(&a), rows(&b));
}

#[test]
fn duplicate_ids_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    write(&path, 1, 3, options(folder.path())).unwrap();
    let before = fs::read(&path).unwrap();
    let header = SyncHeader {
        sync_id: ksuid(2),
        sync_type: "full",
        started_at: OffsetDateTime::UNIX_EPOCH,
    };
    let target = Target::open(&path, ExistingFilePolicy::Refuse).unwrap();
    let mut writer = Writer::begin(target, header, options(folder.path())).unwrap();
    for _ in 0..2 {
        writer
            .put_resource(Resource {
                id: Some(id("user", "1")),
                ..Resource::default()
            })
            .unwrap();
    }
    let error = writer.prepare(OffsetDateTime::UNIX_EPOCH).unwrap_err();
    assert!(
        matches!(&error, C1zError::Duplicate { table: "v1_resources", id } if id.starts_with("user:1")),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_damaged_file_is_neither_continued_nor_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    write(&path, 1, 200, options(folder.path())).unwrap();
    let intact = fs::read(&path).unwrap();
    let mut cases: Vec<Vec<u8>> = (1..64)
        .map(|part| intact[..(intact.len() * part / 64).max(6)].to_vec())
        .collect();
    cases.extend((0..intact.len() - 5).step_by(97).map(|at| {
        let mut bytes = intact.clone();
        bytes[5 + at] ^= 0x55;
        bytes
    }));
    cases.push([intact.as_slice(), b"trailing text"].concat());
    for bytes in cases {
        fs::write(&path, &bytes).unwrap();
        let error = write(&path, 2, 5, options(folder.path())).unwrap_err();
        assert_eq!(error.status(), 15, "{error}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn concatenated_and_skippable_frames_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    write(&path, 1, 50, options(folder.path())).unwrap();
    let database = zstd::decode_all(&fs::read(&path).unwrap()[5..]).unwrap();
    let (first, second) = database.split_at(database.len() / 2);
    let skippable = [&0x184D_2A50_u32.to_le_bytes()[..], &3_u32.to_le_bytes(), b"abc"].concat();
    let parts = [
        b"C1ZF\0".to_vec(),
        zstd::encode_all(first, 1).unwrap(),
        zstd::encode_all(second, 1).unwrap(),
        skippable,
    ];
    fs::write(&path, parts.concat()).unwrap();
    assert_eq!(grants(&open(&path).unwrap(), &ksuid(1)).len(), 50);
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.c1z");
    let zeros = vec![0_u8; 64 << 20];
    fs::write(
        &path,
        [b"C1ZF\0".to_vec(), zstd::encode_all(zeros.as_slice(), 1).unwrap()].concat(),
    )
    .unwrap();
    let limits = Limits {
        decoded_bytes: 8 << 20,
        ..Limits::default()
    };
    let error = Reader::open(&path, folder.path(), limits, &AtomicBool::new(false)).unwrap_err();
    assert!(
        matches!(error, C1zError::TooLarge { limit: 8_388_608, .. }),
        "{error}"
    );
}

#[test]
fn stopping_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    write(&path, 1, 3, options(folder.path())).unwrap();
    let before = fs::read(&path).unwrap();
    let stopped = options(folder.path());
    stopped.stop.store(true, Ordering::Relaxed);
    assert!(matches!(
        write(&path, 2, 3, stopped).unwrap_err(),
        C1zError::Stopped
    ));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn files_with_the_oldest_columns_are_continued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.c1z");
    let database = folder.path().join("db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection
        .execute_batch(
            "create table v1_sync_runs (id integer primary key, sync_id text not null, started_at datetime not null,
                 ended_at datetime, sync_token text not null);
             create table v1_grants (id integer primary key, resource_type_id text not null, resource_id text not null,
                 entitlement_id text not null, principal_resource_type_id text not null,
                 principal_resource_id text not null, external_id text not null, data blob not null,
                 sync_id text not null, discovered_at datetime not null);
             create table extra (id integer primary key);
             insert into v1_sync_runs values (1, 'old', '2020-01-01 00:00:00', '2020-01-01 00:00:01', '');
             insert into v1_grants values (1, 'role', '1', 'e', 'user', '1', 'g', x'', 'old', '2020-01-01 00:00:00');",
        )
        .unwrap();
    drop(connection);
    let packed = zstd::encode_all(fs::read(&database).unwrap().as_slice(), 1).unwrap();
    fs::write(&path, [b"C1ZF\0".to_vec(), packed].concat()).unwrap();
    fs::remove_file(&database).unwrap();

    write(&path, 1, 4, options(folder.path())).unwrap();
    let reader = open(&path).unwrap();
    let ids: Vec<String> = reader
        .syncs()
        .unwrap()
        .into_iter()
        .map(|sync| sync.sync_id)
        .collect();
    assert_eq!(ids, ["old".to_owned(), ksuid(1)]);
    assert_eq!(grants(&reader, "old").len(), 1);
}
