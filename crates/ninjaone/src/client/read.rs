//! Reads lists and objects: repeats incomplete requests, and parses responses as they arrive.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use access_core::secrets::ServerText;
use reqwest::header::{ACCEPT, LOCATION};
use reqwest::{Response, StatusCode as Http, Url};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::api_error::sanitize;
use super::body_reader::Answer;
use super::body_reader::BodyError;
use super::body_reader::BodyReader;
use super::body_reader::IncompleteBody;
use super::body_reader::MAX_BODY_BYTES;
use super::body_reader::Queue;
use super::body_reader::ReadFailure;
use super::json_stream::ListConsumer;
use super::json_stream::ListEnd;
use super::json_stream::ListRead;
use super::json_stream::format_thousands;
use super::json_stream::read_array;
use super::json_stream::reason;
use super::oauth::Token;
use super::response::{
    NonJson, RequestFailure, chain, classify_response, header, network_failure, redirected, request_line,
};
use super::retry::RetryState;
use super::trace::traced;
use super::{ApiError, NinjaOneClient, NinjaOneError};

/// Maximum number of redirects within the instance.
const MAX_REDIRECTS: usize = 3;
/// Capacity of the queue between network and parser, in chunks.
const CHUNK_QUEUE_CAPACITY: usize = 8;
/// Maximum total wait for a response body, as a multiple of the read timeout.
const MAX_BODY_WAIT_FACTOR: u32 = 12;
/// Bytes of an unpacked list that are accepted with any transfer size.
const FREE_UNPACKED_BYTES: u64 = 1 << 30;
/// Bytes beyond that, per byte received. JSON of real tenants is compressed to a tenth or twentieth.
const MAX_UNPACKED_RATIO: u64 = 100;
/// Maximum size of an unpacked list, in bytes.
const MAX_UNPACKED_BYTES: u64 = 8 << 30;

impl NinjaOneClient {
    /// Reads a list and passes its elements to `consumer` on a thread of its own. A truncated list is read again from its
    /// start, after [`ListConsumer::restart`].
    ///
    /// # Errors
    /// [`NinjaOneError`]; some elements may have been consumed.
    pub(crate) async fn list<T, S>(
        &self,
        path: &str,
        query: &[(&str, String)],
        mut consumer: S,
    ) -> Result<(S, u64, ListEnd), NinjaOneError>
    where
        T: for<'de> Deserialize<'de> + 'static,
        S: ListConsumer<T> + Send + 'static,
    {
        let mut retry_state = RetryState::new(self.config.retry);
        let mut nothing_before = false;
        loop {
            let answer = self.get(path, query, &mut retry_state).await?;
            let request = request_line("GET", answer.url());
            if answer.status() == Http::NO_CONTENT {
                if nothing_before {
                    return Ok((consumer, 0, ListEnd::Complete));
                }
                // The first one may come from a proxy; the same response twice counts.
                nothing_before = true;
                let wait = retry_state.next_wait(None).unwrap_or_default();
                tokio::time::sleep(wait.min(self.config.retry.first_backoff)).await;
                continue;
            }
            let (returned, read, failure) = self.parse_stream::<T, S>(answer, consumer).await?;
            consumer = returned;
            let ListRead { count, end, repairs } = read;
            let error = match end {
                ListEnd::Complete if count > 0 && !consumer.has_usable_rows() => {
                    let reason = format!("none of its {count} entries has a usable id");
                    return Err(NinjaOneError::Malformed { request, reason });
                }
                ListEnd::Complete | ListEnd::Stopped => {
                    self.remark_repairs(&request, &repairs);
                    return Ok((consumer, count, end));
                }
                ListEnd::TooLarge(reason) => return Err(NinjaOneError::TooLarge { request, reason }),
                ListEnd::MemoryExhausted(spent) => {
                    return Err(NinjaOneError::MemoryExhausted { request, spent });
                }
                ListEnd::TooSlow => {
                    let waited = self.max_body_wait().as_secs();
                    return Err(NinjaOneError::TooSlow { request, waited });
                }
                ListEnd::ApiError(fault) => {
                    self.retry_or_fail_api_error(&mut retry_state, *fault, request)
                        .await?;
                    consumer.restart();
                    continue;
                }
                ListEnd::Malformed(reason) => {
                    return Err(NinjaOneError::Malformed {
                        request,
                        reason: sanitize(&reason),
                    });
                }
                ListEnd::Io if failure.as_ref().is_some_and(BodyError::is_timeout) => {
                    let silence = self.config.timeout.as_secs();
                    NinjaOneError::Network {
                        request,
                        reason: ServerText::new(&format!(
                            "nothing came for {silence} s, after {count} entries of the list"
                        )),
                        tries: retry_state.tries,
                        timeout: true,
                        exhausted: false,
                        tls: None,
                    }
                }
                ListEnd::Truncated | ListEnd::Io => {
                    let reason = failure
                        .as_ref()
                        .map(|error| sanitize(&chain(error)))
                        .unwrap_or_default();
                    tracing::debug!(%request, elements = count, reason, "the list broke off");
                    NinjaOneError::CutShort {
                        request,
                        elements: count,
                        tries: retry_state.tries,
                    }
                }
            };
            self.wait_before_retry(&mut retry_state, None, error).await?;
            consumer.restart();
        }
    }

