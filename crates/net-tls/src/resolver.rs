//! Host names, resolved by the system, with a typed error: HTTP clients report a failed lookup as text only.

use std::io;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A host name that could not be resolved. Whether it does not exist or the resolver failed is unknown: C libraries
/// word these cases differently, so the text does not decide.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct UnresolvedHost {
    /// The host name.
    pub host: String,
    /// The system's error.
    #[source]
    pub reason: io::Error,
}

/// Resolves a host name or an IP address. The port of the addresses is 0.
///
/// # Errors
/// [`UnresolvedHost`].
pub async fn resolve_host(host: &str) -> Result<Vec<SocketAddr>, UnresolvedHost> {
    let found = tokio::net::lookup_host((host, 0)).await;
    match found {
        Ok(addresses) => Ok(addresses.collect()),
        Err(reason) => Err(UnresolvedHost {
            host: host.to_owned(),
            reason,
        }),
    }
}

/// [`resolve_host`] for `reqwest`. [`UnresolvedHost`] is among the causes of a failed request.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            match resolve_host(name.as_str()).await {
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as Addrs),
                Err(error) => Err(error.into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn unresolved_hosts_are_named() {
        let error = resolve_host("name that is none").await.unwrap_err();
        assert_eq!(error.host, "name that is none");
        let found = resolve_host("127.0.0.1").await.unwrap();
        assert_eq!(found, ["127.0.0.1:0".parse().unwrap()]);
    }
}
