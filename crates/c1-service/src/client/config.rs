//! Configuration of the ConductorOne client.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tonic::codegen::http::Uri;
use tonic::codegen::http::uri::Authority;

use super::C1Error;
use crate::credentials::Credentials;
use crate::host::HostId;

/// How to reach a tenant, and with which credentials.
#[derive(Debug, Clone)]
pub struct C1Config {
    /// The credentials, which contain the tenant's host.
    pub credentials: Credentials,
    /// The id of this process.
    pub host_id: HostId,
    /// Overrides the host of the client id (`BATON_C1_API_HOST`), with or without a port.
    pub api_host: Option<String>,
    /// A PEM file of additional certificate authorities.
    pub ca_file: Option<PathBuf>,
    /// The program version for the user agent.
    pub user_agent_version: String,
}

/// Network settings. Only tests need other values than the default.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// The proxies.
    pub proxies: Proxies,
    /// The time limits.
    pub retry_policy: RetryPolicy,
}

/// The time limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Connecting, including proxy and TLS (docs/reference/conductorone.md §3.4).
    pub connect: Duration,
    /// A call other than an upload, including connecting.
    pub call: Duration,
    /// Finishing a task, all attempts together (docs/reference/conductorone.md §3.5).
    pub finish: Duration,
    /// One attempt to finish a task.
    pub finish_attempt: Duration,
    /// An upload without progress.
    pub upload_stall: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            call: Duration::from_mins(1),
            finish: Duration::from_secs(30),
            finish_attempt: Duration::from_secs(12),
            upload_stall: Duration::from_mins(3),
        }
    }
}

/// Selects the proxy of a host.
#[derive(Clone)]
pub struct Proxies {
    matcher: Arc<Matcher>,
    /// Whether loopback hosts bypass the proxies of the environment.
    bypasses_loopback: bool,
}

impl Default for Proxies {
    /// The proxies of the environment: `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    fn default() -> Self {
        Self {
            matcher: Arc::new(Matcher::from_system()),
            bypasses_loopback: true,
        }
    }
}

impl Proxies {
    /// One proxy for all hosts except a list, in the format of `HTTPS_PROXY` and `NO_PROXY`.
    #[must_use]
    pub fn through(https_proxy: &str, no_proxy: &str) -> Self {
        let matcher = Matcher::builder()
            .https(https_proxy.to_owned())
            .no(no_proxy.to_owned())
            .build();
        Self {
            matcher: Arc::new(matcher),
            bypasses_loopback: false,
        }
    }

    /// No proxy.
    #[must_use]
    pub fn none() -> Self {
        Self::through("", "")
    }

    /// The proxy of a host, if any.
    pub(super) fn for_host(&self, authority: &Authority) -> Result<Option<Intercept>, C1Error> {
        let host = authority.host();
        if self.bypasses_loopback && matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            return Ok(None);
        }
        let uri = Uri::builder()
            .scheme("https")
            .authority(authority.clone())
            .path_and_query("/")
            .build();
        let Some(intercept) = uri.ok().and_then(|uri| self.matcher.intercept(&uri)) else {
            return Ok(None);
        };
        match intercept.uri().scheme_str() {
            Some("http" | "https") => Ok(Some(intercept)),
            other => Err(C1Error::ProxyKind {
                scheme: other.unwrap_or_default().to_owned(),
            }),
        }
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The matcher displays hosts and ports, but no credentials.
        f.debug_tuple("Proxies").field(&self.matcher).finish()
    }
}
