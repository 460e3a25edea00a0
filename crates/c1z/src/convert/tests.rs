//! Round trips of files whose rows use every field.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use baton_proto::connector_v2::{
    AssetRef, Entitlement, Grant, GrantExpandable, GrantImmutable, GrantSources, Resource, ResourceType,
    grant_sources::GrantSource, resource_type::Trait,
};
use baton_proto::{pack, prost_types::Any};
use prost::Message;

use super::*;
use crate::options::Compression;
use crate::v1::compress;
use crate::v1::sqlite::Database;
use crate::v1::sqlite::Value;
use crate::v1::tables;
use crate::{Limits, Retention};

const SYNC: &str = "2vU7QmBvvjK3kdYyV0000000001";
const OLDER: &str = "2vU7QmBvvjK3kdYyV0000000000";
const UNFINISHED: &str = "2vU7QmBvvjK3kdYyV0000000002";

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

fn named(resource_type: &str, resource: &str) -> Resource {
    Resource {
        id: Some(id(resource_type, resource)),
        parent_resource_id: Some(id("organization", "1")),
        display_name: format!("{resource_type} {resource}"),
        icon: Some(AssetRef { id: "icon".into() }),
        ..Resource::default()
    }
}

fn kind(id: &str) -> ResourceType {
    ResourceType {
        id: id.into(),
        display_name: format!("The {id}s"),
        traits: vec![Trait::Role.into()],
        ..ResourceType::default()
    }
}

fn entitlement() -> Entitlement {
    Entitlement {
        id: "role:7:assigned".into(),
        display_name: "Assigned".into(),
        resource: Some(named("role", "7")),
        grantable_to: vec![kind("user")],
        slug: "assigned".into(),
        ..Entitlement::default()
    }
}

/// The database of a v1 file.
struct V1(Database);

impl V1 {
    fn new(folder: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        Self(Database::create(folder, &tables::TABLES, stop).unwrap())
    }

