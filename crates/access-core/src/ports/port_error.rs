//! Errors of ports. Each wraps the adapter's error and passes its classification on.

use std::error::Error;
use std::fmt;

use crate::{Diagnostic, EXHAUSTED_HINT, StatusCode, classify};

macro_rules! port_error {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name(Box<dyn Diagnostic + Send + Sync>);

        impl $name {
            /// Wraps the adapter's error.
            pub fn new(error: impl Diagnostic + Send + Sync + 'static) -> Self {
                Self(Box::new(error))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Error for $name {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                self.0.source()
            }
        }

        impl Diagnostic for $name {
            fn status(&self) -> StatusCode {
                classify(self, self.0.status())
            }

            fn retryable(&self) -> bool {
                self.0.retryable()
            }

            fn hint(&self) -> Option<String> {
                if self.status() == self.0.status() {
                    self.0.hint()
                } else {
                    Some(EXHAUSTED_HINT.to_owned())
                }
            }
        }
    };
}

port_error! {
    /// The source failed.
    SourceError
}
port_error! {
    /// A sink failed.
    SinkError
}
port_error! {
    /// The provisioner failed to read or change the tenant.
    ProvisionerError
}
port_error! {
    /// The audit log could not be written.
    AuditError
}
