//! Requests: signed in, tried again where that is safe, never sent elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use access_core::ports::SourceUsage;
use futures::StreamExt;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode as Http, Url};
use serde::Deserialize;
use time::OffsetDateTime;
use tokio::sync::{Mutex, mpsc};

use super::array::{First, ListEnd, TakeElement, read_array};
use super::body::{BodyReader, LONGEST_ANSWER, NotWhole, ReadFailure, whole};
use super::fault::quote;
use super::retry::{Patience, retry_after};
use super::span::traced;
use super::tls::tls_config;
use super::token::Token;
use super::{ApiFault, ClientConfig, NinjaOneError};
use crate::source::pages::PAGE_ROWS;

/// Redirects within the instance that are followed.
const MOST_REDIRECTS: usize = 3;
/// Bytes of an error's body that are looked at.
const LONGEST_ERROR_BODY: usize = 64 << 10;
/// Chunks of an answer that wait for the parser.
const QUEUE_CHUNKS: usize = 8;
/// The header that NinjaOne's support asks for (NinjaOne facts §5.1).
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-nj-request-id");
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long an answer may be waited for altogether, in longest silences: one that trickles for ever is none.
const LONGEST_TRICKLE: u32 = 12;
/// How long an error's body is waited for.
const ERROR_BODY_WAIT: Duration = Duration::from_secs(30);

/// A signed-in client of one tenant.
#[derive(Debug)]
pub struct NinjaOneClient {
    http: reqwest::Client,
    config: ClientConfig,
    /// The token in use; whoever renews it holds the lock, so that it is renewed once.
    pub(super) token: Mutex<Option<Token>>,
    usage: Usage,
}

#[derive(Debug, Default)]
struct Usage {
    calls: AtomicU64,
    retries: AtomicU64,
    throttled: AtomicU64,
    bytes: AtomicU64,
    waited_ms: AtomicU64,
}

/// An answer that is not what was asked for, before it is known whether to try again.
pub(super) enum Setback {
    Network(reqwest::Error),
    Answer {
        status: Http,
        fault: Box<ApiFault>,
        wish: Option<Duration>,
        throttled: bool,
    },
}

