//! Classifies the beginning of a response: JSON that can be read, or a failure.

use std::time::{Duration, SystemTime};

use access_core::find_cause;
use access_core::secrets::ServerText;
use net_tls::UnresolvedHost;
use reqwest::header::{CONTENT_TYPE, HeaderName, LOCATION};
use reqwest::{Response, StatusCode as Http, Url};

use super::api_error::sanitize;
use super::body_reader::Answer;
use super::body_reader::Beginning;
use super::retry::retry_after;
use super::{ApiError, NinjaOneError, TlsFault};

/// Maximum bytes that are read of an error's body.
const MAX_ERROR_BODY_BYTES: usize = 64 << 10;
/// The header that NinjaOne's support asks for (docs/reference/ninjaone-api.md §5.1).
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-nj-request-id");
/// Timeout for an error's body.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A failed request, before the decision whether to retry it.
pub(super) enum RequestFailure {
    Network(reqwest::Error),
    Answer {
        status: Http,
        fault: Box<ApiError>,
        retry_after: Option<Duration>,
        throttled: bool,
        /// The content in place of JSON.
        non_json: Option<NonJson>,
    },
}

/// Content in place of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NonJson {
    /// A web page.
    Page,
    /// Other text.
    Text,
    /// An empty body.
    Nothing,
}

