//! Requests: signed in, tried again where that is safe, never sent elsewhere.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use access_core::find_cause;
use access_core::ports::{ApiUsage, Wait};
use access_core::secrets::ServerText;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Response, StatusCode as Http, Url};
use serde::Deserialize;
use time::OffsetDateTime;
use tokio::sync::{Mutex, mpsc};

use super::api_error::quote;
use super::body_reader::Answer;
use super::body_reader::Beginning;
use super::body_reader::BodyError;
use super::body_reader::BodyReader;
use super::body_reader::IncompleteBody;
use super::body_reader::LONGEST_ANSWER;
use super::body_reader::Queue;
use super::body_reader::ReadFailure;
use super::data_redactor::DataRedactor;
use super::json_scanner::RepairLog;
use super::json_stream::FirstElement;
use super::json_stream::ListConsumer;
use super::json_stream::ListEnd;
use super::json_stream::ListRead;
use super::json_stream::format_thousands;
use super::json_stream::read_array;
use super::json_stream::reason;
use super::pace::Pace;
use super::remark::Remark;
use super::resolver::{ResolveError, SystemResolver};
use super::retry::{RetryState, retry_after};
use super::token::Token;
use super::trace::traced;
use super::{ApiError, ClientConfig, NinjaOneError, TlsFault};
use crate::source::pagination::PAGE_ROWS;

/// Redirects within the instance that are followed.
const MOST_REDIRECTS: usize = 3;
/// Bytes of an error's body that are looked at.
const LONGEST_ERROR_BODY: usize = 64 << 10;
/// Chunks of an answer that wait for the parser.
const QUEUE_CHUNKS: usize = 8;
/// The header that NinjaOne's support asks for (docs/reference/ninjaone-api.md §5.1).
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-nj-request-id");
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long an answer may be waited for altogether, in longest silences: one that trickles for ever is none.
const LONGEST_TRICKLE: u32 = 12;
/// How long an error's body is waited for.
const ERROR_BODY_WAIT: Duration = Duration::from_secs(30);
/// Bytes of a list after unpacking, however few came over the network.
const FREE_UNPACKED_BYTES: u64 = 1 << 30;
/// Bytes beyond that, for each byte that came. JSON of real tenants shrinks to a tenth or twentieth.
const MAX_UNPACKED_RATIO: u64 = 100;
/// Bytes of a list after unpacking, whatever came.
const MAX_UNPACKED_BYTES: u64 = 8 << 30;
/// Remarks that are kept until somebody takes them.
const MAX_REMARKS: usize = 100;

/// A signed-in client of one tenant.
#[derive(Debug)]
pub struct NinjaOneClient {
    http: reqwest::Client,
    config: ClientConfig,
    /// The token in use; whoever renews it holds the lock, so that it is renewed once.
    pub(super) token: Mutex<Option<Token>>,
    usage: Usage,
    now: std::sync::Mutex<Now>,
    remarks: std::sync::Mutex<Vec<Remark>>,
    pace: Option<Pace>,
}

