//! Every fault.

use std::time::{Duration, Instant};

use baton_proto::connectorapi_baton_v1::task::{SyncFullTask, TaskType};
use baton_proto::connectorapi_baton_v1::{BatonServiceGetTasksRequest, BatonServiceUploadAssetRequest};
use c1_sim::{C1Sim, Code, Endpoint, Fault, FaultRule, Outcome, TaskProgress, UploadOutcome, When};
use futures::StreamExt as _;
use futures::stream;
use reqwest::StatusCode;

use crate::assertion::Assertion;
use crate::connector::{
    HOST, connect, form, get_task, heartbeat, post, sign_in, success, tenant, wait_for_progress,
};
use crate::uploads::{data, eof, metadata, task, upload};

const SOON: Duration = Duration::from_secs(10);

/// Whether each of ten polls fails.
async fn ten_polls(sim: &C1Sim) -> Vec<bool> {
    let mut connector = connect(sim).await;
    let mut failed = Vec::new();
    for _ in 0..10 {
        failed.push(get_task(&mut connector).await.is_err());
    }
    failed
}

#[tokio::test]
async fn a_rule_affects_the_selected_calls() {
    let unavailable = Fault::Refuse(Code::Unavailable);
    let affected_calls = async |when| {
        let sim = tenant();
        sim.faults().at(Endpoint::GetTask, when, unavailable.clone());
        let failed = ten_polls(&sim).await;
        let numbered = (1..=10).zip(failed);
        numbered
            .filter_map(|(number, failed)| failed.then_some(number))
            .collect::<Vec<_>>()
    };
    assert_eq!(affected_calls(When::First(2)).await, [1, 2]);
    assert_eq!(affected_calls(When::Nth(3)).await, [3]);
    assert_eq!(affected_calls(When::After(8)).await, [9, 10]);
    assert_eq!(affected_calls(When::Always).await.len(), 10);
    let half = When::Percent { percent: 50, seed: 4 };
    let some = affected_calls(half).await;
    assert!((1..10).contains(&some.len()), "{some:?}");
    assert_eq!(affected_calls(half).await, some);
}

#[tokio::test]
async fn calls_are_refused_with_any_code() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    for code in 1..=16 {
        let code = Code::from_i32(code);
        sim.faults().clear();
        sim.faults().add(FaultRule {
            endpoint: None,
            when: When::Always,
            fault: Fault::Refuse(code),
        });
        assert_eq!(get_task(&mut connector).await.unwrap_err().code(), code);
        let call = sim.ledger().calls_of(Endpoint::GetTask).pop().unwrap();
        assert_eq!(call.outcome, Outcome::Code(code));
    }
    let id = task(&sim);
    let refused = upload(&mut connector, [metadata(&id), data(9), eof(9)]).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(sign_in(&sim, sim.credentials()).await.0, StatusCode::UNAUTHORIZED);
    assert!(sim.tasks().progress(&id).unwrap().uploads.is_empty());
}

#[tokio::test]
async fn a_proxy_answers_instead_of_the_tenant() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    sim.faults().add(FaultRule {
        endpoint: None,
        when: When::Always,
        fault: Fault::Http(502),
    });
    let failed = get_task(&mut connector).await.unwrap_err();
    assert!(failed.message().contains("502"), "{failed:?}");
    let call = sim.ledger().calls_of(Endpoint::GetTask).pop().unwrap();
    assert_eq!(call.outcome, Outcome::Http(502));
    assert_eq!(sign_in(&sim, sim.credentials()).await.0, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn the_token_endpoint_returns_a_given_body() {
    let sim = tenant();
    let body = r#"{"access_token":""}"#;
    sim.faults()
        .at(Endpoint::Token, When::Nth(1), Fault::TokenBody(body.to_owned()));
    let answer = sign_in(&sim, sim.credentials()).await;
    assert_eq!(answer, (StatusCode::OK, body.to_owned()));
    assert!(sim.issued_tokens().is_empty());
}

#[tokio::test]
async fn calls_are_delayed() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let delay = Duration::from_millis(300);
    sim.faults()
        .at(Endpoint::GetTask, When::Nth(1), Fault::Delay(delay));
    let started_at = Instant::now();
    get_task(&mut connector).await.unwrap();
    assert!(started_at.elapsed() >= delay);
}

#[tokio::test]
async fn a_dropped_connection_ends_all_its_calls() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    sim.faults().at(
        Endpoint::Heartbeat,
        When::Always,
        Fault::Delay(Duration::from_mins(1)),
    );
    sim.faults().at(Endpoint::GetTask, When::Nth(1), Fault::Drop);
    let id = task(&sim);
    let mut other = connector.clone();
    let waiting = tokio::spawn(async move { heartbeat(&mut other, &id).await });
    let ledger = sim.ledger().clone();
    let arrived = move || ledger.wait_until(SOON, |calls| calls.len() == 2);
    assert!(tokio::task::spawn_blocking(arrived).await.unwrap());
    get_task(&mut connector).await.unwrap_err();
    waiting.await.unwrap().unwrap_err();
    // The channel connects again.
    assert!(get_task(&mut connector).await.unwrap().is_some());
    let calls = sim.ledger().calls_of(Endpoint::GetTask);
    assert_eq!(calls[0].outcome, Outcome::Dropped);
    assert_ne!(calls[0].peer, calls[1].peer);
}

