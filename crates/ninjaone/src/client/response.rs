//! The beginning of an answer: JSON that can be read on, or a failure.

use std::time::Duration;

use access_core::find_cause;
use access_core::secrets::ServerText;
use reqwest::header::{CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode as Http, Url};
use time::OffsetDateTime;

use super::api_error::sanitize;
use super::body_reader::Answer;
use super::body_reader::Beginning;
use super::data_redactor::DataRedactor;
use super::resolver::ResolveError;
use super::retry::parse_retry_after;
use super::{ApiError, NinjaOneError, TlsFault};

/// Bytes of an error's body that are read.
const MAX_ERROR_BODY_BYTES: usize = 64 << 10;
/// The header that NinjaOne's support asks for (docs/reference/ninjaone-api.md §5.1).
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-nj-request-id");
/// How long to wait for an error's body.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A failed request, before the decision whether to retry it.
pub(super) enum RequestFailure {
    Network(reqwest::Error),
    Answer {
        status: Http,
        fault: Box<ApiError>,
        retry_after: Option<Duration>,
        throttled: bool,
        /// What stood in place of JSON.
        non_json: Option<NonJson>,
    },
}

/// What can stand in place of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NonJson {
    /// A web page.
    Page,
    /// Other text.
    Text,
    /// Nothing.
    Nothing,
}

impl RequestFailure {
    /// The same with what may be repeated of an answer to a sign-in.
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

/// A request as messages name it. After a redirect its address is the server's.
pub(super) fn request_line(method: &str, url: &Url) -> String {
    sanitize(&format!("{method} {url}"))
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

/// A header as text.
pub(super) fn header(response: &Response, name: HeaderName) -> Option<String> {
    let value = response.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}

/// Takes an answer that can be JSON, or that says that there is none (204); everything else is a setback. HTML, other text
/// or nothing where JSON is due is how throttling and maintenance show, whatever the status and the content type
/// (docs/reference/ninjaone-api.md §5.2).
pub(super) async fn classify_response(
    response: Response,
    longest_wait: Duration,
) -> Result<Answer, RequestFailure> {
    classify_with_redactor(response, longest_wait, DataRedactor::new()).await
}

/// The same for an answer to a sign-in, which may give out the token that is already in use.
pub(super) async fn classify_sign_in_response(
    response: Response,
    longest_wait: Duration,
) -> Result<Answer, RequestFailure> {
    classify_with_redactor(response, longest_wait, DataRedactor::none()).await
}

async fn classify_with_redactor(
    response: Response,
    longest_wait: Duration,
    redactor: DataRedactor,
) -> Result<Answer, RequestFailure> {
    let status = response.status();
    let html = header(&response, CONTENT_TYPE).is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    let retry_after = header(&response, RETRY_AFTER)
        .and_then(|retry_after| parse_retry_after(&retry_after, OffsetDateTime::now_utc()));
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
            if body.len() > MAX_ERROR_BODY_BYTES {
                break;
            }
        }
    };
    // What has come until then has to do.
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
        // Words decide only where the status does not: 404 and the like say what is wrong, and 5xx are tried again anyway.
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
