//! v3 files through the public interface: the same bytes, what they replace, what they refuse.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use baton_proto::c1z_v3::{C1zManifestV3, IndexedFrameIndex, PayloadEncoding};
use baton_proto::connector_v2::{Entitlement, Resource, ResourceId, ResourceType};
use c1z::{
    C1zError, Compression, Container, ExistingFilePolicy, GrantTemplate, Limits, PreviousId, Reader,
    Retention, StorageEngine, SyncHeader, SyncRow, Target, Writer, WriterOptions,
};
use prost::Message;
use time::OffsetDateTime;

fn begin(path: &Path, engine: StorageEngine, sync_type: &'static str) -> Result<Writer, C1zError> {
    let (options, header) = settings(path, engine, sync_type);
    Writer::begin(Target::open(path, ExistingFilePolicy::Refuse)?, header, options)
}

fn settings(path: &Path, engine: StorageEngine, sync_type: &'static str) -> (WriterOptions, SyncHeader) {
    let options = WriterOptions {
        temp_folder: path.parent().unwrap().to_owned(),
        engine: Some(engine),
        retention: Retention::default(),
        compression: Compression::default(),
        limits: Limits::default(),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let header = SyncHeader {
        sync_id: "2vU7QmBvvjK3kdYyV0000000001".into(),
        sync_type,
        started_at: OffsetDateTime::UNIX_EPOCH,
    };
    (options, header)
}

fn resource(resource_type: &str, resource: &str) -> Resource {
    Resource {
        id: Some(ResourceId {
            resource_type: resource_type.into(),
            resource: resource.into(),
            baton_resource: false,
        }),
        display_name: "A name that is the same for many".repeat(20),
        ..Resource::default()
    }
}

/// Puts users and a role that all of them hold, in some order.
fn put(writer: &mut Writer, users: impl Iterator<Item = u32> + Clone) -> Result<(), C1zError> {
    writer.put_resource_type(&ResourceType::default())?;
    let role = resource("role", "7");
    writer.put_resource(role.clone())?;
    let entitlement = Entitlement {
        id: "role:7:assigned".into(),
        resource: Some(role),
        ..Entitlement::default()
    };
    writer.put_entitlement(&entitlement)?;
    let names: Vec<String> = users.map(|user| user.to_string()).collect();
    for name in &names {
        writer.put_resource(resource("user", name))?;
    }
    let template = GrantTemplate::new(&entitlement, "user", &[]);
    writer.put_grants(&template, names.iter().map(String::as_str))
}

fn write(path: &Path, users: impl Iterator<Item = u32> + Clone) -> Result<Vec<u8>, C1zError> {
    let mut writer = begin(path, StorageEngine::Pebble, "full")?;
    put(&mut writer, users)?;
    writer.prepare(OffsetDateTime::UNIX_EPOCH)?.publish()?;
    Ok(fs::read(path).unwrap())
}

#[test]
fn row_order_does_not_change_the_file() {
    let folder = tempfile::tempdir().unwrap();
    // Enough for several tables, and for sorting on disk.
    let path = folder.path().join("sync.c1z");
    let users = 0..20_000;
    let one = write(&path, users.clone()).unwrap();
    let other = write(&path, users.rev()).unwrap();
    assert!(one == other);
    assert_eq!(Container::detect(&path).unwrap(), Container::V3);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "only the file itself stays"
    );
}

#[test]
fn the_replaced_sync_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let mut v1 = begin(&path, StorageEngine::Sqlite, "full").unwrap();
    assert!(v1.previous().is_none());
    put(&mut v1, 0..5).unwrap();
    v1.prepare(OffsetDateTime::UNIX_EPOCH).unwrap().publish().unwrap();
    for users in [7_u64, 9] {
        let was = if users == 7 { 5 } else { 7 };
        let mut writer = begin(&path, StorageEngine::Pebble, "full").unwrap();
        let (sync_id, stats) = writer.previous().unwrap();
        assert_eq!((sync_id, stats.grants), ("2vU7QmBvvjK3kdYyV0000000001", was));
        assert_eq!(stats.resources_by_resource_type["user"], was);
        assert!(stats.has_type_counts());
        put(&mut writer, 0..u32::try_from(users).unwrap()).unwrap();
        writer
            .prepare(OffsetDateTime::UNIX_EPOCH)
            .unwrap()
            .publish()
            .unwrap();
    }
}