#[tokio::test]
async fn a_reset_stream_leaves_the_connection() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    sim.faults().at(Endpoint::GetTask, When::Nth(1), Fault::Reset);
    get_task(&mut connector).await.unwrap_err();
    get_task(&mut connector).await.unwrap();
    let calls = sim.ledger().calls_of(Endpoint::GetTask);
    assert_eq!(calls[0].outcome, Outcome::Dropped);
    assert_eq!(calls[0].peer, calls[1].peer);
}

#[tokio::test]
async fn the_token_endpoint_drops_connections_and_loses_answers() {
    let sim = tenant();
    sim.faults().at(Endpoint::Token, When::Nth(1), Fault::Drop);
    sim.faults().at(Endpoint::Token, When::Nth(2), Fault::LoseAnswer);
    for issued in 0..2 {
        let assertion = Assertion::of(sim.credentials()).sign();
        post(&sim, &form(sim.credentials(), &assertion))
            .await
            .unwrap_err();
        assert_eq!(sim.issued_tokens().len(), issued);
    }
    assert_eq!(sign_in(&sim, sim.credentials()).await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_upload_is_cut_after_some_chunks() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let id = task(&sim);
    sim.faults()
        .at(Endpoint::UploadAsset, When::Nth(1), Fault::CutUpload(0));
    sim.faults()
        .at(Endpoint::UploadAsset, When::Nth(2), Fault::CutUpload(2));
    let messages = || [metadata(&id), data(8), data(7), data(6), eof(21)];
    for _ in 0..2 {
        upload(&mut connector, messages()).await.unwrap_err();
    }
    upload(&mut connector, messages()).await.unwrap();
    let cut = |it: &TaskProgress| it.uploads[..2].iter().all(|it| it.outcome == UploadOutcome::Cut);
    let progress = wait_for_progress(&sim, &id, cut).await;
    let chunks: Vec<_> = progress.uploads.iter().map(|it| it.chunks.len()).collect();
    assert_eq!(chunks, [0, 2, 3]);
    assert_eq!(progress.assets().count(), 1);
}

#[tokio::test]
async fn a_disconnected_client_cuts_its_upload() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let id = task(&sim);
    let begun = stream::iter([metadata(&id), data(8)])
        .map(|message| BatonServiceUploadAssetRequest { msg: Some(message) });
    let call = tokio::spawn(async move { connector.upload_asset(begun.chain(stream::pending())).await });
    wait_for_progress(&sim, &id, |it| it.uploads.iter().any(|it| it.chunks == [8])).await;
    call.abort();
    wait_for_progress(&sim, &id, |it| it.uploads[0].outcome == UploadOutcome::Cut).await;
}

#[tokio::test]
async fn an_answer_is_lost_after_the_effect() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let id = task(&sim);
    sim.faults()
        .at(Endpoint::FinishTask, When::Nth(1), Fault::LoseAnswer);
    connector.finish_task(success(&id)).await.unwrap_err();
    assert!(sim.tasks().finished_once(&id, SOON).is_ok());
    assert_eq!(sim.ledger().calls().pop().unwrap().outcome, Outcome::Dropped);

    sim.faults()
        .at(Endpoint::UploadAsset, When::Nth(1), Fault::LoseAnswer);
    upload(&mut connector, [metadata(&id), data(5), eof(5)])
        .await
        .unwrap_err();
    assert_eq!(sim.tasks().progress(&id).unwrap().assets().count(), 1);
}

#[tokio::test]
async fn a_task_is_delivered_twice() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let id = task(&sim);
    sim.faults().at(Endpoint::GetTask, When::Nth(1), Fault::Duplicate);
    for _ in 0..2 {
        assert_eq!(get_task(&mut connector).await.unwrap().unwrap().id, id.as_str());
    }
    assert_eq!(get_task(&mut connector).await.unwrap(), None);
}

#[tokio::test]
async fn a_batch_is_delivered_twice() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let ids = [(); 2].map(|()| task(&sim).to_string());
    sim.faults()
        .at(Endpoint::GetTasks, When::Nth(1), Fault::Duplicate);
    let request = BatonServiceGetTasksRequest {
        host_id: HOST.to_owned(),
        page_size: 9,
        ..Default::default()
    };
    for _ in 0..2 {
        let tasks = connector
            .get_tasks(request.clone())
            .await
            .unwrap()
            .into_inner()
            .tasks;
        assert_eq!(tasks.into_iter().map(|task| task.id).collect::<Vec<_>>(), ids);
    }
    let idle = connector.get_tasks(request).await.unwrap().into_inner().tasks;
    assert_eq!(idle.into_iter().map(|task| task.id).collect::<Vec<_>>(), [""]);
}

#[tokio::test]
async fn a_heartbeat_cancels() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    let id = sim.tasks().push(TaskType::SyncFull(SyncFullTask::default()));
    sim.faults().at(Endpoint::Heartbeat, When::Nth(2), Fault::Cancel);
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(heartbeat(&mut connector, &id).await.unwrap().cancelled);
    }
    assert_eq!(answers, [false, true, true]);
}

#[tokio::test]
async fn all_tokens_are_revoked() {
    let sim = tenant();
    let mut connector = connect(&sim).await;
    sim.faults()
        .at(Endpoint::GetTask, When::Nth(2), Fault::RevokeTokens);
    get_task(&mut connector).await.unwrap();
    let refused = get_task(&mut connector).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    get_task(&mut connect(&sim).await).await.unwrap();
}
