//! Why the tenant could not be read.

use std::path::PathBuf;
use std::time::Duration;

use access_core::memory::MemoryExhausted;
use access_core::model::IdError;
use access_core::secrets::ServerText;
use access_core::{Diagnostic, StatusCode};
use net_tls::TlsError;

use super::ApiError;

/// How often a name is looked up: a mistyped one must not look like a long outage.
const MAX_RESOLVER_TRIES: u32 = 5;

/// Why the tenant could not be read. `request` is always a method and an address.
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
    /// The HTTP client cannot be made.
    #[error("cannot set up HTTPS: {reason}")]
    Setup {
        /// Why.
        reason: String,
    },
    /// A scope was asked for that makes no sense for a program.
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
    /// The app does not have a scope that was asked for.
    #[error("{request}: the API client app does not have the scope `{scope}`: {fault}")]
    ScopeNotGranted {
        /// The call.
        request: String,
        /// What was asked for.
        scope: ServerText,
        /// The server's words.
        fault: Box<ApiError>,
    },
    /// Nothing at the configured address gives tokens.
    #[error("{request}: there is no token endpoint here ({status}): {fault}")]
    NoTokenEndpoint {
        /// The call.
        request: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        fault: Box<ApiError>,
    },
    /// Sign-in was answered with a web page, again and again.
    #[error("{request}: answered with a web page instead of a token, gave up after {}: {status}: {fault}", counted(*tries))]
    SignInPage {
        /// The call.
        request: String,
        /// HTTP status.
        status: u16,
        /// What the page calls itself.
        fault: Box<ApiError>,
        /// Tries made.
        tries: u32,
    },
    /// An endpoint wants more than the token may do.
    #[error("{request}: the token's scopes ({granted}) are not enough: {fault}")]
    MissingScope {
        /// The call.
        request: String,
        /// Scopes of the token.
        granted: ServerText,
        /// The server's words.
        fault: Box<ApiError>,
    },
    /// The instance lacks one of the lists that it should have or lack together.
    #[error("{request}: this instance lacks {path}: 404: {fault}")]
    MissingList {
        /// The call.
        request: String,
        /// The list.
        path: &'static str,
        /// The server's words.
        fault: Box<ApiError>,
        /// Whether the words are NinjaOne's own, and not those of something on the way.
        own: bool,
    },
    /// An endpoint refused.
    #[error("{request}: {status}: {fault}")]
    Refused {
        /// The call.
        request: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        fault: Box<ApiError>,
    },
    /// The tenant asked to slow down, for longer than the budget allows.
    #[error("{request}: throttled{}, gave up after {} and {} s of waiting: {status}: {fault}", wished(*wish, *beyond), counted(*tries), waited.as_secs())]
    Throttled {
        /// The call.
        request: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        fault: Box<ApiError>,
        /// Tries made.
        tries: u32,
        /// Time waited between them.
        waited: Duration,
        /// How long the server asks to wait, if it says.
        wish: Option<Duration>,
        /// The budget, if it is too short for that wish.
        beyond: Option<Duration>,
    },
    /// The server failed again and again.
    #[error("{request}: the server failed, gave up after {}: {status}: {fault}", counted(*tries))]
    ServerFailed {
        /// The call.
        request: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        fault: Box<ApiError>,
        /// Tries made.
        tries: u32,
    },
    /// A change was answered in a way that says nothing about it.
    #[error("{request}: no usable answer: {status}: {fault}")]
    NoAnswer {
        /// The call.
        request: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        fault: Box<ApiError>,
    },
    /// A change may not leave the process.
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
    /// The answer points elsewhere.
    #[error("{request}: redirected to {to}, which is not followed")]
    Redirected {
        /// The call.
        request: String,
        /// Where to.
        to: ServerText,
    },
    /// A host name cannot be resolved. Whether there is no such host, or the resolver fails for the moment, cannot be told:
    /// the standard library gives a text only, which differs from one C library to another.
    #[error("{request}: cannot resolve the host name `{host}`{}: {reason}", after(*tries))]
    UnresolvedHost {
        /// The call.
        request: String,
        /// The host: the tenant's, or a proxy's.
        host: ServerText,
        /// What the system said.
        reason: ServerText,
        /// Tries made.
        tries: u32,
    },
    /// No connection, again and again.
    #[error("{request}: {reason}{}", after(*tries))]
    Network {
        /// The call.
        request: String,
        /// What the system said.
        reason: ServerText,
        /// Tries made.
        tries: u32,
        /// Whether it took too long.
        timeout: bool,
        /// Whether this machine has run out of something.
        exhausted: bool,
        /// What TLS failed for, if it did.
        tls: Option<TlsFault>,
    },
    /// A list ended before its end.
    #[error("{request}: the list was cut short after {elements} entries{}", after(*tries))]
    CutShort {
        /// The call.
        request: String,
        /// Entries that had arrived.
        elements: u64,
        /// Tries made.
        tries: u32,
    },
    /// An answer came so slowly that it never seemed to end.
    #[error("{request}: the answer was not complete after {waited} s")]
    TooSlow {
        /// The call.
        request: String,
        /// Seconds waited.
        waited: u64,
    },
    /// An answer ended before its end.
    #[error("{request}: the answer was interrupted{}", after(*tries))]
    BrokenOff {
        /// The call.
        request: String,
        /// Tries made.
        tries: u32,
    },
    /// An answer is not what it should be.
    #[error("{request}: the answer cannot be read: {reason}")]
    Malformed {
        /// The call.
        request: String,
        /// Why.
        reason: String,
    },
    /// An answer is larger than answers may be.
    #[error("{request}: the answer is too large: {reason}")]
    TooLarge {
        /// The call.
        request: String,
        /// What is too large.
        reason: String,
    },
    /// The memory budget was spent while an answer was read.
    #[error("{request}: {spent}")]
    MemoryExhausted {
        /// The call.
        request: String,
        /// What is spent.
        spent: MemoryExhausted,
    },
    /// A text came where a list or an object is due, again and again.
    #[error("{request}: the answer is text instead of JSON{}: {fault}", after(*tries))]
    NotJson {
        /// The call.
        request: String,
        /// The server's words.
        fault: Box<ApiError>,
        /// Tries made.
        tries: u32,
    },
    /// Pages do not advance.
    #[error("{request}: pagination did not advance past id {after}")]
    NoProgress {
        /// The call.
        request: String,
        /// The id that the page should begin after.
        after: u64,
    },
    /// A cursor that this source did not give.
    #[error("`{cursor}` is not a cursor of this event feed")]
    Cursor {
        /// The cursor.
        cursor: String,
    },
    /// A tenant without users cannot be (docs/reference/ninjaone-api.md §9.2).
    #[error("{request}: the list is empty, but a technician must have created the API client app")]
    EmptyList {
        /// The call.
        request: String,
    },
    /// Two lists that cannot both be right.
    #[error("{request}: the list is empty, but /v2/users has end users")]
    NoEndUsers {
        /// The call.
        request: String,
    },
    /// Nobody's full rights can be read.
    #[error(
        "{request}: `administrator` cannot be read in any of {rows} rows, so System Administrators are unknown"
    )]
    NoAdministrators {
        /// The call.
        request: String,
        /// Rows in which it cannot be read.
        rows: u64,
    },
    /// Something became an id that cannot be one.
    #[error("cannot make an id: {0}")]
    Id(#[from] IdError),
    /// Whoever wanted the answer is gone.
    #[error("stopped on request")]
    Stopped,
}

