//! A client and responses for unit tests. The client sends nothing.

use std::time::Duration;

use reqwest::{Body, Response};

use super::{BaseUrl, ClientConfig, DEFAULT_TOKEN_PATH, NinjaOneClient, RetryBudget, Secret, WritePolicy};

/// The read timeout of the client.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// A client that makes this number of attempts.
pub(super) fn client(attempts: u32, scope: Option<&str>) -> NinjaOneClient {
    let config = ClientConfig {
        base_url: BaseUrl::parse("http://127.0.0.1:9").unwrap(),
        token_path: DEFAULT_TOKEN_PATH.to_owned(),
        client_id: "id".to_owned(),
        client_secret: Secret::new("a-secret-of-the-unit-tests"),
        scope: scope.map(str::to_owned),
        ca_file: None,
        timeout: TIMEOUT,
        retry: RetryBudget {
            attempts,
            ..RetryBudget::default()
        },
        pace: None,
        writes: WritePolicy::Disabled,
        user_agent: "tests".to_owned(),
    };
    NinjaOneClient::new(config).unwrap()
}

/// A response of the tenant.
pub(super) fn response(status: u16, body: impl Into<Body>) -> Response {
    let response = http::Response::builder().status(status);
    response.body(body.into()).unwrap().into()
}
