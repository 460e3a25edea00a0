//! A location knows what it holds: every sink type refuses foreign data and leaves it unchanged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use baton_proto::connector_v2 as v2;
use c1z::{
    Compression, ExistingFilePolicy, Limits, Retention, StorageEngine, SyncHeader, Target, Writer,
    WriterOptions,
};
use time::{Duration, OffsetDateTime};

use crate::harness::{RunOutput, TestContext};

/// A kind of sink.
struct Kind {
    name: &'static str,
    /// File or folder.
    location: &'static str,
    /// The arguments that write there.
    arguments: &'static [&'static str],
    /// The contents of a location written by another program, or by this one in another format.
    other_format: fn(&TestContext, &Path),
    /// How a file's sync gets there.
    import: Import,
}

/// How a sync of a file gets into a location.
enum Import {
    /// The location is a file of this type.
    Written(StorageEngine),
    /// Set by a command, to which the file is appended.
    Command(&'static [&'static str]),
}

const KINDS: &[Kind] = &[
    Kind {
        name: "c1z v1",
        location: "sync.c1z",
        arguments: &["--file", "sync.c1z"],
        other_format: |_, location| fs::write(location, "no c1z\n").unwrap(),
        import: Import::Written(StorageEngine::Sqlite),
    },
    Kind {
        name: "c1z v3",
        location: "sync.c1z",
        arguments: &["--file", "sync.c1z", "--storage-engine", "pebble"],
        other_format: |_, location| fs::write(location, "no c1z\n").unwrap(),
        import: Import::Written(StorageEngine::Pebble),
    },
    Kind {
        name: "html",
        location: "report.html",
        arguments: &["--sink", "html=report.html"],
        other_format: |_, location| fs::write(location, "<!doctype html><p>no report</p>\n").unwrap(),
        import: Import::Command(&["report", "--to", "report.html", "--from"]),
    },
    Kind {
        name: "parquet",
        location: "dataset",
        arguments: &["--sink", "parquet=dataset"],
        other_format: |context, _| assert_eq!(context.run(&["--sink", "csv=dataset"]).code, Some(0)),
        import: Import::Command(&["export", "--sink", "parquet=dataset", "--from"]),
    },
    Kind {
        name: "csv",
        location: "dataset",
        arguments: &["--sink", "csv=dataset"],
        other_format: |context, _| assert_eq!(context.run(&["--sink", "parquet=dataset"]).code, Some(0)),
        import: Import::Command(&["export", "--sink", "csv=dataset", "--from"]),
    },
];

impl Kind {
    /// Runs a sync into the location of another test's folder.
    fn sync(&self, context: &TestContext, folder: &TestContext, more: &[&str]) -> RunOutput {
        let arguments: Vec<&str> = self.arguments.iter().chain(more).copied().collect();
        context.finish(context.command(&arguments).current_dir(folder.folder.path()))
    }

