//! Settings and options of a task that decide what a sync in service mode reads and delivers.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use baton_proto::connector_v2 as v2;
use baton_proto::connectorapi_baton_v1::Task;
use baton_proto::connectorapi_baton_v1::task::{self as wire, TaskType};
use c1_sim::{C1SimConfig, TaskId};
use c1z::{C1zError, Limits, Reader};
use ninjaone_sim::{SimConfig, Tenant};

use crate::support::service::{Served, resource_id};

/// The type of the sync that a task delivered, and the resource types in it.
fn delivered(served: &Served, id: &TaskId) -> (String, BTreeSet<String>) {
    let finish = served.finished(id);
    assert!(finish.is_success(), "{}\n{}", finish.message(), served.log());
    let path = assets(served, id).remove(0);
    let temp = tempfile::tempdir().unwrap();
    let reader = Reader::open(&path, temp.path(), Limits::default(), &AtomicBool::new(false)).unwrap();
    let sync = reader.latest_finished().unwrap();
    let mut types = BTreeSet::new();
    reader
        .resources::<C1zError>(&sync.sync_id, |row: v2::Resource| {
            types.insert(row.id.unwrap().resource_type);
            Ok(())
        })
        .unwrap();
    (sync.sync_type.clone(), types)
}

/// The files that a task delivered, in their order.
fn assets(served: &Served, id: &TaskId) -> Vec<PathBuf> {
    let progress = served.c1.tasks().progress(id).unwrap();
    progress.assets().map(|upload| upload.path.clone()).collect()
}

fn full_sync(types: &[&str]) -> TaskType {
    TaskType::SyncFull(wire::SyncFullTask {
        sync_resource_type_ids: types.iter().map(|id| (*id).to_owned()).collect(),
        ..wire::SyncFullTask::default()
    })
}

fn set(types: &[&str]) -> BTreeSet<String> {
    types.iter().map(|id| (*id).to_owned()).collect()
}

fn started_with(variable: (&str, &str)) -> Served {
    let msp = SimConfig::new(Tenant::fixture("msp").unwrap());
    let mut served = Served::not_started(&msp, C1SimConfig::default());
    served.start_with(&[], |command| {
        command.env(variable.0, variable.1);
    });
    served
}