/// A file whose manifest is another one; its payload becomes an archive, as that has no hash of the manifest.
fn with_manifest(path: &Path, change: impl FnOnce(&mut C1zManifestV3)) {
    let file = fs::read(path).unwrap();
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    let begin = 9 + number(&file[5..9]);
    let footer = file.len() - 28;
    let mut manifest = C1zManifestV3::decode(&file[9..begin]).unwrap();
    let index = IndexedFrameIndex::decode(&file[number(&file[footer..footer + 8])..footer]).unwrap();
    let mut archive = tar::Builder::new(Vec::new());
    for entry in index.entries {
        let at = usize::try_from(entry.frame_offset).unwrap();
        let frame = &file[at..at + usize::try_from(entry.compressed_size).unwrap()];
        let content = zstd::stream::decode_all(frame).unwrap();
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o600);
        header.set_size(content.len() as u64);
        archive
            .append_data(&mut header, entry.name, content.as_slice())
            .unwrap();
    }
    manifest.payload_encoding = PayloadEncoding::Tar.into();
    change(&mut manifest);
    let manifest = manifest.encode_to_vec();
    let length = u32::try_from(manifest.len()).unwrap().to_be_bytes();
    let archive = archive.into_inner().unwrap();
    fs::write(path, [&file[..5], &length, &manifest, &archive].concat()).unwrap();
}

#[test]
fn counts_missing_in_the_manifest_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let forget: [fn(&mut C1zManifestV3); 3] = [
        |_| {},
        |manifest| manifest.sync_runs[0].stats = None,
        |manifest| manifest.sync_runs.clear(),
    ];
    for forget in forget {
        write(&path, 0..7).unwrap();
        with_manifest(&path, forget);
        let stop = AtomicBool::new(false);
        let syncs = Reader::syncs_of(&path, folder.path(), Limits::default(), &stop).unwrap();
        let latest = SyncRow::latest_finished(&syncs).unwrap();
        assert_eq!(latest.sync_id, "2vU7QmBvvjK3kdYyV0000000001");
        let writer = begin(&path, StorageEngine::Pebble, "full").unwrap();
        let (sync_id, stats) = writer.previous().unwrap();
        assert_eq!((sync_id, stats.grants), (latest.sync_id.as_str(), 7));
        assert_eq!(stats.resources_by_resource_type["user"], 7);
        drop(writer);
        let error = begin(&path, StorageEngine::Pebble, "partial").unwrap_err();
        assert!(matches!(error, C1zError::OneSync { .. }), "{error}");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_partial_sync_does_not_replace_the_full_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let before = write(&path, 0..3).unwrap();
    let error = begin(&path, StorageEngine::Pebble, "partial").unwrap_err();
    assert!(matches!(error, C1zError::OneSync { .. }), "{error}");
    let mut writer = begin(&path, StorageEngine::Pebble, "full").unwrap();
    let error = writer.mark_partial().unwrap_err();
    assert_eq!(error.status(), 9, "{error}");
    drop(writer);
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn duplicate_rows_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let error = write(&path, [1, 2, 1].into_iter()).unwrap_err();
    let C1zError::Duplicate {
        table: "resources",
        id,
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(id, "user, 1");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn stop_flag_cancels() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let (options, header) = settings(&path, StorageEngine::Pebble, "full");
    let stop = Arc::clone(&options.stop);
    let target = Target::open(&path, ExistingFilePolicy::Refuse).unwrap();
    let mut writer = Writer::begin(target, header, options).unwrap();
    put(&mut writer, 0..10_000).unwrap();
    stop.store(true, Ordering::Relaxed);
    let error = writer.prepare(OffsetDateTime::UNIX_EPOCH).unwrap_err();
    assert!(matches!(error, C1zError::Stopped), "{error}");
    assert!(!path.exists());
}

#[test]
fn written_files_can_be_continued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    write(&path, 0..20_000).unwrap();
    let stop = AtomicBool::new(false);
    let reader = Reader::open(&path, folder.path(), Limits::default(), &stop).unwrap();
    let sync = reader.latest_finished().unwrap();
    assert_eq!(
        (sync.sync_type.as_str(), sync.stats.unwrap().grants),
        ("full", 20_000)
    );
    let (mut resources, mut grants) = (Vec::new(), Vec::new());
    reader
        .resources(&sync.sync_id, |row| {
            resources.push(row);
            Ok::<(), C1zError>(())
        })
        .unwrap();
    reader
        .grants(&sync.sync_id, |row| {
            grants.push(row.id);
            Ok::<(), C1zError>(())
        })
        .unwrap();
    assert_eq!(resources.len(), 20_001);
    assert!(resources.contains(&resource("user", "19999")));
    let mut expected: Vec<String> = (0..20_000)
        .map(|user| format!("role:7:assigned:user:{user}"))
        .collect();
    expected.sort();
    assert_eq!(grants, expected);
    drop(reader);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "only the file itself stays"
    );
}

