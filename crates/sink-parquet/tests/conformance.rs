//! What every access sink has to keep, and that large tables become several files.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::io::Write;
use std::sync::Arc;

use access_core::model::{
    AccessBatch, DisplayName, Entitlement, GrantGroup, NativeId, Profile, Purpose, Resource, ResourceId,
    ResourceType, ResourceTypeId, RowKind, Slug, SyncId, SyncRun, SyncType, Trait, TraitKind, TypeImportance,
};
use access_core::ports::{AccessSink, SinkWriter};
use access_core::sync::{Ledger, SyncSummary};
use access_dataset::{
    Dataset, DatasetSink, DatasetSinkConfig, FileFormat, FileWriter, FormatError, Location, Manifest,
    POINTER, Pointer, ReadBack,
};
use sink_parquet::ParquetFormat;
use tempfile::TempDir;
use time::macros::datetime;

/// Parquet with small files.
struct SmallFiles;

impl FileFormat for SmallFiles {
    fn name(&self) -> &'static str {
        ParquetFormat.name()
    }

    fn extension(&self) -> &'static str {
        ParquetFormat.extension()
    }

    fn rows_per_file(&self) -> u64 {
        10_000
    }

    fn create(
        &self,
        dataset: Dataset,
        out: Box<dyn Write + Send>,
    ) -> Result<Box<dyn FileWriter>, FormatError> {
        ParquetFormat.create(dataset, out)
    }

    fn count_rows(&self, back: &mut ReadBack) -> Result<u64, FormatError> {
        ParquetFormat.count_rows(back)
    }
}

const USERS: u64 = 40_000;

fn sink(folder: &TempDir) -> DatasetSink {
    let config = DatasetSinkConfig {
        location: Location::Folder(folder.path().to_owned()),
        temp_folder: std::env::temp_dir(),
    };
    DatasetSink::new(config, SmallFiles)
}

fn run(second: u8) -> SyncRun {
    let started_at = datetime!(2026-11-24 12:00:00 UTC) + time::Duration::seconds(second.into());
    SyncRun {
        id: SyncId::from_parts(started_at, [second; 16]),
        sync_type: SyncType::Full,
        tenant: "https://tenant.example".to_owned(),
        started_at,
    }
}

fn summary(run: &SyncRun) -> SyncSummary {
    let mut ledger = Ledger::default();
    ledger.written(RowKind::Resource, &ResourceTypeId::from_static("user"), USERS);
    SyncSummary {
        run: run.clone(),
        ended_at: run.started_at + time::Duration::seconds(7),
        ledger,
        completeness: std::collections::BTreeMap::new(),
    }
}

fn resource(resource_type: &'static str, id: NativeId, kind: Trait) -> Resource {
    Resource {
        display_name: DisplayName::new(id.as_str()),
        id: ResourceId::new(ResourceTypeId::from_static(resource_type), id),
        parent: None,
        description: None,
        profile: Profile::new(),
        status: None,
        kind,
    }
}

/// A role that all users hold.
fn batches() -> Vec<AccessBatch> {
    let row = |id, kind| ResourceType {
        id: ResourceTypeId::from_static(id),
        display_name: DisplayName::new(id),
        kind,
        skip_entitlements_and_grants: false,
        importance: TypeImportance::Core,
    };
    let role = resource("role", NativeId::from_number(7), Trait::Role);
    let assigned = Entitlement::new(
        role.id.clone(),
        Slug::from_static("assigned"),
        DisplayName::new("assigned"),
        Purpose::Assignment,
        vec![ResourceTypeId::from_static("user")],
    )
    .unwrap();
    let users = |id| resource("user", NativeId::from_number(id), Trait::User(Box::default()));
    let grants = GrantGroup {
        entitlement: assigned.id.clone(),
        principal_type: ResourceTypeId::from_static("user"),
        principals: (0..USERS).map(NativeId::from_number).collect(),
        origins: None,
    };
    vec![
        AccessBatch::ResourceTypes(vec![row("user", TraitKind::User), row("role", TraitKind::Role)]),
        AccessBatch::Resources((0..USERS).map(users).chain([role]).collect()),
        AccessBatch::Entitlements(vec![assigned]),
        AccessBatch::Grants(vec![grants]),
    ]
}

async fn written(sink: &DatasetSink, run: &SyncRun) -> Box<dyn SinkWriter> {
    let mut writer = sink.begin(run).await.unwrap();
    for batch in batches() {
        writer.write(&Arc::new(batch)).await.unwrap();
    }
    writer
}

fn manifest(folder: &TempDir) -> Option<Manifest> {
    let pointer = fs::read(folder.path().join(POINTER)).ok()?;
    let pointer: Pointer = serde_json::from_slice(&pointer).unwrap();
    let manifest = fs::read(folder.path().join(pointer.latest.manifest)).unwrap();
    Some(serde_json::from_slice(&manifest).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn prepared_is_invisible_published_is_whole_and_in_several_files() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(1);
    let mut writer = written(&sink(&folder), &run).await;
    assert_eq!(
        writer.prepare(&summary(&run)).await.unwrap().rows,
        2 + 2 * USERS + 2
    );
    assert!(manifest(&folder).is_none());
    writer.publish().await.unwrap();
    let manifest = manifest(&folder).unwrap();
    let grants: Vec<_> = manifest
        .files
        .iter()
        .filter(|file| file.dataset == "grants")
        .collect();
    assert!(grants.len() > 1);
    assert_eq!(grants.iter().map(|file| file.rows).sum::<u64>(), USERS);
    // Sorted across files too.
    let keys = grants.iter().flat_map(|file| [&file.min_key, &file.max_key]);
    assert!(keys.is_sorted());
}

#[tokio::test(flavor = "multi_thread")]
async fn aborted_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    for prepared in [false, true] {
        let run = run(2);
        let mut writer = written(&sink(&folder), &run).await;
        if prepared {
            writer.prepare(&summary(&run)).await.unwrap();
        }
        writer.abort().await;
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "the lock alone: {left:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_previous_sync_is_the_baseline_of_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let first = run(1);
    let mut writer = written(&sink(&folder), &first).await;
    assert!(writer.baseline().is_none());
    writer.prepare(&summary(&first)).await.unwrap();
    writer.publish().await.unwrap();
    let writer = sink(&folder).begin(&run(2)).await.unwrap();
    let baseline = writer.baseline().unwrap();
    assert_eq!(baseline.sync_id, Some(first.id));
    assert_eq!(baseline.resources[&ResourceTypeId::from_static("user")], USERS);
    writer.abort().await;
}
