//! Rows missing in a sync count as removed. A sync that is empty or short by mistake must not be published.

use std::fs;

use baton_proto::connectorapi_baton_v1::task::{self as wire, TaskType};
use c1z::{Limits, Reader, SyncRow};
use insta::assert_snapshot;
use ninjaone_sim::{Fault, FaultRule, SimConfig, Tenant, When};

use crate::datasets::files;
use crate::golden::{read_rows, reference_lines};
use crate::harness::{TestContext, edit_v1, name_tenant};
use crate::support::dataset::latest;
use crate::support::service::{Served, render_finish};

const SINKS: [&str; 6] = [
    "--sink",
    "c1z=sync.c1z",
    "--sink",
    "parquet=lake",
    "--sink",
    "csv=csv",
];

fn answer_with_nothing(context: &TestContext, path: &str) {
    context.sim().faults().add(FaultRule {
        method: None,
        path: path.to_owned(),
        when: When::Always,
        fault: Fault::EmptyList,
    });
}

fn syncs(context: &TestContext, file: &str) -> Vec<SyncRow> {
    let temp = tempfile::tempdir().unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let reader = Reader::open(&context.path(file), temp.path(), Limits::default(), &stop).unwrap();
    reader.syncs().unwrap()
}

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    SINKS.iter().chain(more).copied().collect()
}

#[test]
fn an_empty_list_is_refused_until_it_is_accepted() {
    let context = TestContext::msp();
    assert_eq!(context.run(&SINKS).code, Some(0));
    let before = fs::read(context.path("sync.c1z")).unwrap();
    let published = latest(&files(&context.path("lake"))).unwrap();
    answer_with_nothing(&context, "/v2/organizations");

    // On every attempt.
    for _ in 0..2 {
        let ran = context.run(&SINKS);
        let since = latest_id(&context);
        assert_snapshot!(
            "an_empty_list",
            context.error_snapshot(&ran).replace(&since, "[SYNC]")
        );
        assert_eq!(fs::read(context.path("sync.c1z")).unwrap(), before);
        for dataset in ["lake", "csv"] {
            assert_eq!(
                latest(&files(&context.path(dataset))).unwrap().sync,
                published.sync
            );
        }
    }
    context.assert_only_files(&["csv", "lake", "sync.c1z", "sync.c1z.candidate"]);

    // The quarantined file can be inspected: it has the refused sync beside the previous one.
    let doubted = syncs(&context, "sync.c1z.candidate");
    assert_eq!(doubted.len(), 2);
    let export = ["export", "--from", "sync.c1z.candidate", "--sink", "csv=look"];
    assert_eq!(context.run(&export).code, Some(0));
    let look = latest(&files(&context.path("look"))).unwrap();
    assert_eq!(look.sync.id, doubted[1].sync_id);
    let candidate = files(&context.path("lake/_candidate"));
    let manifest: access_dataset::Manifest = serde_json::from_slice(&candidate["manifest.json"]).unwrap();
    // Rows left out belong to the tenant's answers, which an export does not see.
    let without_left_out = |rows: &std::collections::BTreeMap<String, u64>| {
        let mut rows = rows.clone();
        rows.remove("left_out");
        rows
    };
    assert_eq!(without_left_out(&manifest.rows), without_left_out(&look.rows));
    for file in &manifest.files {
        let bytes = &candidate[file.path.strip_prefix("_candidate/").unwrap()];
        assert_eq!(bytes.len() as u64, file.bytes);
    }

    let ran = context.run(&with(&["--accept-drop", "organization"]));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    // The refused loss is accepted.
    context.assert_only_files(&["csv", "lake", "look", "sync.c1z"]);
    assert!(!context.path("lake/_candidate").exists());
    assert!(
        !reference_lines(&context)
            .iter()
            .any(|line| line.contains("organization:"))
    );
    for dataset in ["lake", "csv"] {
        assert_ne!(
            latest(&files(&context.path(dataset))).unwrap().sync,
            published.sync
        );
    }
    // From now on this is the baseline.
    assert_eq!(context.run(&SINKS).code, Some(0));
}

#[test]
fn the_allowed_loss_is_configurable() {
    let context = TestContext::msp();
    assert_eq!(context.run(&[]).code, Some(0));
    let other = TestContext::with(&SimConfig::new(
        Tenant::generated(ninjaone_sim::GeneratedSize {
            seed: 1,
            technicians: 40,
            end_users: 10,
            roles: 5,
            grants: 60,
            organizations: 5,
            devices: 0,
            role_of_everyone: false,
        })
        .unwrap(),
    ));
    name_tenant(&context.path("sync.c1z"), other.base_url.as_ref().unwrap());
    let at = |percent: &str| {
        let file = context.path("sync.c1z");
        other.run(&["--file", file.to_str().unwrap(), "--max-drop-percent", percent])
    };
    let refused = at("20");
    assert_eq!(refused.code, Some(9), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("of 8 resources of type role are left"),
        "{}",
        refused.stderr
    );
    // An entitlement that lost all its holders counts as lost whatever the share of its type.
    let more = at("99");
    assert!(!more.stderr.contains("resources of type role"), "{}", more.stderr);
    let file = context.path("sync.c1z");
    let all = other.run(&["--file", file.to_str().unwrap(), "--accept-drop", "all"]);
    assert_eq!(all.code, Some(0), "{}", all.stderr);
}

