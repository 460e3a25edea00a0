//! The contract of access sinks, and the split of large tables into several files.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::sync::Arc;

use access_core::diff::{ChangeKind, FieldChange, RecordChange};
use access_core::model::{
    AccessBatch, Completeness, DisplayName, Entitlement, GrantGroup, GrantOrigin, NativeId, Profile, Purpose,
    Resource, ResourceId, ResourceTrait, ResourceType, ResourceTypeId, RowKind, Slug, SyncId, SyncRun,
    SyncType, TraitKind, TypeImportance,
};
use access_core::ports::{AccessSink, SinkWriter};
use access_core::sync::{Ledger, SyncSummary};
use access_dataset::{
    Batches, Contract, DatasetError, DatasetSink, DatasetSinkConfig, FileFormat, FileWriter, FormatError,
    FormatOptions, Formats, HashCheck, HashingReader, Location, Manifest, POINTER, Pointer, Published,
    Snapshot, SortedSink, SortedSync, Table, Voucher, differences,
};
use arrow::array::AsArray;
use sink_parquet::ParquetFormat;
use tempfile::TempDir;
use time::macros::datetime;

/// Parquet with small files.
struct SmallFiles;

impl FileFormat for SmallFiles {
    fn name(&self) -> &'static str {
        ParquetFormat::default().name()
    }

    fn extension(&self) -> &'static str {
        ParquetFormat::default().extension()
    }

    fn contract(&self) -> Contract {
        Contract::default()
    }

    fn rows_per_file(&self) -> u64 {
        10_000
    }

    fn create(&self, dataset: Table, out: Box<dyn Write + Send>) -> Result<Box<dyn FileWriter>, FormatError> {
        ParquetFormat::default().create(dataset, out)
    }

    fn count_rows(&self, back: &mut HashingReader) -> Result<u64, FormatError> {
        ParquetFormat::default().count_rows(back)
    }

    fn read(&self, dataset: Table, file: File, columns: Option<&[&str]>) -> Result<Batches, FormatError> {
        ParquetFormat::default().read(dataset, file, columns)
    }

    fn with_options(&self, _options: &FormatOptions) -> Arc<dyn FileFormat> {
        Arc::new(Self)
    }
}

const USERS: u64 = 40_000;

fn sink(folder: &TempDir) -> DatasetSink {
    let config = DatasetSinkConfig {
        location: Location::Folder(folder.path().to_owned()),
        temp_folder: std::env::temp_dir(),
        history: true,
        replace_existing: false,
    };
    DatasetSink::new(config, SmallFiles)
}

fn run(second: u8) -> SyncRun {
    let started_at = datetime!(2026-11-24 12:00:00 UTC) + time::Duration::minutes(second.into());
    SyncRun {
        id: SyncId::from_parts(started_at, [second; 16]),
        sync_type: SyncType::Full,
        tenant: "https://tenant.example".to_owned(),
        started_at,
        provenance: access_core::model::Provenance::default(),
    }
}

fn summary(run: &SyncRun) -> SyncSummary {
    let mut ledger = Ledger::default();
    ledger.written(RowKind::Resource, &ResourceTypeId::from_static("user"), USERS);
    SyncSummary::new(
        run.clone(),
        run.started_at + time::Duration::seconds(7),
        ledger,
        std::collections::BTreeMap::new(),
    )
}

fn resource(resource_type: &'static str, id: NativeId, kind: ResourceTrait) -> Resource {
    Resource {
        display_name: DisplayName::new(id.as_str()),
        id: ResourceId::new(ResourceTypeId::from_static(resource_type), id),
        parent: None,
        description: None,
        profile: Profile::new(),
        status: None,
        resource_trait: kind,
    }
}

/// A role that all users hold.
fn batches() -> Vec<AccessBatch> {
    batches_of(USERS)
}

