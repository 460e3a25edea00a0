//! Signing in: OAuth2 client credentials, at the configured address and nowhere else (docs/reference/ninjaone-api.md §2).

use std::time::Instant;

use access_core::secrets::ServerText;
#[cfg(any(test, fuzzing))]
use reqwest::Response;
use reqwest::StatusCode as Http;
use reqwest::header::ACCEPT;

use super::body_reader::Answer;
use super::http::{Instead, RequestFailure, accept_sign_in, request_line, sign_in_redirected};
use super::retry::RetryState;
use super::token::{Token, TokenAnswer};
use super::trace::traced;
use super::{ApiError, NinjaOneClient, NinjaOneError};

/// The longest answer with a token.
const LONGEST_TOKEN: usize = 1 << 20;
/// So many scopes are asked for one by one to find out which of them is refused.
const MAX_SCOPES_ASKED_ALONE: usize = 4;

impl NinjaOneClient {
    /// The current token, or a new one if there is none, it is about to end, or it is the one that was refused.
    pub(super) async fn token(&self, refused: Option<&Token>) -> Result<Token, NinjaOneError> {
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
        let mut patience = RetryState::new(self.config().retry);
        loop {
            self.next_call().await;
            let sent = self
                .http()
                .post(url.clone())
                .header(ACCEPT, "application/json")
                .form(&form);
            let sent = traced("POST", &url, sent.send()).await;
            let setback = match sent {
                Ok(response) if response.status().is_redirection() => {
                    // The secret goes to no address but the configured one.
                    return Err(sign_in_redirected(request, &response));
                }
                Ok(response) => match accept_sign_in(response, self.longest_trickle()).await {
                    Ok(answer) => match self.token_of(&request, answer, &patience).await {
                        Err(failure @ (NinjaOneError::BrokenOff { .. } | NinjaOneError::Network { .. })) => {
                            self.pause(&mut patience, None, failure).await?;
                            continue;
                        }
                        Ok(Ok(token)) => return Ok(token),
                        Ok(Err(setback)) => setback,
                        Err(failure) => return Err(failure),
                    },
                    Err(setback) => setback,
                },
                Err(error) => RequestFailure::Network(error),
            };
            self.handle_sign_in(&mut patience, setback, request.clone())
                .await?;
        }
    }

    /// Which of several scopes the app does not have: NinjaOne refuses all of them for one. Each is asked for alone, once;
    /// nothing if that does not tell it.
    async fn refused_scopes(&self) -> Option<ServerText> {
        let scopes: Vec<&str> = self.config().scope.as_deref()?.split_whitespace().collect();
        if !(2..=MAX_SCOPES_ASKED_ALONE).contains(&scopes.len()) {
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

    /// Whether a scope alone is refused; nothing if the answer does not tell it.
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
        match accept_sign_in(response, self.longest_trickle()).await {
            Ok(answer) => answer.status().is_success().then_some(false),
            Err(RequestFailure::Answer { fault, .. }) => fault.is("invalid_scope").then_some(true),
            Err(_) => None,
        }
    }

    /// Waits before the next try of a sign-in, or says why there is none.
    async fn handle_sign_in(
        &self,
        patience: &mut RetryState,
        setback: RequestFailure,
        request: String,
    ) -> Result<(), NinjaOneError> {
        match setback.of_sign_in() {
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
                wish,
                instead: Some(Instead::Page),
                ..
            } if status.is_success() || status == Http::FORBIDDEN => {
                let failure = NinjaOneError::SignInPage {
                    request,
                    status: status.as_u16(),
                    fault,
                    tries: patience.tries,
                };
                self.count_throttled();
                self.pause(patience, wish, failure).await
            }
            RequestFailure::Answer {
                status,
                wish,
                throttled,
                instead: Some(Instead::Text),
                ..
            } if status.is_success() => {
                // The text may hold a token, so it is not quoted.
                let setback = RequestFailure::Answer {
                    status,
                    fault: Box::new(ApiError::described("a text that is not JSON")),
                    wish,
                    throttled,
                    instead: Some(Instead::Text),
                };
                self.handle(patience, setback, request, None).await
            }
            setback => self.handle(patience, setback, request, None).await,
        }
    }

    /// What an answer to a sign-in comes to.
    #[cfg(any(test, fuzzing))]
    pub(crate) async fn token_from(&self, response: Response) -> Result<Token, NinjaOneError> {
        let mut patience = RetryState::new(self.config().retry);
        let request = "POST /".to_owned();
        let setback = match accept_sign_in(response, self.longest_trickle()).await {
            Ok(answer) => match self.token_of(&request, answer, &patience).await? {
                Ok(token) => return Ok(token),
                Err(setback) => setback,
            },
            Err(setback) => setback,
        };
        let handled = self.handle_sign_in(&mut patience, setback, request).await;
        Err(handled.err().unwrap_or(NinjaOneError::Stopped))
    }

    /// The token of an answer, or the failure that it tells of.
    async fn token_of(
        &self,
        request: &str,
        answer: Answer,
        patience: &RetryState,
    ) -> Result<Result<Token, RequestFailure>, NinjaOneError> {
        let setback = |fault: ApiError, instead: Option<Instead>| RequestFailure::Answer {
            status: Http::OK,
            throttled: instead.is_some() || fault.asks_to_wait(),
            fault: Box::new(fault),
            wish: None,
            instead,
        };
        if answer.status() == Http::NO_CONTENT {
            let nothing = ApiError::described("an empty body");
            return Ok(Err(setback(nothing, Some(Instead::Nothing))));
        }
        let body = answer.whole(LONGEST_TOKEN, self.longest_trickle()).await;
        // The body may hold a token, so it is never quoted but for the words of a failure.
        let no_token = || NinjaOneError::Malformed {
            request: request.to_owned(),
            reason: "there is no access_token in it".to_owned(),
        };
        let (mut fault, mut waits) = (None, false);
        if let Ok((body, _)) = &body {
            fault = ApiError::of_failure(body).and_then(|fault| match fault {
                coded if coded.code.is_some() => Some(coded),
                other if other.asks_to_wait() => {
                    waits = true;
                    Some(ApiError::described("words that ask to wait"))
                }
                _ => None,
            });
        }
        let body = body.map(|(body, _)| body);
        let token = match self.parsed::<TokenAnswer>(body, request, patience) {
            Err(NinjaOneError::Malformed { .. }) => None,
            parsed => Token::new(&parsed?, Instant::now()),
        };
        match (token, fault) {
            (Some(token), _) => Ok(Ok(token)),
            (None, Some(fault)) => Ok(Err(setback(fault, waits.then_some(Instead::Text)))),
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
        // A refusal of the credentials says so in OAuth's words, whatever its status.
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

/// Whether a token endpoint speaks (RFC 6749 §5.2).
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
