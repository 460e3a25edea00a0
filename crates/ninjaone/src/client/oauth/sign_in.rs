//! Sign-in with OAuth2 client credentials, only at the configured address (docs/reference/ninjaone-api.md §2).

use std::time::Instant;

use access_core::secrets::ServerText;
#[cfg(any(test, fuzzing))]
use reqwest::Response;
use reqwest::StatusCode as Http;
use reqwest::header::ACCEPT;

use super::token::{Token, TokenAnswer};
use crate::client::body_reader::Answer;
use crate::client::response::{
    NonJson, RequestFailure, classify_sign_in_response, request_line, sign_in_redirected,
};
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
                Ok(response) => match classify_sign_in_response(response, self.max_body_wait()).await {
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
        match classify_sign_in_response(response, self.max_body_wait()).await {
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
        let request_failure = match classify_sign_in_response(response, self.max_body_wait()).await {
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
        let request_failure = |fault: ApiError, non_json: Option<NonJson>| RequestFailure::Answer {
            status: Http::OK,
            throttled: non_json.is_some() || fault.asks_to_wait(),
            fault: Box::new(fault),
            retry_after: None,
            non_json,
        };
        if answer.status() == Http::NO_CONTENT {
            let nothing = ApiError::from_description("an empty body");
            return Ok(Err(request_failure(nothing, Some(NonJson::Nothing))));
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
            (None, Some(fault)) => Ok(Err(request_failure(fault, waits.then_some(NonJson::Text)))),
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
