//! A server that repeats the request: the collector gets neither the secret nor the token.

use super::collector::Collector;
use super::{ENDPOINT, INSECURE};
use crate::echo_server::{EchoLocation, Form, JSON, leak, start_echo_server};
use crate::harness::{SECRET, TestContext};

#[test]
fn echoed_secrets_are_not_sent_to_a_collector() {
    let context = TestContext::msp();
    for (path, location) in [
        (
            "/ws/oauth/token",
            EchoLocation::Body(403, "text/html", "<title>{}</title>"),
        ),
        (
            "/ws/oauth/token",
            EchoLocation::Body(400, JSON, r#"{"error":"x","error_description":"{}"}"#),
        ),
        (
            "/v2/user/roles",
            EchoLocation::Header(302, "Location", "/elsewhere/{}"),
        ),
        (
            "/v2/user/roles",
            EchoLocation::Body(500, JSON, r#"{"message":"{}"}"#),
        ),
        (
            "/v2/user/roles",
            EchoLocation::Header(500, "x-nj-request-id", "{}"),
        ),
    ] {
        let collector = Collector::start();
        let address = start_echo_server(context.base_url.as_deref().unwrap(), path, location, Form::Raw);
        let mut command = context.command(&[ENDPOINT, &collector.address, INSECURE, "--log-level", "debug"]);
        command
            .env("BATON_NINJA_ONE_BASE_URL", address)
            .env("BATON_NINJA_ONE_RETRY_SECONDS", "0");
        let ran = context.finish(&mut command);
        assert_ne!(ran.code, Some(0), "{}", ran.stderr);
        let (spans, records) = (collector.spans(), collector.records());
        assert!(!spans.is_empty(), "{path} {location:?}");
        let exported = format!("{spans:?}{records:?}");
        for secret in [SECRET, "sim-token-000001"] {
            assert_eq!(leak(&exported, secret), None, "{path} {location:?}");
            assert!(!collector.received(secret));
        }
    }
}