/// What TLS failed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFault {
    /// The certificate is not valid at this time, or at what this machine takes for it.
    WrongTime,
    /// The certificate is not trusted.
    Untrusted,
    /// Something else.
    Other,
}

fn wished(wish: Option<Duration>, beyond: Option<Duration>) -> String {
    let Some(wish) = wish else {
        return String::new();
    };
    let limit = beyond.map(|budget| {
        format!(
            ", which is more than is left of --ninja-one-retry-seconds ({})",
            budget.as_secs()
        )
    });
    format!(
        " and asked to wait {} s{}",
        wish.as_secs(),
        limit.unwrap_or_default()
    )
}

fn counted(tries: u32) -> String {
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

impl Diagnostic for NinjaOneError {
    /// HTTP to gRPC as the reference has it (docs/reference/conductorone.md §5).
    fn status(&self) -> StatusCode {
        match self {
            Self::CaFile { .. } | Self::OfflineAccess | Self::Cursor { .. } => StatusCode::InvalidArgument,
            Self::Setup { .. } | Self::Id(_) => StatusCode::Internal,
            Self::UnknownClient { .. } | Self::SignInRefused { .. } | Self::NoTokenEndpoint { .. } => {
                StatusCode::Unauthenticated
            }
            Self::ScopeNotGranted { .. } | Self::MissingScope { .. } => StatusCode::PermissionDenied,
            Self::Refused { status, .. } => of_http(*status),
            Self::MissingList { own: true, .. } => StatusCode::NotFound,
            Self::Network { exhausted: true, .. } | Self::TooLarge { .. } | Self::MemoryExhausted { .. } => {
                StatusCode::ResourceExhausted
            }
            Self::Network { timeout: true, .. } | Self::TooSlow { .. } => StatusCode::DeadlineExceeded,
            Self::Throttled { .. }
            | Self::ServerFailed { .. }
            | Self::CutShort { .. }
            | Self::BrokenOff { .. }
            | Self::NoAnswer { .. }
            | Self::SignInPage { .. }
            | Self::UnresolvedHost { .. }
            | Self::Network { .. } => StatusCode::Unavailable,
            Self::Redirected { .. }
            | Self::EmptyList { .. }
            | Self::NoEndUsers { .. }
            | Self::NoAdministrators { .. }
            | Self::WritesOff { .. } => StatusCode::FailedPrecondition,
            Self::OlderInstance { .. } => StatusCode::Unimplemented,
            Self::MissingList { own: false, .. }
            | Self::Malformed { .. }
            | Self::NotJson { .. }
            | Self::NoProgress { .. } => StatusCode::DataLoss,
            Self::Stopped => StatusCode::Cancelled,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::MemoryExhausted { spent, .. } => return spent.hint(),
            Self::TooLarge { .. } => {
                "check what answers at --ninja-one-base-url: real tenants are far below the limits in docs/PERFORMANCE.md"
            }
            Self::Refused { fault, .. } if fault.is("user_context_required") => {
                "make the change in NinjaOne's console; NinjaOne does not offer this to API client apps without a user"
            }
            Self::MissingScope { request, .. }
            | Self::Refused {
                status: 403, request, ..
            } if !is_read(request) => {
                return Some(of_write(request).to_owned());
            }
            Self::Refused {
                status: 400..=499,
                request,
                ..
            } if !is_read(request) => return None,
            Self::WritesOff { .. } => "use --provisioning to allow changes, or --dry-run to preview them",
            Self::OlderInstance { .. } => {
                "make the change in NinjaOne's console until the instance is upgraded"
            }
            Self::CaFile { .. } => "--ca-file must name a PEM file with at least one certificate",
            Self::OfflineAccess => {
                "remove `offline_access` from --ninja-one-scope; a sync needs `monitoring management`"
            }
            Self::UnknownClient { .. } => {
                "check --ninja-one-base-url (an API client app exists on its own region's host only) and --ninja-one-client-id"
            }
            Self::SignInRefused { .. } => {
                "check --ninja-one-client-secret, and that the app is of the type `API Services (machine-to-machine)` with the grant type `Client credentials`"
            }
            Self::NoTokenEndpoint { .. } => {
                "check --ninja-one-base-url and --ninja-one-token-path (older hosts: /oauth/token)"
            }
            Self::SignInPage { .. } => {
                "check --ninja-one-base-url, and whether a portal, a proxy or a block of this machine's address answers; if NinjaOne is throttling, run again later"
            }
            Self::ScopeNotGranted { scope, .. } if !has_known_words(scope.as_str()) => {
                "check the spelling in --ninja-one-scope: scopes are separated by spaces, in lower case, e.g. `monitoring management`"
            }
            Self::ScopeNotGranted { .. } => {
                "grant it to the app in NinjaOne (Administration > Apps > API), or request fewer scopes with --ninja-one-scope"
            }
            Self::MissingScope { .. } => {
                "a sync needs `monitoring` and `management`: grant both to the app (Administration > Apps > API) and name them in --ninja-one-scope"
            }
            Self::MissingList { own: true, .. } => {
                "check --ninja-one-base-url and run again; this instance has other lists under /v2/user"
            }
            Self::MissingList { own: false, .. } => {
                "check --ninja-one-base-url and proxies, then run again; the answer does not come from NinjaOne"
            }
            Self::Refused { status: 404, .. } => "check --ninja-one-base-url",
            Self::Refused { status: 401, .. } => {
                "NinjaOne refused a token that it had just issued; run `baton-ninja-one check`, and check whether the app was changed"
            }
            Self::Refused { status: 403, .. } => {
                "the API client app may not do this; compare its scopes in NinjaOne (Administration > Apps > API)"
            }
            Self::Throttled {
                beyond: Some(budget),
                wish: Some(wish),
                ..
            } => {
                return Some(format!(
                    "raise --ninja-one-retry-seconds (now {}) above {} to wait that long, or run again later",
                    budget.as_secs(),
                    wish.as_secs()
                ));
            }
            Self::Throttled { .. } => "run again later, or less often; NinjaOne limits calls per tenant",
            Self::ServerFailed { .. } | Self::NoAnswer { .. } => {
                "see status.ninjaone.com, and give the incident or request id to NinjaOne's support"
            }
            Self::Redirected { .. } => "set --ninja-one-base-url to the address that serves the API",
            Self::UnresolvedHost { .. } => {
                "check --ninja-one-base-url for typos, and that this machine can resolve names (DNS)"
            }
            Self::Network {
                tls: Some(TlsFault::WrongTime),
                ..
            } => {
                "check this machine's date and time first; if they are right, the certificate of the server, or of a proxy that inspects TLS (--ca-file), has expired or is not valid yet"
            }
            Self::Network { exhausted: true, .. } => access_core::EXHAUSTED_HINT,
            Self::Network { tls: Some(_), .. } => {
                "if a proxy inspects TLS here, name its certificate authority with --ca-file"
            }
            Self::Network { timeout: true, .. } | Self::TooSlow { .. } => {
                "check the network and any proxy, or allow more with --http-timeout-seconds"
            }
            Self::Network { .. } => {
                "check --ninja-one-base-url, the network, and HTTPS_PROXY if one is needed"
            }
            Self::EmptyList { .. } | Self::NoEndUsers { .. } => {
                "check in NinjaOne what the API client app may see, then run again"
            }
            Self::CutShort { .. } | Self::BrokenOff { .. } => {
                "run again; if it persists, a proxy may limit the size of answers"
            }
            Self::NoAdministrators { .. }
            | Self::Malformed { .. }
            | Self::NotJson { .. }
            | Self::NoProgress { .. } => {
                "run again; if it persists, check whether a proxy modifies answers, then contact NinjaOne's support"
            }
            Self::Refused { request, .. } if is_read(request) => {
                "run `baton-ninja-one check`, which tries every call that a sync needs"
            }
            _ => return None,
        };
        Some(hint.to_owned())
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
    /// Whether trying again cannot help, or no longer.
    pub(crate) fn lasting(&self) -> bool {
        matches!(
            self,
            Self::Network {
                tls: Some(TlsFault::Untrusted | TlsFault::WrongTime),
                ..
            }
        ) || matches!(self, Self::UnresolvedHost { tries, .. } if *tries >= MAX_RESOLVER_TRIES)
    }

    /// A list that every current instance has, and this one has not (docs/reference/ninjaone-api.md §2.6).
    pub(crate) fn of_older_instance(self) -> Self {
        match self {
            Self::Refused {
                status: 404, request, ..
            } => Self::OlderInstance { request },
            other => other,
        }
    }

    /// Whether NinjaOne itself says that there is no such endpoint. A page of a proxy says nothing about NinjaOne.
    pub(crate) fn is_missing_endpoint(&self) -> bool {
        matches!(self, Self::Refused { status: 404, fault, .. } if fault.is_own())
    }

    /// A 404 on a list that the instance should have.
    pub(crate) fn of_missing_list(self, path: &'static str) -> Self {
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

    /// What NinjaOne's support asks for.
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

    /// How long the server asks to wait.
    pub(crate) fn wish(&self) -> Option<Duration> {
        match self {
            Self::Throttled { wish, .. } => *wish,
            _ => None,
        }
    }
}

/// Whether a scope consists of NinjaOne's words (docs/reference/ninjaone-api.md §2.3), as it writes them.
fn has_known_words(scope: &str) -> bool {
    scope.is_empty()
        || scope
            .split(' ')
            .all(|word| matches!(word, "monitoring" | "management" | "control"))
}

fn is_read(request: &str) -> bool {
    request.starts_with("GET ") || request.contains(crate::DEFAULT_TOKEN_PATH)
}

/// What a change that the app may not make may need (docs/reference/ninjaone-api.md §2.3, §2.4, §12 question 6).
fn of_write(request: &str) -> &'static str {
    if request.contains("/user/role/") {
        "changing roles needs the scope `management`, and according to ConductorOne's documentation also `control`: grant them to the app (Administration > Apps > API) and name them in --ninja-one-scope"
    } else if request.contains("/user/technician") {
        "changing technicians needs the scope `management`, and some instances require a System Administrator, which an API client app may not be; if its scopes are right, make the change in NinjaOne's console"
    } else {
        "changes need the scope `management`: grant it to the app (Administration > Apps > API) and name it in --ninja-one-scope"
    }
}

fn of_http(status: u16) -> StatusCode {
    match status {
        401 => StatusCode::Unauthenticated,
        403 => StatusCode::PermissionDenied,
        404 => StatusCode::NotFound,
        408 => StatusCode::DeadlineExceeded,
        409 => StatusCode::AlreadyExists,
        429 | 500 | 502..=599 => StatusCode::Unavailable,
        501 => StatusCode::Unimplemented,
        400..=499 => StatusCode::InvalidArgument,
        _ => StatusCode::Unknown,
    }
}
