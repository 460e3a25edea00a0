//! Sign-in, and the cache of tokens.

use std::time::Duration;

use access_core::{Diagnostic, StatusCode};
use c1_service::{C1Client, C1Error};
use c1_sim::{C1SimConfig, Code, Endpoint, ExpiresIn, Fault, TokenBehavior, When};

use crate::tenant::{Tenant, config, direct};

fn permanent(seconds: u64, expires_in: ExpiresIn) -> Tenant {
    Tenant::with_tokens(TokenBehavior {
        lifetime: Duration::from_secs(seconds),
        expires_in,
        ..Default::default()
    })
}

#[tokio::test]
async fn token_is_kept_until_ten_seconds_before_expiry() {
    for (tenant, tokens) in [
        (permanent(600, ExpiresIn::Truthful), 1),
        (permanent(600, ExpiresIn::Claimed(11)), 1),
        (permanent(600, ExpiresIn::Claimed(10)), 3),
        (permanent(600, ExpiresIn::Claimed(0)), 3),
        (permanent(600, ExpiresIn::Absent), 3),
    ] {
        let client = tenant.client();
        for _ in 0..3 {
            client.get_task().await.unwrap();
        }
        assert_eq!(tenant.sim.ledger().count(Endpoint::Token), tokens);
    }
}

#[tokio::test]
async fn token_is_renewed_before_expiry() {
    let tenant = permanent(600, ExpiresIn::Claimed(11));
    let client = tenant.client();
    client.get_task().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    client.get_task().await.unwrap();
    assert_eq!(tenant.sim.ledger().count(Endpoint::Token), 2);
}

#[tokio::test]
async fn rejected_token_is_replaced_once() {
    let tenant = Tenant::healthy();
    let client = tenant.client();
    client.get_task().await.unwrap();
    tenant.sim.revoke_tokens();
    let polls = (0..8).map(|_| client.get_task());
    for polled in futures::future::join_all(polls).await {
        polled.unwrap();
    }
    assert_eq!(tenant.sim.ledger().count(Endpoint::Token), 2);

    tenant.fault(
        Endpoint::GetTask,
        When::Always,
        Fault::Refuse(Code::Unauthenticated),
    );
    let refused = client.get_task().await.unwrap_err();
    assert_eq!(refused.status(), StatusCode::Unauthenticated);
    assert!(refused.fatal_at_start());
    assert_eq!(tenant.sim.ledger().count(Endpoint::Token), 3);
    assert_eq!(tenant.sim.ledger().count(Endpoint::GetTask), 19);
}

#[tokio::test]
async fn token_revoked_during_an_upload_is_replaced() {
    let tenant = Tenant::healthy();
    let client = tenant.client();
    let (id, task) = tenant.sync_task();
    tenant.fault(Endpoint::UploadAsset, When::Nth(1), Fault::RevokeTokens);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), [7; 1000]).unwrap();
    let receipt = client.upload(&task, file.path()).await.unwrap();
    assert_eq!((receipt.bytes, receipt.attempts), (1000, 1));
    assert_eq!(tenant.sim.tasks().progress(&id).unwrap().assets().count(), 1);
}

#[tokio::test]
async fn key_ids_and_token_types_are_sent() {
    let tenant = Tenant::start(C1SimConfig {
        key_id: Some("key-1".to_owned()),
        token: TokenBehavior {
            token_type: "bEaReR".to_owned(),
            ..Default::default()
        },
        ..Default::default()
    });
    tenant.client().get_task().await.unwrap();
    let call = &tenant.sim.ledger().calls_of(Endpoint::Token)[0];
    let agent = "baton-c1-credential-provider baton-ninja-one/1.2.3";
    assert_eq!(call.user_agent.as_deref(), Some(agent));

    let tenant = Tenant::with_tokens(TokenBehavior {
        token_type: "DPoP".to_owned(),
        ..Default::default()
    });
    let refused = tenant.client().get_task().await.unwrap_err();
    assert_eq!(refused.status(), StatusCode::Unauthenticated);
    let call = &tenant.sim.ledger().calls_of(Endpoint::GetTask)[0];
    assert_eq!(
        call.refusal.as_deref(),
        Some("the authorization does not begin with Bearer")
    );
}

#[tokio::test]
async fn rejected_credentials_are_fatal() {
    let tenant = Tenant::healthy();
    let unknown_client = tenant.sim.unknown_client("stranger").unwrap();
    let client = C1Client::with_network(config(&unknown_client, tenant.ca.path()), &direct()).unwrap();
    let refused = client.get_task().await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "failed to get token: 401 Unauthorized (invalid_client)"
    );
    assert_eq!(refused.status(), StatusCode::Unauthenticated);
    assert!(refused.fatal_at_start() && !refused.retryable());
    assert!(refused.hint().unwrap().contains("--client-secret"));
    assert_eq!(tenant.sim.ledger().count(Endpoint::GetTask), 0);
}

#[tokio::test]
async fn transient_token_failures_are_not_fatal() {
    let tenant = Tenant::healthy();
    let client = tenant.client();
    for (fault, text) in [
        (Fault::Http(500), "500 Internal Server Error with a page of HTML"),
        (Fault::Http(502), "502 Bad Gateway with a page of HTML"),
        (Fault::Http(429), "429 Too Many Requests with a page of HTML"),
        (Fault::Http(302), "302 Found with a page of HTML"),
        (Fault::Http(200), "200 OK with a page of HTML"),
        (Fault::Http(401), "401 Unauthorized with a page of HTML"),
        (
            Fault::TokenBody("{\"access_to".to_owned()),
            "the answer cannot be read",
        ),
    ] {
        tenant.sim.faults().clear();
        tenant.fault(Endpoint::Token, When::Always, fault);
        let failed = client.get_task().await.unwrap_err();
        assert_eq!(failed.to_string(), format!("failed to get token: {text}"));
        assert_eq!(failed.status(), StatusCode::Unavailable);
        assert!(failed.retryable() && !failed.fatal_at_start());
    }
    for fault in [Fault::Drop, Fault::LoseAnswer] {
        tenant.sim.faults().clear();
        tenant.fault(Endpoint::Token, When::Always, fault);
        let failed = client.get_task().await.unwrap_err();
        assert!(matches!(failed, C1Error::Network { .. }), "{failed:?}");
        assert!(failed.retryable());
    }
    for body in ["{}", "{\"access_token\":\"\"}", "{\"access_token\":\"a\\nb\"}"] {
        tenant.sim.faults().clear();
        tenant.fault(Endpoint::Token, When::Always, Fault::TokenBody(body.to_owned()));
        let failed = client.get_task().await.unwrap_err();
        assert_eq!(failed.status(), StatusCode::Unauthenticated, "{failed}");
    }
    tenant.sim.faults().clear();
    client.get_task().await.unwrap();
}
