//! How to reach ConductorOne.

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

/// How to reach a tenant, and as whom.
#[derive(Debug, Clone)]
pub struct C1Config {
    /// Who the client is, and where its tenant is.
    pub credentials: Credentials,
    /// Which of the client's processes this is.
    pub host_id: HostId,
    /// Another host for sign-in and calls than the client id says (`BATON_C1_API_HOST`), with or without a port.
    pub api_host: Option<String>,
    /// A PEM file of certificate authorities to trust besides the usual ones.
    pub ca_file: Option<PathBuf>,
    /// The program's version, for the user agent.
    pub user_agent_version: String,
}

/// How the network is used. The default is right outside of tests.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Through which proxies.
    pub proxies: Proxies,
    /// How long things may take.
    pub retry_policy: RetryPolicy,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// To connect, proxy and TLS included (docs/reference/conductorone.md §3.4).
    pub connect: Duration,
    /// To answer a call that is no upload, connecting included.
    pub call: Duration,
    /// To finish a task, all attempts together (docs/reference/conductorone.md §3.5).
    pub finish: Duration,
    /// To answer one attempt to finish a task.
    pub finish_attempt: Duration,
    /// Without a byte of an upload being taken.
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

/// Which proxy is used for which host.
#[derive(Clone)]
pub struct Proxies {
    matcher: Arc<Matcher>,
    /// Hosts on this machine are not reached through a proxy of the environment.
    bypasses_loopback: bool,
}

impl Default for Proxies {
    /// Those of the environment: `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    fn default() -> Self {
        Self {
            matcher: Arc::new(Matcher::from_system()),
            bypasses_loopback: true,
        }
    }
}

impl Proxies {
    /// One proxy for all hosts but those of a list, in the form of `HTTPS_PROXY` and `NO_PROXY`.
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

    /// The proxy for a host, if there is one.
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
        // The matcher shows hosts and ports, no names and passwords.
        f.debug_tuple("Proxies").field(&self.matcher).finish()
    }
}
