//! Configuration of the client.

use std::path::PathBuf;
use std::time::Duration;

use super::{BaseUrl, Pace, Secret};

/// The token endpoint's path on all current instances (docs/reference/ninjaone-api.md §2.1).
pub const DEFAULT_TOKEN_PATH: &str = "/ws/oauth/token";

/// Rows requested in a page (docs/reference/ninjaone-api.md §3.2: what careful clients use).
pub(crate) const PAGE_ROWS: usize = 1000;

/// How to reach a tenant, with timeouts and retry budget.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// The instance.
    pub base_url: BaseUrl,
    /// Path of the token endpoint.
    pub token_path: String,
    /// Client id of the API client app.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Space-separated scopes to request; `None` requests all scopes of the app.
    pub scope: Option<String>,
    /// A PEM file of additional certificate authorities.
    pub ca_file: Option<PathBuf>,
    /// Read timeout: maximum time without data on a connection, and maximum wait for the beginning of a response.
    pub timeout: Duration,
    /// The retry budget of each request.
    pub retry: RetryBudget,
    /// The rate limit of requests, which all clients with this configuration share; `None` for no limit.
    pub pace: Option<Pace>,
    /// Whether requests that change the tenant may leave the process.
    pub writes: WritePolicy,
    /// The `User-Agent` header.
    pub user_agent: String,
}

/// Whether requests that change the tenant may leave the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WritePolicy {
    /// They are not sent. Signing in, a POST too, is not a change.
    #[default]
    Disabled,
    /// They are sent.
    Enabled,
}

/// Limits for the retries of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryBudget {
    /// Attempts, including the first. Retries after a `Retry-After` are not counted.
    pub attempts: u32,
    /// The first backoff. It doubles with every attempt, and a random part of it is waited.
    pub first_backoff: Duration,
    /// Maximum of a single backoff.
    pub longest_wait: Duration,
    /// Maximum total wait, even if the server requests more.
    pub total_wait: Duration,
}

impl Default for RetryBudget {
    /// Six attempts within five minutes, not counting waits that the server requests: NinjaOne publishes no limits
    /// (docs/reference/ninjaone-api.md §5.2).
    fn default() -> Self {
        Self {
            attempts: 6,
            first_backoff: Duration::from_secs(1),
            longest_wait: Duration::from_mins(1),
            total_wait: Duration::from_mins(5),
        }
    }
}
