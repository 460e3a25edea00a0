//! Days of a small tenant, and their syncs as published datasets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use access_core::model::{
    AccessBatch, Completeness, DisplayName, Entitlement, GrantGroup, NativeId, Profile, Purpose, Resource,
    ResourceId, ResourceTrait, ResourceType, ResourceTypeId, Slug, SyncId, SyncRun, SyncType, TraitKind,
    TypeImportance,
};
use access_core::ports::AccessSink;
use access_core::sync::{Ledger, SyncSummary};
use access_core::{Diagnostic, StatusCode};
use access_dataset::{DatasetSink, DatasetSinkConfig, FileFormat, Formats, Location};
use proptest::prelude::*;
use sink_csv::CsvFormat;
use sink_parquet::ParquetFormat;
use time::OffsetDateTime;

use crate::support::dataset::CONTRACT;

/// The state of a tenant on a day.
#[derive(Debug, Clone)]
pub(super) struct Day {
    pub(super) sync_type: SyncType,
    /// Whether all users were read.
    pub(super) complete: bool,
    /// Users and their department.
    pub(super) users: BTreeMap<u8, Option<u8>>,
    /// Roles, and who holds them.
    pub(super) roles: BTreeMap<u8, BTreeSet<u8>>,
}

pub(super) fn day() -> impl Strategy<Value = Day> {
    let sync_type = prop::sample::select(vec![
        SyncType::Full,
        SyncType::Full,
        SyncType::Full,
        SyncType::Partial,
    ]);
    let users = prop::collection::btree_map(1_u8..6, prop::option::of(0_u8..2), 0..5);
    let roles = prop::collection::btree_map(1_u8..3, prop::collection::btree_set(1_u8..6, 0..5), 0..3);
    (sync_type, prop::bool::weighted(0.8), users, roles).prop_map(
        |(sync_type, complete, users, mut roles)| {
            for holders in roles.values_mut() {
                holders.retain(|user| users.contains_key(user));
            }
            Day {
                sync_type,
                complete,
                users,
                roles,
            }
        },
    )
}

pub(super) fn run(number: usize, day: &Day) -> SyncRun {
    let number = i64::try_from(number).unwrap();
    let started_at = OffsetDateTime::from_unix_timestamp(1_800_000_000 + number * 86_400).unwrap();
    SyncRun {
        id: SyncId::from_parts(started_at, [7; 16]),
        sync_type: day.sync_type,
        tenant: "https://tenant.example".to_owned(),
        started_at,
        provenance: access_core::model::Provenance::default(),
    }
}

fn batches(day: &Day) -> Vec<AccessBatch> {
    let id = ResourceTypeId::from_static;
    let row = |name, kind| ResourceType {
        id: id(name),
        display_name: DisplayName::new(name),
        trait_kind: kind,
        skip_entitlements_and_grants: false,
        importance: TypeImportance::Core,
    };
    let resource = |kind: &'static str, number: u8, profile, is: ResourceTrait| Resource {
        id: ResourceId::new(id(kind), NativeId::from_number(number.into())),
        parent: None,
        display_name: DisplayName::new(&format!("={kind} {number}")),
        description: None,
        profile,
        status: None,
        resource_trait: is,
    };
    let mut resources = Vec::new();
    for (user, department) in &day.users {
        let mut profile = Profile::new();
        profile.set("department", department.map(i64::from));
        resources.push(resource(
            "user",
            *user,
            profile,
            ResourceTrait::User(Box::default()),
        ));
    }
    let (mut entitlements, mut grants) = (Vec::new(), Vec::new());
    for (role, holders) in &day.roles {
        let role = resource("role", *role, Profile::new(), ResourceTrait::Role);
        let slug = Slug::from_static("assigned");
        let (name, users) = (DisplayName::new("assigned"), vec![id("user")]);
        let entitlement = Entitlement::new(role.id.clone(), slug, name, Purpose::Assignment, users).unwrap();
        grants.push(GrantGroup {
            entitlement: entitlement.id.clone(),
            principal_type: id("user"),
            principals: holders
                .iter()
                .map(|user| NativeId::from_number((*user).into()))
                .collect(),
            origins: None,
        });
        resources.push(role);
        entitlements.push(entitlement);
    }
    vec![
        AccessBatch::ResourceTypes(vec![row("user", TraitKind::User), row("role", TraitKind::Role)]),
        AccessBatch::Resources(resources),
        AccessBatch::Entitlements(entitlements),
        AccessBatch::Grants(grants),
    ]
}

/// Does something with a dataset, again while it is locked: a process that another test starts has all open files, locks among
/// them, until it becomes its program.
pub(super) async fn once_unlocked<T, E: Diagnostic + Debug>(work: impl AsyncFn() -> Result<T, E>) -> T {
    for _ in 0..1000 {
        match work().await {
            Err(error) if error.status() == StatusCode::Aborted => {
                std::thread::sleep(Duration::from_millis(20));
            }
            done => return done.unwrap(),
        }
    }
    panic!("locked for ever")
}

pub(super) async fn publish(root: &Path, format: Format, history: bool, number: usize, day: &Day) {
    let config = DatasetSinkConfig {
        location: Location::Folder(root.to_owned()),
        temp_folder: std::env::temp_dir(),
        history,
        replace_existing: false,
    };
    let sink = match format {
        Format::Parquet => DatasetSink::new(config, parquet()),
        Format::Csv => DatasetSink::new(config, csv()),
    };
    let sink = sink.reading(formats());
    let run = run(number, day);
    let state = if day.complete {
        Completeness::Complete
    } else {
        Completeness::Incomplete {
            reason: "403".to_owned(),
        }
    };
    let id = ResourceTypeId::from_static;
    let summary = SyncSummary::new(
        run.clone(),
        run.started_at,
        Ledger::default(),
        [(id("user"), state), (id("role"), Completeness::Complete)].into(),
    );
    let mut writer = once_unlocked(async || sink.begin(&run).await).await;
    for batch in batches(day) {
        writer.write(&Arc::new(batch)).await.unwrap();
    }
    writer.prepare(&summary).await.unwrap();
    writer.publish().await.unwrap();
}

pub(super) fn parquet() -> ParquetFormat {
    ParquetFormat {
        contract: CONTRACT,
        ..ParquetFormat::default()
    }
}

pub(super) fn csv() -> CsvFormat {
    CsvFormat {
        contract: CONTRACT,
        ..CsvFormat::default()
    }
}

pub(super) fn formats() -> Formats {
    Formats::new([Arc::new(parquet()) as Arc<dyn FileFormat>, Arc::new(csv())])
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Format {
    Parquet,
    Csv,
}

/// Days of one tenant, day by day.
pub(super) fn days() -> [Day; 3] {
    let day = |users: &[(u8, Option<u8>)], roles: &[(u8, &[u8])]| Day {
        sync_type: SyncType::Full,
        complete: true,
        users: users.iter().copied().collect(),
        roles: roles
            .iter()
            .map(|(role, holders)| (*role, holders.iter().copied().collect()))
            .collect(),
    };
    [
        day(&[(1, None), (2, Some(0))], &[(1, &[1, 2])]),
        day(&[(1, Some(1)), (2, Some(0))], &[(1, &[1]), (2, &[2])]),
        day(&[(1, Some(1))], &[(1, &[1]), (2, &[])]),
    ]
}

pub(super) async fn three_days(root: &Path, format: Format) {
    for (number, day) in days().iter().enumerate() {
        publish(root, format, true, number, day).await;
    }
}