    /// The sync is refused before the tenant is read, nothing is touched, and `--replace-existing` goes over it.
    fn refuses(&self, context: &TestContext, folder: &TestContext, why: &str) {
        let before = bytes(folder.folder.path());
        let calls = context.sim().ledger().calls().len();
        let ran = self.sync(context, folder, &[]);
        let name = self.name;
        assert_eq!(ran.code, Some(9), "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains(why), "{name}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("--replace-existing"),
            "{name}: {}",
            ran.stderr
        );
        assert!(
            bytes(folder.folder.path()) == before,
            "{name}: something was touched"
        );
        let read = &context.sim().ledger().calls()[calls..];
        assert!(
            read.iter().all(|call| call.path.ends_with("/oauth/token")),
            "{name}: the tenant was read"
        );
        let ran = self.sync(context, folder, &["--replace-existing"]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        let ran = self.sync(context, folder, &[]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
    }
}

/// All files below a folder, with their bytes.
fn bytes(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(bytes(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// A c1z with one resource, written without this program.
pub(crate) fn write_c1z(
    path: &Path,
    engine: StorageEngine,
    resource_type: &str,
    tenant: Option<&str>,
    started_at: OffsetDateTime,
) {
    let temp = tempfile::tempdir().unwrap();
    let target = Target::open(path, ExistingFilePolicy::Replace).unwrap();
    let header = SyncHeader {
        sync_id: "3Mo1jS2sAAAAAAAAAAAAAAAAAAA".to_owned(),
        sync_type: "full",
        started_at,
    };
    let options = WriterOptions {
        temp_folder: temp.path().to_owned(),
        engine: Some(engine),
        retention: Retention::default(),
        compression: Compression::default(),
        limits: Limits::default(),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let mut writer = Writer::begin(target, header, options).unwrap();
    let kind = v2::ResourceType {
        id: resource_type.to_owned(),
        display_name: resource_type.to_owned(),
        ..v2::ResourceType::default()
    };
    writer.put_resource_type(&kind).unwrap();
    let resource = v2::Resource {
        id: Some(v2::ResourceId {
            resource_type: resource_type.to_owned(),
            resource: "3".to_owned(),
            baton_resource: false,
        }),
        display_name: "One".to_owned(),
        ..v2::Resource::default()
    };
    writer.put_resource(resource).unwrap();
    if let Some(tenant) = tenant {
        writer.set_note(&serde_json::json!({ "tenant": tenant }));
    }
    writer
        .prepare(started_at + Duration::seconds(1))
        .unwrap()
        .publish()
        .unwrap();
}

#[test]
fn another_tenant_is_refused() {
    for kind in KINDS {
        let context = TestContext::msp();
        let ran = kind.sync(&context, &context, &[]);
        assert_eq!(ran.code, Some(0), "{}: {}", kind.name, ran.stderr);
        let other = TestContext::msp();
        let why = format!(
            "it holds syncs of the tenant {}, not of {}",
            context.base_url.as_ref().unwrap(),
            other.base_url.as_ref().unwrap()
        );
        kind.refuses(&other, &context, &why);
    }
}

#[test]
fn a_sync_from_the_future_is_refused() {
    for kind in KINDS {
        let context = TestContext::msp();
        let tomorrow = OffsetDateTime::now_utc() + Duration::days(1);
        let tenant = context.base_url.as_deref();
        match kind.import {
            Import::Written(engine) => {
                write_c1z(&context.path(kind.location), engine, "user", tenant, tomorrow);
            }
            Import::Command(command) => {
                let elsewhere = tempfile::tempdir().unwrap();
                let file = elsewhere.path().join("future.c1z");
                write_c1z(&file, StorageEngine::Sqlite, "user", tenant, tomorrow);
                let arguments: Vec<&str> = command.iter().copied().chain(file.to_str()).collect();
                let ran = context.run(&arguments);
                assert_eq!(ran.code, Some(0), "{}: {}", kind.name, ran.stderr);
            }
        }
        kind.refuses(&context, &context, "which is after the start of this one");
    }
}

#[test]
fn the_data_of_another_connector_is_refused() {
    let last_year = OffsetDateTime::now_utc() - Duration::days(365);
    for kind in KINDS {
        let Import::Written(engine) = kind.import else {
            continue;
        };
        let context = TestContext::msp();
        write_c1z(
            &context.path(kind.location),
            engine,
            "repository",
            None,
            last_year,
        );
        kind.refuses(
            &context,
            &context,
            "it holds the data of another connector (repository)",
        );
    }
}

#[test]
fn another_format_is_refused() {
    for kind in KINDS {
        let context = TestContext::msp();
        (kind.other_format)(&context, &context.path(kind.location));
        kind.refuses(&context, &context, "");
    }
}

#[test]
fn a_file_without_a_tenant_is_continued() {
    let last_year = OffsetDateTime::now_utc() - Duration::days(365);
    for engine in [StorageEngine::Sqlite, StorageEngine::Pebble] {
        let context = TestContext::msp();
        write_c1z(&context.path("sync.c1z"), engine, "user", None, last_year);
        let ran = context.run(&[]);
        // The user in it is a user of the tenant, so that nothing is lost.
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let export = ["export", "--from", "sync.c1z", "--sink", "csv=out"];
        assert_eq!(
            context.run(&export).code,
            Some(0),
            "the file names its tenant now"
        );
    }
}

#[test]
fn a_file_without_a_tenant_is_exported_with_a_given_one() {
    let context = TestContext::bare();
    let last_year = OffsetDateTime::now_utc() - Duration::days(365);
    write_c1z(
        &context.path("any.c1z"),
        StorageEngine::Sqlite,
        "user",
        None,
        last_year,
    );
    let command = ["report", "--from", "any.c1z", "--to", "report.html"];
    let ran = context.run(&command);
    insta::assert_snapshot!(context.error_snapshot(&ran));
    context.assert_only_files(&["any.c1z"]);
    let given: Vec<&str> = command
        .into_iter()
        .chain(["--tenant", "https://tenant.example"])
        .collect();
    let ran = context.run(&given);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}
