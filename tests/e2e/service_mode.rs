//! Service mode: the program as ConductorOne's worker, with both tenants simulated.

use std::fs;
use std::io::Read;
use std::time::Duration;

use baton_proto::connector_v2 as v2;
use baton_proto::connectorapi_baton_v1::task::{self as wire, TaskType};
use baton_proto::prost_types::value::Kind;
use baton_proto::tonic::Code;
use c1_sim::{C1SimConfig, Endpoint, Fault as C1Fault, Pace, TaskId, UploadOutcome, When as C1When};
use insta::assert_snapshot;
use ninjaone_sim::{Fault, FaultRule, SimConfig, Tenant, When};

use crate::golden::read_rows;
use crate::harness::{SECRET, TestContext};
use crate::provisioning::writes;
use crate::support::service::{
    PATIENCE, Served, create, delete, entitlement, grant, invoke, object, render_finish, resource_id, revoke,
    text,
};

#[expect(clippy::too_many_lines, reason = "a day's tasks, one after the other")]
#[test]
fn a_day_of_work() {
    let mut served = Served::msp(&["--provisioning", "--audit-log", "audit.jsonl"]);
    let hello = served.c1.tasks().wait_for_hellos(1, PATIENCE).remove(0).request;
    assert_eq!(hello.host_id, "test-host");
    let metadata = hello.connector_metadata.unwrap();
    assert_eq!(metadata.account_creation_schema.unwrap().field_map.len(), 9);
    let mut day = Vec::new();
    let mut work = |name: &str, task: TaskType| {
        let id = served.push(task);
        let finish = served.finished(&id);
        day.push(format!("{name:34} {}", render_finish(&finish)));
        finish
    };
    work("grant", grant("role:3:assigned", "16"));
    work("grant again", grant("role:3:assigned", "16"));
    work("grant to the other kind", grant("role:3:assigned", "901"));
    work("grant what cannot be", grant("organization:2:member", "901"));
    work("grant to nobody", grant("role:3:assigned", "77777"));
    work(
        "grant without a principal",
        TaskType::Grant(wire::GrantTask {
            entitlement: Some(entitlement("role:3:assigned")),
            ..wire::GrantTask::default()
        }),
    );
    work("revoke", revoke("role:3:assigned", "16"));
    work("revoke again", revoke("role:3:assigned", "16"));
    let created = work("create an account", create("nia@example.com"));
    let account: v2::CreateAccountResponse = created.response().unwrap().unwrap();
    let Some(v2::create_account_response::Result::Success(success)) = account.result else {
        panic!("{account:?}")
    };
    let id = success.resource.unwrap().id.unwrap().resource;
    work("create it again", create("nia@example.com"));
    work(
        "create one whose address is taken",
        create("already.taken@example.com"),
    );
    work("delete it", delete("user", &id));
    work("delete it again", delete("user", &id));
    work("delete an administrator", delete("user", "2"));
    work("delete a role", delete("role", "3"));
    work(
        "create a resource",
        TaskType::CreateResource(wire::CreateResourceTask {
            resource: Some(v2::Resource {
                id: Some(resource_id("role", "9")),
                ..v2::Resource::default()
            }),
        }),
    );
    work(
        "rotate",
        TaskType::RotateCredentials(wire::RotateCredentialsTask::default()),
    );
    work(
        "list actions",
        TaskType::ActionListSchemas(wire::ActionListSchemasTask::default()),
    );
    let invoked = work(
        "invoke one",
        invoke(
            "update-account",
            object(&[
                ("user_id", text("903")),
                ("full_portal_access", Kind::BoolValue(true)),
            ]),
        ),
    );
    let response: v2::InvokeActionResponse = invoked.response().unwrap().unwrap();
    work(
        "its status",
        TaskType::ActionStatus(wire::ActionStatusTask {
            name: "update-account".to_owned(),
            id: response.id,
            ..wire::ActionStatusTask::default()
        }),
    );
    work(
        "invoke what is not offered",
        invoke(
            "update-account",
            object(&[("user_id", text("903")), ("email", text("x@example.com"))]),
        ),
    );
    work("invoke an unknown one", invoke("enable-account", object(&[])));
    work(
        "list event feeds",
        TaskType::ListEventFeeds(wire::ListEventFeedsTask::default()),
    );
    let events = work(
        "list events",
        TaskType::ListEvents(wire::ListEventsTask {
            start_at: Some(baton_proto::prost_types::Timestamp::default()),
            page_size: 5,
            ..wire::ListEventsTask::default()
        }),
    );
    let events: v2::ListEventsResponse = events.response().unwrap().unwrap();
    assert!(events.has_more && events.events.len() == 5 && events.cursor.starts_with("activity:"));
    work(
        "list events with a strange cursor",
        TaskType::ListEvents(wire::ListEventsTask {
            cursor: "x".to_owned(),
            ..wire::ListEventsTask::default()
        }),
    );
    work("compact", TaskType::CompactSyncs(wire::CompactSyncs::default()));
    let unknown = served.c1.tasks().push(None);
    day.push(format!(
        "{:34} {}",
        "something unknown",
        render_finish(&served.finished(&unknown))
    ));
    assert_snapshot!(day.join("\n"));
    let again = served.push(TaskType::Hello(wire::HelloTask::default()));
    assert!(served.c1.tasks().wait_for_hellos(2, PATIENCE)[1].request.task_id == again.as_str());
    assert_eq!(served.stop(), Some(0));
    assert!(served.temp_is_empty());
    let audit = fs::read_to_string(served.context.path("audit.jsonl")).unwrap();
    assert!(audit.lines().count() > 10 && audit.contains("ConductorOne, task "));
}

