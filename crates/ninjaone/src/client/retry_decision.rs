//! Decides what follows a failed request: another attempt after a wait, or an error.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use access_core::secrets::ServerText;
use reqwest::StatusCode as Http;

use super::response::{RequestFailure, network_failure};
use super::retry::RetryState;
use super::{ApiError, NinjaOneClient, NinjaOneError};

impl NinjaOneClient {
    /// Waits before the next attempt, or returns the final error.
    pub(super) async fn retry_or_fail(
        &self,
        retry_state: &mut RetryState,
        request_failure: RequestFailure,
        request: String,
        scope: Option<&str>,
    ) -> Result<(), NinjaOneError> {
        let tries = retry_state.tries;
        match request_failure {
            RequestFailure::Network(error) => {
                let failure = network_failure(request, &error, tries);
                if failure.is_permanent() {
                    Err(failure)
                } else {
                    self.wait_before_retry(retry_state, None, failure).await
                }
            }
            RequestFailure::Answer {
                status,
                fault,
                retry_after,
                throttled: true,
                ..
            } => {
                self.count_throttled();
                let failure = throttled(retry_state, request, status, fault, retry_after);
                self.wait_before_retry(retry_state, retry_after, failure).await
            }
            RequestFailure::Answer { status, fault, .. } if is_denied(status, &fault) => {
                let granted = ServerText::new(scope.unwrap_or("not reported by the server"));
                Err(NinjaOneError::MissingScope {
                    request,
                    granted,
                    fault,
                })
            }
            RequestFailure::Answer {
                fault,
                non_json: Some(_),
                status,
                ..
            } if status.is_success() => {
                let failure = NinjaOneError::NotJson {
                    request,
                    fault,
                    tries,
                };
                self.wait_before_retry(retry_state, None, failure).await
            }
            RequestFailure::Answer {
                status,
                fault,
                retry_after,
                ..
            } if is_temporary(status) => {
                let failure = NinjaOneError::ServerFailed {
                    request,
                    status: status.as_u16(),
                    fault,
                    tries,
                };
                self.wait_before_retry(retry_state, retry_after, failure).await
            }
            RequestFailure::Answer { status, fault, .. } => Err(NinjaOneError::Refused {
                request,
                status: status.as_u16(),
                fault,
            }),
        }
    }

    /// Waits a random part of a doubling backoff before attempt number `next`.
    pub(crate) async fn back_off(&self, next: u32) {
        let mut retry_state = RetryState::at_attempt(self.config.retry, next.saturating_sub(1).max(1));
        if let Some(wait) = retry_state.next_wait(None) {
            tokio::time::sleep(wait).await;
        }
    }

    pub(super) async fn wait_before_retry(
        &self,
        retry_state: &mut RetryState,
        retry_after: Option<Duration>,
        failure: NinjaOneError,
    ) -> Result<(), NinjaOneError> {
        let Some(wait) = retry_state.next_wait(retry_after) else {
            return Err(failure);
        };
        tracing::warn!(cause = %failure, wait = ?wait, "trying again");
        self.usage.retries.fetch_add(1, Ordering::Relaxed);
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.usage.waited_ms.fetch_add(millis, Ordering::Relaxed);
        let is_throttled = matches!(failure, NinjaOneError::Throttled { .. });
        if let Some(until) = Instant::now().checked_add(wait) {
            self.note(|now| now.wait = Some((until, retry_state.tries, is_throttled)));
        }
        tokio::time::sleep(wait).await;
        self.note(|now| now.wait = None);
        Ok(())
    }
}

/// Whether a failure is about permissions of the caller. It can have any status (docs/reference/ninjaone-api.md §5.1);
/// statuses that show it themselves keep their own text.
fn is_denied(status: Http, fault: &ApiError) -> bool {
    let own_words = matches!(
        status,
        Http::UNAUTHORIZED | Http::FORBIDDEN | Http::NOT_FOUND | Http::NOT_IMPLEMENTED
    );
    fault.is("insufficient_privileges") || (!own_words && fault.denies_permission())
}

