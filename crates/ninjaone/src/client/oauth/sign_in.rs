//! Sign-in with OAuth2 client credentials, only at the configured address (docs/reference/ninjaone-api.md §2).

use std::time::Instant;

use access_core::secrets::ServerText;
#[cfg(any(test, fuzzing))]
use reqwest::Response;
use reqwest::StatusCode as Http;
use reqwest::header::ACCEPT;

use super::token::{Token, TokenAnswer};
use crate::client::body_reader::Answer;
use crate::client::response::{NonJson, RequestFailure, classify_response, request_line, sign_in_redirected};
use crate::client::retry::RetryState;
use crate::client::trace::traced;
use crate::client::{ApiError, NinjaOneClient, NinjaOneError};

/// Maximum size of a token response.
const MAX_TOKEN_BODY_BYTES: usize = 1 << 20;
/// Maximum number of scopes that are requested one by one to find the rejected ones.
const MAX_PROBED_SCOPES: usize = 4;

impl NinjaOneClient {
    /// The current token, or a new one if there is none, it expires soon, or it is the rejected one.
    pub(in crate::client) async fn token(&self, refused: Option<&Token>) -> Result<Token, NinjaOneError> {
        let mut held = self.token.lock().await;
        if let Some(token) = held.as_ref() {
            let refused = refused.is_some_and(|refused| refused.secret == token.secret);
            if token.is_fresh(Instant::now()) && !refused {
                return Ok(token.clone());
            }
        }
        let token = match self.sign_in().await {
            Err(NinjaOneError::ScopeNotGranted {
                request,
                scope,
                fault,
            }) => {
                let scope = self.refused_scopes().await.unwrap_or(scope);
                return Err(NinjaOneError::ScopeNotGranted {
                    request,
                    scope,
                    fault,
                });
            }
            signed_in => signed_in?,
        };
        tracing::debug!(
            scope = token.scope.as_deref().unwrap_or("not reported"),
            "signed in"
        );
        *held = Some(token.clone());
        Ok(token)
    }