#[test]
fn a_sync_delivers_what_a_run_writes() {
    let mut served = Served::msp(&["--sink", "parquet=access"]);
    let id = served.push(TaskType::SyncFull(wire::SyncFullTask::default()));
    assert_eq!(render_finish(&served.finished(&id)), "ok,  []");
    let progress = served.c1.tasks().progress(&id).unwrap();
    assert!(!progress.heartbeats.is_empty());
    let delivered: Vec<String> = {
        let upload = progress.assets().next().unwrap();
        read_rows(&upload.path).into_iter().map(|row| row.shown).collect()
    };
    let other = TestContext::msp();
    assert_eq!(other.run(&[]).code, Some(0));
    let expected: Vec<String> = read_rows(&other.path("sync.c1z"))
        .into_iter()
        .map(|row| row.shown)
        .collect();
    let plain = |rows: Vec<String>, context: &TestContext| {
        rows.join("\n")
            .replace(context.base_url.as_deref().unwrap(), "[TENANT]")
    };
    assert_eq!(plain(delivered, &served.context), plain(expected, &other));
    assert!(served.context.path("access/latest.json").exists());
    assert!(served.temp_is_empty());
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn requested_parts_of_a_tenant_are_delivered() {
    let mut served = Served::msp(&[]);
    let shallow = served.push(TaskType::SyncFull(wire::SyncFullTask {
        skip_entitlements_and_grants: true,
        ..wire::SyncFullTask::default()
    }));
    let typed = served.push(TaskType::SyncFull(wire::SyncFullTask {
        sync_resource_type_ids: vec!["user".to_owned()],
        storage_engine: "pebble".to_owned(),
        ..wire::SyncFullTask::default()
    }));
    let target = served.push(TaskType::SyncFull(wire::SyncFullTask {
        targeted_sync_resources: vec![v2::Resource {
            id: Some(resource_id("role", "3")),
            ..v2::Resource::default()
        }],
        ..wire::SyncFullTask::default()
    }));
    let without_grants = served.push(TaskType::SyncFull(wire::SyncFullTask {
        skip_grants: true,
        ..wire::SyncFullTask::default()
    }));
    assert!(served.finished(&without_grants).is_success());
    let progress = served.c1.tasks().progress(&without_grants).unwrap();
    let rows_without: String = read_rows(&progress.assets().next().unwrap().path)
        .into_iter()
        .map(|row| row.shown)
        .collect();
    assert!(rows_without.contains("role:3:assigned") && !rows_without.contains("role:3:assigned:user:"));
    let robot = served.push(TaskType::SyncFull(wire::SyncFullTask {
        sync_resource_type_ids: vec!["robot".to_owned()],
        ..wire::SyncFullTask::default()
    }));
    let mut rows = Vec::new();
    for id in [&shallow, &typed, &target] {
        assert!(served.finished(id).is_success());
        let progress = served.c1.tasks().progress(id).unwrap();
        rows.push(read_rows(&progress.assets().next().unwrap().path).len());
    }
    assert!(rows[0] > rows[1] && rows[1] > rows[2] && rows[2] > 3, "{rows:?}");
    assert_snapshot!(render_finish(&served.finished(&robot)));
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn a_full_sync_can_be_skipped() {
    let mut served = Served::msp(&["--skip-full-sync"]);
    let id = served.push(TaskType::SyncFull(wire::SyncFullTask::default()));
    assert!(served.finished(&id).is_success(), "{}", served.log());
    let progress = served.c1.tasks().progress(&id).unwrap();
    assert_eq!(read_rows(&progress.assets().next().unwrap().path).len(), 0);
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn replicas_share_the_tasks_of_one_client() {
    let mut served = Served::msp(&["--provisioning", "--task-concurrency", "1"]);
    let credentials = served.c1.credentials().clone();
    let mut command =
        served
            .context
            .command(&["--provisioning", "--task-concurrency", "1", "--log-path", "log2"]);
    let mut other = command
        .env("BATON_CLIENT_ID", &credentials.client_id)
        .env("BATON_CLIENT_SECRET", &credentials.client_secret)
        .env("BATON_CA_FILE", "c1-ca.pem")
        .env("BATON_HOST_ID", "other-host")
        .spawn()
        .unwrap();
    assert_eq!(served.c1.tasks().wait_for_hellos(2, PATIENCE).len(), 2);
    let ids: Vec<TaskId> = (0..20)
        .map(|_| served.push(TaskType::SyncFull(wire::SyncFullTask::default())))
        .collect();
    let hosts: std::collections::BTreeSet<String> =
        ids.iter().map(|id| served.finished(id).host_id).collect();
    assert_eq!(hosts.len(), 2, "{hosts:?}");
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&other),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    assert_eq!(other.wait().unwrap().code(), Some(0));
    assert_eq!(served.stop(), Some(0));
    assert!(served.temp_is_empty());
}

#[test]
fn without_provisioning_nothing_changes() {
    let mut served = Served::msp(&[]);
    for task in [
        grant("role:3:assigned", "16"),
        revoke("role:1:assigned", "7"),
        create("nia@example.com"),
        delete("user", "15"),
    ] {
        let id = served.push(task);
        assert_eq!(
            render_finish(&served.finished(&id)),
            "FailedPrecondition, for good: provisioning is not enabled"
        );
    }
    assert!(writes(&served.context).is_empty());
    assert_eq!(served.stop(), Some(0));
}

fn slow(path: &str) -> FaultRule {
    FaultRule {
        method: Some("GET".to_owned()),
        path: path.to_owned(),
        when: When::Always,
        fault: Fault::SlowBody {
            first: Duration::from_secs(20),
            pause: Duration::ZERO,
            piece: 4096,
        },
    }
}

#[test]
fn a_cancelled_sync_ends_soon_and_can_be_retried() {
    let c1 = C1SimConfig {
        pace: Pace {
            next_heartbeat: Duration::from_millis(1),
            ..Pace::default()
        },
        ..C1SimConfig::default()
    };
    let mut served = Served::new(&SimConfig::new(Tenant::fixture("msp").unwrap()), c1, &[]);
    served.context.sim().faults().add(slow("/v2/users"));
    let id = served.push(TaskType::SyncFull(wire::SyncFullTask::default()));
    served
        .c1
        .tasks()
        .wait_for(&id, PATIENCE, |progress| !progress.heartbeats.is_empty())
        .unwrap();
    served.c1.tasks().cancel(&id);
    let finish = served.finished(&id);
    assert_eq!(
        render_finish(&finish),
        "Cancelled, may be tried again: task was cancelled"
    );
    assert!(served.temp_is_empty());
    served.context.sim().faults().clear();
    let next = served.push(TaskType::SyncFull(wire::SyncFullTask::default()));
    assert!(served.finished(&next).is_success());
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn outages_on_either_side_are_survived() {
    let mut served = Served::msp(&["--ninja-one-retry-seconds", "0"]);
    assert_eq!(served.c1.tasks().wait_for_hellos(1, PATIENCE).len(), 1);
    served.c1.faults().at(
        Endpoint::GetTask,
        C1When::First(1),
        C1Fault::Refuse(Code::Unavailable),
    );
    served
        .c1
        .faults()
        .at(Endpoint::Heartbeat, C1When::Nth(2), C1Fault::Drop);
    served
        .c1
        .faults()
        .at(Endpoint::UploadAsset, C1When::First(1), C1Fault::CutUpload(1));
    served.c1.revoke_tokens();
    let id = served.push(TaskType::SyncFull(wire::SyncFullTask::default()));
    assert!(served.finished(&id).is_success());
    let progress = served.c1.tasks().progress(&id).unwrap();
    assert_eq!(progress.uploads.len(), 2);
    assert_eq!(progress.uploads[1].outcome, UploadOutcome::Complete);
    served.context.sim().faults().add(FaultRule {
        method: None,
        path: "/v2/users".to_owned(),
        when: When::Always,
        fault: Fault::Status(503),
    });
    let id = served.push(TaskType::SyncFull(wire::SyncFullTask::default()));
    let failed = served.finished(&id);
    assert!(
        failed.code() == Code::Unavailable && !failed.non_retryable(),
        "{}",
        render_finish(&failed)
    );
    served.context.sim().faults().clear();
    let id = served.push(TaskType::SyncFull(wire::SyncFullTask::default()));
    assert!(served.finished(&id).is_success());
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn a_task_delivered_twice_runs_once() {
    let mut served = Served::msp(&["--provisioning"]);
    served.context.sim().faults().add(FaultRule {
        method: Some("GET".to_owned()),
        path: "/v2/user/roles".to_owned(),
        when: When::Always,
        fault: Fault::SlowBody {
            first: Duration::from_millis(500),
            pause: Duration::ZERO,
            piece: 4096,
        },
    });
    let id = served.push(grant("role:3:assigned", "16"));
    served
        .c1
        .tasks()
        .wait_for(&id, PATIENCE, |progress| progress.deliveries.len() == 1)
        .unwrap();
    served.c1.tasks().redeliver(&id);
    assert!(served.finished(&id).is_success());
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(served.c1.tasks().progress(&id).unwrap().finishes.len(), 1);
    assert_eq!(writes(&served.context).len(), 1);
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn a_signal_waits_for_tasks_up_to_the_grace_period() {
    for (grace, expected) in [
        ("20", "ok,  []"),
        (
            "0",
            "Cancelled, may be tried again: the connector is shutting down",
        ),
    ] {
        let mut served = Served::msp(&["--shutdown-grace-seconds", grace]);
        served.c1.faults().at(
            Endpoint::UploadAsset,
            C1When::First(1),
            C1Fault::Delay(Duration::from_secs(2)),
        );
        let id = served.push(TaskType::SyncFull(wire::SyncFullTask::default()));
        served
            .c1
            .tasks()
            .wait_for(&id, PATIENCE, |progress| !progress.heartbeats.is_empty())
            .unwrap();
        while served.c1.ledger().count(Endpoint::UploadAsset) == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        let polls = served.c1.ledger().count(Endpoint::GetTask);
        assert_eq!(served.stop(), Some(0));
        assert_eq!(render_finish(&served.finished(&id)), expected);
        assert!(served.c1.ledger().count(Endpoint::GetTask) <= polls + 1);
        assert!(served.temp_is_empty());
    }
}

#[test]
fn tasks_of_a_killed_process_run_in_the_next() {
    let c1 = C1SimConfig {
        pace: Pace {
            redeliver_after: Duration::from_secs(1),
            ..Pace::default()
        },
        ..C1SimConfig::default()
    };
    let mut served = Served::new(&SimConfig::new(Tenant::fixture("msp").unwrap()), c1, &[]);
    // `KILLS=100` makes it the long one.
    let kills: u64 = std::env::var("KILLS").map_or(5, |kills| kills.parse().unwrap());
    for delay in (0..kills).map(|n| n * 37 % 230) {
        let id = served.push(TaskType::SyncFull(wire::SyncFullTask::default()));
        served
            .c1
            .tasks()
            .wait_for(&id, PATIENCE, |progress| !progress.deliveries.is_empty())
            .unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        served.signal(rustix::process::Signal::KILL);
        let mut child = served.child.take().unwrap();
        child.wait().unwrap();
        let hellos = served.c1.hellos().len();
        served.start(&[]);
        assert!(served.finished(&id).is_success());
        assert!(served.c1.tasks().wait_for_hellos(hellos + 1, PATIENCE).len() > hellos);
    }
    assert_eq!(served.stop(), Some(0));
    assert!(served.temp_is_empty());
}

#[test]
fn startup_failures_are_reported() {
    let served = Served::msp(&[]);
    let credentials = served.c1.credentials().clone();
    let unknown_client = served.c1.unknown_client("nobody").unwrap();
    let run = |id: &str, secret: &str| {
        let mut command = served.context.command(&["--ca-file", "c1-ca.pem"]);
        let ran = served.context.finish(
            command
                .env("BATON_CLIENT_ID", id)
                .env("BATON_CLIENT_SECRET", secret),
        );
        let authority = served.c1.authority();
        served
            .context
            .error_snapshot(&ran)
            .replace(&authority, "[C1]")
            .replace(&authority.replace("localhost:", ""), "[PORT]")
    };
    let shown = [
        run("not-an-id", &credentials.client_secret),
        run(&credentials.client_id, "not-a-secret"),
        run(&credentials.client_id, ""),
        run(&unknown_client.client_id, &unknown_client.client_secret),
    ];
    assert_snapshot!(shown.join("\n"));
}

/// Asks the health server.
fn ask(port: &str, path: &str) -> String {
    use std::io::Write;

    let mut stream = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn probes_and_metrics_show_the_state() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    drop(listener);
    let mut served = Served::msp(&["--health-check", "--health-check-port", &port, "--provisioning"]);
    assert_eq!(served.c1.tasks().wait_for_hellos(1, PATIENCE).len(), 1);
    for _ in 0..20 {
        assert!(ask(&port, "/health").contains(r#""status":"healthy""#));
        assert!(ask(&port, "/ready").contains(r#""status":"ready""#));
        assert!(ask(&port, "/live").contains(r#""status":"alive""#));
    }
    // A sign-in and one small call.
    assert_eq!(served.context.sim().ledger().calls().len(), 2);
    let probe = served
        .context
        .run(&["health-check", "--health-check-port", &port]);
    assert_eq!((probe.code, probe.stdout.as_str()), (Some(0), ""));
    for task in [
        TaskType::SyncFull(wire::SyncFullTask::default()),
        grant("role:3:assigned", "16"),
    ] {
        let id = served.push(task);
        assert!(served.finished(&id).is_success());
    }
    let metrics = ask(&port, "/metrics");
    let secret = served.c1.credentials().client_secret.clone();
    for hidden in
        served
            .c1
            .issued_tokens()
            .iter()
            .chain([&secret, &SECRET.to_owned(), &"sim-token".to_owned()])
    {
        assert!(
            !metrics.contains(hidden.as_str()),
            "a secret is among the metrics"
        );
    }
    for expected in [
        "sync_full",
        "grant",
        "uploaded_bytes",
        "api_calls",
        "resource_type=\"user\"",
    ] {
        assert!(metrics.contains(expected), "{expected} is not in\n{metrics}");
    }
    assert_eq!(served.stop(), Some(0));
    let probe = served
        .context
        .run(&["health-check", "--health-check-port", &port]);
    assert_eq!(probe.code, Some(14));
}
