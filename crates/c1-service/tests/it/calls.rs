//! Successful calls.

use std::time::Duration;

use baton_proto::connectorapi_baton_v1::task::{HelloTask, TaskType};
use c1_service::{BuildInfo, C1Client, Hello, TaskId};
use c1_sim::{C1SimConfig, Endpoint, Idle, Pace};

use crate::tenant::{Tenant, direct, hello};

#[tokio::test]
async fn hello_announces_the_connector() {
    let tenant = Tenant::healthy();
    let client = tenant.client();
    client.hello(hello()).await.unwrap();
    let task = tenant.sim.tasks().push(TaskType::Hello(HelloTask::default()));
    let answer = Hello {
        task_id: Some(TaskId::parse(task.as_str()).unwrap()),
        build_info: BuildInfo {
            package: "é".repeat(300),
            ..hello().build_info
        },
        ..hello()
    };
    client.hello(answer).await.unwrap();
    let hellos = tenant.sim.hellos();
    let (first, second) = (&hellos[0].request, &hellos[1].request);
    assert_eq!(
        (first.host_id.as_str(), first.task_id.as_str()),
        ("test-host", "")
    );
    assert_eq!(first.build_info, Some(hello().build_info));
    assert_eq!(first.os_info, Some(c1_service::host_info()));
    assert_eq!(first.connector_metadata, Some(hello().metadata));
    assert!(first.annotations.is_empty());
    assert_eq!(second.task_id, task.as_str());
    assert_eq!(second.build_info.as_ref().unwrap().package, "é".repeat(256));
    let call = &tenant.sim.ledger().calls_of(Endpoint::Hello)[0];
    let agent = call.user_agent.as_deref().unwrap();
    assert!(
        agent.starts_with("brisk-otter-12345 baton-ninja-one/1.2.3 tonic/"),
        "{agent}"
    );
}

#[tokio::test]
async fn blank_host_texts_are_filled() {
    let tenant = Tenant::healthy();
    let blank = Hello {
        os_info: c1_service::OsInfo::default(),
        ..hello()
    };
    tenant.client().hello(blank).await.unwrap();
    let info = tenant.sim.hellos()[0].request.os_info.clone().unwrap();
    assert_eq!(
        (info.hostname.as_str(), info.virtualization_system.as_str()),
        ("unknown", "none")
    );
    assert_eq!(
        (info.platform_version, info.platform),
        ("unknown".to_owned(), info.os)
    );
}

#[tokio::test]
async fn poll_returns_a_task_or_none() {
    for idle in [Idle::NoneTask, Idle::NoTask] {
        let tenant = Tenant::start(C1SimConfig {
            idle,
            ..Default::default()
        });
        let client = tenant.client();
        let polled = client.get_task().await.unwrap();
        assert_eq!((polled.task, polled.next_poll), (None, Duration::from_millis(20)));
        let (_, known) = tenant.sync_task();
        let unknown = tenant.sim.tasks().push(None);
        let task = client.get_task().await.unwrap().task.unwrap();
        assert_eq!((&task.id, task.debug), (&known, false));
        assert!(matches!(task.kind, Some(TaskType::SyncFull(_))));
        let task = client.get_task().await.unwrap().task.unwrap();
        assert_eq!((task.id.as_str(), task.kind), (unknown.as_str(), None));
        assert_eq!(client.get_task().await.unwrap().task, None);
    }
}

#[tokio::test]
async fn waits_are_bounded() {
    let tenant = Tenant::healthy();
    let client = tenant.client();
    let (_, task) = tenant.sync_task();
    for (said, poll, heartbeat) in [
        (Duration::ZERO, Duration::ZERO, Duration::from_secs(30)),
        (
            Duration::from_millis(1),
            Duration::from_millis(1),
            Duration::from_secs(1),
        ),
        (
            Duration::from_secs(7),
            Duration::from_secs(7),
            Duration::from_secs(7),
        ),
        (
            Duration::from_hours(9),
            Duration::from_mins(5),
            Duration::from_mins(5),
        ),
    ] {
        tenant.sim.tasks().set_pace(Pace {
            next_poll: said,
            next_heartbeat: said,
            ..Default::default()
        });
        assert_eq!(client.get_task().await.unwrap().next_poll, poll);
        assert_eq!(client.heartbeat(&task).await.unwrap().next, heartbeat);
    }
}

#[tokio::test]
async fn heartbeat_reports_cancellation() {
    let tenant = Tenant::healthy();
    let client = tenant.client();
    let (id, task) = tenant.sync_task();
    assert!(!client.heartbeat(&task).await.unwrap().cancelled);
    tenant.sim.tasks().cancel(&id);
    assert!(client.heartbeat(&task).await.unwrap().cancelled);
    assert_eq!(tenant.sim.tasks().progress(&id).unwrap().heartbeats.len(), 2);
}

#[tokio::test]
async fn one_connection_serves_all_calls() {
    let tenant = Tenant::healthy();
    let client = tenant.client();
    let polls = (0..20).map(|_| {
        let client = client.clone();
        async move { client.get_task().await }
    });
    for polled in futures::future::join_all(polls).await {
        polled.unwrap();
    }
    client.hello(hello()).await.unwrap();
    let calls = tenant.sim.ledger().calls();
    let mut peers: Vec<_> = calls
        .iter()
        .filter(|call| call.endpoint != Endpoint::Token)
        .map(|call| call.peer)
        .collect();
    assert_eq!(peers.len(), 21);
    peers.dedup();
    assert_eq!(peers.len(), 1);
    assert_eq!(tenant.sim.ledger().count(Endpoint::Token), 1);
}

#[tokio::test]
async fn api_host_can_be_overridden() {
    let tenant = Tenant::healthy();
    let port = tenant.sim.authority().split(':').nth(1).unwrap().to_owned();
    let mut config = tenant.config();
    config.api_host = Some(format!("127.0.0.1:{port}"));
    let client = C1Client::with_network(config.clone(), &direct()).unwrap();
    assert_eq!(client.authority(), format!("127.0.0.1:{port}"));
    client.get_task().await.unwrap();
    config.api_host = Some("https://acme.conductor.one".to_owned());
    let refused = C1Client::with_network(config, &direct()).unwrap_err().to_string();
    assert_eq!(
        refused,
        "`https://acme.conductor.one` is not a usable host of ConductorOne's API"
    );
}

#[test]
fn client_can_be_created_without_a_runtime() {
    let tenant = Tenant::healthy();
    let client = C1Client::new(tenant.config()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(client.get_task()).unwrap();
}
