//! Requests that change the tenant. They are only sent if the client's [`WritePolicy`](super::WritePolicy) allows it, and
//! only repeated if NinjaOne has certainly not acted on them (docs/reference/ninjaone-api.md §5.2).

use std::time::{Duration, Instant};

use access_core::secrets::ServerText;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, Response, StatusCode as Http, Url};

use super::api_error::sanitize;
use super::body_reader::Answer;
use super::body_reader::MAX_BODY_BYTES;
use super::oauth::Token;
use super::response::{
    NonJson, REQUEST_ID, RequestFailure, classify_response, network_failure, redirected, request_line,
};
use super::retry::RetryState;
use super::retry_decision::throttled;
use super::trace::traced;
use super::{ApiError, NinjaOneClient, NinjaOneError, WritePolicy};

/// Timeout for the body of a response to a write; missing data is read back.
const WRITE_BODY_TIMEOUT: Duration = Duration::from_mins(1);

/// A request that changes the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WriteRequest {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    /// JSON.
    pub(crate) body: Option<String>,
}

/// NinjaOne confirmed the change.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) request_id: Option<String>,
    /// The body of the response, if it is complete.
    pub(crate) body: Option<Vec<u8>>,
}

/// NinjaOne did not confirm the change.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// Nothing was changed: the request was not sent, or the token lacks permission.
    NotApplied(NinjaOneError),
    /// NinjaOne processed and rejected the request.
    Rejected(NinjaOneError),
    /// The effect is unknown.
    OutcomeUnknown(NinjaOneError),
}

/// The reaction to a setback.
enum WriteDecision {
    /// Nothing was changed for certain, and a retry may help.
    Retry(NinjaOneError),
    /// A retry does not help.
    Fail(WriteError),
}

impl NinjaOneClient {
    /// The address of a write.
    pub(crate) fn write_url(&self, request: &WriteRequest) -> Url {
        let mut url = self.config().base_url.endpoint(&request.path);
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        url
    }

    /// Sends a write once. It is only repeated if it was rejected unprocessed (429), with a new token, or if no connection
    /// could be opened.
    pub(crate) async fn write(&self, request: &WriteRequest) -> Result<Written, WriteError> {
        let url = self.write_url(request);
        let request_line_text = request_line(request.method.as_str(), &url);
        if self.config().writes == WritePolicy::Disabled {
            return Err(WriteError::NotApplied(NinjaOneError::WritesOff {
                request: request_line_text,
            }));
        }
        let mut retry_state = RetryState::new(self.config().retry);
        let mut stale: Option<Token> = None;
        loop {
            let token = self.token(stale.as_ref()).await.map_err(WriteError::NotApplied)?;
            let request_failure = match self.send_write(&url, request, &token).await {
                Ok(response) if response.status().is_redirection() => {
                    return Err(WriteError::OutcomeUnknown(redirected(
                        request_line_text,
                        &response,
                    )));
                }
                Ok(response) => match classify_response(response, WRITE_BODY_TIMEOUT).await {
                    Ok(answer) => return written(answer, request_line_text).await,
                    // A success without a body is complete.
                    Err(RequestFailure::Answer {
                        status,
                        fault,
                        non_json: Some(NonJson::Nothing | NonJson::Text),
                        ..
                    }) if status.is_success() => {
                        return Ok(Written {
                            request_id: fault.request_id.map(String::from),
                            body: None,
                        });
                    }
                    Err(request_failure) => request_failure,
                },
                Err(error) => RequestFailure::Network(error),
            };
            if request_failure.is_stale_token() && stale.is_none() {
                stale = Some(token);
                continue;
            }
            match self.decide(request_failure, request_line_text.clone(), &token, &retry_state) {
                WriteDecision::Fail(failure) => return Err(failure),
                WriteDecision::Retry(error) => {
                    let retry_after = error.retry_after();
                    self.wait_before_retry(&mut retry_state, retry_after, error)
                        .await
                        .map_err(WriteError::NotApplied)?;
                }
            }
        }
    }