/// Every byte of the store within a sound envelope matters: none is read as something else, and nothing panics.
#[test]
fn damaged_stores_are_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let intact = write(&path, 0..3).unwrap();
    let small = Limits {
        decoded_bytes: 1000,
        ..Limits::default()
    };
    let stop = AtomicBool::new(false);
    let error = Reader::open(&path, folder.path(), small, &stop).unwrap_err();
    assert!(matches!(error, C1zError::TooLarge { .. }), "{error}");
    for at in (0..intact.len()).step_by(97) {
        let mut spoilt = intact.clone();
        spoilt[at] ^= 0x11;
        fs::write(&path, &spoilt).unwrap();
        if let Err(error) = Reader::open(&path, folder.path(), Limits::default(), &stop) {
            assert!(matches!(error.status(), 3 | 8 | 12 | 15), "byte {at}: {error}");
        }
    }
    stop.store(true, Ordering::Relaxed);
    fs::write(&path, &intact).unwrap();
    let error = Reader::open(&path, folder.path(), Limits::default(), &stop).unwrap_err();
    assert!(matches!(error, C1zError::Stopped), "{error}");
}

fn publish(writer: Writer) {
    writer
        .prepare(OffsetDateTime::UNIX_EPOCH)
        .unwrap()
        .publish()
        .unwrap();
}

/// The ids of the sync that a writer replaces, as texts.
fn previous_ids(writer: &mut Writer) -> Result<Vec<String>, C1zError> {
    let mut ids = writer.fold_previous_ids(Vec::new, |ids, id| {
        ids.push(match id {
            PreviousId::Resource { resource_type, id } => format!("{resource_type}:{id}"),
            PreviousId::Grant {
                entitlement,
                principal_type,
                principal,
            } => format!("{entitlement} {principal_type}:{principal}"),
        });
    })?;
    ids.sort();
    Ok(ids)
}