    async fn sign_in(&self) -> Result<Token, NinjaOneError> {
        let url = self.config().base_url.endpoint(&self.config().token_path);
        let request = request_line("POST", &url);
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", self.config().client_id.as_str()),
            ("client_secret", self.config().client_secret.expose()),
        ];
        form.extend(self.config().scope.as_deref().map(|scope| ("scope", scope)));
        let mut retry_state = RetryState::new(self.config().retry);
        loop {
            self.next_call().await;
            let sent = self
                .http()
                .post(url.clone())
                .header(ACCEPT, "application/json")
                .form(&form);
            let sent = traced("POST", &url, sent.send()).await;
            let request_failure = match sent {
                Ok(response) if response.status().is_redirection() => {
                    // The secret must only be sent to the configured address.
                    return Err(sign_in_redirected(request, &response));
                }
                Ok(response) => match classify_response(response, self.max_body_wait()).await {
                    Ok(answer) => match self.parse_token(&request, answer, &retry_state).await {
                        Err(failure @ (NinjaOneError::BrokenOff { .. } | NinjaOneError::Network { .. })) => {
                            self.wait_before_retry(&mut retry_state, None, failure).await?;
                            continue;
                        }
                        Ok(Ok(token)) => return Ok(token),
                        Ok(Err(request_failure)) => request_failure,
                        Err(failure) => return Err(failure),
                    },
                    Err(request_failure) => request_failure,
                },
                Err(error) => RequestFailure::Network(error),
            };
            self.retry_or_fail_sign_in(&mut retry_state, request_failure, request.clone())
                .await?;
        }
    }

    /// The scopes that the app lacks. NinjaOne rejects all scopes because of one, so each is requested alone, once; `None`
    /// if that does not show them.
    async fn refused_scopes(&self) -> Option<ServerText> {
        let scopes: Vec<&str> = self.config().scope.as_deref()?.split_whitespace().collect();
        if !(2..=MAX_PROBED_SCOPES).contains(&scopes.len()) {
            return None;
        }
        let mut refused = Vec::new();
        for scope in scopes {
            if self.is_refused(scope).await? {
                refused.push(scope);
            }
        }
        (!refused.is_empty()).then(|| ServerText::new(&refused.join(" ")))
    }

    /// Whether a single scope is rejected; `None` if the response does not show it.
    async fn is_refused(&self, scope: &str) -> Option<bool> {
        let url = self.config().base_url.endpoint(&self.config().token_path);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.config().client_id.as_str()),
            ("client_secret", self.config().client_secret.expose()),
            ("scope", scope),
        ];
        self.next_call().await;
        let sent = self
            .http()
            .post(url.clone())
            .header(ACCEPT, "application/json")
            .form(&form);
        let response = traced("POST", &url, sent.send()).await.ok()?;
        if response.status().is_redirection() {
            return None;
        }
        match classify_response(response, self.max_body_wait()).await {
            Ok(answer) => answer.status().is_success().then_some(false),
            Err(RequestFailure::Answer { fault, .. }) => fault.is("invalid_scope").then_some(true),
            Err(_) => None,
        }
    }

    /// Waits before the next sign-in attempt, or returns the final error.
    async fn retry_or_fail_sign_in(
        &self,
        retry_state: &mut RetryState,
        request_failure: RequestFailure,
        request: String,
    ) -> Result<(), NinjaOneError> {
        match request_failure.for_sign_in() {
            RequestFailure::Answer {
                status,
                fault,
                throttled: false,
                ..
            } if (status.is_client_error() && !matches!(status, Http::REQUEST_TIMEOUT | Http::TOO_EARLY))
                || (status.is_success() && fault.code.is_some()) =>
            {
                Err(self.sign_in_refused(request, status, fault))
            }
            RequestFailure::Answer {
                status,
                fault,
                retry_after,
                non_json: Some(NonJson::Page),
                ..
            } if status.is_success() || status == Http::FORBIDDEN => {
                let failure = NinjaOneError::SignInPage {
                    request,
                    status: status.as_u16(),
                    fault,
                    tries: retry_state.tries,
                };
                self.count_throttled();
                self.wait_before_retry(retry_state, retry_after, failure).await
            }
            RequestFailure::Answer {
                status,
                retry_after,
                throttled,
                non_json: Some(NonJson::Text),
                ..
            } if status.is_success() => {
                // The text may contain a token, so it is not quoted.
                let request_failure = RequestFailure::Answer {
                    status,
                    fault: Box::new(ApiError::from_description("a text that is not JSON")),
                    retry_after,
                    throttled,
                    non_json: Some(NonJson::Text),
                };
                self.retry_or_fail(retry_state, request_failure, request, None)
                    .await
            }
            request_failure => {
                self.retry_or_fail(retry_state, request_failure, request, None)
                    .await
            }
        }
    }

    /// The result of a sign-in response.
    #[cfg(any(test, fuzzing))]
    pub(crate) async fn token_from(&self, response: Response) -> Result<Token, NinjaOneError> {
        let mut retry_state = RetryState::new(self.config().retry);
        let request = "POST /".to_owned();
        let request_failure = match classify_response(response, self.max_body_wait()).await {
            Ok(answer) => match self.parse_token(&request, answer, &retry_state).await? {
                Ok(token) => return Ok(token),
                Err(request_failure) => request_failure,
            },
            Err(request_failure) => request_failure,
        };
        let handled = self
            .retry_or_fail_sign_in(&mut retry_state, request_failure, request)
            .await;
        Err(handled.err().unwrap_or(NinjaOneError::Stopped))
    }

    /// The token of a response, or the failure that it reports.
    async fn parse_token(
        &self,
        request: &str,
        answer: Answer,
        retry_state: &RetryState,
    ) -> Result<Result<Token, RequestFailure>, NinjaOneError> {
        let status = answer.status();
        let request_failure =
            |fault: ApiError, throttled: bool, non_json: Option<NonJson>| RequestFailure::Answer {
                status,
                throttled,
                fault: Box::new(fault),
                retry_after: None,
                non_json,
            };
        if status == Http::NO_CONTENT {
            let nothing = ApiError::from_description("an empty body");
            return Ok(Err(request_failure(nothing, true, Some(NonJson::Nothing))));
        }
        let body = answer.read_body(MAX_TOKEN_BODY_BYTES, self.max_body_wait()).await;
        // The body may contain a token, so only the text of a failure is quoted.
        let no_token = || NinjaOneError::Malformed {
            request: request.to_owned(),
            reason: "there is no access_token in it".to_owned(),
        };
        let (mut fault, mut waits) = (None, false);
        if let Ok((body, _)) = &body {
            fault = ApiError::from_failure_body(body).and_then(|fault| match fault {
                coded if coded.code.is_some() => Some(coded),
                other if other.asks_to_wait() => {
                    waits = true;
                    Some(ApiError::from_description("words that ask to wait"))
                }
                _ => None,
            });
        }
        let body = body.map(|(body, _)| body);
        let token = match self.parsed::<TokenAnswer>(body, request, retry_state) {
            Err(NinjaOneError::Malformed { .. }) => None,
            parsed => Token::new(&parsed?, Instant::now()),
        };
        match (token, fault) {
            (Some(token), _) => Ok(Ok(token)),
            (None, Some(fault)) => {
                let throttled = waits || fault.asks_to_wait();
                Ok(Err(request_failure(fault, throttled, None)))
            }
            (None, None) => Err(no_token()),
        }
    }

    fn sign_in_refused(&self, request: String, status: Http, fault: Box<ApiError>) -> NinjaOneError {
        if fault.is("Client app not exist") {
            return NinjaOneError::UnknownClient { request, fault };
        }
        if fault.is("invalid_scope") {
            let scope = self.config().scope.clone().unwrap_or_default();
            return NinjaOneError::ScopeNotGranted {
                request,
                scope: ServerText::new(&scope),
                fault,
            };
        }
        // Rejected credentials have OAuth's error code, with any status.
        if matches!(
            status,
            Http::NOT_FOUND | Http::METHOD_NOT_ALLOWED | Http::UNSUPPORTED_MEDIA_TYPE
        ) && !is_oauth_error(&fault)
        {
            return NinjaOneError::NoTokenEndpoint {
                request,
                status: status.as_u16(),
                fault,
            };
        }
        NinjaOneError::SignInRefused {
            request,
            status: status.as_u16(),
            fault,
        }
    }
}