    /// The text of a failure in a response with a success status.
    async fn retry_or_fail_api_error(
        &self,
        retry_state: &mut RetryState,
        fault: ApiError,
        request: String,
    ) -> Result<(), NinjaOneError> {
        let only_words = fault.code.is_none() && fault.incident_id.is_none();
        let request_failure = RequestFailure::Answer {
            status: Http::OK,
            throttled: fault.asks_to_wait(),
            fault: Box::new(fault),
            retry_after: None,
            non_json: only_words.then_some(NonJson::Text),
        };
        let scope = self
            .token
            .lock()
            .await
            .as_ref()
            .and_then(|token| token.scope.clone());
        self.retry_or_fail(retry_state, request_failure, request, scope.as_deref())
            .await
    }

    /// Reads one object. A truncated object is read again.
    ///
    /// # Errors
    /// [`NinjaOneError`].
    pub(crate) async fn object<T: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, NinjaOneError> {
        let mut retry_state = RetryState::new(self.config.retry);
        loop {
            let answer = self.get(path, query, &mut retry_state).await?;
            let request = request_line("GET", answer.url());
            if answer.status() == Http::NO_CONTENT {
                let reason = "status 204 does not carry a complete response".to_owned();
                return Err(NinjaOneError::Malformed { request, reason });
            }
            let body = answer.read_body(MAX_BODY_BYTES, self.max_body_wait()).await;
            let mut fault = None;
            if let Ok((body, repairs)) = &body {
                self.usage.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
                self.remark_repairs(&request, repairs);
                fault = ApiError::from_failure_body(body);
            }
            if let Some(fault) = fault {
                self.retry_or_fail_api_error(&mut retry_state, fault, request)
                    .await?;
                continue;
            }
            match self.parsed(body.map(|(body, _)| body), &request, &retry_state) {
                Ok(object) => return Ok(object),
                Err(failure @ (NinjaOneError::BrokenOff { .. } | NinjaOneError::Network { .. })) => {
                    self.wait_before_retry(&mut retry_state, None, failure).await?;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Parses an object.
    pub(super) fn parsed<T: for<'de> Deserialize<'de>>(
        &self,
        body: Result<Vec<u8>, IncompleteBody>,
        request: &str,
        retry_state: &RetryState,
    ) -> Result<T, NinjaOneError> {
        let (request, tries) = (request.to_owned(), retry_state.tries);
        match body {
            Ok(body) => serde_json::from_slice(&body).map_err(|error| {
                if error.is_eof() {
                    return NinjaOneError::BrokenOff { request, tries };
                }
                let reason = sanitize(&reason(&error));
                NinjaOneError::Malformed { request, reason }
            }),
            Err(IncompleteBody::Broken(error)) => Err(network_failure(request, &error, tries)),
            Err(IncompleteBody::TooLong) => Err(NinjaOneError::Malformed {
                request,
                reason: "it is too long".to_owned(),
            }),
            Err(IncompleteBody::TooSlow) => Err(NinjaOneError::TooSlow {
                request,
                waited: self.max_body_wait().as_secs(),
            }),
        }
    }

    pub(super) fn max_body_wait(&self) -> Duration {
        self.config.timeout.saturating_mul(MAX_BODY_WAIT_FACTOR)
    }

    /// The address of a list, for messages.
    pub(crate) fn display_request(&self, path: &str) -> String {
        format!("GET {}{path}", self.tenant().trim_end_matches('/'))
    }

    /// Parses a response.
    pub(crate) async fn parse_stream<T, S>(
        &self,
        mut answer: Answer,
        mut consumer: S,
    ) -> Result<(S, ListRead, Option<BodyError>), NinjaOneError>
    where
        T: for<'de> Deserialize<'de> + 'static,
        S: ListConsumer<T> + Send + 'static,
    {
        let (chunks, pieces) = mpsc::channel(CHUNK_QUEUE_CAPACITY);
        let failure = ReadFailure::default();
        let reader = BodyReader::new(Queue {
            pieces,
            failure: Arc::clone(&failure),
            received: answer.received(),
        });
        let parser = tokio::task::spawn_blocking(move || {
            let read = read_array::<T, _>(reader, &mut consumer);
            (consumer, read)
        });
        let mut left = self.max_body_wait();
        let mut too_slow = false;
        let mut too_large = None;
        let mut unpacked = 0_u64;
        let received = answer.received();
        loop {
            // Only waiting for the network counts, not a slow sink.
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
            // The parser drops its end when it has enough or the response is malformed.
            if chunks.send(chunk).await.is_err() || failed {
                break;
            }
        }
        drop(chunks);
        let (consumer, mut read) = parser.await.map_err(|_| NinjaOneError::Stopped)?;
        let failure = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        if too_slow {
            read.end = ListEnd::TooSlow;
        }
        if let Some(reason) = too_large {
            read.end = ListEnd::TooLarge(reason);
        }
        Ok((consumer, read, failure))
    }

    /// Sends a GET until the response is JSON.
    async fn get(
        &self,
        path: &str,
        query: &[(&str, String)],
        retry_state: &mut RetryState,
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
            let request_failure = match self.send_get(&url, &token).await {
                Ok(response) if response.status().is_redirection() => {
                    url = self.redirect(&request, &response, redirects)?;
                    redirects += 1;
                    continue;
                }
                Ok(response) => match classify_response(response, self.max_body_wait()).await {
                    Ok(answer) => return require_complete(request, answer),
                    Err(request_failure) => request_failure,
                },
                Err(error) => RequestFailure::Network(error),
            };
            // Only once: a token can be revoked or expire early. Repeating it would be a loop.
            if request_failure.is_stale_token() && stale.is_none() {
                stale = Some(token);
                continue;
            }
            self.retry_or_fail(retry_state, request_failure, request, token.scope.as_deref())
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
            tracing::debug!(url = sanitize(url.as_str()), status = response.status().as_u16(), elapsed = ?begin.elapsed(), "request");
        }
        answer
    }

    fn redirect(&self, request: &str, response: &Response, redirects: usize) -> Result<Url, NinjaOneError> {
        let location = header(response, LOCATION).unwrap_or_default();
        let refuse = || redirected(request.to_owned(), response);
        let to = response.url().join(&location).map_err(|_| refuse())?;
        let same = self.config.base_url.is_same_origin(&to);
        if same && redirects < MAX_REDIRECTS {
            Ok(to)
        } else {
            Err(refuse())
        }
    }
}

/// Other success statuses promise less than the complete response, such as a part of it (206). The caller handles 204.
fn require_complete(request: String, answer: Answer) -> Result<Answer, NinjaOneError> {
    match answer.status() {
        Http::OK | Http::NON_AUTHORITATIVE_INFORMATION | Http::NO_CONTENT => Ok(answer),
        other => Err(NinjaOneError::Malformed {
            request,
            reason: format!("status {} does not carry a complete response", other.as_u16()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use serde::de::IgnoredAny;

    use super::*;
    use crate::client::FirstElement;
    use crate::client::tests::{client, response};

    /// Failures after a success status are retried, with a text that says what came.
    #[tokio::test]
    async fn failure_in_place_of_a_list_is_named() {
        for (body, expected) in [
            (
                r#"{"resultCode":"FAILURE"}"#,
                "GET /: the server failed, gave up after 1 try: 200: FAILURE",
            ),
            (
                r#"{"incidentId":"X-1"}"#,
                "GET /: the server failed, gave up after 1 try: 200: no explanation (incident X-1)",
            ),
            (r#""closed""#, "GET /: the answer is text instead of JSON: closed"),
            (
                r#""Too many requests""#,
                "GET /: throttled, gave up after 1 try and 0 s of waiting: 200: Too many requests",
            ),
            (
                r#"{"error":"forbidden"}"#,
                "GET /: the token's scopes (not reported by the server) are not enough: forbidden",
            ),
        ] {
            let client = client(1, None);
            let mut retry_state = RetryState::new(client.config.retry);
            let fault = ApiError::from_failure_body(body.as_bytes()).unwrap();
            let decision = client.retry_or_fail_api_error(&mut retry_state, fault, "GET /".to_owned());
            assert_eq!(decision.await.unwrap_err().to_string(), expected);
        }
    }

    /// Checks need the first entry only, and must not download a list of a million.
    #[tokio::test]
    async fn download_ends_when_the_consumer_has_enough() {
        static PIECES: AtomicU64 = AtomicU64::new(0);
        let pieces = (0..1000).map(|number| {
            PIECES.fetch_add(1, Ordering::Relaxed);
            std::io::Result::Ok(if number == 0 {
                r#"[{"id":1},"#
            } else {
                r#"{"id":2},"#
            })
        });
        let body = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
        let answer = Answer::new(response(200, body));
        let client = client(1, None);
        let parsed = client.parse_stream::<IgnoredAny, _>(answer, FirstElement);
        let (_, read, _) = parsed.await.unwrap();
        assert!(matches!(read.end, ListEnd::Stopped), "{:?}", read.end);
        assert_eq!(read.count, 1);
        let pieces = PIECES.load(Ordering::Relaxed);
        assert!(pieces < 100, "{pieces} pieces");
    }
}