/// Whether a status is temporary, of the server or of a proxy. A success status here belongs to a failure with a wrong
/// status.
fn is_temporary(status: Http) -> bool {
    (status.is_server_error() && status != Http::NOT_IMPLEMENTED)
        || status.is_success()
        || matches!(status, Http::REQUEST_TIMEOUT | Http::TOO_EARLY)
}

/// The error if throttling does not end.
pub(super) fn throttled(
    retry_state: &RetryState,
    request: String,
    status: Http,
    fault: Box<ApiError>,
    retry_after: Option<Duration>,
) -> NinjaOneError {
    NinjaOneError::Throttled {
        request,
        status: status.as_u16(),
        fault,
        tries: retry_state.tries,
        waited: retry_state.waited,
        retry_after,
        exceeded_budget: retry_after
            .is_some_and(|retry_after| retry_state.is_beyond(retry_after))
            .then(|| retry_state.total_wait()),
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::poll;

    use super::*;
    use crate::client::response::classify_response;
    use crate::client::tests::{TIMEOUT, client, response};

    /// The error after the only attempt.
    async fn error_of(status: u16, body: &'static str) -> String {
        let client = client(1, None);
        let mut retry_state = RetryState::new(client.config.retry);
        let Err(failure) = classify_response(response(status, body), TIMEOUT).await else {
            panic!("{status} {body} is not an error response");
        };
        let decision =
            client.retry_or_fail(&mut retry_state, failure, "GET /".to_owned(), Some("monitoring"));
        decision.await.unwrap_err().to_string()
    }

    /// Permissions decide with any status, but statuses that are clear keep their own error. Only temporary statuses are
    /// retried.
    #[tokio::test]
    async fn status_and_text_decide_about_the_error() {
        let denied = r#"{"errorMessage":"Access denied"}"#;
        let other = r#"{"errorMessage":"no such user"}"#;
        let scope = r#"{"error":"insufficient_privileges"}"#;
        let mut lines = Vec::new();
        for (status, body) in [
            (401, scope),
            (404, scope),
            (400, denied),
            (401, denied),
            (403, denied),
            (404, denied),
            (500, denied),
            (501, denied),
            (400, other),
            (408, other),
            (409, other),
            (425, other),
            (429, other),
            (500, other),
            (501, other),
            (502, other),
            (200, "closed"),
            (200, "<title>busy</title>"),
            (404, "<title>busy</title>"),
        ] {
            lines.push(format!("{status} {body} => {}", error_of(status, body).await));
        }
        insta::assert_snapshot!(lines.join("\n"), @r#"
        401 {"error":"insufficient_privileges"} => GET /: the token's scopes (monitoring) are not enough: insufficient_privileges
        404 {"error":"insufficient_privileges"} => GET /: the token's scopes (monitoring) are not enough: insufficient_privileges
        400 {"errorMessage":"Access denied"} => GET /: the token's scopes (monitoring) are not enough: Access denied
        401 {"errorMessage":"Access denied"} => GET /: 401: Access denied
        403 {"errorMessage":"Access denied"} => GET /: 403: Access denied
        404 {"errorMessage":"Access denied"} => GET /: 404: Access denied
        500 {"errorMessage":"Access denied"} => GET /: the token's scopes (monitoring) are not enough: Access denied
        501 {"errorMessage":"Access denied"} => GET /: 501: Access denied
        400 {"errorMessage":"no such user"} => GET /: 400: no such user
        408 {"errorMessage":"no such user"} => GET /: the server failed, gave up after 1 try: 408: no such user
        409 {"errorMessage":"no such user"} => GET /: 409: no such user
        425 {"errorMessage":"no such user"} => GET /: the server failed, gave up after 1 try: 425: no such user
        429 {"errorMessage":"no such user"} => GET /: throttled, gave up after 1 try and 0 s of waiting: 429: no such user
        500 {"errorMessage":"no such user"} => GET /: the server failed, gave up after 1 try: 500: no such user
        501 {"errorMessage":"no such user"} => GET /: 501: no such user
        502 {"errorMessage":"no such user"} => GET /: the server failed, gave up after 1 try: 502: no such user
        200 closed => GET /: the answer is text instead of JSON: closed
        200 <title>busy</title> => GET /: throttled, gave up after 1 try and 0 s of waiting: 200: an HTML page (busy)
        404 <title>busy</title> => GET /: 404: an HTML page (busy)
        "#);
    }

    /// A list can report its failure after a success status; then the status does not count against a retry.
    #[tokio::test]
    async fn failure_with_a_success_status_is_temporary() {
        let client = client(1, None);
        let mut retry_state = RetryState::new(client.config.retry);
        let failure = RequestFailure::Answer {
            status: Http::OK,
            fault: Box::new(ApiError::parse(br#"{"resultCode":"FAILURE"}"#, None)),
            retry_after: None,
            throttled: false,
            non_json: None,
        };
        let decision = client.retry_or_fail(&mut retry_state, failure, "GET /".to_owned(), None);
        assert_eq!(
            decision.await.unwrap_err().to_string(),
            "GET /: the server failed, gave up after 1 try: 200: FAILURE"
        );
    }

    #[test]
    fn wait_beyond_the_budget_is_named() {
        let client = client(1, None);
        let retry_state = RetryState::new(client.config.retry);
        let message = |seconds| {
            let fault = Box::new(ApiError::from_description("busy"));
            let wait = Some(Duration::from_secs(seconds));
            throttled(
                &retry_state,
                "GET /".to_owned(),
                Http::TOO_MANY_REQUESTS,
                fault,
                wait,
            )
            .to_string()
        };
        let limit =
            "asked to wait 301 s, which is more than is left of --ninja-one-retry-seconds (300), gave up";
        assert!(message(301).contains(limit));
        assert!(message(300).contains("asked to wait 300 s, gave up"));
    }

    #[tokio::test(start_paused = true)]
    async fn requested_wait_is_waited_shown_and_counted() {
        let client = client(1, None);
        let mut retry_state = RetryState::new(client.config.retry);
        let seconds = Duration::from_secs(7);
        let begin = tokio::time::Instant::now();
        let fault = Box::new(ApiError::from_description("busy"));
        let error = throttled(
            &retry_state,
            "GET /".to_owned(),
            Http::TOO_MANY_REQUESTS,
            fault,
            Some(seconds),
        );
        {
            let mut waiting = pin!(client.wait_before_retry(&mut retry_state, Some(seconds), error));
            assert!(poll!(&mut waiting).is_pending());
            let (_, wait) = client.now();
            let wait = wait.unwrap();
            assert_eq!((wait.next_try, wait.is_throttled), (2, true));
            waiting.await.unwrap();
        }
        assert_eq!(begin.elapsed(), seconds);
        assert!(client.now().1.is_none());
        let usage = client.usage();
        assert_eq!((usage.retries, usage.waited), (1, seconds));

        let begin = tokio::time::Instant::now();
        let error = NinjaOneError::BrokenOff {
            request: "GET /".to_owned(),
            tries: 2,
        };
        let last = client.wait_before_retry(&mut retry_state, None, error).await;
        assert_eq!(
            last.unwrap_err().to_string(),
            "GET /: the answer was interrupted (2 tries)"
        );
        assert_eq!((begin.elapsed(), client.usage().retries), (Duration::ZERO, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn back_off_waits_at_most_a_doubling_time() {
        let client = client(9, None);
        for (next, limit) in [(0, 1), (1, 1), (2, 1), (3, 2), (4, 4)] {
            let begin = tokio::time::Instant::now();
            for _ in 0..50 {
                client.back_off(next).await;
            }
            // A random part each: fifty are almost never as short as five.
            let total = begin.elapsed().as_secs();
            assert!((5 * limit..=50 * limit).contains(&total), "{next}: {total} s");
        }
    }
}