    fn run(&mut self, sync_id: &str, ended_at: Option<&str>) {
        let values = [
            Value::from(sync_id),
            Value::from("2026-11-26 04:05:06.7"),
            ended_at.map_or(Value::Null, Value::from),
            Value::from("token"),
            Value::from("full"),
            Value::from("parent"),
            Value::from("linked"),
            Value::Integer(1),
            Value::Integer(1),
            Value::Null,
            Value::from("1"),
            Value::from(r#"["I5","I10"]"#),
            Value::from("warn"),
        ];
        self.0.insert(tables::SYNC_RUNS, &values).unwrap();
    }

    fn types(&mut self, at: &str) {
        for row in [kind("user"), kind("role")] {
            let values = [
                Value::from(row.id.as_str()),
                Value::Blob(&row.encode_to_vec()),
                Value::from(SYNC),
                Value::from(at),
            ];
            self.0.insert(tables::RESOURCE_TYPES, &values).unwrap();
        }
    }

    fn resource(&mut self, row: &Resource, at: &str) {
        let id = row.id.clone().unwrap();
        let parent = row.parent_resource_id.clone().unwrap();
        let external_id = format!("{}:{}", id.resource_type, id.resource);
        let values = [
            Value::from(id.resource_type.as_str()),
            Value::from(external_id.as_str()),
            Value::from(parent.resource_type.as_str()),
            Value::from(parent.resource.as_str()),
            Value::Blob(&row.encode_to_vec()),
            Value::from(SYNC),
            Value::from(at),
        ];
        self.0.insert(tables::RESOURCES, &values).unwrap();
    }

    fn entitlement(&mut self, row: &Entitlement) {
        let values = [
            Value::from("role"),
            Value::from("7"),
            Value::from(row.id.as_str()),
            Value::Blob(&row.encode_to_vec()),
            Value::from(SYNC),
            Value::from("2026-11-26 04:05:09"),
        ];
        self.0.insert(tables::ENTITLEMENTS, &values).unwrap();
    }

    fn grant(&mut self, row: &Grant, expansion: Option<&[u8]>) {
        let principal = row.principal.clone().unwrap().id.unwrap();
        let values = [
            Value::from("role"),
            Value::from("7"),
            Value::from("role:7:assigned"),
            Value::from(principal.resource_type.as_str()),
            Value::from(principal.resource.as_str()),
            Value::from(row.id.as_str()),
            expansion.map_or(Value::Null, Value::Blob),
            Value::Integer(i64::from(expansion.is_some())),
            Value::Blob(&row.encode_to_vec()),
            Value::from(SYNC),
            Value::from("2026-11-26 04:05:10.123456789"),
        ];
        self.0.insert(tables::GRANTS, &values).unwrap();
    }

    fn asset(&mut self) {
        let values = [
            Value::from("icon"),
            Value::from("image/png"),
            Value::Blob(b"\x89PNG"),
            Value::from(SYNC),
            Value::from("2026-11-26 04:05:11"),
        ];
        self.0.insert(tables::ASSETS, &values).unwrap();
    }

    fn write(self, path: &Path) {
        let database = self.0.finish(&|_, _| {}).unwrap();
        let file = fs::File::create(path).unwrap();
        compress::compress(database, &file, Compression::default(), &AtomicBool::new(false)).unwrap();
    }
}

fn grant(principal: &str, annotations: Vec<Any>) -> Grant {
    Grant {
        id: format!("role:7:assigned:user:{principal}"),
        entitlement: Some(entitlement()),
        principal: Some(Resource {
            id: Some(id("user", principal)),
            parent_resource_id: Some(id("organization", "1")),
            ..Resource::default()
        }),
        annotations,
        ..Grant::default()
    }
}

/// A v1 with a sync that uses everything, an older one and an unfinished one.
fn everything(folder: &Path) {
    let mut v1 = V1::new(folder);
    v1.run(OLDER, Some("2026-11-25 04:06:00"));
    v1.run(SYNC, Some("2026-11-26 04:06:00"));
    v1.run(UNFINISHED, None);
    v1.types("2026-11-26 04:05:07");
    for row in [named("user", "1"), named("user", "2"), named("role", "7")] {
        v1.resource(&row, "2026-11-26 04:05:08.5");
    }
    v1.entitlement(&entitlement());
    v1.grant(&grant("1", vec![pack(&GrantImmutable::default())]), None);
    let mut derived = grant("2", Vec::new());
    derived.id = "an id of its own".into();
    let source = |is_direct| GrantSource { is_direct };
    derived.sources = Some(GrantSources {
        sources: [("a:b".to_owned(), source(true)), ("c".to_owned(), source(false))].into(),
    });
    let rule = GrantExpandable {
        entitlement_ids: vec!["user:2:member".into()],
        shallow: true,
        resource_type_ids: vec!["user".into()],
    };
    v1.grant(&derived, Some(&rule.encode_to_vec()));
    v1.asset();
    v1.write(&folder.join("v1.c1z"));
}

/// Everything in a sync, as text.
fn contents(path: &Path) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let reader = Reader::open(path, folder.path(), Limits::default(), &AtomicBool::new(false)).unwrap();
    let sync = reader.latest_finished().unwrap();
    let started_at = OffsetDateTime::UNIX_EPOCH;
    let mut lines = vec![
        format!("{} {} {:?}", sync.sync_type, sync.started_at, sync.ended_at),
        format!("{:?}", reader.lineage(&sync.sync_id).unwrap()),
    ];
    let mut tell = |line: String| {
        lines.push(line);
        Ok(())
    };
    let id = sync.sync_id.as_str();
    reader
        .stored(tables::RESOURCE_TYPES, id, started_at, |row: ResourceType, at| {
            tell(format!("{at} {row:?}"))
        })
        .unwrap();
    reader
        .stored(tables::RESOURCES, id, started_at, |row: Resource, at| {
            tell(format!("{at} {row:?}"))
        })
        .unwrap();
    reader
        .stored(tables::ENTITLEMENTS, id, started_at, |row: Entitlement, at| {
            tell(format!("{at} {row:?}"))
        })
        .unwrap();
    reader
        .grant_records(id, started_at, |record| tell(format!("{record:?}")))
        .unwrap();
    reader
        .grants(id, |row| tell(format!("{:?}", row.entitlement)))
        .unwrap();
    reader
        .asset_records(id, started_at, |record| tell(format!("{record:?}")))
        .unwrap();
    lines.sort();
    lines
}

#[test]
fn rows_survive_a_round_trip_through_v3() {
    let folder = tempfile::tempdir().unwrap();
    let [v1, v3, back] = ["v1.c1z", "v3.c1z", "back.c1z"].map(|name| folder.path().join(name));
    everything(folder.path());
    let there = convert(&v1, &v3, None, options(folder.path())).unwrap();
    assert_eq!(
        (there.from, there.to, there.left_out, there.merged),
        (StorageEngine::Sqlite, StorageEngine::Pebble, 2, 0)
    );
    assert_eq!(there.published.rows, 2 + 3 + 1 + 2 + 1);
    assert_eq!(Container::detect(&v3).unwrap(), Container::V3);
    let again = convert(&v3, &back, Some(SYNC), options(folder.path())).unwrap();
    assert_eq!((again.to, again.left_out), (StorageEngine::Sqlite, 0));
    assert_eq!(contents(&back), contents(&v1));
    assert_eq!(contents(&v1).len(), 2 + 2 + 3 + 1 + 2 + 2 + 1);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        3,
        "nothing stays but the files"
    );
}

