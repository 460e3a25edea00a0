use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

use sim_kit::CertificateOptions;

use crate::behavior::Behavior;
use crate::fault::FaultSchedule;
use crate::tenant::Tenant;

/// The configuration of a simulated tenant.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// The tenant.
    pub tenant: Tenant,
    /// The API client app that may sign in.
    pub app: AppRegistration,
    /// Configurable behavior.
    pub behavior: Behavior,
    /// The faults.
    pub faults: FaultSchedule,
    /// Serve HTTPS with a certificate of a fresh test CA.
    pub tls: Option<CertificateOptions>,
    /// Address to listen on; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Keep the bodies of answers in the ledger.
    pub keep_answers: bool,
}

impl SimConfig {
    /// A healthy tenant on a free loopback port, over plain HTTP, with the default app.
    #[must_use]
    pub fn new(tenant: Tenant) -> Self {
        Self {
            tenant,
            app: AppRegistration::default(),
            behavior: Behavior::default(),
            faults: FaultSchedule::default(),
            tls: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            keep_answers: false,
        }
    }
}

/// The API client app as registered in the tenant.
#[derive(Debug, Clone)]
pub struct AppRegistration {
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: String,
    /// Scopes the app may request.
    pub scopes: Scopes,
    /// The client credentials grant is switched on.
    pub client_credentials: bool,
    /// The app exists on another region's instance only: the token endpoint does not know it.
    pub other_region: bool,
}

impl Default for AppRegistration {
    fn default() -> Self {
        Self {
            client_id: "sim-client".to_owned(),
            client_secret: "sim-secret".to_owned(),
            scopes: Scopes::parse("monitoring management"),
            client_credentials: true,
            other_region: false,
        }
    }
}

/// A set of OAuth scopes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// Parses a list separated by spaces or commas.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let words = text.split([' ', ',']).filter(|word| !word.is_empty());
        Self(words.map(str::to_owned).collect())
    }

    /// Whether the set holds this scope.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Whether every scope of `self` is one of `others`.
    #[must_use]
    pub fn is_subset(&self, others: &Self) -> bool {
        self.0.is_subset(&others.0)
    }

    /// The set without one scope.
    #[must_use]
    pub fn without(mut self, scope: &str) -> Self {
        self.0.remove(scope);
        self
    }

    /// Whether there are no scopes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (position, scope) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}