    async fn send_write(
        &self,
        url: &Url,
        request: &WriteRequest,
        token: &Token,
    ) -> Result<Response, reqwest::Error> {
        self.next_call().await;
        let begin = Instant::now();
        let mut sent = self
            .http()
            .request(request.method.clone(), url.clone())
            .header(ACCEPT, "application/json")
            .bearer_auth(token.secret.expose());
        if let Some(body) = &request.body {
            sent = sent.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let answer = traced(request.method.as_str(), url, sent.send()).await;
        let status = answer.as_ref().ok().map(|response| response.status().as_u16());
        tracing::info!(method = %request.method, %url, status, elapsed = ?begin.elapsed(), "write");
        answer
    }

    fn decide(
        &self,
        request_failure: RequestFailure,
        request: String,
        token: &Token,
        retry_state: &RetryState,
    ) -> WriteDecision {
        match request_failure {
            // Without a connection nothing was sent.
            RequestFailure::Network(error) if error.is_connect() => {
                let failure = network_failure(request, &error, retry_state.tries);
                if failure.is_permanent() {
                    WriteDecision::Fail(WriteError::NotApplied(failure))
                } else {
                    WriteDecision::Retry(failure)
                }
            }
            RequestFailure::Network(error) => WriteDecision::Fail(WriteError::OutcomeUnknown(
                network_failure(request, &error, retry_state.tries),
            )),
            // Rejected before it was processed.
            RequestFailure::Answer {
                status,
                fault,
                retry_after,
                throttled: words,
                non_json,
            } if matches!(status, Http::TOO_MANY_REQUESTS | Http::TOO_EARLY)
                || (words && status == Http::FORBIDDEN && non_json.is_none()) =>
            {
                self.count_throttled();
                WriteDecision::Retry(throttled(retry_state, request, status, fault, retry_after))
            }
            RequestFailure::Answer { status, fault, .. }
                if fault.is("insufficient_privileges")
                    || (status.is_server_error() && fault.denies_permission()) =>
            {
                let granted = ServerText::new(token.scope.as_deref().unwrap_or("not reported by the server"));
                WriteDecision::Fail(WriteError::NotApplied(NinjaOneError::MissingScope {
                    request,
                    granted,
                    fault,
                }))
            }
            RequestFailure::Answer {
                status,
                fault,
                throttled: false,
                ..
            } if (status.is_client_error() && !matches!(status, Http::REQUEST_TIMEOUT | Http::NOT_FOUND))
                || status == Http::NOT_IMPLEMENTED
                // That something does not exist is only believed of NinjaOne itself.
                || (status == Http::NOT_FOUND && fault.is_from_tenant()) =>
            {
                let refused = NinjaOneError::Refused {
                    request,
                    status: status.as_u16(),
                    fault,
                };
                // Without permission nothing was changed; other rejections can mean that the change was made before.
                WriteDecision::Fail(match status {
                    Http::UNAUTHORIZED | Http::FORBIDDEN => WriteError::NotApplied(refused),
                    _ => WriteError::Rejected(refused),
                })
            }
            RequestFailure::Answer { status, fault, .. } => {
                WriteDecision::Fail(WriteError::OutcomeUnknown(NinjaOneError::NoAnswer {
                    request,
                    status: status.as_u16(),
                    fault,
                }))
            }
        }
    }
}

/// The response as far as it arrives. Missing data is read back, so a truncated response loses nothing.
async fn written(answer: Answer, request: String) -> Result<Written, WriteError> {
    let request_id = answer.header(REQUEST_ID);
    let status = answer.status();
    let body = answer.read_body(MAX_BODY_BYTES, WRITE_BODY_TIMEOUT).await.ok();
    let body = body.map(|(body, _)| body);
    let fault = body.as_deref().and_then(ApiError::from_failure_body);
    let reports_failure =
        |fault: &ApiError| fault.code.is_some() || fault.incident_id.is_some() || fault.is_refusal();
    if let Some(mut fault) = fault.filter(reports_failure) {
        // A success status with an error message: the outcome is unknown.
        fault.request_id = request_id.map(|id| ServerText::new(&id));
        return Err(WriteError::OutcomeUnknown(NinjaOneError::NoAnswer {
            request,
            status: status.as_u16(),
            fault: Box::new(fault),
        }));
    }
    Ok(Written {
        request_id: request_id.map(|id| sanitize(&id)),
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::response::classify_response;
    use crate::client::tests::{TIMEOUT, client, response};

    fn token(client_scope: &str) -> Token {
        let json = format!(r#"{{"access_token":"tok-0f-a-test","scope":"{client_scope}"}}"#);
        Token::new(&serde_json::from_str(&json).unwrap(), Instant::now()).unwrap()
    }

    fn outcome(error: WriteError) -> String {
        match error {
            WriteError::NotApplied(error) => format!("not applied: {error}"),
            WriteError::Rejected(error) => format!("rejected: {error}"),
            WriteError::OutcomeUnknown(error) => format!("unknown: {error}"),
        }
    }

    /// A change is only sent again if it was certainly not made.
    #[tokio::test]
    async fn response_shows_whether_a_change_was_made() {
        let client = client(1, None);
        let token = token("monitoring");
        let retry_state = RetryState::new(client.config().retry);
        let denied = r#"{"errorMessage":"Access denied"}"#;
        let busy = r#"{"errorMessage":"Too many requests"}"#;
        let other = r#"{"errorMessage":"no such user"}"#;
        let scope = r#"{"error":"insufficient_privileges"}"#;
        let own = r#"{"resultCode":"FAILURE","incidentId":"X-1"}"#;
        let page = "<title>busy</title>";
        let mut lines = Vec::new();
        for (status, body) in [
            (400, other),
            (400, busy),
            (400, scope),
            (401, other),
            (403, other),
            (403, busy),
            (403, page),
            (404, denied),
            (404, own),
            (408, other),
            (409, other),
            (425, other),
            (429, other),
            (429, page),
            (500, other),
            (500, denied),
            (501, other),
            (501, denied),
            (503, other),
            (200, page),
        ] {
            let Err(failure) = classify_response(response(status, body), TIMEOUT).await else {
                panic!("{status} {body} is not an error response");
            };
            let decision = match client.decide(failure, "PATCH /".to_owned(), &token, &retry_state) {
                WriteDecision::Retry(error) => format!("retry: {error}"),
                WriteDecision::Fail(error) => outcome(error),
            };
            lines.push(format!("{status} {body} => {decision}"));
        }
        insta::assert_snapshot!(lines.join("\n"), @r#"
        400 {"errorMessage":"no such user"} => rejected: PATCH /: 400: no such user
        400 {"errorMessage":"Too many requests"} => unknown: PATCH /: no usable answer: 400: Too many requests
        400 {"error":"insufficient_privileges"} => not applied: PATCH /: the token's scopes (monitoring) are not enough: insufficient_privileges
        401 {"errorMessage":"no such user"} => not applied: PATCH /: 401: no such user
        403 {"errorMessage":"no such user"} => not applied: PATCH /: 403: no such user
        403 {"errorMessage":"Too many requests"} => retry: PATCH /: throttled, gave up after 1 try and 0 s of waiting: 403: Too many requests
        403 <title>busy</title> => unknown: PATCH /: no usable answer: 403: an HTML page (busy)
        404 {"errorMessage":"Access denied"} => unknown: PATCH /: no usable answer: 404: Access denied
        404 {"resultCode":"FAILURE","incidentId":"X-1"} => rejected: PATCH /: 404: FAILURE (incident X-1)
        408 {"errorMessage":"no such user"} => unknown: PATCH /: no usable answer: 408: no such user
        409 {"errorMessage":"no such user"} => rejected: PATCH /: 409: no such user
        425 {"errorMessage":"no such user"} => retry: PATCH /: throttled, gave up after 1 try and 0 s of waiting: 425: no such user
        429 {"errorMessage":"no such user"} => retry: PATCH /: throttled, gave up after 1 try and 0 s of waiting: 429: no such user
        429 <title>busy</title> => retry: PATCH /: throttled, gave up after 1 try and 0 s of waiting: 429: an HTML page (busy)
        500 {"errorMessage":"no such user"} => unknown: PATCH /: no usable answer: 500: no such user
        500 {"errorMessage":"Access denied"} => not applied: PATCH /: the token's scopes (monitoring) are not enough: Access denied
        501 {"errorMessage":"no such user"} => rejected: PATCH /: 501: no such user
        501 {"errorMessage":"Access denied"} => not applied: PATCH /: the token's scopes (monitoring) are not enough: Access denied
        503 {"errorMessage":"no such user"} => unknown: PATCH /: no usable answer: 503: no such user
        200 <title>busy</title> => unknown: PATCH /: no usable answer: 200: an HTML page (busy)
        "#);
        // 425, 429 twice, and 403 with a request to wait.
        assert_eq!(client.usage().throttled, 4);
    }

    /// A success status with an error is neither a success nor a failure.
    #[tokio::test]
    async fn success_with_an_error_has_an_unknown_outcome() {
        let mut lines = Vec::new();
        for body in [
            r#"{"id":7}"#,
            r#"{"resultCode":"SUCCESS"}"#,
            r#"{"resultCode":"FAILURE"}"#,
            r#"{"incidentId":"X-1"}"#,
            r#"{"message":"done"}"#,
            r#""done""#,
        ] {
            let Ok(answer) = classify_response(response(200, body), TIMEOUT).await else {
                panic!("{body} is an error response");
            };
            let line = match written(answer, "PATCH /".to_owned()).await {
                Ok(written) => format!("written, {} bytes", written.body.unwrap().len()),
                Err(error) => outcome(error),
            };
            lines.push(format!("{body} => {line}"));
        }
        insta::assert_snapshot!(lines.join("\n"), @r#"
        {"id":7} => written, 8 bytes
        {"resultCode":"SUCCESS"} => written, 24 bytes
        {"resultCode":"FAILURE"} => unknown: PATCH /: no usable answer: 200: FAILURE
        {"incidentId":"X-1"} => unknown: PATCH /: no usable answer: 200: no explanation (incident X-1)
        {"message":"done"} => written, 18 bytes
        "done" => written, 6 bytes
        "#);
    }
}