#[test]
fn ids_of_the_replaced_sync_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let mut writer = begin(&path, StorageEngine::Pebble, "full").unwrap();
    put(&mut writer, 0..20_000).unwrap();
    // Its table is too large for the memory.
    let mut large = resource("user", "large\u{1}");
    large.display_name = "x".repeat(17 << 20);
    writer.put_resource(large).unwrap();
    publish(writer);
    let mut expected = vec!["role:7".to_owned(), "user:large\u{1}".to_owned()];
    for user in 0..20_000 {
        expected.push(format!("user:{user}"));
        expected.push(format!("role:7:assigned user:{user}"));
    }
    expected.sort();

    let mut writer = begin(&path, StorageEngine::Pebble, "full").unwrap();
    assert_eq!(previous_ids(&mut writer).unwrap(), expected);
    assert_eq!(previous_ids(&mut writer).unwrap(), [""; 0], "they are read once");
    drop(writer);
    let mut partial = begin(&path, StorageEngine::Pebble, "partial").err();
    assert!(matches!(partial.take(), Some(C1zError::OneSync { .. })));

    with_manifest(&path, |_| {});
    let mut writer = begin(&path, StorageEngine::Pebble, "full").unwrap();
    assert_eq!(previous_ids(&mut writer).unwrap(), expected, "of an archive");
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn types_of_the_replaced_resources_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let types = ["a", "a\0", "a\0b", "a\u{1}", "a\u{2}", "ab", "b"];
    let mut writer = begin(&path, StorageEngine::Pebble, "full").unwrap();
    for (at, resource_type) in types.into_iter().enumerate() {
        for id in 0..=at {
            writer
                .put_resource(resource(resource_type, &id.to_string()))
                .unwrap();
        }
    }
    publish(writer);
    let (options, header) = settings(&path, StorageEngine::Pebble, "full");
    let target = Target::open(&path, ExistingFilePolicy::Refuse).unwrap();
    let mut found = None;
    Writer::begin_if(target, header, options, |contents| {
        found = Some(contents.resource_types.clone());
        Ok::<(), C1zError>(())
    })
    .unwrap();
    assert_eq!(found.unwrap(), types.map(str::to_owned).into());
}

#[test]
fn damage_to_a_table_is_found_when_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let mut writer = begin(&path, StorageEngine::Pebble, "full").unwrap();
    put(&mut writer, 0..1).unwrap();
    let entitlement = Entitlement {
        id: "role:8:assigned".into(),
        resource: Some(resource("role", "8")),
        ..Entitlement::default()
    };
    let names: Vec<String> = (0..12_000).map(|user| format!("{user:0>900}")).collect();
    let template = GrantTemplate::new(&entitlement, "user", &[]);
    writer
        .put_grants(&template, names.iter().map(String::as_str))
        .unwrap();
    publish(writer);
    let intact = fs::read(&path).unwrap();
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let footer = intact.len() - 28;
    let index = &intact[number(&intact[footer..footer + 8])..footer];
    let index = IndexedFrameIndex::decode(index).unwrap();
    let is_table = |name: &str| Path::new(name).extension().is_some_and(|kind| kind == "sst");
    let tables = index.entries.iter().filter(|entry| is_table(&entry.name));
    let mut found = [0; 3];
    for table in tables {
        let mut spoilt = intact.clone();
        spoilt[usize::try_from(table.frame_offset + table.compressed_size / 2).unwrap()] ^= 0x11;
        fs::write(&path, &spoilt).unwrap();
        let begun = begin(&path, StorageEngine::Pebble, "full");
        let (when, read) = match begun {
            Err(error) => (0, Err(error)),
            Ok(mut writer) => (1, previous_ids(&mut writer)),
        };
        match read {
            Ok(ids) => {
                assert_eq!(ids.len(), 12_003);
                found[2] += 1;
            }
            Err(error) => {
                assert_eq!(error.status(), 15, "{error}");
                assert!(error.to_string().contains(&table.name), "{error}");
                found[when] += 1;
            }
        }
        assert_eq!(fs::read(&path).unwrap(), spoilt);
    }
    // Grants are not read if their index is complete.
    let [at_begin, at_comparison, never] = found;
    assert!(at_begin > 0 && at_comparison > 0 && never > 0, "{found:?}");

    fs::write(&path, &intact).unwrap();
    let (options, header) = settings(&path, StorageEngine::Pebble, "full");
    let stop = Arc::clone(&options.stop);
    let target = Target::open(&path, ExistingFilePolicy::Refuse).unwrap();
    let mut writer = Writer::begin(target, header, options).unwrap();
    stop.store(true, Ordering::Relaxed);
    let error = previous_ids(&mut writer).unwrap_err();
    assert!(matches!(error, C1zError::Stopped), "{error}");
}
