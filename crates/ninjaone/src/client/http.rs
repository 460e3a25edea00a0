//! The client of a tenant: configuration, counters and current activity.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use access_core::ports::{ApiUsage, Wait};
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
use tokio::sync::Mutex;

use super::api_error::sanitize;
use super::config::PAGE_ROWS;
use super::json_scanner::RepairLog;
use super::json_stream::FirstElement;
use super::oauth::Token;
use super::remark::Remark;
use super::response::chain;
use super::{ClientConfig, NinjaOneError};

/// Timeout for opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum number of unreported remarks.
const MAX_REMARKS: usize = 100;

/// A signed-in client of one tenant.
#[derive(Debug)]
pub struct NinjaOneClient {
    pub(super) http: reqwest::Client,
    pub(super) config: ClientConfig,
    /// The current token. Locked while it is renewed, so that concurrent requests renew it once.
    pub(super) token: Mutex<Option<Token>>,
    pub(super) usage: Usage,
    now: std::sync::Mutex<Now>,
    remarks: std::sync::Mutex<Vec<Remark>>,
}

/// The current activity, for the progress display.
#[derive(Debug, Default)]
pub(super) struct Now {
    /// The path of the last request.
    pub(super) path: Option<String>,
    /// The end of the current wait, the number of the next attempt, and whether the tenant requested the wait.
    pub(super) wait: Option<(Instant, u32, bool)>,
}

#[derive(Debug, Default)]
pub(super) struct Usage {
    pub(super) calls: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) throttled: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) waited_ms: AtomicU64,
}

impl NinjaOneClient {
    /// Creates a client; nothing is sent yet.
    ///
    /// # Errors
    /// [`NinjaOneError::CaFile`], [`NinjaOneError::OfflineAccess`] or [`NinjaOneError::Setup`].
    pub fn new(config: ClientConfig) -> Result<Self, NinjaOneError> {
        if config
            .scope
            .as_deref()
            .is_some_and(|scope| scope.split_whitespace().any(|word| word == "offline_access"))
        {
            return Err(NinjaOneError::OfflineAccess);
        }
        let setup = |reason: String| NinjaOneError::Setup { reason };
        let mut tls = net_tls::client_config(config.ca_file.as_deref())?;
        // Without ALPN, a middlebox that inspects TLS would have to guess the protocol.
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(&config.user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(net_tls::SystemResolver))
            // Responses are unpacked by [`BodyReader`]: the library's decoder stops at the first of several gzip members.
            .no_gzip()
            .default_headers(HeaderMap::from_iter([(
                ACCEPT_ENCODING,
                HeaderValue::from_static("gzip"),
            )]))
            .connect_timeout(CONNECT_TIMEOUT.min(config.timeout))
            .read_timeout(config.timeout);
        if config.base_url.is_loopback() {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| setup(sanitize(&chain(&error))))?;
        Ok(Self {
            http,
            config,
            token: Mutex::new(None),
            usage: Usage::default(),
            now: std::sync::Mutex::default(),
            remarks: std::sync::Mutex::default(),
        })
    }

    /// The address of the instance, for people.
    #[must_use]
    pub fn tenant(&self) -> String {
        self.config.base_url.to_string()
    }

    pub(super) fn config(&self) -> &ClientConfig {
        &self.config
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Waits for the rate limit, and counts a request.
    pub(super) async fn next_call(&self) {
        if let Some(pace) = &self.config.pace {
            pace.wait().await;
        }
        self.usage.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_throttled(&self) {
        self.usage.throttled.fetch_add(1, Ordering::Relaxed);
    }

    /// The scopes of the token; `None` if the server does not return them.
    ///
    /// # Errors
    /// [`NinjaOneError`] if sign-in fails.
    pub async fn scopes(&self) -> Result<Option<String>, NinjaOneError> {
        Ok(self.token(None).await?.scope)
    }

    /// Makes one small call to check that the tenant responds.
    ///
    /// # Errors
    /// [`NinjaOneError`] if it fails.
    pub async fn ping(&self) -> Result<(), NinjaOneError> {
        // The page size of a sync, because a server may have a minimum. Only the first entry is read.
        let query = [("pageSize", PAGE_ROWS.to_string())];
        self.list::<serde::de::IgnoredAny, _>("/v2/organizations", &query, FirstElement)
            .await?;
        Ok(())
    }

    /// Requests so far, and their cost.
    #[must_use]
    pub fn usage(&self) -> ApiUsage {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ApiUsage {
            calls: count(&self.usage.calls),
            retries: count(&self.usage.retries),
            throttled: count(&self.usage.throttled),
            bytes: count(&self.usage.bytes),
            waited: Duration::from_millis(count(&self.usage.waited_ms)),
        }
    }

    /// The path of the last request, and the current wait.
    pub(crate) fn now(&self) -> (Option<String>, Option<Wait>) {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = now.wait.map(|(until, next_try, is_throttled)| Wait {
            is_throttled,
            left: until.saturating_duration_since(Instant::now()),
            next_try,
        });
        (now.path.clone(), wait)
    }

    pub(super) fn note(&self, note: impl FnOnce(&mut Now)) {
        note(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Keeps a remark for the next report.
    pub(crate) fn remark(&self, remark: Remark) {
        tracing::debug!(code = remark.code, "{}", remark.message);
        let mut remarks = self.remarks.lock().unwrap_or_else(PoisonError::into_inner);
        if remarks.len() < MAX_REMARKS && !remarks.contains(&remark) {
            remarks.push(remark);
        }
    }

    /// Removes and returns the remarks since the last call.
    pub(crate) fn take_remarks(&self) -> Vec<Remark> {
        std::mem::take(&mut self.remarks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn remark_repairs(&self, request: &str, log: &RepairLog) {
        if let Some(remark) = Remark::from_repairs(request, log) {
            self.remark(remark);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BaseUrl, DEFAULT_TOKEN_PATH, RetryBudget, Secret, WritePolicy};
    use super::*;

    fn client() -> NinjaOneClient {
        NinjaOneClient::new(ClientConfig {
            base_url: BaseUrl::parse("https://tenant.example").unwrap(),
            token_path: DEFAULT_TOKEN_PATH.to_owned(),
            client_id: "id".to_owned(),
            client_secret: Secret::new("secret-of-a-test"),
            scope: None,
            ca_file: None,
            timeout: Duration::from_secs(1),
            retry: RetryBudget::default(),
            pace: None,
            writes: WritePolicy::Disabled,
            user_agent: "tests".to_owned(),
        })
        .unwrap()
    }

    fn remark(number: usize) -> Remark {
        Remark {
            code: "text_repaired",
            message: format!("list {number}"),
            incomplete: None,
        }
    }

    #[test]
    fn remarks_are_reported_once_and_bounded() {
        let client = client();
        for number in [1, 2, 1] {
            client.remark(remark(number));
        }
        assert_eq!(client.take_remarks(), [remark(1), remark(2)]);
        assert!(client.take_remarks().is_empty());
        for number in 0..MAX_REMARKS + 5 {
            client.remark(remark(number));
        }
        let expected: Vec<Remark> = (0..MAX_REMARKS).map(remark).collect();
        assert_eq!(client.take_remarks(), expected);
    }
}