impl NinjaOneClient {
    /// Sets the client up; nothing is sent yet.
    ///
    /// # Errors
    /// [`NinjaOneError::CaFile`], [`NinjaOneError::OfflineAccess`] or [`NinjaOneError::Setup`].
    pub fn new(config: ClientConfig) -> Result<Self, NinjaOneError> {
        if config
            .scope
            .as_deref()
            .is_some_and(|scope| scope.split_whitespace().any(|word| word == "offline_access"))
        {
            return Err(NinjaOneError::OfflineAccess);
        }
        let setup = |reason: String| NinjaOneError::Setup { reason };
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls_config(&config)?)
            .user_agent(&config.user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT.min(config.timeout))
            .read_timeout(config.timeout);
        if config.base_url.is_loopback() {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| setup(quote(&chain(&error))))?;
        Ok(Self {
            http,
            config,
            token: Mutex::new(None),
            usage: Usage::default(),
        })
    }

    /// The instance, for people.
    #[must_use]
    pub fn tenant(&self) -> String {
        self.config.base_url.to_string()
    }

    pub(super) fn config(&self) -> &ClientConfig {
        &self.config
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(super) fn count_call(&self) {
        self.usage.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_throttled(&self) {
        self.usage.throttled.fetch_add(1, Ordering::Relaxed);
    }

    /// What was asked for and what the token has: scopes, where the server tells them.
    ///
    /// # Errors
    /// [`NinjaOneError`] if sign-in fails.
    pub async fn scopes(&self) -> Result<Option<String>, NinjaOneError> {
        Ok(self.token(None).await?.scope)
    }

    /// Makes one small call, to see that the tenant answers.
    ///
    /// # Errors
    /// [`NinjaOneError`] if it does not.
    pub async fn ping(&self) -> Result<(), NinjaOneError> {
        // As large a page as a sync asks for: a server may have a minimum. Only its first entry is read.
        let query = [("pageSize", PAGE_ROWS.to_string())];
        self.list::<serde::de::IgnoredAny, _>("/v2/organizations", &query, First)
            .await?;
        Ok(())
    }

    /// What requests have cost so far.
    #[must_use]
    pub fn usage(&self) -> SourceUsage {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SourceUsage {
            calls: count(&self.usage.calls),
            retries: count(&self.usage.retries),
            throttled: count(&self.usage.throttled),
            bytes: count(&self.usage.bytes),
            waited: Duration::from_millis(count(&self.usage.waited_ms)),
        }
    }

    /// Reads a list, handing over its elements on a thread of their own. If the answer breaks off, the list is read
    /// again from its start, after `take` was told.
    ///
    /// # Errors
    /// [`NinjaOneError`]; elements may have been taken by then.
    pub(crate) async fn list<T, S>(
        &self,
        path: &str,
        query: &[(&str, String)],
        mut take: S,
    ) -> Result<(S, u64, ListEnd), NinjaOneError>
    where
        T: for<'de> Deserialize<'de> + 'static,
        S: TakeElement<T> + Send + 'static,
    {
        let mut patience = Patience::new(self.config.retry);
        loop {
            let response = self.get(path, query, &mut patience).await?;
            let request = format!("GET {}", response.url());
            let (taken, count, end, failure) = self.pump::<T, S>(response, take).await?;
            take = taken;
            let setback = match end {
                ListEnd::Whole if count > 0 && !take.has_used() => {
                    let reason = format!("none of its {count} entries has a usable id");
                    return Err(NinjaOneError::Malformed { request, reason });
                }
                ListEnd::Whole | ListEnd::Enough => return Ok((take, count, end)),
                ListEnd::TooSlow => {
                    let waited = self.longest_trickle().as_secs();
                    return Err(NinjaOneError::TooSlow { request, waited });
                }
                ListEnd::Malformed(reason) => {
                    return Err(NinjaOneError::Malformed {
                        request,
                        reason: quote(&reason),
                    });
                }
                ListEnd::Io if failure.as_ref().is_some_and(reqwest::Error::is_timeout) => {
                    let silence = self.config.timeout.as_secs();
                    NinjaOneError::Network {
                        request,
                        reason: format!("nothing came for {silence} s, after {count} entries of the list"),
                        tries: patience.tries,
                        timeout: true,
                        tls: false,
                    }
                }
                ListEnd::CutShort | ListEnd::Io => {
                    let reason = failure.as_ref().map(chain).unwrap_or_default();
                    tracing::debug!(%request, elements = count, reason, "the list broke off");
                    NinjaOneError::CutShort {
                        request,
                        elements: count,
                        tries: patience.tries,
                    }
                }
            };
            self.pause(&mut patience, None, setback).await?;
            take.again();
        }
    }

    /// Reads one object. If the answer breaks off, it is read again.
    ///
    /// # Errors
    /// [`NinjaOneError`].
    pub(crate) async fn object<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, NinjaOneError> {
        let mut patience = Patience::new(self.config.retry);
        loop {
            let response = self.get(path, query, &mut patience).await?;
            let request = format!("GET {}", response.url());
            let body = whole(response, LONGEST_ANSWER, self.longest_trickle()).await;
            if let Ok(body) = &body {
                self.usage.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
            }
            match self.parsed(body, &request, &patience) {
                Ok(object) => return Ok(object),
                Err(failure @ (NinjaOneError::BrokenOff { .. } | NinjaOneError::Network { .. })) => {
                    self.pause(&mut patience, None, failure).await?;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// An object out of an answer.
    pub(super) fn parsed<T: for<'de> Deserialize<'de>>(
        &self,
        body: Result<Vec<u8>, NotWhole>,
        request: &str,
        patience: &Patience,
    ) -> Result<T, NinjaOneError> {
        let (request, tries) = (request.to_owned(), patience.tries);
        match body {
            Ok(body) => serde_json::from_slice(&body).map_err(|error| {
                if error.is_eof() {
                    return NinjaOneError::BrokenOff { request, tries };
                }
                let reason = quote(&error.to_string());
                NinjaOneError::Malformed { request, reason }
            }),
            Err(NotWhole::Broken(error)) => Err(network_failure(request, &error, tries)),
            Err(NotWhole::TooLong) => Err(NinjaOneError::Malformed {
                request,
                reason: "it is too long".to_owned(),
            }),
            Err(NotWhole::TooSlow) => Err(NinjaOneError::TooSlow {
                request,
                waited: self.longest_trickle().as_secs(),
            }),
        }
    }

    pub(super) fn longest_trickle(&self) -> Duration {
        self.config.timeout.saturating_mul(LONGEST_TRICKLE)
    }

    /// A list's address as people know it.
    pub(crate) fn shown(&self, path: &str) -> String {
        format!("GET {}{path}", self.tenant().trim_end_matches('/'))
    }

    /// Runs the parser over an answer.
    pub(crate) async fn pump<T, S>(
        &self,
        response: Response,
        mut take: S,
    ) -> Result<(S, u64, ListEnd, Option<reqwest::Error>), NinjaOneError>
    where
        T: for<'de> Deserialize<'de> + 'static,
        S: TakeElement<T> + Send + 'static,
    {
        let (chunks, queue) = mpsc::channel(QUEUE_CHUNKS);
        let failure = ReadFailure::default();
        let reader = BodyReader::new(queue, Arc::clone(&failure));
        let parser = tokio::task::spawn_blocking(move || {
            let (count, end) = read_array::<T>(reader, &mut take);
            (take, count, end)
        });
        let mut body = response.bytes_stream();
        let mut left = self.longest_trickle();
        let mut too_slow = false;
        loop {
            // Only the waiting counts: a slow sink is no slow tenant.
            let begin = Instant::now();
            let Ok(next) = tokio::time::timeout(left, body.next()).await else {
                too_slow = true;
                break;
            };
            left = left.saturating_sub(begin.elapsed());
            let Some(chunk) = next else { break };
            if let Ok(chunk) = &chunk {
                self.usage.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            }
            let failed = chunk.is_err();
            // The parser stops listening when it has enough or finds the answer malformed.
            if chunks.send(chunk).await.is_err() || failed {
                break;
            }
        }
        drop(chunks);
        let (take, count, end) = parser.await.map_err(|_| NinjaOneError::Stopped)?;
        let failure = failure
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        let end = if too_slow { ListEnd::TooSlow } else { end };
        Ok((take, count, end, failure))
    }

    /// Sends a GET until it is answered with JSON.
    async fn get(
        &self,
        path: &str,
        query: &[(&str, String)],
        patience: &mut Patience,
    ) -> Result<Response, NinjaOneError> {
        let mut url = self.config.base_url.endpoint(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut stale: Option<Token> = None;
        let mut redirects = 0;
        loop {
            let token = self.token(stale.as_ref()).await?;
            let request = format!("GET {url}");
            let setback = match self.send_get(&url, &token).await {
                Ok(response) if response.status().is_redirection() => {
                    url = self.redirect(&request, &response, redirects)?;
                    redirects += 1;
                    continue;
                }
                Ok(response) => match accept(response).await {
                    Ok(response) => return whole_answer(request, response),
                    Err(setback) => setback,
                },
                Err(error) => Setback::Network(error),
            };
            // Once: a token can be revoked or expire early. Twice would be a loop.
            if setback.is_stale_token() && stale.is_none() {
                stale = Some(token);
                continue;
            }
            self.handle(patience, setback, request, token.scope.as_deref())
                .await?;
        }
    }

    async fn send_get(&self, url: &Url, token: &Token) -> Result<Response, reqwest::Error> {
        self.usage.calls.fetch_add(1, Ordering::Relaxed);
        let begin = Instant::now();
        let sent = self
            .http
            .get(url.clone())
            .header(ACCEPT, "application/json")
            .bearer_auth(token.secret.expose());
        let answer = traced("GET", url, sent.send()).await;
        if let Ok(response) = &answer {
            tracing::debug!(%url, status = response.status().as_u16(), elapsed = ?begin.elapsed(), "request");
        }
        answer
    }

    fn redirect(&self, request: &str, response: &Response, redirects: usize) -> Result<Url, NinjaOneError> {
        let location = header(response, LOCATION).unwrap_or_default();
        let refuse = || redirected(request.to_owned(), response);
        let to = response.url().join(&location).map_err(|_| refuse())?;
        let same = self.config.base_url.is_same_origin(&to);
        if same && redirects < MOST_REDIRECTS {
            Ok(to)
        } else {
            Err(refuse())
        }
    }

    /// Waits before the next try, or says why there is none.
    pub(super) async fn handle(
        &self,
        patience: &mut Patience,
        setback: Setback,
        request: String,
        scope: Option<&str>,
    ) -> Result<(), NinjaOneError> {
        let tries = patience.tries;
        match setback {
            Setback::Network(error) => {
                let failure = network_failure(request, &error, tries);
                if failure.lasting() {
                    Err(failure)
                } else {
                    self.pause(patience, None, failure).await
                }
            }
            Setback::Answer {
                status,
                fault,
                wish,
                throttled: true,
            } => {
                self.usage.throttled.fetch_add(1, Ordering::Relaxed);
                let (status, waited) = (status.as_u16(), patience.waited);
                self.pause(
                    patience,
                    wish,
                    NinjaOneError::Throttled {
                        request,
                        status,
                        fault,
                        tries,
                        waited,
                        wish,
                    },
                )
                .await
            }
            Setback::Answer {
                status, fault, wish, ..
            } if status.is_server_error() && status != Http::NOT_IMPLEMENTED => {
                let failure = NinjaOneError::ServerFailed {
                    request,
                    status: status.as_u16(),
                    fault,
                    tries,
                };
                self.pause(patience, wish, failure).await
            }
            Setback::Answer { fault, .. } if fault.is("insufficient_privileges") => {
                let granted = quote(scope.unwrap_or("not told by the server"));
                Err(NinjaOneError::MissingScope {
                    request,
                    granted,
                    fault,
                })
            }
            Setback::Answer { status, fault, .. } => Err(NinjaOneError::Refused {
                request,
                status: status.as_u16(),
                fault,
            }),
        }
    }

    /// Waits before something is tried for the `next` time, for a random part of a doubling back-off.
    pub(crate) async fn back_off(&self, next: u32) {
        let mut patience = Patience::new(self.config.retry);
        patience.tries = next.saturating_sub(1).max(1);
        if let Some(wait) = patience.next_wait(None) {
            tokio::time::sleep(wait).await;
        }
    }

    pub(super) async fn pause(
        &self,
        patience: &mut Patience,
        wish: Option<Duration>,
        failure: NinjaOneError,
    ) -> Result<(), NinjaOneError> {
        let Some(wait) = patience.next_wait(wish) else {
            return Err(failure);
        };
        tracing::warn!(cause = %failure, wait = ?wait, "trying again");
        self.usage.retries.fetch_add(1, Ordering::Relaxed);
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.usage.waited_ms.fetch_add(millis, Ordering::Relaxed);
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

impl Setback {
    /// Whether a new token may help.
    pub(super) fn is_stale_token(&self) -> bool {
        matches!(self, Self::Answer { status, fault, .. }
            if *status == Http::UNAUTHORIZED && !fault.is("insufficient_privileges"))
    }
}

/// An answer that points elsewhere and is not followed.
pub(super) fn redirected(request: String, response: &Response) -> NinjaOneError {
    let to = quote(&header(response, LOCATION).unwrap_or_default());
    NinjaOneError::Redirected { request, to }
}

/// Other successes promise something less than the answer, such as a part of it (206).
fn whole_answer(request: String, response: Response) -> Result<Response, NinjaOneError> {
    match response.status() {
        Http::OK | Http::NON_AUTHORITATIVE_INFORMATION => Ok(response),
        other => Err(NinjaOneError::Malformed {
            request,
            reason: format!("the status {} is not that of a whole answer", other.as_u16()),
        }),
    }
}

/// A header as text.
pub(super) fn header(response: &Response, name: HeaderName) -> Option<String> {
    let value = response.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}

/// Takes an answer that can be JSON; everything else is a setback. HTML or nothing where JSON is due is how throttling
/// shows on some instances, whatever the status (NinjaOne facts §5.2).
pub(super) async fn accept(response: Response) -> Result<Response, Setback> {
    let status = response.status();
    let html = header(&response, CONTENT_TYPE).is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    let empty = response.content_length() == Some(0);
    if status.is_success() && !html && !empty {
        return Ok(response);
    }
    let wish = header(&response, RETRY_AFTER).and_then(|wish| retry_after(&wish, OffsetDateTime::now_utc()));
    let request_id = header(&response, REQUEST_ID);
    let mut body = Vec::new();
    let mut stream = response.bytes_stream();
    let read = async {
        while let Some(Ok(chunk)) = stream.next().await {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST_ERROR_BODY {
                break;
            }
        }
    };
    // What has come until then has to do.
    let _ = tokio::time::timeout(ERROR_BODY_WAIT, read).await;
    let page = html
        || body
            .iter()
            .find(|byte| !byte.is_ascii_whitespace())
            .is_none_or(|first| *first == b'<');
    let throttled = status == Http::TOO_MANY_REQUESTS
        || status == Http::SERVICE_UNAVAILABLE
        || (page && (status.is_success() || status == Http::FORBIDDEN));
    Err(Setback::Answer {
        status,
        fault: Box::new(ApiFault::parse(&body, request_id)),
        wish,
        throttled,
    })
}

pub(super) fn network_failure(request: String, error: &reqwest::Error, tries: u32) -> NinjaOneError {
    let reason = chain(error);
    // The resolver's errors have no type of their own; a passing failure says so.
    if reason.contains("dns error") && !reason.contains("Temporary failure") {
        return NinjaOneError::UnknownHost { request };
    }
    let tls = reason.contains("certificate") || reason.contains("HandshakeFailure") || reason.contains("TLS");
    NinjaOneError::Network {
        request,
        reason: quote(&reason),
        tries,
        timeout: error.is_timeout(),
        tls,
    }
}

/// The innermost causes of an error, without the address, which the message has already.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = cause.source();
    }
    if parts.is_empty() {
        error.to_string()
    } else {
        parts.join(": ")
    }
}