/// What the client is doing.
#[derive(Debug, Default)]
struct Now {
    /// The path that was asked for last.
    path: Option<String>,
    /// Until when it waits, before which try, and whether the tenant asked for it.
    wait: Option<(Instant, u32, bool)>,
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
pub(super) enum RequestFailure {
    Network(reqwest::Error),
    Answer {
        status: Http,
        fault: Box<ApiError>,
        wish: Option<Duration>,
        throttled: bool,
        /// What stood in place of JSON.
        instead: Option<Instead>,
    },
}

/// What can stand in place of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instead {
    /// A web page.
    Page,
    /// Other text.
    Text,
    /// Nothing.
    Nothing,
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
        let mut tls = net_tls::client_config(config.ca_file.as_deref())?;
        // Without ALPN, a middlebox that inspects TLS would have to guess the protocol.
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(&config.user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(SystemResolver))
            // Answers are unpacked here: the client's own reader stops at the first of several gzip members.
            .no_gzip()
            .default_headers(HeaderMap::from_iter([(
                ACCEPT_ENCODING,
                HeaderValue::from_static("gzip"),
            )]))
            .connect_timeout(CONNECT_TIMEOUT.min(config.timeout))
            .read_timeout(config.timeout);
        if config.base_url.is_loopback() {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| setup(quote(&chain(&error))))?;
        Ok(Self {
            http,
            pace: config.requests_per_second.map(Pace::new),
            config,
            token: Mutex::new(None),
            usage: Usage::default(),
            now: std::sync::Mutex::default(),
            remarks: std::sync::Mutex::default(),
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

    /// Waits until another request may be sent, and counts it.
    pub(super) async fn next_call(&self) {
        if let Some(pace) = &self.pace {
            pace.wait().await;
        }
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
        self.list::<serde::de::IgnoredAny, _>("/v2/organizations", &query, FirstElement)
            .await?;
        Ok(())
    }

    /// What requests have cost so far.
    #[must_use]
    pub fn usage(&self) -> ApiUsage {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ApiUsage {
            calls: count(&self.usage.calls),
            retries: count(&self.usage.retries),
            throttled: count(&self.usage.throttled),
            bytes: count(&self.usage.bytes),
            waited: Duration::from_millis(count(&self.usage.waited_ms)),
        }
    }

    /// The path that was asked for last, and what is waited for.
    pub(crate) fn now(&self) -> (Option<String>, Option<Wait>) {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = now.wait.map(|(until, next_try, is_throttled)| Wait {
            is_throttled,
            left: until.saturating_duration_since(Instant::now()),
            next_try,
        });
        (now.path.clone(), wait)
    }

    fn note(&self, note: impl FnOnce(&mut Now)) {
        note(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Keeps something to warn of.
    pub(crate) fn remark(&self, remark: Remark) {
        tracing::debug!(code = remark.code, "{}", remark.message);
        let mut remarks = self.remarks.lock().unwrap_or_else(PoisonError::into_inner);
        if remarks.len() < MAX_REMARKS && !remarks.contains(&remark) {
            remarks.push(remark);
        }
    }

    /// What there is to warn of since this was last asked.
    pub(crate) fn take_remarks(&self) -> Vec<Remark> {
        std::mem::take(&mut self.remarks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn remark_repairs(&self, request: &str, log: &RepairLog) {
        if let Some(remark) = Remark::of_repairs(request, log) {
            self.remark(remark);
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
        S: ListConsumer<T> + Send + 'static,
    {
        let mut patience = RetryState::new(self.config.retry);
        let mut nothing_before = false;
        loop {
            let answer = self.get(path, query, &mut patience).await?;
            let request = request_line("GET", answer.url());
            if answer.status() == Http::NO_CONTENT {
                if nothing_before {
                    return Ok((take, 0, ListEnd::Whole));
                }
                // It may be the answer of something on the way; a server that says so twice means it.
                nothing_before = true;
                let wait = patience.next_wait(None).unwrap_or_default();
                tokio::time::sleep(wait.min(self.config.retry.first_backoff)).await;
                continue;
            }
            let (taken, read, failure) = self.pump::<T, S>(answer, take).await?;
            take = taken;
            let ListRead { count, end, repairs } = read;
            let setback = match end {
                ListEnd::Whole if count > 0 && !take.has_used() => {
                    let reason = format!("none of its {count} entries has a usable id");
                    return Err(NinjaOneError::Malformed { request, reason });
                }
                ListEnd::Whole | ListEnd::Enough => {
                    self.remark_repairs(&request, &repairs);
                    return Ok((take, count, end));
                }
                ListEnd::TooLarge(reason) => return Err(NinjaOneError::TooLarge { request, reason }),
                ListEnd::MemoryExhausted(spent) => {
                    return Err(NinjaOneError::MemoryExhausted { request, spent });
                }
                ListEnd::TooSlow => {
                    let waited = self.longest_trickle().as_secs();
                    return Err(NinjaOneError::TooSlow { request, waited });
                }
                ListEnd::Fault(fault) => {
                    self.handle_fault(&mut patience, *fault, request).await?;
                    take.again();
                    continue;
                }
                ListEnd::Malformed(reason) => {
                    return Err(NinjaOneError::Malformed {
                        request,
                        reason: quote(&reason),
                    });
                }
                ListEnd::Io if failure.as_ref().is_some_and(BodyError::is_timeout) => {
                    let silence = self.config.timeout.as_secs();
                    NinjaOneError::Network {
                        request,
                        reason: ServerText::new(&format!(
                            "nothing came for {silence} s, after {count} entries of the list"
                        )),
                        tries: patience.tries,
                        timeout: true,
                        exhausted: false,
                        tls: None,
                    }
                }
                ListEnd::CutShort | ListEnd::Io => {
                    let reason = failure
                        .as_ref()
                        .map(|error| quote(&chain(error)))
                        .unwrap_or_default();
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

    /// Words of a failure in an answer with a good status.
    async fn handle_fault(
        &self,
        patience: &mut RetryState,
        fault: ApiError,
        request: String,
    ) -> Result<(), NinjaOneError> {
        let only_words = fault.code.is_none() && fault.incident_id.is_none();
        let setback = RequestFailure::Answer {
            status: Http::OK,
            throttled: fault.asks_to_wait(),
            fault: Box::new(fault),
            wish: None,
            instead: only_words.then_some(Instead::Text),
        };
        let scope = self
            .token
            .lock()
            .await
            .as_ref()
            .and_then(|token| token.scope.clone());
        self.handle(patience, setback, request, scope.as_deref()).await
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
        let mut patience = RetryState::new(self.config.retry);
        loop {
            let answer = self.get(path, query, &mut patience).await?;
            let request = request_line("GET", answer.url());
            if answer.status() == Http::NO_CONTENT {
                let reason = "the status 204 is not that of a whole answer".to_owned();
                return Err(NinjaOneError::Malformed { request, reason });
            }
            let body = answer.whole(LONGEST_ANSWER, self.longest_trickle()).await;
            let mut fault = None;
            if let Ok((body, repairs)) = &body {
                self.usage.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
                self.remark_repairs(&request, repairs);
                fault = ApiError::of_failure(body);
            }
            if let Some(fault) = fault {
                self.handle_fault(&mut patience, fault, request).await?;
                continue;
            }
            match self.parsed(body.map(|(body, _)| body), &request, &patience) {
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
        body: Result<Vec<u8>, IncompleteBody>,
        request: &str,
        patience: &RetryState,
    ) -> Result<T, NinjaOneError> {
        let (request, tries) = (request.to_owned(), patience.tries);
        match body {
            Ok(body) => serde_json::from_slice(&body).map_err(|error| {
                if error.is_eof() {
                    return NinjaOneError::BrokenOff { request, tries };
                }
                let reason = quote(&reason(&error));
                NinjaOneError::Malformed { request, reason }
            }),
            Err(IncompleteBody::Broken(error)) => Err(network_failure(request, &error, tries)),
            Err(IncompleteBody::TooLong) => Err(NinjaOneError::Malformed {
                request,
                reason: "it is too long".to_owned(),
            }),
            Err(IncompleteBody::TooSlow) => Err(NinjaOneError::TooSlow {
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
        mut answer: Answer,
        mut take: S,
    ) -> Result<(S, ListRead, Option<BodyError>), NinjaOneError>
    where
        T: for<'de> Deserialize<'de> + 'static,
        S: ListConsumer<T> + Send + 'static,
    {
        let (chunks, pieces) = mpsc::channel(QUEUE_CHUNKS);
        let failure = ReadFailure::default();
        let reader = BodyReader::new(Queue {
            pieces,
            failure: Arc::clone(&failure),
            received: answer.received(),
        });
        let parser = tokio::task::spawn_blocking(move || {
            let read = read_array::<T, _>(reader, &mut take);
            (take, read)
        });
        let mut left = self.longest_trickle();
        let mut too_slow = false;
        let mut too_large = None;
        let mut unpacked = 0_u64;
        let received = answer.received();
        loop {
            // Only the waiting counts: a slow sink is no slow tenant.
            let begin = Instant::now();
            let Ok(next) = tokio::time::timeout(left, answer.next()).await else {
                too_slow = true;
                break;
            };
            left = left.saturating_sub(begin.elapsed());
            let Some(chunk) = next else { break };
            if let Ok(chunk) = &chunk {
                unpacked += chunk.len() as u64;
                let received = received.load(Ordering::Relaxed);
                let most = FREE_UNPACKED_BYTES.saturating_add(received.saturating_mul(MAX_UNPACKED_RATIO));
                if unpacked > most.min(MAX_UNPACKED_BYTES) {
                    too_large = Some(format!(
                        "it has more than {} MiB after unpacking, of {} KiB that came over the network",
                        format_thousands(unpacked >> 20),
                        format_thousands(received >> 10)
                    ));
                    break;
                }
                self.usage.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            }
            let failed = chunk.is_err();
            // The parser stops listening when it has enough or finds the answer malformed.
            if chunks.send(chunk).await.is_err() || failed {
                break;
            }
        }
        drop(chunks);
        let (take, mut read) = parser.await.map_err(|_| NinjaOneError::Stopped)?;
        let failure = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        if too_slow {
            read.end = ListEnd::TooSlow;
        }
        if let Some(reason) = too_large {
            read.end = ListEnd::TooLarge(reason);
        }
        Ok((take, read, failure))
    }

    /// Sends a GET until it is answered with JSON.
    async fn get(
        &self,
        path: &str,
        query: &[(&str, String)],
        patience: &mut RetryState,
    ) -> Result<Answer, NinjaOneError> {
        self.note(|now| now.path = Some(path.to_owned()));
        let mut url = self.config.base_url.endpoint(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut stale: Option<Token> = None;
        let mut redirects = 0;
        loop {
            let token = self.token(stale.as_ref()).await?;
            let request = request_line("GET", &url);
            let setback = match self.send_get(&url, &token).await {
                Ok(response) if response.status().is_redirection() => {
                    url = self.redirect(&request, &response, redirects)?;
                    redirects += 1;
                    continue;
                }
                Ok(response) => match accept(response, self.longest_trickle()).await {
                    Ok(answer) => return whole_answer(request, answer),
                    Err(setback) => setback,
                },
                Err(error) => RequestFailure::Network(error),
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
        self.next_call().await;
        let begin = Instant::now();
        let sent = self
            .http
            .get(url.clone())
            .header(ACCEPT, "application/json")
            .bearer_auth(token.secret.expose());
        let answer = traced("GET", url, sent.send()).await;
        if let Ok(response) = &answer {
            tracing::debug!(url = quote(url.as_str()), status = response.status().as_u16(), elapsed = ?begin.elapsed(), "request");
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
        patience: &mut RetryState,
        setback: RequestFailure,
        request: String,
        scope: Option<&str>,
    ) -> Result<(), NinjaOneError> {
        let tries = patience.tries;
        match setback {
            RequestFailure::Network(error) => {
                let failure = network_failure(request, &error, tries);
                if failure.lasting() {
                    Err(failure)
                } else {
                    self.pause(patience, None, failure).await
                }
            }
            RequestFailure::Answer {
                status,
                fault,
                wish,
                throttled: true,
                ..
            } => {
                self.usage.throttled.fetch_add(1, Ordering::Relaxed);
                let failure = throttled(patience, request, status, fault, wish);
                self.pause(patience, wish, failure).await
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
                instead: Some(_),
                status,
                ..
            } if status.is_success() => {
                let failure = NinjaOneError::NotJson {
                    request,
                    fault,
                    tries,
                };
                self.pause(patience, None, failure).await
            }
            RequestFailure::Answer {
                status, fault, wish, ..
            } if may_pass(status) => {
                let failure = NinjaOneError::ServerFailed {
                    request,
                    status: status.as_u16(),
                    fault,
                    tries,
                };
                self.pause(patience, wish, failure).await
            }
            RequestFailure::Answer { status, fault, .. } => Err(NinjaOneError::Refused {
                request,
                status: status.as_u16(),
                fault,
            }),
        }
    }

    /// Waits before something is tried for the `next` time, for a random part of a doubling back-off.
    pub(crate) async fn back_off(&self, next: u32) {
        let mut patience = RetryState::at_try(self.config.retry, next.saturating_sub(1).max(1));
        if let Some(wait) = patience.next_wait(None) {
            tokio::time::sleep(wait).await;
        }
    }

    pub(super) async fn pause(
        &self,
        patience: &mut RetryState,
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
        let is_throttled = matches!(failure, NinjaOneError::Throttled { .. });
        if let Some(until) = Instant::now().checked_add(wait) {
            self.note(|now| now.wait = Some((until, patience.tries, is_throttled)));
        }
        tokio::time::sleep(wait).await;
        self.note(|now| now.wait = None);
        Ok(())
    }
}

impl RequestFailure {
    /// The same with what may be repeated of an answer to a sign-in.
    pub(super) fn of_sign_in(self) -> Self {
        match self {
            Self::Answer {
                status,
                fault,
                wish,
                throttled,
                instead,
            } => Self::Answer {
                status,
                fault: Box::new(fault.of_sign_in()),
                wish,
                throttled,
                instead,
            },
            network @ Self::Network(_) => network,
        }
    }

    /// Whether a new token may help.
    pub(super) fn is_stale_token(&self) -> bool {
        matches!(self, Self::Answer { status, fault, .. }
            if *status == Http::UNAUTHORIZED && !fault.is("insufficient_privileges"))
    }
}

/// Whether a failure is about what the caller may do. It can come with any status (docs/reference/ninjaone-api.md §5.1); those
/// that say so themselves keep their own words.
fn is_denied(status: Http, fault: &ApiError) -> bool {
    let own_words = matches!(
        status,
        Http::UNAUTHORIZED | Http::FORBIDDEN | Http::NOT_FOUND | Http::NOT_IMPLEMENTED
    );
    fault.is("insufficient_privileges") || (!own_words && fault.denies_permission())
}

/// Whether a status is that of a server, or of something before it, that may do better at another time. A good status is
/// that of a failure in good clothes.
fn may_pass(status: Http) -> bool {
    (status.is_server_error() && status != Http::NOT_IMPLEMENTED)
        || status.is_success()
        || matches!(status, Http::REQUEST_TIMEOUT | Http::TOO_EARLY)
}

/// What to say if throttling does not end.
pub(super) fn throttled(
    patience: &RetryState,
    request: String,
    status: Http,
    fault: Box<ApiError>,
    wish: Option<Duration>,
) -> NinjaOneError {
    NinjaOneError::Throttled {
        request,
        status: status.as_u16(),
        fault,
        tries: patience.tries,
        waited: patience.waited,
        wish,
        beyond: wish
            .is_some_and(|wish| patience.is_beyond(wish))
            .then(|| patience.total_wait()),
    }
}

/// A request as messages name it. After a redirect its address is the server's.
pub(super) fn request_line(method: &str, url: &Url) -> String {
    quote(&format!("{method} {url}"))
}

/// An answer that points elsewhere and is not followed.
pub(super) fn redirected(request: String, response: &Response) -> NinjaOneError {
    let to = ServerText::new(&header(response, LOCATION).unwrap_or_default());
    NinjaOneError::Redirected { request, to }
}

/// The same for a sign-in: only the host is repeated.
pub(super) fn sign_in_redirected(request: String, response: &Response) -> NinjaOneError {
    let location = header(response, LOCATION).unwrap_or_default();
    let to = match response.url().join(&location) {
        Ok(to) if to.origin().is_tuple() => ServerText::new(&to.origin().ascii_serialization()),
        _ => ServerText::own("an address that cannot be read"),
    };
    NinjaOneError::Redirected { request, to }
}

/// Other successes promise something less than the answer, such as a part of it (206). No content (204) is for the caller
/// to judge.
fn whole_answer(request: String, answer: Answer) -> Result<Answer, NinjaOneError> {
    match answer.status() {
        Http::OK | Http::NON_AUTHORITATIVE_INFORMATION | Http::NO_CONTENT => Ok(answer),
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

/// Takes an answer that can be JSON, or that says that there is none (204); everything else is a setback. HTML, other text
/// or nothing where JSON is due is how throttling and maintenance show, whatever the status and the content type
/// (docs/reference/ninjaone-api.md §5.2).
pub(super) async fn accept(response: Response, longest_wait: Duration) -> Result<Answer, RequestFailure> {
    accept_without(response, longest_wait, DataRedactor::new()).await
}

/// The same for an answer to a sign-in, which may give out the token that is already in use.
pub(super) async fn accept_sign_in(
    response: Response,
    longest_wait: Duration,
) -> Result<Answer, RequestFailure> {
    accept_without(response, longest_wait, DataRedactor::none()).await
}

async fn accept_without(
    response: Response,
    longest_wait: Duration,
    redactor: DataRedactor,
) -> Result<Answer, RequestFailure> {
    let status = response.status();
    let html = header(&response, CONTENT_TYPE).is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    let wish = header(&response, RETRY_AFTER).and_then(|wish| retry_after(&wish, OffsetDateTime::now_utc()));
    let request_id = header(&response, REQUEST_ID);
    let mut answer = Answer::new(response, redactor);
    if status.is_success() && !html {
        if status == Http::NO_CONTENT {
            return Ok(answer);
        }
        if let Beginning::Json | Beginning::Broken = answer.beginning(longest_wait).await {
            return Ok(answer);
        }
    }
    let mut body = Vec::new();
    let read = async {
        while let Some(Ok(chunk)) = answer.next().await {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST_ERROR_BODY {
                break;
            }
        }
    };
    // What has come until then has to do.
    let _ = tokio::time::timeout(ERROR_BODY_WAIT, read).await;
    let instead = match body.trim_ascii_start() {
        [] => Some(Instead::Nothing),
        [b'<', ..] => Some(Instead::Page),
        [b'[' | b'{' | b'"', ..] => None,
        _ => Some(Instead::Text),
    };
    let fault = ApiError::parse(&body, request_id);
    let page = html || matches!(instead, Some(Instead::Page | Instead::Nothing));
    let throttled = status == Http::TOO_MANY_REQUESTS
        || status == Http::SERVICE_UNAVAILABLE
        || (page && (status.is_success() || status == Http::FORBIDDEN))
        // Words decide only where the status does not: 404 and the like say what is wrong, and 5xx are tried again anyway.
        || ((status.is_success() || matches!(status, Http::BAD_REQUEST | Http::FORBIDDEN)) && fault.asks_to_wait());
    Err(RequestFailure::Answer {
        status,
        fault: Box::new(fault),
        wish,
        throttled,
        instead: if html { Some(Instead::Page) } else { instead },
    })
}

pub(super) fn network_failure(
    request: String,
    error: &(dyn std::error::Error + 'static),
    tries: u32,
) -> NinjaOneError {
    if let Some(ResolveError { host, reason }) = find_cause(error) {
        return NinjaOneError::UnresolvedHost {
            request,
            host: ServerText::new(host),
            reason: ServerText::new(&reason.to_string()),
            tries,
        };
    }
    let tls = find_cause::<rustls::Error>(error).map(|error| match error {
        rustls::Error::InvalidCertificate(reason) if is_about_time(reason) => TlsFault::WrongTime,
        rustls::Error::InvalidCertificate(_) => TlsFault::Untrusted,
        _ => TlsFault::Other,
    });
    NinjaOneError::Network {
        request,
        reason: ServerText::new(&chain(error)),
        tries,
        timeout: find_cause::<reqwest::Error>(error).is_some_and(reqwest::Error::is_timeout),
        exhausted: access_core::is_caused_by_exhaustion(error),
        tls,
    }
}

fn is_about_time(reason: &rustls::CertificateError) -> bool {
    use rustls::CertificateError as Reason;
    matches!(
        reason,
        Reason::Expired
            | Reason::ExpiredContext { .. }
            | Reason::NotValidYet
            | Reason::NotValidYetContext { .. }
            | Reason::ExpiredRevocationList
            | Reason::ExpiredRevocationListContext { .. }
    )
}

/// The innermost causes of an error, without the address, which the message has already.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
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
