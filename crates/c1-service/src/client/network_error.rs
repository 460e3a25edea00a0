//! Network faults, independent of the library that reports them.

use std::error::Error;
use std::io;

use std::time::Duration;

use access_core::{error_chain, find_cause};
use net_tls::UnresolvedHost;

/// A network fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkFault {
    /// The host name could not be resolved, permanently or for now.
    UnresolvedHost,
    /// The connection failed.
    NoConnection,
    /// Connecting timed out.
    ConnectTimeout,
    /// The certificate is not trusted.
    Untrusted,
    /// TLS failed for another reason, or the peer does not speak HTTP/2.
    Tls,
    /// The proxy requires other credentials.
    ProxyAuthRequired,
    /// The proxy is unreachable or did not connect.
    Proxy,
    /// The connection broke.
    Broken,
}

impl NetworkFault {
    pub(super) fn hint(self) -> Option<&'static str> {
        Some(match self {
            Self::UnresolvedHost => "check the host in --client-id, and that this machine can resolve names",
            Self::NoConnection | Self::ConnectTimeout => {
                "outgoing connections to port 443 of the tenant's host must be allowed; if a proxy is needed, set HTTPS_PROXY"
            }
            Self::Untrusted => {
                "if a proxy inspects TLS here, name its certificate authority with --ca-file; otherwise check this machine's clock"
            }
            Self::Tls => {
                "something on the way does not let TLS with HTTP/2 through; exempt the tenant's host from inspection"
            }
            Self::ProxyAuthRequired => {
                "put the proxy's user name and password into HTTPS_PROXY: http://user:password@host:port"
            }
            Self::Proxy => {
                "see whether HTTPS_PROXY is right, and whether that proxy allows CONNECT to port 443 of the tenant's host; NO_PROXY exempts a host"
            }
            Self::Broken => return None,
        })
    }
}

/// Why connecting failed.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("no connection within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    #[error("{reason}")]
    Tcp { reason: String, unresolved: bool },
    #[error("cannot reach the proxy: {0}")]
    ProxyTcp(String),
    #[error("the proxy answered CONNECT with {0}")]
    ProxyStatus(u16),
    #[error("the proxy did not answer CONNECT as it should: {0}")]
    ProxyProtocol(String),
    #[error("TLS failed: {reason}")]
    Tls { reason: String, untrusted: bool },
    #[error("the other end does not speak HTTP/2")]
    NoHttp2,
}

impl ConnectError {
    fn fault(&self) -> NetworkFault {
        match self {
            Self::Timeout(_) => NetworkFault::ConnectTimeout,
            Self::Tcp { unresolved: true, .. } => NetworkFault::UnresolvedHost,
            Self::Tcp { .. } => NetworkFault::NoConnection,
            Self::ProxyStatus(407) => NetworkFault::ProxyAuthRequired,
            Self::ProxyTcp(_) | Self::ProxyStatus(_) | Self::ProxyProtocol(_) => NetworkFault::Proxy,
            Self::Tls { untrusted: true, .. } => NetworkFault::Untrusted,
            Self::Tls { .. } | Self::NoHttp2 => NetworkFault::Tls,
        }
    }

    pub(super) fn tcp(error: &(dyn Error + 'static)) -> Self {
        Self::Tcp {
            reason: error_chain(error),
            unresolved: find_cause::<UnresolvedHost>(error).is_some(),
        }
    }

    /// The same failure on the way to a proxy.
    pub(super) fn at_proxy(self) -> Self {
        match self {
            Self::Tcp { reason, .. } => Self::ProxyTcp(reason),
            other => other,
        }
    }

    pub(super) fn tls(error: &io::Error) -> Self {
        let untrusted = find_cause::<rustls::Error>(error)
            .is_some_and(|error| matches!(error, rustls::Error::InvalidCertificate(_)));
        Self::Tls {
            reason: error.to_string(),
            untrusted,
        }
    }
}

/// Classifies an error of the channel or the HTTP client, and returns its causes.
pub(super) fn classify_fault(error: &(dyn Error + 'static)) -> (NetworkFault, String) {
    let reason = cause_chain(error);
    if let Some(error) = find_cause::<ConnectError>(error) {
        return (error.fault(), error.to_string());
    }
    let fault = match find_cause::<rustls::Error>(error) {
        Some(rustls::Error::InvalidCertificate(_)) => NetworkFault::Untrusted,
        Some(_) => NetworkFault::Tls,
        None if find_cause::<UnresolvedHost>(error).is_some() => NetworkFault::UnresolvedHost,
        None if reason.contains("proxy authorization required") => NetworkFault::ProxyAuthRequired,
        None if reason.contains("tunnel error") => NetworkFault::Proxy,
        None => match find_cause::<reqwest::Error>(error) {
            Some(error) if error.is_timeout() => NetworkFault::ConnectTimeout,
            Some(error) if error.is_connect() => NetworkFault::NoConnection,
            _ => NetworkFault::Broken,
        },
    };
    (fault, reason)
}

/// The causes of an error. The error itself only names a layer or repeats an address, so it is used only if it has none.
pub(super) fn cause_chain(error: &(dyn Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), error_chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolver_text_is_ignored() {
        for text in ["Temporary failure in name resolution", "Try again", "dns error"] {
            let unresolved = UnresolvedHost {
                host: "tenant.example".to_owned(),
                reason: io::Error::other(text),
            };
            let error = ConnectError::tcp(&io::Error::other(unresolved));
            assert_eq!(error.fault(), NetworkFault::UnresolvedHost, "{text}");
            let refused = ConnectError::tcp(&io::Error::other(text));
            assert_eq!(refused.fault(), NetworkFault::NoConnection, "{text}");
        }
    }
}
