//! Why arguments do not describe a change.

use access_core::provisioning::ProvisioningError;
use access_core::{Diagnostic, StatusCode};

/// Why arguments do not describe a change.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    /// A JSON value is invalid.
    #[error("{origin}: not a JSON object of attributes: {reason}")]
    Json {
        /// The flag.
        origin: &'static str,
        /// Why.
        reason: String,
    },
    /// The domain rejected it.
    #[error(transparent)]
    Domain(#[from] ProvisioningError),
}

impl Diagnostic for RequestError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Json { .. } => StatusCode::InvalidArgument,
            Self::Domain(error) => error.status(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Domain(error) => error.hint(),
            Self::Json { .. } => None,
        }
    }
}
