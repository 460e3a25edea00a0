//! Failing calls and their errors.

use std::io::Write;
use std::time::Duration;

use access_core::{Diagnostic, StatusCode};
use c1_service::{C1Client, C1Error, Network, NetworkFault, RetryPolicy};
use c1_sim::{Code, Endpoint, Fault, Outcome, When};
use tempfile::NamedTempFile;

use crate::tenant::{CALLS, Tenant, call, direct};

/// A client with a short retry budget.
fn with_short_timeouts() -> Network {
    Network {
        retry_policy: RetryPolicy {
            finish: Duration::from_millis(200),
            ..direct().retry_policy
        },
        ..direct()
    }
}

#[tokio::test]
async fn every_code_of_every_call_is_classified() {
    let tenant = Tenant::healthy();
    let client = tenant.client_over(&with_short_timeouts());
    let (_, task) = tenant.sync_task();
    let file = NamedTempFile::new().unwrap();
    for number in 1..=16 {
        // The third attempt of an upload comes after a second. Rejections that are never retried are tested with the other
        // calls.
        for endpoint in &CALLS[..4] {
            tenant.sim.faults().clear();
            tenant.fault(*endpoint, When::Always, Fault::Refuse(Code::from_i32(number)));
            let failed = call(&client, *endpoint, &task, file.path()).await.unwrap_err();
            let code = StatusCode::from_number(u8::try_from(number).unwrap()).unwrap();
            assert_eq!(failed.status(), code, "{endpoint:?}");
            assert_eq!(
                failed.to_string(),
                format!("{endpoint:?}: {code}: something went wrong")
            );
            let fatal = matches!(number, 3 | 5 | 7 | 9 | 12 | 16);
            assert_eq!(failed.fatal_at_start(), fatal, "{code}");
            assert_eq!(failed.retryable(), matches!(number, 4 | 14), "{code}");
        }
    }
}

#[tokio::test]
async fn upload_is_only_retried_if_that_helps() {
    let tenant = Tenant::healthy();
    let client = tenant.client();
    let (_, task) = tenant.sync_task();
    let file = NamedTempFile::new().unwrap();
    for (code, attempts) in [
        (Code::InvalidArgument, 1),
        (Code::NotFound, 1),
        (Code::PermissionDenied, 1),
        (Code::FailedPrecondition, 1),
        (Code::Unavailable, 3),
        (Code::Internal, 3),
    ] {
        tenant.sim.faults().clear();
        tenant.fault(Endpoint::UploadAsset, When::Always, Fault::Refuse(code));
        let before = tenant.sim.ledger().count(Endpoint::UploadAsset);
        let failed = client.upload(&task, file.path()).await.unwrap_err();
        assert_eq!(i32::from(failed.status().number()), i32::from(code));
        assert_eq!(
            tenant.sim.ledger().count(Endpoint::UploadAsset) - before,
            attempts,
            "{code:?}"
        );
    }
}

#[tokio::test]
async fn proxy_page_is_not_a_response() {
    let tenant = Tenant::healthy();
    let client = tenant.client_over(&with_short_timeouts());
    let (_, task) = tenant.sync_task();
    let file = NamedTempFile::new().unwrap();
    for (status, code) in [
        (502, StatusCode::Unavailable),
        (503, StatusCode::Unavailable),
        (504, StatusCode::Unavailable),
        (429, StatusCode::Unavailable),
        (500, StatusCode::Unavailable),
        (200, StatusCode::Unavailable),
        (302, StatusCode::Unavailable),
        (401, StatusCode::Unauthenticated),
        (403, StatusCode::PermissionDenied),
        (404, StatusCode::Unimplemented),
        (418, StatusCode::Unknown),
    ] {
        for endpoint in &CALLS[..4] {
            tenant.sim.faults().clear();
            tenant.fault(*endpoint, When::Always, Fault::Http(status));
            let failed = call(&client, *endpoint, &task, file.path()).await.unwrap_err();
            assert_eq!(failed.status(), code, "{endpoint:?} {status}");
            assert_eq!(
                failed.to_string(),
                format!("{endpoint:?}: answered with HTTP {status} and a page of HTML")
            );
        }
    }
}

