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
                self.usage.throttled.fetch_add(1, Ordering::Relaxed);
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
