//! Tasks from the queue to their end.

use std::time::Duration;

use baton_proto::connector_v2::{GrantAlreadyExists, GrantManagerServiceGrantResponse};
use baton_proto::connectorapi_baton_v1::baton_service_finish_task_request::{Error, FinalState, Success};
use baton_proto::connectorapi_baton_v1::task::{GrantTask, HelloTask, SyncFullTask, TaskType};
use baton_proto::connectorapi_baton_v1::{
    BatonServiceGetTaskRequest, BatonServiceGetTasksRequest, BatonServiceHeartbeatRequest,
    StartDebuggingRequest, Task,
};
use baton_proto::{pack, rpc};
use c1_sim::{C1Sim, C1SimConfig, Code, Endpoint, FinishCountError, Idle, Outcome, Pace, TaskState};

use crate::connector::{HOST, connect, get_task, heartbeat, hello, success, tenant};

const SOON: Duration = Duration::from_secs(10);

fn sync() -> TaskType {
    TaskType::SyncFull(SyncFullTask::default())
}

#[tokio::test]
async fn a_task_is_assigned_once_and_its_end_is_recorded() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let id = sim.tasks().push(TaskType::Grant(GrantTask::default()));
    let task = get_task(&mut connector).await.unwrap().unwrap();
    assert_eq!(task.id, id.as_str());
    assert_eq!(task.task_type, Some(TaskType::Grant(GrantTask::default())));
    assert_eq!(get_task(&mut connector).await.unwrap(), None);

    let mut request = success(&id);
    request.final_state = Some(FinalState::Success(Success {
        annotations: vec![pack(&GrantAlreadyExists {})],
        response: Some(pack(&GrantManagerServiceGrantResponse::default())),
    }));
    connector.finish_task(request).await.unwrap();
    let finish = sim.tasks().finished_once(&id, SOON).unwrap();
    assert!(finish.is_success());
    assert_eq!((finish.code(), finish.host_id.as_str()), (Code::Ok, HOST));
    assert_eq!(
        finish.annotation::<GrantAlreadyExists>().unwrap(),
        Some(GrantAlreadyExists {})
    );
    assert!(
        finish
            .response::<GrantManagerServiceGrantResponse>()
            .unwrap()
            .is_some()
    );

    let calls = sim.ledger().calls_of(Endpoint::FinishTask);
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].outcome, Outcome::Code(Code::Ok));
    assert_eq!(calls[0].task.as_ref(), Some(&id));
    assert!(calls[0].user_agent.as_ref().unwrap().contains("tonic"));
    let polls = sim.ledger().calls_of(Endpoint::GetTask);
    assert_eq!(polls.len(), 2);
    assert!(polls[0].at <= calls[0].at && polls[0].peer == calls[0].peer);
}

#[tokio::test]
async fn a_failure_is_recorded_completely() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let id = sim.tasks().push(sync());
    get_task(&mut connector).await.unwrap();
    let info = rpc::ErrorInfo {
        reason: "grant_cancelled".to_owned(),
        ..Default::default()
    };
    let mut request = success(&id);
    request.status = Some(rpc::Status {
        code: Code::FailedPrecondition.into(),
        message: "no".to_owned(),
        details: vec![pack(&info)],
    });
    request.final_state = Some(FinalState::Error(Error {
        non_retryable: true,
        ..Default::default()
    }));
    connector.finish_task(request).await.unwrap();
    let finish = sim.tasks().finished_once(&id, SOON).unwrap();
    assert!(!finish.is_success() && finish.non_retryable());
    assert_eq!(
        (finish.code(), finish.message()),
        (Code::FailedPrecondition, "no")
    );
    assert_eq!(finish.detail::<rpc::ErrorInfo>().unwrap(), Some(info));
}

#[tokio::test]
async fn missing_and_repeated_ends_are_errors() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let id = sim.tasks().push(sync());
    get_task(&mut connector).await.unwrap();
    let never = sim.tasks().finished_once(&id, Duration::ZERO);
    assert_eq!(never, Err(FinishCountError::Never(id.clone())));
    for _ in 0..2 {
        connector.finish_task(success(&id)).await.unwrap();
    }
    let often = sim.tasks().finished_once(&id, SOON);
    assert_eq!(often, Err(FinishCountError::Repeated { id, times: 2 }));
}

#[tokio::test]
async fn a_poll_returns_the_next_poll() {
    for (idle, is_none_task) in [(Idle::NoneTask, true), (Idle::NoTask, false)] {
        let config = C1SimConfig {
            idle,
            pace: Pace {
                next_poll: Duration::from_millis(1500),
                ..Default::default()
            },
            ..Default::default()
        };
        let sim = C1Sim::start(config).unwrap();
        let mut connector = connect(&sim).await;
        let request = BatonServiceGetTaskRequest {
            host_id: HOST.to_owned(),
        };
        let answer = connector.get_task(request).await.unwrap().into_inner();
        let next_poll = answer.next_poll.unwrap();
        assert_eq!((next_poll.seconds, next_poll.nanos), (1, 500_000_000));
        let task_type = answer.task.and_then(|task| task.task_type);
        assert_eq!(matches!(task_type, Some(TaskType::None(_))), is_none_task);
    }
}