#[tokio::test]
async fn page_in_place_of_an_upload_response_is_retried() {
    let tenant = Tenant::healthy();
    let (id, task) = tenant.sync_task();
    let file = NamedTempFile::new().unwrap();
    tenant.fault(Endpoint::UploadAsset, When::First(2), Fault::Http(502));
    let receipt = tenant.client().upload(&task, file.path()).await.unwrap();
    assert_eq!(receipt.attempts, 3);
    assert_eq!(tenant.sim.tasks().progress(&id).unwrap().assets().count(), 1);
}

#[tokio::test]
async fn dropped_connection_is_reopened() {
    let tenant = Tenant::healthy();
    let client = tenant.client();
    client.get_task().await.unwrap();
    for fault in [Fault::Drop, Fault::LoseAnswer, Fault::Reset] {
        tenant.sim.faults().clear();
        tenant.fault(Endpoint::GetTask, When::Nth(1), fault.clone());
        let failed = client.get_task().await.unwrap_err();
        assert!(
            matches!(
                failed,
                C1Error::Network {
                    fault: NetworkFault::Broken,
                    ..
                }
            ),
            "{failed:?}"
        );
        assert_eq!(failed.status(), StatusCode::Unavailable);
        client.get_task().await.unwrap();
    }
    let calls = tenant.sim.ledger().calls_of(Endpoint::GetTask);
    assert_eq!(calls[1].outcome, Outcome::Dropped);
    assert_ne!(calls[1].peer, calls[2].peer);
}

#[tokio::test]
async fn unreachable_tenant_is_not_fatal() {
    let tenant = Tenant::healthy();
    let client = tenant.client();
    client.get_task().await.unwrap();
    let authority = tenant.sim.authority();
    drop(tenant);
    let failed = client.get_task().await.unwrap_err();
    assert_eq!(failed.status(), StatusCode::Unavailable);
    let failed = client.get_task().await.unwrap_err();
    assert!(
        failed.to_string().contains("Connection refused"),
        "{failed} {authority}"
    );
    assert!(failed.hint().unwrap().contains("port 443"));
    assert!(!failed.fatal_at_start());
}

#[tokio::test]
async fn slow_response_times_out() {
    let tenant = Tenant::healthy();
    let mut network = direct();
    network.retry_policy.call = Duration::from_millis(300);
    let client = tenant.client_over(&network);
    client.get_task().await.unwrap();
    tenant.fault(
        Endpoint::GetTask,
        When::Nth(1),
        Fault::Delay(Duration::from_secs(5)),
    );
    let failed = client.get_task().await.unwrap_err();
    assert_eq!(failed.to_string(), "GetTask: no answer within 0.3 s");
    assert_eq!(failed.status(), StatusCode::DeadlineExceeded);
    assert!(failed.retryable() && !failed.fatal_at_start());
    client.get_task().await.unwrap();
    let calls = tenant.sim.ledger().calls_of(Endpoint::GetTask);
    assert_ne!(
        calls[0].peer, calls[2].peer,
        "a connection that does not answer is given up"
    );
}

#[tokio::test]
async fn untrusted_certificate_is_rejected_with_a_hint() {
    let (tenant, other) = (Tenant::healthy(), Tenant::healthy());
    let mut config = tenant.config();
    for ca in [None, Some(other.ca.path().to_owned())] {
        config.ca_file = ca;
        let client = C1Client::with_network(config.clone(), &direct()).unwrap();
        let failed = client.get_task().await.unwrap_err();
        assert!(
            matches!(
                failed,
                C1Error::Network {
                    fault: NetworkFault::Untrusted,
                    ..
                }
            ),
            "{failed:?}"
        );
        assert!(failed.to_string().contains("certificate"), "{failed}");
        assert!(failed.hint().unwrap().contains("--ca-file"));
        assert!(failed.retryable() && !failed.fatal_at_start());
    }
    assert!(tenant.sim.ledger().calls().is_empty());
}

#[test]
fn ca_file_must_contain_certificates() {
    let tenant = Tenant::healthy();
    let mut config = tenant.config();
    let mut empty = NamedTempFile::new().unwrap();
    empty.write_all(b"nothing").unwrap();
    for path in [empty.path().to_owned(), "/nonexistent/ca.pem".into()] {
        config.ca_file = Some(path);
        let refused = C1Client::new(config.clone()).unwrap_err();
        assert_eq!(refused.status(), StatusCode::InvalidArgument);
        assert!(refused.fatal_at_start() && refused.hint().is_some());
    }
}
