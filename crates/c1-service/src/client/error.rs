//! Errors of the ConductorOne client.

use std::path::PathBuf;
use std::time::Duration;

use access_core::secrets::ServerText;
use access_core::{Diagnostic, StatusCode};
use net_tls::TlsError;

use super::NetworkFault;

/// Errors of the ConductorOne client. `call` is the operation, e.g. `GetTask`.
#[derive(Debug, Clone, thiserror::Error)]
pub enum C1Error {
    /// The CA file cannot be used.
    #[error("cannot use the CA file {}: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The host is invalid.
    #[error("`{host}` is not a usable host of ConductorOne's API")]
    ApiHost {
        /// The configured value.
        host: ServerText,
    },
    /// The proxy type is not supported.
    #[error("a `{scheme}` proxy is not supported")]
    ProxyKind {
        /// The scheme of its address.
        scheme: String,
    },
    /// HTTPS cannot be set up.
    #[error("cannot set up HTTPS: {reason}")]
    Setup {
        /// Why.
        reason: String,
    },
    /// The token endpoint rejected the credentials, or returned no usable token.
    #[error("failed to get token: {reason}")]
    SignInRefused {
        /// HTTP status and error code of the endpoint.
        reason: String,
    },
    /// The token endpoint, or something before it, is unavailable.
    #[error("failed to get token: {reason}")]
    SignInFailed {
        /// HTTP status and details.
        reason: String,
    },
    /// Connecting failed, or the connection broke. In the latter case the effect of the call is unknown.
    #[error("{call}: {reason}")]
    Network {
        /// The call.
        call: &'static str,
        /// The fault.
        fault: NetworkFault,
        /// The system's message.
        reason: ServerText,
    },
    /// Something other than ConductorOne responded.
    #[error("{call}: answered with HTTP {status}{}", if *page { " and a page of HTML" } else { ", not with gRPC" })]
    Gateway {
        /// The call.
        call: &'static str,
        /// HTTP status.
        status: u16,
        /// Whether the response was an HTML page.
        page: bool,
    },
    /// The call timed out. Its effect is unknown.
    #[error("{call}: no answer within {} s", after.as_secs_f32())]
    Timeout {
        /// The call.
        call: &'static str,
        /// The time limit.
        after: Duration,
    },
    /// ConductorOne rejected the call.
    #[error("{call}: {code}: {message}")]
    Refused {
        /// The call.
        call: &'static str,
        /// The status.
        code: StatusCode,
        /// The message.
        message: ServerText,
    },
    /// The response is malformed.
    #[error("{call}: the answer cannot be used: {reason}")]
    Malformed {
        /// The call.
        call: &'static str,
        /// Why.
        reason: String,
    },
    /// The file to upload cannot be read.
    #[error("cannot read {} to upload it: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Diagnostic for C1Error {
    fn status(&self) -> StatusCode {
        match self {
            Self::CaFile { .. } | Self::ApiHost { .. } | Self::ProxyKind { .. } => {
                StatusCode::InvalidArgument
            }
            Self::Setup { .. } => StatusCode::Internal,
            // A local problem; the task may be retried.
            Self::File { .. } => StatusCode::Unknown,
            Self::SignInRefused { .. } => StatusCode::Unauthenticated,
            // A retry cannot fix proxy credentials.
            Self::Network { fault, .. } if *fault == NetworkFault::ProxyAuthRequired => {
                StatusCode::FailedPrecondition
            }
            Self::SignInFailed { .. } | Self::Network { .. } => StatusCode::Unavailable,
            Self::Gateway { status, .. } => status_from_http(*status),
            Self::Timeout { .. } => StatusCode::DeadlineExceeded,
            Self::Refused { code, .. } => *code,
            Self::Malformed { .. } => StatusCode::DataLoss,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::CaFile { .. } => "--ca-file must name a PEM file with at least one certificate",
            Self::ApiHost { .. } => {
                "set BATON_C1_API_HOST to a host such as acme.conductor.one, without https://"
            }
            Self::ProxyKind { .. } => {
                "set HTTPS_PROXY to an http:// or https:// address, or add the tenant's host to NO_PROXY"
            }
            Self::SignInRefused { .. } => {
                "check --client-id and --client-secret, whether the connector was removed in ConductorOne or its secret replaced, and this machine's clock"
            }
            Self::Network { fault, .. } => return fault.hint().map(str::to_owned),
            Self::Gateway { status: 404, .. } => {
                "check that the host in --client-id is the ConductorOne tenant"
            }
            Self::SignInFailed { .. } | Self::Gateway { .. } => {
                "the response came from a proxy or load balancer; if this persists, contact its operator, and see status.conductorone.com"
            }
            Self::Timeout { .. } => "check the network and any proxy on the way",
            Self::Refused {
                code: StatusCode::Unauthenticated | StatusCode::PermissionDenied,
                ..
            } => "see in ConductorOne whether the connector was removed or its credentials replaced",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

impl From<TlsError> for C1Error {
    fn from(error: TlsError) -> Self {
        match error {
            TlsError::CaFile { path, reason } => Self::CaFile { path, reason },
            TlsError::Protocol(error) => Self::Setup {
                reason: error.to_string(),
            },
        }
    }
}

impl C1Error {
    /// Whether a failed first `Hello` must end the program, because it would fail again. All other failures, a connection
    /// timeout included, are retried (docs/reference/conductorone.md §3.5, step 1).
    #[must_use]
    pub fn fatal_at_start(&self) -> bool {
        matches!(
            self.status(),
            StatusCode::Unauthenticated
                | StatusCode::PermissionDenied
                | StatusCode::InvalidArgument
                | StatusCode::Unimplemented
                | StatusCode::FailedPrecondition
                | StatusCode::NotFound
        )
    }

    /// Whether the same request may succeed a moment later.
    pub(super) fn is_transient(&self) -> bool {
        matches!(
            self.status(),
            StatusCode::Unavailable
                | StatusCode::DeadlineExceeded
                | StatusCode::Unknown
                | StatusCode::Internal
                | StatusCode::Aborted
                | StatusCode::ResourceExhausted
        ) && !matches!(self, Self::File { .. } | Self::Setup { .. })
    }
}

/// Maps HTTP statuses of responses that are not gRPC.
fn status_from_http(status: u16) -> StatusCode {
    match status {
        400 => StatusCode::Internal,
        401 => StatusCode::Unauthenticated,
        403 => StatusCode::PermissionDenied,
        404 => StatusCode::Unimplemented,
        // A page with status 200, or a redirect to one, is usually a captive portal.
        200..=399 | 408 | 429 | 500 | 502..=599 => StatusCode::Unavailable,
        _ => StatusCode::Unknown,
    }
}
