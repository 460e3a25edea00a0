//! Errors of the client.

mod diagnostic;

use std::path::PathBuf;
use std::time::Duration;

use access_core::memory::MemoryExhausted;
use access_core::model::IdError;
use access_core::secrets::ServerText;
use net_tls::TlsError;

use super::ApiError;

/// Attempts to resolve a host name, so few that a mistyped name does not look like a long outage.
const MAX_RESOLVER_TRIES: u32 = 5;

/// Why a request to the tenant failed. `request` is a method and an address.
#[derive(Debug, thiserror::Error)]
pub enum NinjaOneError {
    /// The CA file cannot be used.
    #[error("cannot use the CA file {}: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The HTTP client cannot be created.
    #[error("cannot set up HTTPS: {reason}")]
    Setup {
        /// Why.
        reason: String,
    },
    /// The requested scope cannot be used without a user.
    #[error("the scope `offline_access` cannot be used with client credentials")]
    OfflineAccess,
    /// The token endpoint does not know the client id.
    #[error("{request}: the client id is unknown on this host: {fault}")]
    UnknownClient {
        /// The call.
        request: String,
        /// The server's words.
        fault: Box<ApiError>,
    },
    /// The token endpoint refused the secret.
    #[error("{request}: sign-in was refused ({status}): {fault}")]
    SignInRefused {
        /// The call.
        request: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        fault: Box<ApiError>,
    },
    /// The app does not have a requested scope.
    #[error("{request}: the API client app does not have the scope `{scope}`: {fault}")]
    ScopeNotGranted {
        /// The call.
        request: String,
        /// The requested scopes.
        scope: ServerText,
        /// The server's words.
        fault: Box<ApiError>,
    },
    /// There is no token endpoint at the configured address.
    #[error("{request}: there is no token endpoint here ({status}): {fault}")]
    NoTokenEndpoint {
        /// The call.
        request: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        fault: Box<ApiError>,
    },
    /// Every sign-in attempt was answered with a web page.
    #[error("{request}: answered with a web page instead of a token, gave up after {}: {status}: {fault}", count_tries(*tries))]
    SignInPage {
        /// The call.
        request: String,
        /// HTTP status.
        status: u16,
        /// The title of the page.
        fault: Box<ApiError>,
        /// Number of attempts.
        tries: u32,
    },
    /// The token lacks a scope that an endpoint requires.
    #[error("{request}: the token's scopes ({granted}) are not enough: {fault}")]
    MissingScope {
        /// The call.
        request: String,
        /// Scopes of the token.
        granted: ServerText,
        /// The server's words.
        fault: Box<ApiError>,
    },
    /// The instance lacks one of the lists that only exist together.
    #[error("{request}: this instance lacks {path}: 404: {fault}")]
    MissingList {
        /// The call.
        request: String,
        /// The list.
        path: &'static str,
        /// The server's words.
        fault: Box<ApiError>,
        /// Whether the text is NinjaOne's own, and not that of a proxy.
        own: bool,
    },
    /// An endpoint rejected the request.
    #[error("{request}: {status}: {fault}")]
    Refused {
        /// The call.
        request: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        fault: Box<ApiError>,
    },
    /// The tenant throttles requests for longer than the retry budget.
    #[error("{request}: throttled{}, gave up after {} and {} s of waiting: {status}: {fault}", format_retry_after(*retry_after, *exceeded_budget), count_tries(*tries), waited.as_secs())]
    Throttled {
        /// The call.
        request: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        fault: Box<ApiError>,
        /// Number of attempts.
        tries: u32,
        /// Time waited between the attempts.
        waited: Duration,
        /// The server's `Retry-After`, if there is one.
        retry_after: Option<Duration>,
        /// The budget, if `retry_after` exceeds it.
        exceeded_budget: Option<Duration>,
    },
    /// The server failed in every attempt.
    #[error("{request}: the server failed, gave up after {}: {status}: {fault}", count_tries(*tries))]
    ServerFailed {
        /// The call.
        request: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        fault: Box<ApiError>,
        /// Number of attempts.
        tries: u32,
    },
    /// The response to a change does not show its effect.
    #[error("{request}: no usable answer: {status}: {fault}")]
    NoAnswer {
        /// The call.
        request: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        fault: Box<ApiError>,
    },
    /// Changes are disabled.
    #[error("provisioning is not enabled: {request} was not sent")]
    WritesOff {
        /// The call.
        request: String,
    },
    /// The instance lacks what provisioning needs (docs/reference/ninjaone-api.md §2.6).
    #[error("{request}: this older instance has no /v2/user endpoints and does not support changes")]
    OlderInstance {
        /// The call.
        request: String,
    },
    /// The response redirects to another address.
    #[error("{request}: redirected to {to}, which is not followed")]
    Redirected {
        /// The call.
        request: String,
        /// The target.
        to: ServerText,
    },
    /// A host name cannot be resolved. A missing host cannot be distinguished from a temporary failure of the resolver: the
    /// standard library only returns a text, which differs between C libraries.
    #[error("{request}: cannot resolve the host name `{host}`{}: {reason}", after(*tries))]
    UnresolvedHost {
        /// The call.
        request: String,
        /// The host of the tenant or of a proxy.
        host: ServerText,
        /// The system's message.
        reason: ServerText,
        /// Number of attempts.
        tries: u32,
    },
    /// Every attempt to connect failed.
    #[error("{request}: {reason}{}", after(*tries))]
    Network {
        /// The call.
        request: String,
        /// The system's message.
        reason: ServerText,
        /// Number of attempts.
        tries: u32,
        /// Whether it timed out.
        timeout: bool,
        /// Whether this machine is out of a resource.
        exhausted: bool,
        /// Why TLS failed, if it did.
        tls: Option<TlsFault>,
    },
    /// A list is truncated.
    #[error("{request}: the list was cut short after {elements} entries{}", after(*tries))]
    CutShort {
        /// The call.
        request: String,
        /// Entries that arrived.
        elements: u64,
        /// Number of attempts.
        tries: u32,
    },
    /// A response exceeded its total time.
    #[error("{request}: the answer was not complete after {waited} s")]
    TooSlow {
        /// The call.
        request: String,
        /// Seconds waited.
        waited: u64,
    },
    /// A response is truncated.
    #[error("{request}: the answer was interrupted{}", after(*tries))]
    BrokenOff {
        /// The call.
        request: String,
        /// Number of attempts.
        tries: u32,
    },
    /// A response is malformed.
    #[error("{request}: the answer cannot be read: {reason}")]
    Malformed {
        /// The call.
        request: String,
        /// Why.
        reason: String,
    },
    /// A response is too large.
    #[error("{request}: the answer is too large: {reason}")]
    TooLarge {
        /// The call.
        request: String,
        /// What is too large.
        reason: String,
    },
    /// The memory budget was exceeded while a response was read.
    #[error("{request}: {spent}")]
    MemoryExhausted {
        /// The call.
        request: String,
        /// The budget.
        spent: MemoryExhausted,
    },
    /// Every attempt returned a text in place of a list or an object.
    #[error("{request}: the answer is text instead of JSON{}: {fault}", after(*tries))]
    NotJson {
        /// The call.
        request: String,
        /// The server's words.
        fault: Box<ApiError>,
        /// Number of attempts.
        tries: u32,
    },
    /// Pages do not advance.
    #[error("{request}: pagination did not advance past id {after}")]
    NoProgress {
        /// The call.
        request: String,
        /// The id that the page must begin after.
        after: u64,
    },
    /// A cursor of another source.
    #[error("`{cursor}` is not a cursor of this event feed")]
    Cursor {
        /// The cursor.
        cursor: String,
    },
    /// The tenant has no users, which is impossible (docs/reference/ninjaone-api.md §9.2).
    #[error("{request}: the list is empty, but a technician must have created the API client app")]
    EmptyList {
        /// The call.
        request: String,
    },
    /// Two lists contradict each other.
    #[error("{request}: the list is empty, but /v2/users has end users")]
    NoEndUsers {
        /// The call.
        request: String,
    },
    /// The administrator flag is unreadable in every row.
    #[error(
        "{request}: `administrator` cannot be read in any of {rows} rows, so System Administrators are unknown"
    )]
    NoAdministrators {
        /// The call.
        request: String,
        /// Number of rows with an unreadable flag.
        rows: u64,
    },
    /// A native id is invalid.
    #[error("cannot make an id: {0}")]
    Id(#[from] IdError),
    /// The receiver was dropped.
    #[error("stopped on request")]
    Stopped,
}