/// The reference calls a sync of some types full. Here it is partial, so that no reader takes an omitted type for removed.
#[test]
fn a_sync_of_some_types_is_partial() {
    let mut served = Served::msp(&[]);
    let all = ["organization", "role", "tenant", "user"];
    for (types, sync_type, found) in [
        (&["user", "role"][..], "partial", &["role", "user"][..]),
        (&["user"], "partial", &["user"]),
        (&all, "full", &all),
        (&[], "full", &all),
    ] {
        let id = served.push(full_sync(types));
        assert_eq!(
            delivered(&served, &id),
            (sync_type.to_owned(), set(found)),
            "{types:?}"
        );
    }
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn the_type_filter_applies_to_tasks_without_one() {
    let mut served = started_with(("BATON_SYNC_RESOURCE_TYPES", "user, role"));
    let id = served.push(full_sync(&[]));
    assert_eq!(
        delivered(&served, &id),
        ("partial".to_owned(), set(&["role", "user"]))
    );
    // The task's own value has precedence.
    let id = served.push(full_sync(&["tenant"]));
    assert_eq!(delivered(&served, &id), ("partial".to_owned(), set(&["tenant"])));
    let target = served.push(TaskType::SyncFull(wire::SyncFullTask {
        targeted_sync_resources: vec![v2::Resource {
            id: Some(resource_id("organization", "2")),
            ..v2::Resource::default()
        }],
        ..wire::SyncFullTask::default()
    }));
    let (sync_type, types) = delivered(&served, &target);
    assert!(
        sync_type == "partial" && types.contains("organization"),
        "{types:?}"
    );
    assert_eq!(served.stop(), Some(0));
}

/// The environment of a pod that ran the reference for years, as its secrets, manifests and env files have it.
#[test]
fn the_references_environment_works_unmodified() {
    let msp = SimConfig::new(Tenant::fixture("msp").unwrap());
    let mut served = Served::not_started(&msp, C1SimConfig::default());
    let client_id = format!("\"{}\"", served.c1.credentials().client_id);
    let client_secret = format!("{}\n", served.c1.credentials().client_secret);
    served.start_with(&["--workers=4", "--parallel-sync", "-p", "-p"], |command| {
        command.envs([
            ("BATON_CLIENT_ID", client_id.as_str()),
            ("BATON_CLIENT_SECRET", &client_secret),
            ("BATON_LOG_LEVEL", "INFO"),
            ("BATON_LOG_FORMAT", "JSON"),
            ("BATON_PROVISIONING", "True"),
            ("BATON_TICKETING", "false"),
            ("BATON_SKIP_FULL_SYNC", "False"),
            ("BATON_KEEP_PREVIOUS_SYNC_C1Z", "true"),
            ("BATON_SESSION_STORE_MAXIMUM_SIZE", "15728640"),
            ("BATON_DISABLE_HTTP_CACHE", "true"),
            ("BATON_GRAPH_EXPAND_MAX_DEPTH", "20"),
            ("BATON_KEEP_SYNC_COUNT", "0"),
            ("BATON_OTEL_TRACING_DISABLED", "T"),
            ("BATON_AUTH_METHOD", "default"),
            ("BATON_NINJA_ONE_SERVICE_HOST", "10.0.0.1"),
            ("BATON_NINJA_ONE_PORT", "tcp://10.0.0.1:8081"),
        ]);
    });
    let id = served.push(full_sync(&[]));
    let (sync_type, _) = delivered(&served, &id);
    assert_eq!(sync_type, "full");
    let log = served.log();
    let warnings = log.lines().filter(|line| line.contains(r#""level":"warn""#));
    let named = [
        "BATON_CLIENT_ID",
        "--workers",
        "--parallel-sync",
        "BATON_KEEP_PREVIOUS_SYNC_C1Z",
        "BATON_SESSION_STORE_MAXIMUM_SIZE",
        "BATON_DISABLE_HTTP_CACHE",
        "BATON_GRAPH_EXPAND_MAX_DEPTH",
        "BATON_KEEP_SYNC_COUNT",
        "BATON_AUTH_METHOD",
    ];
    for name in named {
        let count = warnings.clone().filter(|line| line.contains(name)).count();
        assert_eq!(count, 1, "{name}: {log}");
    }
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn settings_overridden_by_tasks_are_named() {
    for (variable, value) in [
        ("BATON_SYNC_RESOURCES", "bid:r:role/7"),
        ("BATON_SKIP_ENTITLEMENTS_AND_GRANTS", "true"),
    ] {
        let mut served = started_with((variable, value));
        let id = served.push(full_sync(&[]));
        let (sync_type, _) = delivered(&served, &id);
        assert_eq!(sync_type, "full", "{variable}");
        let name = variable
            .trim_start_matches("BATON_")
            .to_lowercase()
            .replace('_', "-");
        let words = format!("--{name} has no effect in service mode");
        assert!(served.log().contains(&words), "{}", served.log());
        assert_eq!(served.stop(), Some(0));
    }
}

#[test]
fn a_debug_task_uploads_its_log_as_a_second_asset() {
    let mut served = started_with(("BATON_LOG_LEVEL", "error"));
    let push = |id: &str, debug: bool| {
        let task = Task {
            id: id.to_owned(),
            debug,
            task_type: Some(full_sync(&[])),
            ..Task::default()
        };
        served.c1.tasks().push_task(task).unwrap()
    };
    let plain = push("2aaaaaaaaaaaaaaaaaaaaaaaaaa", false);
    assert!(served.finished(&plain).is_success(), "{}", served.log());
    assert_eq!(assets(&served, &plain).len(), 1);

    let debug = push("2bbbbbbbbbbbbbbbbbbbbbbbbbb", true);
    assert!(served.finished(&debug).is_success(), "{}", served.log());
    let files = assets(&served, &debug);
    assert_eq!(files.len(), 2);
    assert!(fs::read(&files[0]).unwrap().starts_with(b"C1ZF\0"));
    let text = fs::read_to_string(&files[1]).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.iter().any(|line| line["level"] == "debug"), "{text}");
    assert!(lines.iter().any(|line| line["msg"] == "sync delivered"), "{text}");
    for hidden in served.secrets() {
        assert!(!text.contains(&hidden), "a secret was told");
    }
    // Neither the log level of the service nor the next task is any different.
    assert!(!served.log().contains(r#""level":"debug""#), "{}", served.log());
    let after = push("2cccccccccccccccccccccccccc", false);
    assert!(served.finished(&after).is_success());
    assert_eq!(assets(&served, &after).len(), 1);
    assert!(served.temp_is_empty());
    assert_eq!(served.stop(), Some(0));
}
