//! What every access sink has to keep: prepared is invisible, published is complete, aborted leaves no trace.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use access_core::model::{
    AccessBatch, DisplayName, Entitlement, GrantGroup, NativeId, Profile, Purpose, Resource, ResourceId,
    ResourceTrait, ResourceType, ResourceTypeId, Slug, SyncId, SyncRun, SyncType, TraitKind, TypeImportance,
};
use access_core::ports::{AccessSink, SinkWriter};
use access_core::sync::{CurrentSync, Ledger, SyncSummary};
use baton_proto::connector_v2 as v2;
use c1z::{C1zError, Limits, Reader, Retention};
use sink_c1z::{C1zSink, C1zSinkConfig, Compression, ExistingFilePolicy, StorageEngine};
use tempfile::TempDir;
use time::macros::datetime;

struct TargetFolder {
    folder: TempDir,
    temp: TempDir,
}

impl TargetFolder {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            temp: tempfile::tempdir().unwrap(),
        }
    }

    fn sink(&self) -> C1zSink {
        self.sink_with(StorageEngine::Sqlite)
    }

    fn sink_with(&self, engine: StorageEngine) -> C1zSink {
        C1zSink::new(C1zSinkConfig {
            path: self.folder.path().join("sync.c1z"),
            temp_folder: self.temp.path().to_owned(),
            on_foreign: ExistingFilePolicy::Refuse,
            engine: Some(engine),
            retention: Retention::default(),
            compression: Compression::default(),
            limits: Limits::default(),
        })
    }

    fn files(&self) -> Vec<String> {
        assert_eq!(
            fs::read_dir(self.temp.path()).unwrap().count(),
            0,
            "temporary files were left behind"
        );
        let entries = fs::read_dir(self.folder.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    fn grants(&self) -> Vec<v2::Grant> {
        let path = self.folder.path().join("sync.c1z");
        let reader = Reader::open(
            &path,
            self.temp.path(),
            Limits::default(),
            &AtomicBool::new(false),
        )
        .unwrap();
        let sync = reader.latest_finished().unwrap();
        let mut grants = Vec::new();
        reader
            .grants::<C1zError>(&sync.sync_id, |grant| {
                grants.push(grant);
                Ok(())
            })
            .unwrap();
        grants
    }
}

fn run(entropy: u8) -> SyncRun {
    // One after the other: a file takes no sync that began before its latest one ended.
    let started_at = datetime!(2026-11-24 11:59:00 UTC) + time::Duration::minutes(entropy.into());
    SyncRun {
        id: SyncId::from_parts(started_at, [entropy; 16]),
        sync_type: SyncType::Full,
        tenant: "https://tenant.example".to_owned(),
        started_at,
        provenance: access_core::model::Provenance::default(),
    }
}

fn summary(run: &SyncRun) -> SyncSummary {
    SyncSummary::new(
        run.clone(),
        run.started_at + time::Duration::seconds(7),
        Ledger::default(),
        std::collections::BTreeMap::new(),
    )
}

fn resource_type(id: &'static str, kind: TraitKind) -> ResourceType {
    ResourceType {
        id: ResourceTypeId::from_static(id),
        display_name: DisplayName::new(id),
        trait_kind: kind,
        skip_entitlements_and_grants: false,
        importance: TypeImportance::Core,
    }
}

fn resource(id: &'static str, kind: ResourceTrait) -> Resource {
    let resource_type = ResourceTypeId::from_static(if kind == ResourceTrait::Role {
        "role"
    } else {
        "user"
    });
    Resource {
        id: ResourceId::new(resource_type, NativeId::new(id).unwrap()),
        parent: None,
        display_name: DisplayName::new(id),
        description: None,
        profile: Profile::new(),
        status: None,
        resource_trait: kind,
    }
}

/// A role and two users who hold it.
fn batches() -> Vec<AccessBatch> {
    let role = resource("7", ResourceTrait::Role);
    let assigned = Entitlement::new(
        role.id.clone(),
        Slug::from_static("assigned"),
        DisplayName::new("assigned"),
        Purpose::Assignment,
        vec![ResourceTypeId::from_static("user")],
    )
    .unwrap();
    let grants = GrantGroup {
        entitlement: assigned.id.clone(),
        principal_type: ResourceTypeId::from_static("user"),
        principals: vec![NativeId::from_number(1), NativeId::from_number(2)],
        origins: None,
    };
    let user = |id| resource(id, ResourceTrait::User(Box::default()));
    vec![
        AccessBatch::ResourceTypes(vec![
            resource_type("role", TraitKind::Role),
            resource_type("user", TraitKind::User),
        ]),
        AccessBatch::Resources(vec![role, user("1"), user("2")]),
        AccessBatch::Entitlements(vec![assigned]),
        AccessBatch::Grants(vec![grants]),
    ]
}

async fn written(sink: &C1zSink, run: &SyncRun) -> Box<dyn SinkWriter> {
    let mut writer = sink.begin(run).await.unwrap();
    for batch in batches() {
        writer.write(&Arc::new(batch)).await.unwrap();
    }
    writer
}

#[tokio::test(flavor = "multi_thread")]
async fn prepared_is_invisible_and_published_is_complete() {
    let target = TargetFolder::new();
    let run = run(1);
    let mut writer = written(&target.sink(), &run).await;
    assert_eq!(writer.prepare(&summary(&run)).await.unwrap().rows, 8);
    assert!(!target.files().contains(&"sync.c1z".to_owned()));
    let receipt = writer.publish().await.unwrap();
    assert_eq!(target.files(), ["sync.c1z"]);
    assert_eq!(receipt.bytes, Some(fs::metadata(receipt.location).unwrap().len()));
    let ids: Vec<String> = target.grants().into_iter().map(|grant| grant.id).collect();
    assert_eq!(ids, ["role:7:assigned:user:1", "role:7:assigned:user:2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn aborted_or_dropped_leaves_no_trace() {
    let target = TargetFolder::new();
    written(&target.sink(), &run(1)).await.abort().await;
    assert_eq!(target.files(), Vec::<String>::new());

    let first = run(2);
    let mut writer = written(&target.sink(), &first).await;
    writer.prepare(&summary(&first)).await.unwrap();
    writer.publish().await.unwrap();
    let before = fs::read(target.folder.path().join("sync.c1z")).unwrap();
    for prepared in [false, true] {
        let run = run(3);
        let mut writer = written(&target.sink(), &run).await;
        if prepared {
            writer.prepare(&summary(&run)).await.unwrap();
        }
        writer.abort().await;
        assert_eq!(target.files(), ["sync.c1z"]);
        assert_eq!(fs::read(target.folder.path().join("sync.c1z")).unwrap(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_previous_sync_is_the_baseline_of_the_next() {
    let target = TargetFolder::new();
    let first = run(1);
    let mut writer = written(&target.sink(), &first).await;
    assert!(writer.baseline().is_none());
    writer.prepare(&summary(&first)).await.unwrap();
    writer.publish().await.unwrap();
    let writer = target.sink().begin(&run(2)).await.unwrap();
    let baseline = writer.baseline().unwrap();
    assert_eq!(baseline.resources[&ResourceTypeId::from_static("user")], 2);
    writer.abort().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_previous_sync_is_compared_by_its_ids() {
    for engine in [StorageEngine::Sqlite, StorageEngine::Pebble] {
        let target = TargetFolder::new();
        let sink = target.sink_with(engine);
        let first = run(1);
        let nothing = Arc::new(CurrentSync::default());
        let mut writer = written(&sink, &first).await;
        assert_eq!(writer.compare(&nothing).await.unwrap(), None, "there is none");
        writer.prepare(&summary(&first)).await.unwrap();
        writer.publish().await.unwrap();

        let mut writer = sink.begin(&run(2)).await.unwrap();
        let comparison = writer.compare(&nothing).await.unwrap().unwrap();
        assert_eq!(comparison.sync_id, Some(first.id));
        let baseline = writer.baseline().unwrap();
        for (id, count) in &baseline.resources {
            assert_eq!(comparison.types[id].resources.before, *count, "{id}");
            assert_eq!(comparison.types[id].resources.kept, 0, "{id}");
        }
        for (id, count) in &baseline.grants {
            assert_eq!(comparison.types[id].grants.before, *count, "{id}");
        }
        writer.abort().await;
        assert_eq!(target.files(), ["sync.c1z"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_refers_to_nothing_is_refused() {
    let target = TargetFolder::new();
    let mut batches = batches();
    batches.remove(2);
    let mut writer = target.sink().begin(&run(1)).await.unwrap();
    for batch in batches {
        let _ = writer.write(&Arc::new(batch)).await;
    }
    let error = writer.prepare(&summary(&run(1))).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "a grant of role:7:assigned refers to its entitlement, which was not written before it"
    );
    writer.abort().await;
    assert_eq!(target.files(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_do_not_share_a_target() {
    let target = TargetFolder::new();
    let first = target.sink().begin(&run(1)).await.unwrap();
    let error = target.sink().begin(&run(2)).await.err().unwrap();
    assert!(error.to_string().starts_with("another run is writing"), "{error}");
    first.abort().await;
    target.sink().begin(&run(2)).await.unwrap().abort().await;
}