/// Why TLS failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFault {
    /// The certificate is not valid at this machine's time.
    WrongTime,
    /// The certificate is not trusted.
    Untrusted,
    /// Another reason.
    Other,
}

fn format_retry_after(retry_after: Option<Duration>, exceeded_budget: Option<Duration>) -> String {
    let Some(retry_after) = retry_after else {
        return String::new();
    };
    let limit = exceeded_budget.map(|budget| {
        format!(
            ", which is more than is left of --ninja-one-retry-seconds ({})",
            budget.as_secs()
        )
    });
    format!(
        " and asked to wait {} s{}",
        retry_after.as_secs(),
        limit.unwrap_or_default()
    )
}

fn count_tries(tries: u32) -> String {
    if tries == 1 {
        "1 try".to_owned()
    } else {
        format!("{tries} tries")
    }
}

fn after(tries: u32) -> String {
    if tries > 1 {
        format!(" ({tries} tries)")
    } else {
        String::new()
    }
}

impl From<TlsError> for NinjaOneError {
    fn from(error: TlsError) -> Self {
        match error {
            TlsError::CaFile { path, reason } => Self::CaFile { path, reason },
            TlsError::Protocol(error) => Self::Setup {
                reason: error.to_string(),
            },
        }
    }
}

impl NinjaOneError {
    /// Whether a retry is useless.
    pub(crate) fn is_permanent(&self) -> bool {
        matches!(
            self,
            Self::Network {
                tls: Some(TlsFault::Untrusted | TlsFault::WrongTime),
                ..
            }
        ) || matches!(self, Self::UnresolvedHost { tries, .. } if *tries >= MAX_RESOLVER_TRIES)
    }