/// Whether the response is that of a token endpoint (RFC 6749 §5.2).
fn is_oauth_error(fault: &ApiError) -> bool {
    [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "access_denied",
    ]
    .iter()
    .any(|code| fault.is(code))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use futures::StreamExt;

    use super::*;
    use crate::client::tests::{TIMEOUT, client, response};

    /// The token, or the error after the only attempt.
    async fn sign_in(status: u16, body: &'static str) -> (String, u64) {
        let client = client(1, Some("monitoring"));
        let line = match client.token_from(response(status, body)).await {
            Ok(token) => format!("a token of {} bytes", token.secret.expose().len()),
            Err(error) => error.to_string(),
        };
        (line, client.usage().throttled)
    }

    #[tokio::test]
    async fn sign_in_response_is_a_token_or_an_error() {
        let unknown = r#"{"error":"Client app not exist"}"#;
        let client = r#"{"error":"invalid_client"}"#;
        let scope = r#"{"error":"invalid_scope"}"#;
        let other = r#"{"message":"no route"}"#;
        let busy = r#"{"message":"Too many requests"}"#;
        let page = "<title>busy</title>";
        let token = r#"{"access_token":"tok-0f-a-test"}"#;
        let mut lines = Vec::new();
        for (status, body) in [
            (200, token),
            (200, r#"{"access_token":"tok-0f-a-test","error":"warning"}"#),
            (200, r#"{"scope":"monitoring"}"#),
            (200, unknown),
            (200, client),
            (200, r#"{"error":"too_many_requests"}"#),
            (200, other),
            (200, busy),
            (200, page),
            (200, r#""Too many requests""#),
            (200, "closed"),
            (200, ""),
            (204, ""),
            (400, unknown),
            (400, scope),
            (400, client),
            (400, other),
            (400, busy),
            (401, client),
            (403, client),
            (403, busy),
            (403, page),
            (404, client),
            (404, other),
            (404, r#"{"error":"access_denied"}"#),
            (404, page),
            (405, other),
            (408, client),
            (409, other),
            (415, other),
            (425, client),
            (429, client),
            (500, client),
            (500, page),
            (501, other),
            (503, client),
        ] {
            let (line, throttled) = sign_in(status, body).await;
            let throttled = if throttled > 0 { " [throttled]" } else { "" };
            lines.push(format!("{status} {body} => {line}{throttled}"));
        }
        insta::assert_snapshot!(lines.join("\n"), @r#"
        200 {"access_token":"tok-0f-a-test"} => a token of 13 bytes
        200 {"access_token":"tok-0f-a-test","error":"warning"} => a token of 13 bytes
        200 {"scope":"monitoring"} => POST /: the answer cannot be read: there is no access_token in it
        200 {"error":"Client app not exist"} => POST /: the client id is unknown on this host: Client app not exist
        200 {"error":"invalid_client"} => POST /: sign-in was refused (200): invalid_client
        200 {"error":"too_many_requests"} => POST /: throttled, gave up after 1 try and 0 s of waiting: 200: too_many_requests [throttled]
        200 {"message":"no route"} => POST /: the answer cannot be read: there is no access_token in it
        200 {"message":"Too many requests"} => POST /: throttled, gave up after 1 try and 0 s of waiting: 200: words that ask to wait [throttled]
        200 <title>busy</title> => POST /: answered with a web page instead of a token, gave up after 1 try: 200: an HTML page [throttled]
        200 "Too many requests" => POST /: throttled, gave up after 1 try and 0 s of waiting: 200: words that ask to wait [throttled]
        200 closed => POST /: the answer is text instead of JSON: a text that is not JSON
        200  => POST /: throttled, gave up after 1 try and 0 s of waiting: 200: an empty body [throttled]
        204  => POST /: throttled, gave up after 1 try and 0 s of waiting: 204: an empty body [throttled]
        400 {"error":"Client app not exist"} => POST /: the client id is unknown on this host: Client app not exist
        400 {"error":"invalid_scope"} => POST /: the API client app does not have the scope `monitoring`: invalid_scope
        400 {"error":"invalid_client"} => POST /: sign-in was refused (400): invalid_client
        400 {"message":"no route"} => POST /: sign-in was refused (400): words that are not OAuth's
        400 {"message":"Too many requests"} => POST /: throttled, gave up after 1 try and 0 s of waiting: 400: words that are not OAuth's [throttled]
        401 {"error":"invalid_client"} => POST /: sign-in was refused (401): invalid_client
        403 {"error":"invalid_client"} => POST /: sign-in was refused (403): invalid_client
        403 {"message":"Too many requests"} => POST /: throttled, gave up after 1 try and 0 s of waiting: 403: words that are not OAuth's [throttled]
        403 <title>busy</title> => POST /: answered with a web page instead of a token, gave up after 1 try: 403: an HTML page [throttled]
        404 {"error":"invalid_client"} => POST /: sign-in was refused (404): invalid_client
        404 {"message":"no route"} => POST /: there is no token endpoint here (404): words that are not OAuth's
        404 {"error":"access_denied"} => POST /: sign-in was refused (404): access_denied
        404 <title>busy</title> => POST /: there is no token endpoint here (404): an HTML page
        405 {"message":"no route"} => POST /: there is no token endpoint here (405): words that are not OAuth's
        408 {"error":"invalid_client"} => POST /: the server failed, gave up after 1 try: 408: invalid_client
        409 {"message":"no route"} => POST /: sign-in was refused (409): words that are not OAuth's
        415 {"message":"no route"} => POST /: there is no token endpoint here (415): words that are not OAuth's
        425 {"error":"invalid_client"} => POST /: the server failed, gave up after 1 try: 425: invalid_client
        429 {"error":"invalid_client"} => POST /: throttled, gave up after 1 try and 0 s of waiting: 429: invalid_client [throttled]
        500 {"error":"invalid_client"} => POST /: the server failed, gave up after 1 try: 500: invalid_client
        500 <title>busy</title> => POST /: the server failed, gave up after 1 try: 500: an HTML page
        501 {"message":"no route"} => POST /: 501: words that are not OAuth's
        503 {"error":"invalid_client"} => POST /: throttled, gave up after 1 try and 0 s of waiting: 503: invalid_client [throttled]
        "#);
    }

    /// A token response whose end comes after a time.
    async fn slow_sign_in(after: Duration) -> Result<Token, NinjaOneError> {
        let begin = futures::stream::once(async { io::Result::Ok(r#"{"access_token":"#) });
        let end = futures::stream::once(async move {
            tokio::time::sleep(after).await;
            Ok(r#""tok-0f-a-test"}"#)
        });
        let body = reqwest::Body::wrap_stream(begin.chain(end));
        client(1, None).token_from(response(200, body)).await
    }

    #[tokio::test(start_paused = true)]
    async fn body_is_waited_for_twelve_read_timeouts() {
        assert_eq!(12 * TIMEOUT, Duration::from_mins(2));
        slow_sign_in(Duration::from_secs(119)).await.unwrap();
        let error = slow_sign_in(Duration::from_secs(121)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "POST /: the answer was not complete after 120 s"
        );
    }
}
