//! Access tokens (docs/reference/conductorone.md §3.2).

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access_core::secrets::{self, ServerText};
use hyper_util::client::proxy::matcher::Intercept;
use net_tls::SystemResolver;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Response, StatusCode as Http};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tonic::metadata::{Ascii, MetadataValue};

use super::C1Error;
use super::assertion::assertion;
use super::network_error::NetworkFault;
use super::network_error::cause_chain;
use super::network_error::classify_fault;
use crate::credentials::Credentials;

/// Tokens are renewed this long before they expire.
const RENEWAL_MARGIN: Duration = Duration::from_secs(10);
/// Maximum accepted lifetime of a token.
const MAX_TOKEN_LIFETIME: Duration = Duration::from_hours(24);
/// Maximum size of a token; servers reject longer headers.
const MAX_TOKEN_BYTES: usize = 32 << 10;
/// Maximum size of a response.
const MAX_RESPONSE_BYTES: usize = 256 << 10;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const CALL: &str = "sign-in";

/// A token as a metadata value. It is never displayed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Bearer {
    header: MetadataValue<Ascii>,
}

impl Bearer {
    /// The metadata value, marked as sensitive.
    pub(super) fn header(&self) -> MetadataValue<Ascii> {
        self.header.clone()
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(…)")
    }
}

struct CachedToken {
    bearer: Bearer,
    renew_at: Instant,
}

/// Fetches and caches tokens.
pub(super) struct Tokens {
    http: reqwest::Client,
    url: String,
    proxied: bool,
    credentials: Credentials,
    /// Locked while a token is fetched, so that concurrent calls fetch it once.
    held: Mutex<Option<CachedToken>>,
}

#[derive(Deserialize)]
struct TokenResponse {
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    token_type: String,
    expires_in: Option<f64>,
}

impl Tokens {
    /// Creates a token source for this authority; nothing is sent yet.
    pub(super) fn new(
        credentials: Credentials,
        authority: &str,
        tls: rustls::ClientConfig,
        proxy: Option<&Intercept>,
        version: &str,
        timeout: Duration,
    ) -> Result<Self, C1Error> {
        let mut tls = tls;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let setup = |error: &reqwest::Error| C1Error::Setup {
            reason: cause_chain(error),
        };
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(SystemResolver))
            .user_agent(format!("baton-c1-credential-provider baton-ninja-one/{version}"))
            // The assertion must not be sent to another address.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(timeout)
            .timeout(timeout)
            .no_proxy();
        if let Some(proxy) = proxy {
            let mut through = reqwest::Proxy::all(proxy.uri().to_string()).map_err(|error| setup(&error))?;
            if let Some(password) = proxy.basic_auth() {
                through = through.custom_http_auth(password.clone());
            }
            http = http.proxy(through);
        }
        Ok(Self {
            http: http.build().map_err(|error| setup(&error))?,
            url: format!("https://{authority}/auth/v1/token"),
            proxied: proxy.is_some(),
            credentials,
            held: Mutex::default(),
        })
    }

    /// Returns the cached token, or fetches a new one if there is none, it expires soon, or it was rejected.
    pub(super) async fn get(&self, refused: Option<&Bearer>) -> Result<Bearer, C1Error> {
        let mut held = self.held.lock().await;
        if let Some(token) = held.as_ref()
            && Instant::now() < token.renew_at
            && refused != Some(&token.bearer)
        {
            return Ok(token.bearer.clone());
        }
        *held = None;
        let token = self.sign_in().await?;
        let bearer = token.bearer.clone();
        *held = Some(token);
        Ok(bearer)
    }

    async fn sign_in(&self) -> Result<CachedToken, C1Error> {
        let assertion = assertion(&self.credentials);
        secrets::register_token(&assertion);
        let form = [
            ("client_id", self.credentials.client_id()),
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", &assertion),
        ];
        let begin = Instant::now();
        let request = self.http.post(&self.url).header(ACCEPT, "application/json");
        let response = request
            .form(&form)
            .send()
            .await
            .map_err(|error| self.network(&error))?;
        let status = response.status();
        tracing::debug!(url = %self.url, status = status.as_u16(), elapsed = ?begin.elapsed(), "sign-in");
        let page = is_html(&response);
        let passing = status == Http::TOO_MANY_REQUESTS
            || status == Http::REQUEST_TIMEOUT
            || status.is_server_error()
            || status.is_redirection();
        if page || passing {
            let page = if page { " with a page of HTML" } else { "" };
            return Err(C1Error::SignInFailed {
                reason: format!("{status}{page}"),
            });
        }
        let body = self.body(response).await?;
        if status != Http::OK {
            return Err(C1Error::SignInRefused {
                reason: refusal(status, &body),
            });
        }
        token(&body, begin)
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, C1Error> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.network(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_RESPONSE_BYTES {
                return Err(C1Error::SignInFailed {
                    reason: "the answer does not end".to_owned(),
                });
            }
        }
        Ok(body)
    }

    fn network(&self, error: &reqwest::Error) -> C1Error {
        let (fault, reason) = classify_fault(error);
        let fault = match fault {
            NetworkFault::UnresolvedHost | NetworkFault::NoConnection if self.proxied => NetworkFault::Proxy,
            fault => fault,
        };
        C1Error::Network {
            call: CALL,
            fault,
            reason: ServerText::new(&reason),
        }
    }
}

fn is_html(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok())
        .is_some_and(net_tls::is_html)
}

/// The status and the OAuth error code. The rest of the body may repeat the assertion.
fn refusal(status: Http, body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let word = body.get("error").and_then(Value::as_str).filter(|word| {
        word.len() <= 40 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    });
    match word {
        Some(word) => format!("{status} ({word})"),
        None => status.to_string(),
    }
}

/// Parses a successful response. It contains a token, so it is never quoted.
fn token(body: &[u8], asked_at: Instant) -> Result<CachedToken, C1Error> {
    let answer: TokenResponse = serde_json::from_slice(body).map_err(|_| C1Error::SignInFailed {
        reason: "the answer cannot be read".to_owned(),
    })?;
    let refuse = |reason: &str| C1Error::SignInRefused {
        reason: reason.to_owned(),
    };
    if answer.access_token.is_empty() {
        return Err(refuse("there is no token in the answer"));
    }
    if answer.access_token.len() > MAX_TOKEN_BYTES {
        return Err(refuse("the token in the answer cannot be sent"));
    }
    secrets::register_token(&answer.access_token);
    let kind = match answer.token_type.as_str() {
        "" => "Bearer",
        kind if kind.eq_ignore_ascii_case("bearer") => "Bearer",
        other => other,
    };
    let mut header: MetadataValue<Ascii> = format!("{kind} {}", answer.access_token)
        .parse()
        .map_err(|_| refuse("the token in the answer cannot be sent"))?;
    header.set_sensitive(true);
    let life = answer
        .expires_in
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .unwrap_or_default()
        .min(MAX_TOKEN_LIFETIME);
    Ok(CachedToken {
        bearer: Bearer { header },
        // Without a lifetime, or with one below the margin, the token is used for one call.
        renew_at: asked_at + life.saturating_sub(RENEWAL_MARGIN),
    })
}
