//! The history of a dataset: against a plain model, maintained and made again, in both formats; and that alterations are seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;
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
use access_dataset::{
    DatasetSink, DatasetSinkConfig, FileFormat, Formats, Location, Manifest, Table, rebuild, verify,
};
use proptest::prelude::*;
use sink_csv::CsvFormat;
use sink_parquet::ParquetFormat;
use time::OffsetDateTime;

use crate::datasets::files;
use crate::harness::TestContext;
use crate::support::dataset::{CONTRACT, Files, latest, rows};

/// What a tenant is like on a day.
#[derive(Debug, Clone)]
struct Day {
    sync_type: SyncType,
    /// Whether all users were read.
    complete: bool,
    /// Users and their department.
    users: BTreeMap<u8, Option<u8>>,
    /// Roles, and who holds them.
    roles: BTreeMap<u8, BTreeSet<u8>>,
}

fn day() -> impl Strategy<Value = Day> {
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

fn run(number: usize, day: &Day) -> SyncRun {
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
async fn once_unlocked<T, E: Diagnostic + Debug>(work: impl AsyncFn() -> Result<T, E>) -> T {
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

async fn publish(root: &Path, format: Format, history: bool, number: usize, day: &Day) {
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

fn parquet() -> ParquetFormat {
    ParquetFormat {
        contract: CONTRACT,
        ..ParquetFormat::default()
    }
}

fn csv() -> CsvFormat {
    CsvFormat {
        contract: CONTRACT,
        ..CsvFormat::default()
    }
}

fn formats() -> Formats {
    Formats::new([Arc::new(parquet()) as Arc<dyn FileFormat>, Arc::new(csv())])
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Format {
    Parquet,
    Csv,
}

/// A time during which something was so: what, how, from, to, first sync, last sync, why not any more.
type Interval = (String, String, usize, Option<usize>, usize, String);

/// Keeps what is open by key, and all that was closed.
#[derive(Default)]
struct Model {
    open: BTreeMap<String, (String, usize, usize)>,
    closed: Vec<Interval>,
}

impl Model {
    fn day(
        &mut self,
        number: usize,
        now: &BTreeMap<String, String>,
        gone: impl Fn(&str) -> Option<&'static str>,
    ) {
        for (key, (value, from, last)) in std::mem::take(&mut self.open) {
            let close = |because: &str| {
                (
                    key.clone(),
                    value.clone(),
                    from,
                    Some(number),
                    last,
                    because.to_owned(),
                )
            };
            match now.get(&key) {
                Some(same) if *same == value => {
                    self.open.insert(key, (value, from, number));
                }
                Some(other) => {
                    self.closed.push(close("changed"));
                    self.open.insert(key, (other.clone(), number, number));
                }
                None => match gone(&key) {
                    Some(because) => self.closed.push(close(because)),
                    None => drop(self.open.insert(key, (value, from, last))),
                },
            }
        }
        for (key, value) in now {
            let new = || (value.clone(), number, number);
            self.open.entry(key.clone()).or_insert_with(new);
        }
    }

    fn intervals(&self) -> BTreeSet<Interval> {
        let open = self.open.iter().map(|(key, (value, from, last))| {
            (key.clone(), value.clone(), *from, None, *last, String::new())
        });
        open.chain(self.closed.iter().cloned()).collect()
    }
}

fn models(days: &[Day]) -> [BTreeSet<Interval>; 2] {
    let (mut users, mut grants, mut before) = (Model::default(), Model::default(), None::<&Day>);
    for (number, day) in days
        .iter()
        .enumerate()
        .filter(|(_, day)| day.sync_type == SyncType::Full)
    {
        let now = day
            .users
            .iter()
            .map(|(user, department)| (user.to_string(), format!("{department:?}")));
        users.day(number, &now.collect(), |_| day.complete.then_some("removed"));
        let now = day.roles.iter().flat_map(|(role, holders)| {
            holders
                .iter()
                .map(move |user| (format!("{role} {user}"), String::new()))
        });
        let was_there = |user: u8| before.is_some_and(|before| before.users.contains_key(&user));
        grants.day(number, &now.collect(), |key| {
            let (role, user) = key.split_once(' ').unwrap();
            let (role, user): (u8, u8) = (role.parse().unwrap(), user.parse().unwrap());
            let because = if !day.users.contains_key(&user) && was_there(user) {
                "principal_removed"
            } else if day.roles.contains_key(&role) {
                "revoked"
            } else {
                "entitlement_removed"
            };
            day.complete.then_some(because)
        });
        before = Some(day);
    }
    [users.intervals(), grants.intervals()]
}

/// The intervals that a dataset tells.
fn told(files: &Files, manifest: &Manifest, days: &[Day]) -> [BTreeSet<Interval>; 2] {
    let number = |id: &str| {
        days.iter()
            .enumerate()
            .position(|(n, day)| run(n, day).id.as_str() == id)
            .unwrap()
    };
    let told = |table: Table| -> BTreeSet<Interval> {
        let rows = rows(files, manifest, table);
        rows.iter()
            .map(|row| {
                let text = |name: &str| row[name].clone().unwrap_or_default();
                let (key, value) = if table == Table::UsersHistory {
                    let department = text("profile")
                        .split("\"department\":")
                        .nth(1)
                        .and_then(|rest| rest[..1].parse::<u8>().ok());
                    (text("user_id"), format!("{department:?}"))
                } else {
                    let entitlement = text("entitlement_id");
                    let role = entitlement.split(':').nth(1).unwrap().to_owned();
                    assert_eq!(text("resource_id"), role);
                    (format!("{role} {}", text("principal_id")), String::new())
                };
                assert_eq!(text("sync_id"), manifest.sync.id);
                assert_eq!(text("is_current"), row["valid_to"].is_none().to_string());
                let first = number(&text("first_sync_id"));
                let begin = text("valid_from");
                let expected = run(first, &days[first]).started_at.date().to_string();
                assert!(begin.starts_with(&expected), "{begin} {expected}");
                let closed = row["closed_by_sync_id"].as_deref().map(number);
                (
                    key,
                    value,
                    first,
                    closed,
                    number(&text("last_sync_id")),
                    text("closed_because"),
                )
            })
            .collect()
    };
    [told(Table::UsersHistory), told(Table::GrantsHistory)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_history_is_that_of_a_plain_model_and_comes_out_the_same_again(
        days in prop::collection::vec(day(), 1..6),
        format in prop::sample::select(vec![Format::Parquet, Format::Csv]),
        late in 0_usize..6,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        runtime.block_on(async {
            // Kept from some day on, and made of all days then; the last day keeps it.
            for (number, day) in days.iter().enumerate() {
                publish(folder.path(), format, number >= late || number + 1 == days.len(), number, day).await;
            }
        });
        let published = files(folder.path());
        let Some(manifest) = latest(&published).filter(|manifest| manifest.history.is_some()) else {
            return Ok(());
        };
        prop_assert_eq!(told(&published, &manifest, &days), models(&days));
        runtime.block_on(comes_out_again(folder.path(), &published, &manifest));
    }
}

/// Rebuilt, all bytes are the same; what is lost or altered comes back; a verification sees it meanwhile.
async fn comes_out_again(root: &Path, published: &Files, manifest: &Manifest) {
    let (place, temp) = (Location::Folder(root.to_owned()), std::env::temp_dir());
    let again = || once_unlocked(async || rebuild(&place, &formats(), &temp, false).await);
    let checked = || async { verify(&place, &formats(), &temp, None).await.unwrap() };
    assert_eq!(checked().await.findings, []);
    let rebuilt = again().await;
    assert!(
        rebuilt.restored.is_empty() && rebuilt.different.is_empty(),
        "{rebuilt:?}"
    );
    let history = manifest.history.as_ref().unwrap();
    for (n, file) in history.files.iter().enumerate() {
        let path = root.join(&file.path);
        match n % 2 {
            0 => fs::remove_file(&path).unwrap(),
            _ => fs::write(&path, b"altered").unwrap(),
        }
    }
    let found = checked().await;
    let paths: BTreeSet<&str> = found
        .findings
        .iter()
        .map(|finding| finding.path.as_str())
        .collect();
    assert_eq!(
        paths,
        history.files.iter().map(|file| file.path.as_str()).collect()
    );
    let rebuilt = again().await;
    assert_eq!(rebuilt.restored.len(), history.files.len(), "{rebuilt:?}");
    assert_eq!(&files(root), published);
}

/// Days of one tenant, day by day.
fn days() -> [Day; 3] {
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

async fn three_days(root: &Path, format: Format) {
    for (number, day) in days().iter().enumerate() {
        publish(root, format, true, number, day).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_from_sync_to_sync() {
    for format in [Format::Parquet, Format::Csv] {
        let folder = tempfile::tempdir().unwrap();
        three_days(folder.path(), format).await;
        let files = files(folder.path());
        let mut told = Vec::new();
        for (number, day) in days().iter().enumerate() {
            let path = format!("_manifests/{}.json", run(number, day).id);
            let manifest: Manifest = serde_json::from_slice(&files[&path]).unwrap();
            for row in rows(&files, &manifest, Table::Changes) {
                let text = |name: &str| row[name].clone().unwrap_or_default();
                let fields = text("fields").replace('"', "");
                let what = ["resource_id", "entitlement_id", "principal_id"]
                    .map(text)
                    .concat();
                told.push(format!(
                    "{number} {} {} {what} {fields}",
                    text("kind"),
                    text("subject")
                ));
            }
        }
        let expected = [
            "1 changed user 1 [profile.department]",
            "1 added resource 2 [display_name]",
            "1 added entitlement role:2:assigned [resource_type_id",
            "1 removed grant role:1:assigned2 [is_direct",
            "1 added grant role:2:assigned2 [is_direct",
            "2 removed user 2 [display_name",
            "2 removed grant role:2:assigned2 [is_direct",
        ];
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.starts_with(expected), "{told} is not {expected}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_last_two_histories_are_kept_and_a_part_of_the_tenant_has_none() {
    let folder = tempfile::tempdir().unwrap();
    three_days(folder.path(), Format::Parquet).await;
    let part = Day {
        sync_type: SyncType::Partial,
        ..days()[0].clone()
    };
    publish(folder.path(), Format::Parquet, true, 3, &part).await;
    let files = files(folder.path());
    let kept = |table: &str| files.keys().filter(|path| path.starts_with(table)).count();
    assert_eq!(
        [kept("changes/"), kept("grants_history/"), kept("users_history/")],
        [3, 2, 2]
    );
    let manifest: Manifest =
        serde_json::from_slice(&files[&format!("_manifests/{}.json", run(3, &part).id)]).unwrap();
    assert!(manifest.history.is_none());
}

/// What a verification says after something was done to a dataset.
async fn found_after(alter: impl FnOnce(&Path, &Files)) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    three_days(folder.path(), Format::Csv).await;
    let whole = files(folder.path());
    alter(folder.path(), &whole);
    let place = Location::Folder(folder.path().to_owned());
    let found = verify(&place, &formats(), &std::env::temp_dir(), None)
        .await
        .unwrap();
    let ids: Vec<String> = days()
        .iter()
        .enumerate()
        .map(|(n, day)| run(n, day).id.to_string())
        .collect();
    let named = |text: String| {
        ids.iter()
            .enumerate()
            .fold(text, |text, (n, id)| text.replace(id, &format!("[{n}]")))
    };
    let findings = found.findings.into_iter();
    findings
        .map(|finding| named(format!("{}: {}", finding.path, finding.problem)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_alteration_is_told_by_name() {
    let manifest = |n: usize| format!("_manifests/{}.json", run(n, &days()[n]).id);
    assert_eq!(found_after(|_, _| {}).await, [""; 0]);
    let some =
        |files: &Files, table: &str| files.keys().find(|path| path.starts_with(table)).unwrap().clone();
    // A row more, which only the hash and the size tell.
    let found = found_after(|root, files| {
        let path = some(files, "grants/");
        let text = String::from_utf8(files[&path].clone()).unwrap();
        let last = text.lines().last().unwrap();
        fs::write(root.join(path), format!("{text}{last}\r\n")).unwrap();
    })
    .await;
    assert!(
        found.len() == 1 && found[0].starts_with("grants/") && found[0].contains("bytes"),
        "{found:?}"
    );
    // The manifest was made to fit; what names it was not.
    let found = found_after(|root, files| {
        let text = String::from_utf8(files[&manifest(1)].clone()).unwrap();
        fs::write(
            root.join(manifest(1)),
            text.replace("https://tenant", "https://Tenant"),
        )
        .unwrap();
    })
    .await;
    assert!(
        found.len() == 1 && found[0].starts_with("_manifests/[1].json: its SHA-256 is"),
        "{found:?}"
    );
    assert!(found[0].contains("_manifests/[2].json says"), "{found:?}");
    // A sync is gone from the middle.
    let found = found_after(|root, _| fs::remove_file(root.join(manifest(1))).unwrap()).await;
    assert!(
        found
            .iter()
            .any(|told| told == "_manifests/[1].json: _manifests/[2].json links to it, but it is missing"),
        "{found:?}"
    );
    assert!(
        found.iter().any(|told| told.contains("no manifest names it")),
        "{found:?}"
    );
    // A file that a query would read.
    let found = found_after(|root, files| {
        let path = some(files, "users/");
        fs::copy(
            root.join(&path),
            root.join(path.replace("part-00000", "part-00001")),
        )
        .unwrap();
    })
    .await;
    assert!(
        found.len() == 1 && found[0].ends_with("no manifest names it"),
        "{found:?}"
    );
    // The pointer is put back to an older sync: the later one is unlinked then, and a hash that was kept tells it too.
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), Format::Csv, true, 0, &days()[0]).await;
    let first = fs::read(folder.path().join("latest.json")).unwrap();
    publish(folder.path(), Format::Csv, true, 1, &days()[1]).await;
    let place = Location::Folder(folder.path().to_owned());
    let known = |hash: Option<String>| {
        let place = place.clone();
        async move {
            verify(&place, &formats(), &std::env::temp_dir(), hash.as_deref())
                .await
                .unwrap()
        }
    };
    let head = known(None).await.sha256;
    assert_eq!(known(head.clone()).await.findings, []);
    fs::write(folder.path().join("latest.json"), first).unwrap();
    assert_eq!(known(None).await.findings.len(), 1);
    assert_eq!(known(head).await.findings.len(), 2);
}

#[test]
fn the_commands() {
    let context = TestContext::msp();
    assert_eq!(context.run(&["--sink", "parquet=lake"]).code, Some(0));
    assert_eq!(context.run(&["--sink", "parquet=lake"]).code, Some(0));
    let ran = context.run(&["verify", "lake"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stdout.ends_with("everything is as it was published\n"),
        "{}",
        ran.stdout
    );
    let lake = files(&context.path("lake"));
    let manifest = latest(&lake).unwrap();
    let path = manifest
        .entries(Table::GrantsHistory)
        .next()
        .unwrap()
        .path
        .clone();
    fs::remove_file(context.path("lake").join(&path)).unwrap();
    let ran = context.run(&["verify", "lake", "--output", "json"]);
    assert_eq!(ran.code, Some(15), "{}", ran.stdout);
    let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["findings"][0]["path"], path);
    let ran = context.run(&["history", "rebuild", "lake"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("restored"), "{}", ran.stdout);
    assert_eq!(files(&context.path("lake")), lake);
    // Nothing is made where there is nothing.
    assert_eq!(context.run(&["verify", "absent"]).code, Some(5));
    assert_eq!(context.run(&["history", "rebuild", "absent"]).code, Some(5));
    assert!(!context.path("absent").exists());
    let ran = context.run(&["--sink", "csv=plain", "--dataset-history=false"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!context.path("plain/grants_history").exists());
}