fn batches_of(count: u64) -> Vec<AccessBatch> {
    let row = |id, kind| ResourceType {
        id: ResourceTypeId::from_static(id),
        display_name: DisplayName::new(id),
        trait_kind: kind,
        skip_entitlements_and_grants: false,
        importance: TypeImportance::Core,
    };
    let role = resource("role", NativeId::from_number(7), ResourceTrait::Role);
    let assigned = Entitlement::new(
        role.id.clone(),
        Slug::from_static("assigned"),
        DisplayName::new("assigned"),
        Purpose::Assignment,
        vec![ResourceTypeId::from_static("user")],
    )
    .unwrap();
    let users = |id| {
        resource(
            "user",
            NativeId::from_number(id),
            ResourceTrait::User(Box::default()),
        )
    };
    let grants = GrantGroup {
        entitlement: assigned.id.clone(),
        principal_type: ResourceTypeId::from_static("user"),
        principals: (0..count).map(NativeId::from_number).collect(),
        origins: None,
    };
    vec![
        AccessBatch::ResourceTypes(vec![row("user", TraitKind::User), row("role", TraitKind::Role)]),
        AccessBatch::Resources((0..count).map(users).chain([role]).collect()),
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
async fn prepared_is_invisible_and_published_has_all_files() {
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

async fn published(folder: &TempDir) -> Published {
    let formats = Formats::new([Arc::new(SmallFiles) as Arc<dyn FileFormat>]);
    let location = Location::Folder(folder.path().to_owned());
    Published::open(&location, formats, &std::env::temp_dir())
        .await
        .unwrap()
}

/// The grants as a reader gets them, or the error.
async fn grants(folder: &TempDir, hashes: HashCheck) -> Result<Vec<u64>, String> {
    let read = published(folder).await;
    let sync = read.latest().await.map_err(|error| error.to_string())?;
    let rows = read
        .rows(&sync, Table::Grants, Some(&["principal_id"]), hashes)
        .await;
    let mut ids = Vec::new();
    for batch in rows.map_err(|error| error.to_string())? {
        let batch = batch.map_err(|error| error.to_string())?;
        ids.extend(
            batch
                .column(0)
                .as_string::<i32>()
                .iter()
                .flatten()
                .map(|id| id.parse::<u64>().unwrap()),
        );
    }
    Ok(ids)
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_read_in_key_order_and_damage_is_detected() {
    let folder = tempfile::tempdir().unwrap();
    let mut ids = BTreeSet::new();
    for second in 1..3 {
        let run = run(second);
        ids.insert(run.id.to_string());
        let mut writer = written(&sink(&folder), &run).await;
        writer.prepare(&summary(&run)).await.unwrap();
        writer.publish().await.unwrap();
    }
    let read = published(&folder).await;
    let syncs = read.syncs().await.unwrap();
    assert_eq!(
        syncs
            .iter()
            .map(|sync| sync.manifest.sync.id.clone())
            .collect::<BTreeSet<_>>(),
        ids
    );
    let latest = read.latest().await.unwrap();
    assert_eq!(latest, syncs.last().unwrap().manifest);
    assert!(syncs.iter().all(|sync| sync.standing == Voucher::Linked));
    assert_eq!(read.sync(&run(1).id).await.unwrap(), syncs[0]);
    assert!(matches!(
        read.sync(&run(3).id).await,
        Err(DatasetError::NotFound { .. })
    ));

    let mut expected: Vec<u64> = (0..USERS).collect();
    expected.sort_by_key(u64::to_string);
    for hashes in [HashCheck::Verify, HashCheck::Skip] {
        assert_eq!(grants(&folder, hashes).await.unwrap(), expected);
    }

    let path = folder
        .path()
        .join(&latest.entries(Table::Grants).last().unwrap().path);
    let intact = fs::read(&path).unwrap();
    let mut other = intact.clone();
    other[100] ^= 1;
    fs::write(&path, &other).unwrap();
    assert!(
        grants(&folder, HashCheck::Verify)
            .await
            .unwrap_err()
            .contains("SHA-256")
    );
    fs::write(&path, &intact[..intact.len() - 9]).unwrap();
    assert!(
        grants(&folder, HashCheck::Verify)
            .await
            .unwrap_err()
            .contains("bytes")
    );
    grants(&folder, HashCheck::Skip).await.unwrap_err();
    let first = folder
        .path()
        .join(&latest.entries(Table::Grants).next().unwrap().path);
    fs::copy(first, &path).unwrap();
    assert!(
        grants(&folder, HashCheck::Skip)
            .await
            .unwrap_err()
            .contains("rows")
    );
    fs::remove_file(&path).unwrap();
    assert!(
        grants(&folder, HashCheck::Skip)
            .await
            .unwrap_err()
            .contains("it is missing")
    );

    let path = folder.path().join(format!("_manifests/{}.json", latest.sync.id));
    let text = fs::read_to_string(&path)
        .unwrap()
        .replace("\"rows\": 1", "\"rows\": 2");
    fs::write(path, text).unwrap();
    assert!(
        grants(&folder, HashCheck::Skip)
            .await
            .unwrap_err()
            .contains("the link to it says")
    );
}

#[tokio::test]
async fn a_reader_makes_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let formats = || Formats::new([Arc::new(SmallFiles) as Arc<dyn FileFormat>]);
    let absent = Location::Folder(folder.path().join("absent"));
    let opened = Published::open(&absent, formats(), folder.path()).await;
    assert!(matches!(opened.err(), Some(DatasetError::Missing { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let latest = published(&folder).await.latest().await;
    assert!(matches!(latest, Err(DatasetError::NotFound { .. })));
}

/// Gives the same side again and again.
type Opened = Box<dyn Fn() -> Box<dyn Snapshot>>;

/// The differences between two syncs, each as a dataset and as a sorted sync: all four pairs must agree.
async fn differences_of(old: Vec<AccessBatch>, new: Vec<AccessBatch>, complete: bool) -> Vec<RecordChange> {
    let mut sides: Vec<Vec<Opened>> = Vec::new();
    let folder = tempfile::tempdir().unwrap();
    for (second, batches) in [(1, old), (2, new)] {
        let run = run(second);
        let mut summary = summary(&run);
        for id in ["user", "role"].into_iter().filter(|_| complete) {
            let complete = Completeness::Complete;
            summary
                .completeness
                .insert(ResourceTypeId::from_static(id), complete);
        }
        let sorted = SortedSink::new(Contract::default(), std::env::temp_dir());
        let dataset = sink(&folder);
        for sink in [&dataset as &dyn AccessSink, &sorted] {
            let mut writer = sink.begin(&run).await.unwrap();
            for batch in &batches {
                writer.write(&Arc::new(batch.clone())).await.unwrap();
            }
            writer.prepare(&summary).await.unwrap();
            writer.publish().await.unwrap();
        }
        let read = published(&folder).await;
        let sync = read.latest().await.unwrap();
        let sorted = sorted.take().unwrap();
        let (read, sorted) = (Arc::new(read), Arc::new(sorted));
        sides.push(vec![
            Box::new(move || {
                let (read, sync) = (Arc::clone(&read), sync.clone());
                let opened = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on(read.snapshot(&sync, HashCheck::Verify)).unwrap()
                });
                Box::new(opened.join().unwrap())
            }),
            Box::new(move || Box::new(SortedSync::clone(&sorted))),
        ]);
    }
    let mut all = Vec::new();
    for old in &sides[0] {
        for new in &sides[1] {
            let mut changes = Vec::new();
            let mut take = |change| {
                changes.push(change);
                Ok(())
            };
            differences(&mut *old(), &mut *new(), &mut take).unwrap();
            all.push(changes);
        }
    }
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
    all.swap_remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn differences_do_not_depend_on_the_kind_of_source() {
    assert_eq!(differences_of(batches_of(200), batches_of(200), true).await, []);
    let mut changed = batches_of(200);
    if let AccessBatch::Resources(rows) = &mut changed[1] {
        let mut profile = Profile::new();
        profile.set("department", Some("R&D"));
        rows[3].profile = profile;
        rows.last_mut().unwrap().display_name = DisplayName::new("Desk");
        rows.remove(9);
    }
    if let AccessBatch::Grants(groups) = &mut changed[3] {
        groups[0]
            .principals
            .retain(|id| !["9", "11"].contains(&id.as_str()));
        groups[0].origins = Some(
            groups[0]
                .principals
                .iter()
                .map(|id| GrantOrigin {
                    id: None,
                    direct: id.as_str() != "12",
                    sources: Vec::new(),
                })
                .collect(),
        );
    }
    let rendered = |changes: &[RecordChange]| -> Vec<String> {
        let fields = |change: &RecordChange| {
            let rendered = change
                .fields
                .iter()
                .map(|FieldChange { field, old, new }| format!(" {field}: {old:?} -> {new:?}"));
            rendered.collect::<Vec<_>>().concat()
        };
        changes
            .iter()
            .map(|change| {
                let fields = if change.kind == ChangeKind::Changed {
                    fields(change)
                } else {
                    String::new()
                };
                format!(
                    "{} {} {}{fields}",
                    change.kind.as_str(),
                    change.subject,
                    change.key.join(" ")
                )
            })
            .collect()
    };
    let expected = [
        "changed user user 3 profile.department: None -> Some(\"\\\"R&D\\\"\")",
        "removed user user 9",
        "changed resource role 7 display_name: Some(\"7\") -> Some(\"Desk\")",
        "removed grant role:7:assigned user 11",
        "changed grant role:7:assigned user 12 is_direct: Some(\"true\") -> Some(\"false\")",
        "removed grant role:7:assigned user 9",
    ];
    assert_eq!(
        rendered(&differences_of(batches_of(200), changed.clone(), true).await),
        expected
    );
    let believed: Vec<&str> = expected
        .into_iter()
        .filter(|change| !change.starts_with("removed"))
        .collect();
    assert_eq!(
        rendered(&differences_of(batches_of(200), changed, false).await),
        believed
    );
}