#[test]
fn expansions_are_read_from_annotations_of_old_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut v1 = V1::new(folder.path());
    let values = [
        Value::from(SYNC),
        Value::from("2026-11-26 04:05:06"),
        Value::from("2026-11-26 04:06:00"),
        Value::from(""),
        Value::from("full"),
        Value::from(""),
        Value::from(""),
        Value::Integer(0),
        // The writer did not store the expansions in their column.
        Value::Integer(0),
        Value::Null,
        Value::from(""),
        Value::from(""),
        Value::from(""),
    ];
    v1.0.insert(tables::SYNC_RUNS, &values).unwrap();
    let rule = |ids: &[&str]| {
        pack(&GrantExpandable {
            entitlement_ids: ids.iter().map(|&id| id.to_owned()).collect(),
            ..GrantExpandable::default()
        })
    };
    let immutable = pack(&GrantImmutable::default());
    v1.grant(&grant("1", vec![rule(&["x"]), immutable.clone()]), None);
    v1.grant(&grant("2", vec![rule(&[" "])]), None);
    let (from, to) = (folder.path().join("v1.c1z"), folder.path().join("v3.c1z"));
    v1.write(&from);
    convert(&from, &to, None, options(folder.path())).unwrap();
    let reader = Reader::open(&to, folder.path(), Limits::default(), &AtomicBool::new(false)).unwrap();
    let mut found = Vec::new();
    reader
        .grant_records(SYNC, OffsetDateTime::UNIX_EPOCH, |record| {
            let rule = record.expansion.map(|rule| rule.entitlement_ids);
            found.push((record.needs_expansion, rule, record.annotations));
            Ok(())
        })
        .unwrap();
    assert_eq!(
        found,
        [
            (true, Some(vec!["x".to_owned()]), vec![immutable]),
            (false, None, Vec::new())
        ]
    );
}

#[test]
fn grants_that_v3_cannot_distinguish_are_merged() {
    let folder = tempfile::tempdir().unwrap();
    let mut v1 = V1::new(folder.path());
    v1.run(SYNC, Some("2026-11-26 04:06:00"));
    for name in ["b", "a", "c"] {
        let mut row = grant("1", Vec::new());
        row.id = name.into();
        v1.grant(&row, None);
    }
    v1.grant(&grant("2", Vec::new()), None);
    let (from, to) = (folder.path().join("v1.c1z"), folder.path().join("v3.c1z"));
    v1.write(&from);
    let converted = convert(&from, &to, None, options(folder.path())).unwrap();
    assert_eq!((converted.merged, converted.published.rows), (2, 2));
    let reader = Reader::open(&to, folder.path(), Limits::default(), &AtomicBool::new(false)).unwrap();
    let mut ids = Vec::new();
    reader
        .grants(SYNC, |row| {
            ids.push(row.id);
            Ok::<(), C1zError>(())
        })
        .unwrap();
    assert_eq!(ids, ["a", "role:7:assigned:user:2"]);
}

#[test]
fn failed_conversions_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    everything(folder.path());
    let mut v1 = V1::new(folder.path());
    v1.run(SYNC, Some("2026-11-26 04:06:00"));
    v1.grant(&grant("", Vec::new()), None);
    v1.write(&path("nameless.c1z"));
    fs::write(path("taken"), "mine").unwrap();
    let try_it = |from: &str, to: &str, sync: Option<&str>, engine: Option<StorageEngine>| {
        let options = WriterOptions {
            engine,
            ..options(folder.path())
        };
        let error = convert(&path(from), &path(to), sync, options).unwrap_err();
        (error.status(), error.to_string())
    };
    let sqlite = Some(StorageEngine::Sqlite);
    for (outcome, code, says) in [
        (try_it("v1.c1z", "taken", None, None), 6, "already exists"),
        (try_it("v1.c1z", "v1.c1z", None, None), 6, "already exists"),
        (
            try_it("v1.c1z", "new", None, sqlite),
            3,
            "is already a c1z v1 file",
        ),
        (
            try_it("v1.c1z", "new", Some(UNFINISHED), None),
            5,
            "that is finished",
        ),
        (try_it("v1.c1z", "new", Some("x"), None), 5, "has no sync x"),
        (try_it("nameless.c1z", "new", None, None), 9, "lacks ids"),
        (try_it("absent", "new", None, None), 5, "there is no file"),
        (try_it("taken", "new", None, None), 3, "is not a c1z file"),
        (try_it("v1.c1z", "no/new", None, None), 3, "does not exist"),
    ] {
        assert_eq!(outcome.0, code, "{outcome:?}");
        assert!(outcome.1.contains(says), "{outcome:?}");
    }
    let options = options(folder.path());
    options.stop.store(true, Ordering::Relaxed);
    let error = convert(&path("v1.c1z"), &path("new"), None, options).unwrap_err();
    assert!(matches!(error, C1zError::Stopped), "{error}");
    assert_eq!(fs::read(path("taken")).unwrap(), b"mine");
    let mut left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["nameless.c1z", "taken", "v1.c1z"]);
}