#[test]
fn an_unneeded_accept_drop_is_reported() {
    let context = TestContext::msp();
    assert_eq!(context.run(&[]).code, Some(0));
    let ran = context.run(&["--accept-drop", "robot"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("--accept-drop robot was not needed"),
        "{}",
        ran.stderr
    );
}

/// The id of the latest sync of a file.
fn latest_id(context: &TestContext) -> String {
    syncs(context, "sync.c1z").last().unwrap().sync_id.clone()
}

/// The token of the latest sync, which contains our note.
fn note(context: &TestContext) -> serde_json::Value {
    let mut token = String::new();
    edit_v1(&context.path("sync.c1z"), |connection| {
        let sql = "select sync_token from v1_sync_runs order by id desc limit 1";
        token = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    });
    serde_json::from_str::<serde_json::Value>(&token).unwrap()["writer_note"].clone()
}

#[test]
fn replaced_ids_count_as_lost() {
    let context = TestContext::msp();
    assert_eq!(context.run(&[]).code, Some(0));
    // As if the sync before had had as many other users.
    edit_v1(&context.path("sync.c1z"), |connection| {
        let users = "update v1_resources set external_id = 'user:9000' || substr(external_id, 6) \
                     where resource_type_id = 'user'";
        assert!(connection.execute(users, []).unwrap() > 10);
        let holders = "update v1_grants set principal_resource_id = '9000' || principal_resource_id";
        assert!(connection.execute(holders, []).unwrap() > 10);
    });
    let before = fs::read(context.path("sync.c1z")).unwrap();
    for (accepted, allowed) in [(None, false), (Some("device"), false), (Some("all"), true)] {
        let flags: Vec<&str> = accepted
            .into_iter()
            .flat_map(|named| ["--accept-drop", named])
            .collect();
        let ran = context.run(&flags);
        assert_eq!(
            ran.code,
            Some(if allowed { 0 } else { 9 }),
            "{flags:?}: {}",
            ran.stderr
        );
        assert_eq!(fs::read(context.path("sync.c1z")).unwrap() == before, !allowed);
        if !allowed {
            assert!(
                ran.stderr.contains("0 of 57 resources of type user are left"),
                "{}",
                ran.stderr
            );
        }
    }
    let accepted = &note(&context)["guard"]["accepted"];
    assert!(
        accepted
            .as_array()
            .unwrap()
            .iter()
            .any(|loss| loss["resource_type"] == "user" && loss["accepted_by"] == "--accept-drop all"),
        "{accepted}"
    );
}

#[test]
fn a_type_no_longer_read_counts_as_lost() {
    for engine in ["sqlite", "pebble"] {
        let context = TestContext::msp();
        let with_devices = ["--ninja-one-include-devices", "--storage-engine", engine];
        assert_eq!(context.run(&with_devices).code, Some(0));
        let before = fs::read(context.path("sync.c1z")).unwrap();
        let ran = context.run(&[]);
        assert_eq!(ran.code, Some(9), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("type device is not read any more"),
            "{}",
            ran.stderr
        );
        assert_eq!(fs::read(context.path("sync.c1z")).unwrap(), before);
        let ran = context.run(&["--accept-drop", "device"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        if engine == "sqlite" {
            let note = note(&context);
            assert_eq!(note["tenant"], *context.base_url.as_ref().unwrap());
            assert_eq!(
                note["guard"]["accepted"][0]["accepted_by"],
                "--accept-drop device"
            );
            assert_eq!(note["guard"]["accepted"][0]["not_read"], true);
            let ran = context.run(&["diff", "sync.c1z", "--exit-code"]);
            assert_eq!(ran.code, Some(1), "{}", ran.stderr);
            assert!(
                ran.stdout.contains("did not read device, which the old one did"),
                "{}",
                ran.stdout
            );
        }
    }
}

#[test]
fn a_permanent_accept_drop_covers_named_types_only() {
    let context = TestContext::msp();
    assert_eq!(context.run(&[]).code, Some(0));
    let since = latest_id(&context);
    answer_with_nothing(&context, "/v2/organizations");
    let with = |leave: &str| context.finish(context.command(&[]).env("BATON_ACCEPT_DROP", leave));
    let refused = with("organization");
    assert_eq!(refused.code, Some(9), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: "), "{}", refused.stderr);
    assert_eq!(with("organization@3MoVa8UQzPiMi659bXZBLcdpDcl").code, Some(9));
    let accepted = with(&format!("organization@{since}"));
    assert_eq!(accepted.code, Some(0), "{}", accepted.stderr);
}

#[test]
fn files_of_other_writers_are_guarded() {
    // Its syncs have no row counts.
    let context = TestContext::msp();
    assert_eq!(context.run(&[]).code, Some(0));
    let file = context.path("sync.c1z");
    let packed = fs::read(&file).unwrap();
    let database = context.path("plain.db");
    fs::write(&database, zstd::decode_all(&packed[5..]).unwrap()).unwrap();
    let connection = rusqlite::Connection::open(&database).unwrap();
    assert_eq!(
        connection
            .execute("update v1_sync_runs set stats = null", [])
            .unwrap(),
        1
    );
    drop(connection);
    let mut packed = packed[..5].to_vec();
    packed.extend(zstd::encode_all(&*fs::read(&database).unwrap(), 1).unwrap());
    fs::write(&file, packed).unwrap();
    answer_with_nothing(&context, "/v2/organizations");
    assert_eq!(context.run(&[]).code, Some(9));
}

#[test]
fn a_sync_without_its_devices_is_partial() {
    let context = TestContext::msp();
    let arguments = with(&["--ninja-one-include-devices"]);
    assert_eq!(context.run(&arguments).code, Some(0));
    let published = latest(&files(&context.path("lake"))).unwrap();
    context.sim().faults().add(FaultRule {
        method: None,
        path: "/v2/devices".to_owned(),
        when: When::Always,
        fault: Fault::Status(403),
    });
    let ran = context.run(&arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("(partial)") && ran.stdout.contains("device is incomplete"));
    let types: Vec<String> = syncs(&context, "sync.c1z")
        .into_iter()
        .map(|sync| sync.sync_type)
        .collect();
    assert_eq!(types, ["full", "partial"]);
    assert!(
        read_rows(&context.path("sync.c1z"))
            .iter()
            .any(|row| row.shown.contains("device")),
        "readers still take the full sync"
    );
    let lake = files(&context.path("lake"));
    assert_eq!(latest(&lake).unwrap().sync, published.sync);
    let manifests: Vec<access_dataset::Manifest> = lake
        .iter()
        .filter(|(path, _)| path.starts_with("_manifests/"))
        .map(|(_, bytes)| serde_json::from_slice(bytes).unwrap())
        .collect();
    let partial = manifests
        .iter()
        .find(|manifest| manifest.sync.id != published.sync.id)
        .unwrap();
    assert_eq!(partial.sync.sync_type, "partial");
    assert_eq!(partial.completeness["device"]["state"], "incomplete");

    // With room for one sync only, the last full one is worth more.
    let before = fs::read(context.path("sync.c1z")).unwrap();
    let ran = context.finish(
        context
            .command(&["--ninja-one-include-devices"])
            .env("BATON_KEEP_SYNC_COUNT", "1"),
    );
    assert_snapshot!("the_last_full_sync", context.error_snapshot(&ran));
    assert_eq!(fs::read(context.path("sync.c1z")).unwrap(), before);
}

#[test]
fn a_partial_sync_never_replaces_the_last_full_sync() {
    let context = TestContext::msp();
    assert_eq!(context.run(&[]).code, Some(0));
    let ran = context.finish(
        context
            .command(&["--sync-resource-types", "role"])
            .env("BATON_KEEP_SYNC_COUNT", "1"),
    );
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let types: Vec<String> = syncs(&context, "sync.c1z")
        .into_iter()
        .map(|sync| sync.sync_type)
        .collect();
    assert_eq!(types, ["full", "partial"]);
}

#[test]
fn service_mode_does_not_deliver_syncs_that_lost_too_much() {
    let served = Served::msp(&[]);
    let sync = || TaskType::SyncFull(wire::SyncFullTask::default());
    let first = served.finished(&served.push(sync()));
    assert!(first.is_success(), "{}", render_finish(&first));
    answer_with_nothing(&served.context, "/v2/organizations");
    let task = served.push(sync());
    let second = render_finish(&served.finished(&task));
    assert_eq!(served.c1.tasks().progress(&task).unwrap().assets().count(), 0);
    assert!(
        second.starts_with(
            "FailedPrecondition, may be tried again: not published, because too much is missing: "
        ),
        "{second}"
    );
    assert!(
        second.contains("0 of 9 resources of type organization are left") && second.contains("in upload to "),
        "{second}"
    );
    served.context.sim().faults().clear();
    let third = served.finished(&served.push(sync()));
    assert!(third.is_success(), "{}", render_finish(&third));
}