    /// Converts a missing list, which every current instance has, into the error for older instances
    /// (docs/reference/ninjaone-api.md §2.6).
    pub(crate) fn into_older_instance(self) -> Self {
        match self {
            Self::Refused {
                status: 404, request, ..
            } => Self::OlderInstance { request },
            other => other,
        }
    }

    /// Whether NinjaOne itself reports a missing endpoint. The page of a proxy does not show that.
    pub(crate) fn is_missing_endpoint(&self) -> bool {
        matches!(self, Self::Refused { status: 404, fault, .. } if fault.is_own())
    }

    /// Whether NinjaOne itself answered that there is no such object.
    pub(crate) fn is_certified_absence(&self) -> bool {
        matches!(self, Self::Refused { status: 400 | 404, fault, .. } if fault.is_from_tenant())
    }

    /// A 404 on a list that the instance should have.
    pub(crate) fn into_missing_list(self, path: &'static str) -> Self {
        let own = self.is_missing_endpoint();
        match self {
            Self::Refused {
                status: 404,
                request,
                fault,
            } => Self::MissingList {
                request,
                path,
                fault,
                own,
            },
            other => other,
        }
    }

    /// The request id that NinjaOne's support needs.
    pub(crate) fn request_id(&self) -> Option<&str> {
        match self {
            Self::MissingScope { fault, .. }
            | Self::Refused { fault, .. }
            | Self::MissingList { fault, .. }
            | Self::Throttled { fault, .. }
            | Self::ServerFailed { fault, .. }
            | Self::NoAnswer { fault, .. }
            | Self::NoTokenEndpoint { fault, .. }
            | Self::SignInPage { fault, .. } => fault.request_id.as_ref().map(ServerText::as_str),
            _ => None,
        }
    }

    /// The server's `Retry-After`.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttled(tries: u32, retry_after: Option<u64>, exceeded_budget: Option<u64>) -> NinjaOneError {
        let fault = ApiError::parse(br#"{"error":"busy"}"#, Some("r-1".to_owned()));
        NinjaOneError::Throttled {
            request: "GET /".to_owned(),
            status: 429,
            fault: Box::new(fault),
            tries,
            waited: Duration::from_secs(9),
            retry_after: retry_after.map(Duration::from_secs),
            exceeded_budget: exceeded_budget.map(Duration::from_secs),
        }
    }

    fn network(tries: u32, tls: Option<TlsFault>) -> NinjaOneError {
        NinjaOneError::Network {
            request: "GET /".to_owned(),
            reason: ServerText::new("connection refused"),
            tries,
            timeout: false,
            exhausted: false,
            tls,
        }
    }

    fn unresolved(tries: u32) -> NinjaOneError {
        NinjaOneError::UnresolvedHost {
            request: "GET /".to_owned(),
            host: ServerText::new("example.com"),
            reason: ServerText::new("no address"),
            tries,
        }
    }

    #[test]
    fn messages_count_attempts_and_name_waits() {
        let errors = [
            throttled(1, None, None),
            throttled(2, Some(30), None),
            throttled(2, Some(400), Some(300)),
            network(1, None),
            network(2, None),
            unresolved(1),
            unresolved(3),
        ];
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        GET /: throttled, gave up after 1 try and 9 s of waiting: 429: busy (request r-1)
        GET /: throttled and asked to wait 30 s, gave up after 2 tries and 9 s of waiting: 429: busy (request r-1)
        GET /: throttled and asked to wait 400 s, which is more than is left of --ninja-one-retry-seconds (300), gave up after 2 tries and 9 s of waiting: 429: busy (request r-1)
        GET /: connection refused
        GET /: connection refused (2 tries)
        GET /: cannot resolve the host name `example.com`: no address
        GET /: cannot resolve the host name `example.com` (3 tries): no address
        "#);
    }

    /// A wrong certificate or host name does not heal within minutes.
    #[test]
    fn wrong_certificates_and_host_names_are_permanent() {
        for (error, expected) in [
            (network(1, Some(TlsFault::Untrusted)), true),
            (network(1, Some(TlsFault::WrongTime)), true),
            (network(1, Some(TlsFault::Other)), false),
            (network(9, None), false),
            (unresolved(4), false),
            (unresolved(5), true),
            (throttled(9, None, None), false),
        ] {
            assert_eq!(error.is_permanent(), expected, "{error:?}");
        }
    }

    #[test]
    fn server_ids_and_waits_can_be_read_from_errors() {
        let busy = throttled(1, Some(30), None);
        assert_eq!(busy.request_id(), Some("r-1"));
        assert_eq!(busy.retry_after(), Some(Duration::from_secs(30)));
        let broken = network(1, None);
        assert_eq!((broken.request_id(), broken.retry_after()), (None, None));
    }
}
