//! How to reach a tenant.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::{BaseUrl, Secret};

/// The token endpoint's path on all current instances (docs/reference/ninjaone-api.md §2.1).
pub const DEFAULT_TOKEN_PATH: &str = "/ws/oauth/token";

/// How to reach a tenant and how patient to be.
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
    /// Scopes to ask for, separated by blanks; `None` asks for all that the app has.
    pub scope: Option<String>,
    /// A PEM file of certificate authorities to trust besides the usual ones.
    pub ca_file: Option<PathBuf>,
    /// The longest silence on a connection, and the longest wait for an answer to begin.
    pub timeout: Duration,
    /// How often and how long to try again.
    pub retry: RetryBudget,
    /// The most requests in a second, as a mean; `None` sends them as fast as they are answered.
    pub requests_per_second: Option<NonZeroU32>,
    /// Whether requests that change the tenant may leave the process.
    pub writes: Writes,
    /// The `User-Agent` header.
    pub user_agent: String,
}

/// Whether requests that change the tenant may leave the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Writes {
    /// None may. Signing in, which is a POST too, is no change.
    #[default]
    Off,
    /// They may.
    On,
}

/// How often and how long one request is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryBudget {
    /// Tries, the first included. Those that the server asked to wait for are not counted.
    pub attempts: u32,
    /// The first back-off; it doubles with every try, and a random part of it is waited.
    pub first_backoff: Duration,
    /// The longest single back-off.
    pub longest_wait: Duration,
    /// The longest time to wait altogether, also when the server asks for more.
    pub total_wait: Duration,
}

impl Default for RetryBudget {
    /// Six tries within five minutes, or as many as the server asks for: NinjaOne publishes no limits
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
