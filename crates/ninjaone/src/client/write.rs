//! Requests that change the tenant. They leave the process only where the client is told that they may, and are sent
//! again only where it is certain that NinjaOne has not acted on them (docs/reference/ninjaone-api.md §5.2).

use std::time::{Duration, Instant};

use access_core::secrets::ServerText;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, Response, StatusCode as Http, Url};

use super::api_error::quote;
use super::body_reader::Answer;
use super::body_reader::LONGEST_ANSWER;
use super::http::{
    Instead, REQUEST_ID, RequestFailure, accept, network_failure, redirected, request_line, throttled,
};
use super::retry::RetryState;
use super::token::Token;
use super::trace::traced;
use super::{ApiError, NinjaOneClient, NinjaOneError, Writes};

/// How long the answer to a write is waited for once it has begun; what is missing of it is looked up.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// A request that changes the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WriteRequest {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    /// JSON.
    pub(crate) body: Option<String>,
}

/// NinjaOne says that it is done.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) request_id: Option<String>,
    /// The answer's body, if it came whole.
    pub(crate) body: Option<Vec<u8>>,
}

/// NinjaOne does not say so.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// Nothing was done: the request did not leave, or the token may not make it.
    NotSent(NinjaOneError),
    /// NinjaOne looked at it and refused.
    Refused(NinjaOneError),
    /// Nobody knows.
    Lost(NinjaOneError),
}

/// What to do about a setback.
enum Verdict {
    /// It is certain that nothing was done, and trying again may help.
    Again(NinjaOneError),
    /// Trying again does not help.
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

    /// Sends a write once; again only after a refusal to look at it (429), with a new token, or if no connection could
    /// be made.
    pub(crate) async fn write(&self, request: &WriteRequest) -> Result<Written, WriteError> {
        let url = self.write_url(request);
        let shown = request_line(request.method.as_str(), &url);
        if self.config().writes == Writes::Off {
            return Err(WriteError::NotSent(NinjaOneError::WritesOff { request: shown }));
        }
        let mut patience = RetryState::new(self.config().retry);
        let mut stale: Option<Token> = None;
        loop {
            let token = self.token(stale.as_ref()).await.map_err(WriteError::NotSent)?;
            let setback = match self.send_write(&url, request, &token).await {
                Ok(response) if response.status().is_redirection() => {
                    return Err(WriteError::Lost(redirected(shown, &response)));
                }
                Ok(response) => match accept(response, LONGEST_WAIT).await {
                    Ok(answer) => return written(answer, shown).await,
                    // A success without words is one.
                    Err(RequestFailure::Answer {
                        status,
                        fault,
                        instead: Some(Instead::Nothing | Instead::Text),
                        ..
                    }) if status.is_success() => {
                        return Ok(Written {
                            request_id: fault.request_id.map(String::from),
                            body: None,
                        });
                    }
                    Err(setback) => setback,
                },
                Err(error) => RequestFailure::Network(error),
            };
            if setback.is_stale_token() && stale.is_none() {
                stale = Some(token);
                continue;
            }
            match self.judge(setback, shown.clone(), &token, &patience) {
                Verdict::Fail(failure) => return Err(failure),
                Verdict::Again(error) => {
                    let wish = error.wish();
                    self.pause(&mut patience, wish, error)
                        .await
                        .map_err(WriteError::NotSent)?;
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

    fn judge(
        &self,
        setback: RequestFailure,
        request: String,
        token: &Token,
        patience: &RetryState,
    ) -> Verdict {
        match setback {
            // No connection: nothing can have been sent over it.
            RequestFailure::Network(error) if error.is_connect() => {
                let failure = network_failure(request, &error, patience.tries);
                if failure.lasting() {
                    Verdict::Fail(WriteError::NotSent(failure))
                } else {
                    Verdict::Again(failure)
                }
            }
            RequestFailure::Network(error) => {
                Verdict::Fail(WriteError::Lost(network_failure(request, &error, patience.tries)))
            }
            // Refused before it was looked at.
            RequestFailure::Answer {
                status,
                fault,
                wish,
                throttled: words,
                instead,
            } if matches!(status, Http::TOO_MANY_REQUESTS | Http::TOO_EARLY)
                || (words && status == Http::FORBIDDEN && instead.is_none()) =>
            {
                self.count_throttled();
                Verdict::Again(throttled(patience, request, status, fault, wish))
            }
            RequestFailure::Answer { status, fault, .. }
                if fault.is("insufficient_privileges")
                    || (status.is_server_error() && fault.denies_permission()) =>
            {
                let granted = ServerText::new(token.scope.as_deref().unwrap_or("not reported by the server"));
                Verdict::Fail(WriteError::NotSent(NinjaOneError::MissingScope {
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
            } if (status.is_client_error() && status != Http::REQUEST_TIMEOUT)
                || status == Http::NOT_IMPLEMENTED =>
            {
                let refused = NinjaOneError::Refused {
                    request,
                    status: status.as_u16(),
                    fault,
                };
                // Whoever may not do it has not done it; other refusals can mean that it is done already.
                Verdict::Fail(match status {
                    Http::UNAUTHORIZED | Http::FORBIDDEN => WriteError::NotSent(refused),
                    _ => WriteError::Refused(refused),
                })
            }
            RequestFailure::Answer { status, fault, .. } => {
                Verdict::Fail(WriteError::Lost(NinjaOneError::NoAnswer {
                    request,
                    status: status.as_u16(),
                    fault,
                }))
            }
        }
    }
}

/// The answer, as far as it comes. What is missing of it is looked up, so that nothing is lost if it breaks off.
async fn written(answer: Answer, request: String) -> Result<Written, WriteError> {
    let request_id = answer.header(REQUEST_ID);
    let status = answer.status();
    let body = answer.whole(LONGEST_ANSWER, LONGEST_WAIT).await.ok();
    let body = body.map(|(body, _)| body);
    let fault = body.as_deref().and_then(ApiError::of_failure);
    if let Some(mut fault) = fault.filter(|fault| fault.code.is_some() || fault.incident_id.is_some()) {
        // A good status with the words of a failure: nobody knows.
        fault.request_id = request_id.map(|id| ServerText::new(&id));
        return Err(WriteError::Lost(NinjaOneError::NoAnswer {
            request,
            status: status.as_u16(),
            fault: Box::new(fault),
        }));
    }
    Ok(Written {
        request_id: request_id.map(|id| quote(&id)),
        body,
    })
}
