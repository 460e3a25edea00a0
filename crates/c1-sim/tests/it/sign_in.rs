//! The token endpoint and the validity of tokens.

use std::time::Duration;

use c1_sim::{C1Sim, C1SimConfig, Code, Credentials, Endpoint, ExpiresIn, Outcome, TokenBehavior};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::assertion::{Assertion, now};
use crate::connector::{connect, form, get_task, post, rpc, sign_in, tenant};

/// The reason why the tenant refuses a form, or `None`.
async fn refusal(sim: &C1Sim, form: &[(&str, &str)]) -> Option<String> {
    let answer = post(sim, form).await.unwrap();
    let status = answer.status();
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let call = sim.ledger().calls_of(Endpoint::Token).pop().unwrap();
    assert_eq!(call.outcome, Outcome::Http(status.as_u16()));
    if status == StatusCode::OK {
        return None;
    }
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let reason = body["error_description"].as_str().unwrap().to_owned();
    assert_eq!(call.refusal.as_ref(), Some(&reason));
    Some(reason)
}

/// The reason why the tenant refuses an altered assertion.
async fn refusal_of_altered(sim: &C1Sim, alter: impl FnOnce(&mut Assertion)) -> String {
    let mut assertion = Assertion::of(sim.credentials());
    alter(&mut assertion);
    let assertion = assertion.sign();
    refusal(sim, &form(sim.credentials(), &assertion))
        .await
        .unwrap_or_default()
}

#[tokio::test]
async fn a_good_assertion_gets_a_token_that_works() {
    let config = C1SimConfig {
        key_id: Some("key-1".to_owned()),
        ..Default::default()
    };
    let sim = C1Sim::start(config).unwrap();
    let (status, body) = sign_in(&sim, sim.credentials()).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, StatusCode::OK);
    let expected =
        json!({ "access_token": sim.issued_tokens()[0], "token_type": "Bearer", "expires_in": 600 });
    assert_eq!(body, expected);
    assert_eq!(get_task(&mut connect(&sim).await).await.unwrap(), None);
}

#[tokio::test]
async fn registered_clients_sign_in_and_others_are_refused() {
    let sim = tenant();
    let second = sim.register_client("second", None).unwrap();
    assert_eq!(sign_in(&sim, &second).await.0, StatusCode::OK);
    let unknown_client = sim.unknown_client("stranger").unwrap();
    let (status, body) = sign_in(&sim, &unknown_client).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(body.contains("the client is unknown"), "{body}");
}

#[tokio::test]
async fn a_wrong_key_is_refused() {
    let sim = tenant();
    let mixed = Credentials {
        client_id: sim.credentials().client_id.clone(),
        client_secret: sim.unknown_client("other").unwrap().client_secret,
    };
    let (status, body) = sign_in(&sim, &mixed).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(body.contains("signature"), "{body}");
}

#[tokio::test]
async fn every_part_of_an_assertion_is_checked() {
    let sim = tenant();
    let algorithm = refusal_of_altered(&sim, |it| it.header["alg"] = "HS256".into()).await;
    assert_eq!(algorithm, "alg is not EdDSA");
    let key = refusal_of_altered(&sim, |it| it.header["kid"] = "other".into()).await;
    assert_eq!(key, "kid is not that of the client's key");
    for nonce in [json!("abc"), json!("g".repeat(32)), json!("a".repeat(33))] {
        let reason = refusal_of_altered(&sim, |it| it.header["nonce"] = nonce).await;
        assert_eq!(reason, "nonce is not 32 hex digits");
    }
    let authority = sim.authority();
    let claims = [
        ("iss", json!("someone")),
        ("sub", json!("someone")),
        ("aud", json!(authority)),
        ("iat", json!(now() - 100)),
        ("iat", json!(now() + 100)),
        ("nbf", json!(now() + 100)),
        ("nbf", json!(now() - 1000)),
        ("exp", json!(now() - 1)),
        ("exp", json!(now() + 1000)),
    ];
    for (claim, value) in claims {
        let reason = refusal_of_altered(&sim, |it| it.claims[claim] = value.clone()).await;
        assert_eq!(reason, format!("{claim} is wrong"), "{value}");
    }
    let list = refusal_of_altered(&sim, |it| it.claims["aud"] = json!(["localhost"])).await;
    assert!(list.contains("claims do not read"), "{list}");
    assert!(sim.issued_tokens().is_empty());
}

#[tokio::test]
async fn every_field_of_the_form_is_checked() {
    let sim = tenant();
    for position in 0..4 {
        let assertion = Assertion::of(sim.credentials()).sign();
        let mut fields = form(sim.credentials(), &assertion).to_vec();
        let (name, _) = fields.remove(position);
        let reason = refusal(&sim, &fields).await.unwrap();
        assert_eq!(reason, format!("the form lacks {name}"));
        fields.push((name, "nonsense"));
        let reason = refusal(&sim, &fields).await;
        assert!(reason.is_some(), "{name} may be nonsense");
    }
}

#[tokio::test]
async fn an_assertion_is_valid_once() {
    let sim = tenant();
    let mut assertion = Assertion::of(sim.credentials());
    let signed = assertion.sign();
    let fields = form(sim.credentials(), &signed);
    assert_eq!(refusal(&sim, &fields).await, None);
    let reason = "the assertion or its nonce was used before";
    assert_eq!(refusal(&sim, &fields).await.unwrap(), reason);
    assertion.claims["exp"] = json!(now() + 60);
    let same_nonce = assertion.sign();
    let fields = form(sim.credentials(), &same_nonce);
    assert_eq!(refusal(&sim, &fields).await.unwrap(), reason);
}

#[tokio::test]
async fn token_answers_are_configurable() {
    let token = TokenBehavior {
        lifetime: Duration::from_secs(5),
        token_type: "bearer".to_owned(),
        expires_in: ExpiresIn::Absent,
    };
    let config = C1SimConfig {
        token,
        ..Default::default()
    };
    let sim = C1Sim::start(config).unwrap();
    let (_, body) = sign_in(&sim, sim.credentials()).await;
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap(),
        json!({ "access_token": "sim-token-000001", "token_type": "bearer" })
    );
}

#[tokio::test]
async fn calls_need_a_valid_token() {
    let token = TokenBehavior {
        lifetime: Duration::from_millis(1500),
        ..Default::default()
    };
    let config = C1SimConfig {
        token,
        ..Default::default()
    };
    let sim = C1Sim::start(config).unwrap();
    for authorization in [
        None,
        Some("Bearer nonsense"),
        Some("bearer sim-token-000001"),
        Some("DPoP x"),
    ] {
        let refused = get_task(&mut rpc(&sim, authorization).await).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{authorization:?}");
    }
    let mut connector = connect(&sim).await;
    get_task(&mut connector).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1600)).await;
    let refused = get_task(&mut connector).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::Unauthenticated, "the token has expired")
    );

    let mut connector = connect(&sim).await;
    sim.revoke_tokens();
    let refused = get_task(&mut connector).await.unwrap_err();
    assert_eq!(refused.message(), "the token is unknown");
}

#[test]
fn a_test_without_a_runtime_can_start_a_tenant() {
    let sim = tenant();
    let Credentials {
        client_id,
        client_secret,
    } = sim.credentials();
    assert_eq!(*client_id, format!("brisk-otter-12345@{}/sim", sim.authority()));
    assert!(client_secret.starts_with("secret-token:conductorone.com:v1:"));
    assert!(sim.ca_pem().starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(sim.ledger().calls().is_empty());
}