impl RequestFailure {
    /// Keeps only what may be shown of a sign-in response.
    pub(super) fn for_sign_in(self) -> Self {
        match self {
            Self::Answer {
                status,
                fault,
                retry_after,
                throttled,
                non_json,
            } => Self::Answer {
                status,
                fault: Box::new(fault.for_sign_in()),
                retry_after,
                throttled,
                non_json,
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

/// A request for messages. After a redirect it has the final address.
pub(super) fn request_line(method: &str, url: &Url) -> String {
    sanitize(&format!("{method} {url}"))
}

/// A redirect that is not followed.
pub(super) fn redirected(request: String, response: &Response) -> NinjaOneError {
    let to = ServerText::new(&header(response, LOCATION).unwrap_or_default());
    NinjaOneError::Redirected { request, to }
}

/// Same for a sign-in, which shows only the host.
pub(super) fn sign_in_redirected(request: String, response: &Response) -> NinjaOneError {
    let location = header(response, LOCATION).unwrap_or_default();
    let to = match response.url().join(&location) {
        Ok(to) if to.origin().is_tuple() => ServerText::new(&to.origin().ascii_serialization()),
        _ => ServerText::own("an address that cannot be read"),
    };
    NinjaOneError::Redirected { request, to }
}

/// A header as text.
pub(super) fn header(response: &Response, name: HeaderName) -> Option<String> {
    let value = response.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}

/// Accepts a response that may be JSON, or has no content (204); everything else is a setback. Throttling and maintenance
/// show as HTML, other text or an empty body in place of JSON, with any status and content type
/// (docs/reference/ninjaone-api.md §5.2).
pub(super) async fn classify_response(
    response: Response,
    longest_wait: Duration,
) -> Result<Answer, RequestFailure> {
    let status = response.status();
    let html = header(&response, CONTENT_TYPE).is_some_and(|kind| net_tls::is_html(&kind));
    let retry_after = retry_after(response.headers(), SystemTime::now());
    let request_id = header(&response, REQUEST_ID);
    let mut answer = Answer::new(response);
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
            if body.len() > MAX_ERROR_BODY_BYTES {
                break;
            }
        }
    };
    // The bytes received until then must suffice.
    let _ = tokio::time::timeout(ERROR_BODY_TIMEOUT, read).await;
    let non_json = match body.trim_ascii_start() {
        [] => Some(NonJson::Nothing),
        [b'<', ..] => Some(NonJson::Page),
        [b'[' | b'{' | b'"', ..] => None,
        _ => Some(NonJson::Text),
    };
    let fault = ApiError::parse(&body, request_id);
    let page = html || matches!(non_json, Some(NonJson::Page | NonJson::Nothing));
    let throttled = status == Http::TOO_MANY_REQUESTS
        || status == Http::SERVICE_UNAVAILABLE
        || (page && (status.is_success() || status == Http::FORBIDDEN))
        // The text only decides where the status does not: 404 and the like are clear, and 5xx are retried anyway.
        || ((status.is_success() || matches!(status, Http::BAD_REQUEST | Http::FORBIDDEN)) && fault.asks_to_wait());
    Err(RequestFailure::Answer {
        status,
        fault: Box::new(fault),
        retry_after,
        throttled,
        non_json: if html { Some(NonJson::Page) } else { non_json },
    })
}

pub(super) fn network_failure(
    request: String,
    error: &(dyn std::error::Error + 'static),
    tries: u32,
) -> NinjaOneError {
    if let Some(UnresolvedHost { host, reason }) = find_cause(error) {
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

/// The root causes of an error, without the address, which the message has already.
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

#[cfg(test)]
mod tests {
    use rustls::CertificateError;

    use super::*;
    use crate::client::tests::{TIMEOUT, response};

    async fn is_throttled(status: u16, body: &'static str) -> bool {
        match classify_response(response(status, body), TIMEOUT).await {
            Err(RequestFailure::Answer { throttled, .. }) => throttled,
            _ => panic!("{status} {body} is not an error response"),
        }
    }

    /// A text counts only where the status leaves it open.
    #[tokio::test]
    async fn status_and_text_decide_about_throttling() {
        let busy = r#"{"errorMessage":"Too many requests"}"#;
        let denied = r#"{"errorMessage":"Access denied"}"#;
        for (status, body, expected) in [
            (429, denied, true),
            (503, denied, true),
            (400, busy, true),
            (403, busy, true),
            (400, denied, false),
            (403, denied, false),
            (404, busy, false),
            (500, busy, false),
            (200, "<html>", true),
            (403, "<html>", true),
            (404, "<html>", false),
            (200, "too many requests", true),
            (200, "fine", false),
        ] {
            assert_eq!(is_throttled(status, body).await, expected, "{status} {body}");
        }
    }

    #[tokio::test]
    async fn error_body_is_read_in_pieces_up_to_a_limit() {
        let read = async |pieces: &[&str]| {
            let pieces: Vec<std::io::Result<String>> =
                pieces.iter().map(|piece| Ok((*piece).to_owned())).collect();
            let body = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
            match classify_response(response(400, body), TIMEOUT).await {
                Err(RequestFailure::Answer { fault, .. }) => fault.to_string(),
                _ => panic!("not an error response"),
            }
        };
        assert_eq!(read(&[r#"{"resultCode":"#, r#""E7""#, "}"]).await, "E7");
        let long = format!(r#"{{"resultCode":"E7","padding":"{}"#, "a".repeat(64 << 10));
        assert_eq!(
            read(&[&long, r#""}"#]).await,
            "JSON that is cut off or broken",
            "the rest is not waited for"
        );
    }

    /// A new token helps against a 401, except if the token lacks a scope.
    #[tokio::test]
    async fn only_a_stale_token_is_renewed() {
        for (status, body, expected) in [
            (401, r#"{"error":"invalid_token"}"#, true),
            (401, "", true),
            (401, r#"{"error":"insufficient_privileges"}"#, false),
            (403, r#"{"error":"invalid_token"}"#, false),
        ] {
            let Err(failure) = classify_response(response(status, body), TIMEOUT).await else {
                panic!("{status} {body} is not an error response");
            };
            assert_eq!(failure.is_stale_token(), expected, "{status} {body}");
        }
    }

    #[test]
    fn tls_failures_are_classified() {
        for (error, expected) in [
            (CertificateError::Expired.into(), TlsFault::WrongTime),
            (CertificateError::NotValidYet.into(), TlsFault::WrongTime),
            (
                CertificateError::ExpiredRevocationList.into(),
                TlsFault::WrongTime,
            ),
            (CertificateError::UnknownIssuer.into(), TlsFault::Untrusted),
            (CertificateError::Revoked.into(), TlsFault::Untrusted),
            (rustls::Error::DecryptError, TlsFault::Other),
        ] {
            let error: rustls::Error = error;
            let NinjaOneError::Network { tls, .. } = network_failure("GET /".to_owned(), &error, 1) else {
                panic!("{error} is a network failure");
            };
            assert_eq!(tls, Some(expected), "{error}");
        }
        let NinjaOneError::Network { tls, .. } =
            network_failure("GET /".to_owned(), &std::io::Error::other("reset"), 1)
        else {
            panic!("an I/O error is a network failure");
        };
        assert_eq!(tls, None);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Cause {
        text: &'static str,
        source: Option<Box<Cause>>,
    }

    /// The outermost error has the address. Libraries repeat the text of a cause in the next error.
    #[test]
    fn causes_are_named_once_without_the_address() {
        let chained = |texts: &[&'static str]| {
            let mut error = None;
            for text in texts.iter().rev() {
                let source = error.map(Box::new);
                error = Some(Cause { text, source });
            }
            chain(&error.unwrap())
        };
        assert_eq!(
            chained(&["GET https://a", "tls: expired", "expired", "clock"]),
            "tls: expired: clock"
        );
        assert_eq!(chained(&["reset"]), "reset");
    }
}
