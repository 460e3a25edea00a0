use std::io;

use access_core::{Diagnostic, StatusCode};

use crate::settings::HealthAddress;

/// Errors of the health server and of the health check command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HealthError {
    /// The address is in use, not local, or not permitted.
    #[error("cannot listen for health checks at {address}")]
    Listen {
        /// The address.
        address: HealthAddress,
        /// Why.
        source: io::Error,
    },
    /// The connector is unhealthy; the text is the reference's (docs/reference/conductorone.md §6.2).
    #[error("health check returned status {0}")]
    Status(u16),
    /// The connection failed.
    #[error("cannot reach a connector at {address}")]
    Unreachable {
        /// The address.
        address: HealthAddress,
        /// Why.
        source: io::Error,
    },
    /// The response is not HTTP.
    #[error("invalid answer from {address}")]
    Broken {
        /// The address.
        address: HealthAddress,
        /// Why.
        source: hyper::Error,
    },
    /// The request timed out.
    #[error("no answer from {address} within {seconds} s")]
    TimedOut {
        /// The address.
        address: HealthAddress,
        /// The timeout.
        seconds: u64,
    },
}

impl Diagnostic for HealthError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Listen { source, .. } => match source.kind() {
                io::ErrorKind::AddrInUse => StatusCode::FailedPrecondition,
                io::ErrorKind::PermissionDenied => StatusCode::PermissionDenied,
                _ => StatusCode::InvalidArgument,
            },
            Self::Status(_) => StatusCode::Unknown,
            Self::Unreachable { .. } | Self::Broken { .. } => StatusCode::Unavailable,
            Self::TimedOut { .. } => StatusCode::DeadlineExceeded,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Listen { .. } => "choose with --health-check-bind-address and --health-check-port",
            Self::Unreachable { .. } => {
                "a connector in service mode answers with --health-check; give both the same \
                 --health-check-bind-address and --health-check-port"
            }
            Self::Status(_) | Self::Broken { .. } | Self::TimedOut { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
