//! Name resolution by the system with a typed error: the HTTP client's own error can only be recognized by its text.

use std::io;

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A host name could not be resolved.
#[derive(Debug, thiserror::Error)]
#[error("cannot resolve `{host}`")]
pub(super) struct ResolveError {
    pub(super) host: String,
    #[source]
    pub(super) reason: io::Error,
}

/// The system's resolver.
#[derive(Debug)]
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0))
                .await
                .map(Iterator::collect::<Vec<SocketAddr>>);
            match found {
                Ok(found) => Ok(Box::new(found.into_iter()) as Addrs),
                Err(reason) => Err(ResolveError { host, reason }.into()),
            }
        })
    }
}
