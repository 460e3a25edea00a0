//! Reporting the results of tasks.

use std::time::Duration;

use access_core::{Diagnostic, StatusCode};
use baton_proto::connector_v2::{GrantAlreadyExists, GrantManagerServiceGrantResponse};
use baton_proto::{pack, rpc};
use c1_service::TaskResult;
use c1_sim::{Code, Endpoint, Fault, FinishCountError, When};

use crate::tenant::{Tenant, direct, success};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn success_has_response_and_annotations() {
    let tenant = Tenant::healthy();
    let (id, task) = tenant.sync_task();
    let response = GrantManagerServiceGrantResponse::default();
    let end = TaskResult::Success {
        response: Some(pack(&response)),
        annotations: vec![pack(&GrantAlreadyExists {})],
    };
    tenant.client().finish(&task, end).await.unwrap();
    let finish = tenant.sim.tasks().finished_once(&id, SOON).unwrap();
    assert!(finish.is_success() && finish.status.is_none());
    assert_eq!(finish.host_id, "test-host");
    assert_eq!(finish.response().unwrap(), Some(response));
    assert!(finish.annotation::<GrantAlreadyExists>().unwrap().is_some());
}

#[tokio::test]
async fn failure_has_code_message_and_details() {
    let tenant = Tenant::healthy();
    for retryable in [true, false] {
        let (id, task) = tenant.sync_task();
        let info = rpc::ErrorInfo {
            reason: "grant_cancelled".to_owned(),
            ..Default::default()
        };
        let end = TaskResult::Failure {
            code: StatusCode::FailedPrecondition,
            message: "the user is locked".to_owned(),
            details: vec![pack(&info)],
            annotations: Vec::new(),
            retryable,
        };
        tenant.client().finish(&task, end).await.unwrap();
        let finish = tenant.sim.tasks().finished_once(&id, SOON).unwrap();
        assert!(!finish.is_success());
        assert_eq!(
            (finish.code(), finish.message()),
            (Code::FailedPrecondition, "the user is locked")
        );
        assert_eq!(finish.detail().unwrap(), Some(info));
        assert_eq!(finish.non_retryable(), !retryable);
        assert!(
            finish
                .response::<GrantManagerServiceGrantResponse>()
                .unwrap()
                .is_none()
        );
    }
}

#[tokio::test]
async fn overlong_results_are_truncated() {
    let tenant = Tenant::healthy();
    let (id, task) = tenant.sync_task();
    let end = TaskResult::Failure {
        code: StatusCode::Unknown,
        message: "ä".repeat(100_000),
        details: Vec::new(),
        annotations: vec![pack(&GrantAlreadyExists {}); 20],
        retryable: true,
    };
    tenant.client().finish(&task, end).await.unwrap();
    let finish = tenant.sim.tasks().finished_once(&id, SOON).unwrap();
    assert_eq!(finish.annotations().len(), 16);
    assert!(finish.message().len() <= 8192 && finish.message().ends_with("ä…"));
}

#[tokio::test]
async fn lost_response_is_retried() {
    let tenant = Tenant::healthy();
    let (id, task) = tenant.sync_task();
    tenant.fault(Endpoint::FinishTask, When::Nth(1), Fault::LoseAnswer);
    tenant.client().finish(&task, success()).await.unwrap();
    let times = tenant.sim.tasks().finished_once(&id, SOON).unwrap_err();
    assert_eq!(times, FinishCountError::Repeated { id, times: 2 });
}

#[tokio::test]
async fn transient_failures_are_retried_within_the_limit() {
    for fault in [
        Fault::Refuse(Code::Unavailable),
        Fault::Refuse(Code::DeadlineExceeded),
        Fault::Refuse(Code::Unknown),
        Fault::Refuse(Code::Internal),
        Fault::Refuse(Code::Aborted),
        Fault::Refuse(Code::ResourceExhausted),
        Fault::Http(503),
        Fault::Drop,
    ] {
        let tenant = Tenant::healthy();
        let (id, task) = tenant.sync_task();
        tenant.fault(Endpoint::FinishTask, When::Nth(1), fault);
        tenant.client().finish(&task, success()).await.unwrap();
        tenant.sim.tasks().finished_once(&id, SOON).unwrap();
    }
}

#[tokio::test]
async fn missing_response_does_not_exhaust_the_limit() {
    let tenant = Tenant::healthy();
    let (_, task) = tenant.sync_task();
    let mut network = direct();
    network.retry_policy.finish_attempt = Duration::from_millis(200);
    tenant.fault(
        Endpoint::FinishTask,
        When::Nth(1),
        Fault::Delay(Duration::from_mins(1)),
    );
    tenant
        .client_over(&network)
        .finish(&task, success())
        .await
        .unwrap();
    assert_eq!(tenant.sim.ledger().count(Endpoint::FinishTask), 2);
}

#[tokio::test]
async fn retries_end_at_the_limit() {
    let tenant = Tenant::healthy();
    let (_, task) = tenant.sync_task();
    let mut network = direct();
    network.retry_policy.finish = Duration::from_millis(1500);
    tenant.fault(
        Endpoint::FinishTask,
        When::Always,
        Fault::Refuse(Code::Unavailable),
    );
    let begin = std::time::Instant::now();
    let failed = tenant
        .client_over(&network)
        .finish(&task, success())
        .await
        .unwrap_err();
    assert_eq!(failed.status(), StatusCode::Unavailable);
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert!(tenant.sim.ledger().count(Endpoint::FinishTask) >= 2);
}

#[tokio::test]
async fn rejection_is_not_retried() {
    for code in [
        Code::InvalidArgument,
        Code::NotFound,
        Code::PermissionDenied,
        Code::AlreadyExists,
        Code::FailedPrecondition,
        Code::Unimplemented,
        Code::Cancelled,
        Code::DataLoss,
        Code::OutOfRange,
    ] {
        let tenant = Tenant::healthy();
        let (_, task) = tenant.sync_task();
        tenant.fault(Endpoint::FinishTask, When::Always, Fault::Refuse(code));
        tenant.client().finish(&task, success()).await.unwrap_err();
        assert_eq!(tenant.sim.ledger().count(Endpoint::FinishTask), 1, "{code:?}");
    }
}