#[tokio::test]
async fn a_batch_omits_known_tasks() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let ids: Vec<_> = (0..4).map(|_| sim.tasks().push(sync())).collect();
    // Known tasks are not given out even when nothing was heard of them.
    sim.tasks().set_pace(Pace {
        redeliver_after: Duration::ZERO,
        ..Default::default()
    });
    let mut poll = async |page_size, known: &[&str]| {
        let request = BatonServiceGetTasksRequest {
            host_id: HOST.to_owned(),
            page_size,
            known_task_ids: known.iter().map(|id| (*id).to_owned()).collect(),
            annotations: Vec::new(),
        };
        let tasks = connector.get_tasks(request).await.unwrap().into_inner().tasks;
        tasks.into_iter().map(|task| task.id).collect::<Vec<_>>()
    };
    let first = poll(3, &[]).await;
    assert_eq!(
        first,
        ids[..3].iter().map(ToString::to_string).collect::<Vec<_>>()
    );
    let known: Vec<&str> = first.iter().map(String::as_str).collect();
    assert_eq!(poll(3, &known).await, [ids[3].as_str()]);
}

#[tokio::test]
async fn a_silent_task_is_assigned_again() {
    let config = C1SimConfig {
        pace: Pace {
            redeliver_after: Duration::from_millis(600),
            ..Default::default()
        },
        ..Default::default()
    };
    let sim = C1Sim::start(config).unwrap();
    let mut connector = connect(&sim).await;
    let id = sim.tasks().push(sync());
    for _ in 0..2 {
        assert!(get_task(&mut connector).await.unwrap().is_some());
        // Heartbeats keep it.
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            heartbeat(&mut connector, &id).await.unwrap();
            assert_eq!(get_task(&mut connector).await.unwrap(), None);
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    assert!(get_task(&mut connector).await.unwrap().is_some());
    connector.finish_task(success(&id)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(get_task(&mut connector).await.unwrap(), None);
    let progress = sim.tasks().progress(&id).unwrap();
    assert_eq!((progress.deliveries.len(), progress.heartbeats.len()), (3, 6));
    assert_eq!(progress.state, TaskState::Finished);
}

#[tokio::test]
async fn heartbeats_report_cancelled_tasks() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let [running, other, waiting] = [(); 3].map(|()| sim.tasks().push(sync()));
    get_task(&mut connector).await.unwrap();
    assert!(!heartbeat(&mut connector, &running).await.unwrap().cancelled);
    for id in [&running, &other, &waiting] {
        sim.tasks().cancel(id);
    }
    let request = BatonServiceHeartbeatRequest {
        host_id: HOST.to_owned(),
        task_id: running.to_string(),
        task_ids: vec![other.to_string()],
        annotations: Vec::new(),
    };
    let answer = connector.heartbeat(request).await.unwrap().into_inner();
    assert!(answer.cancelled);
    assert_eq!(answer.cancelled_task_ids, [other.as_str()]);
    assert_eq!(answer.next_heartbeat.unwrap().seconds, 1);
    assert_eq!(get_task(&mut connector).await.unwrap(), None);
}

#[tokio::test]
async fn a_hello_is_recorded_and_answers_a_hello_task() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    connector.hello(hello("")).await.unwrap();
    let id = sim.tasks().push(TaskType::Hello(HelloTask::default()));
    get_task(&mut connector).await.unwrap();
    connector.hello(hello(id.as_str())).await.unwrap();
    let hellos = sim.tasks().wait_for_hellos(2, SOON);
    assert_eq!(hellos[1].request, hello(id.as_str()));
    let progress = sim
        .tasks()
        .wait_for(&id, SOON, |it| it.state == TaskState::Finished);
    assert_eq!(progress.unwrap().finishes, []);
}

#[tokio::test]
async fn any_task_can_be_queued() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let id = sim.tasks().push(None);
    let unknown = get_task(&mut connector).await.unwrap().unwrap();
    assert_eq!((unknown.id.as_str(), unknown.task_type), (id.as_str(), None));
    let task = Task {
        id: "0ujtsYcgvSTl8PAuAdqWYSMnLOv".to_owned(),
        debug: true,
        task_type: Some(sync()),
        ..Default::default()
    };
    let id = sim.tasks().push_task(task.clone()).unwrap();
    assert_eq!(get_task(&mut connector).await.unwrap(), Some(task));
    sim.tasks().redeliver(&id);
    assert!(get_task(&mut connector).await.unwrap().is_some());
    let refused = sim.tasks().push_task(Task::default()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "\"\" is no task id: those have 27 letters and digits"
    );
}

#[tokio::test]
async fn tasks_that_do_not_exist_are_not_found() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let id = tenant().tasks().push(sync());
    let mut codes = vec![heartbeat(&mut connector, &id).await.unwrap_err().code()];
    codes.push(connector.finish_task(success(&id)).await.unwrap_err().code());
    codes.push(connector.hello(hello(id.as_str())).await.unwrap_err().code());
    assert_eq!(codes, [Code::NotFound; 3]);
    assert!(sim.hellos().is_empty());
    let unknown = sim.tasks().finished_once(&id, SOON);
    assert_eq!(unknown, Err(FinishCountError::Unknown(id)));
    let debugging = connector.start_debugging(StartDebuggingRequest {}).await;
    assert_eq!(debugging.unwrap_err().code(), Code::Unimplemented);
}
