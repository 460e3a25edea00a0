//! The token endpoint and the validity of tokens (docs/reference/conductorone.md §3.2).

mod assertion;

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use crate::config::{ExpiresIn, TokenBehavior};
use crate::credentials::Client;
use assertion::{Refusal, verify};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The registered clients and the issued tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    audience: String,
    behavior: TokenBehavior,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    clients: Vec<Client>,
    used_nonces: HashSet<String>,
    issued: Vec<String>,
    expirations: HashMap<String, Instant>,
}

impl Tokens {
    /// Tokens of a tenant whose host, without the port, is the audience.
    pub(crate) fn new(audience: String, behavior: TokenBehavior) -> Self {
        Self {
            audience,
            behavior,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn register(&self, client: Client) {
        self.state().clients.push(client);
    }

    /// Every token so far.
    pub(crate) fn issued(&self) -> Vec<String> {
        self.state().issued.clone()
    }

    /// Invalidates every token.
    pub(crate) fn revoke_all(&self) {
        self.state().expirations.clear();
    }

    /// Returns the body of a successful answer.
    pub(crate) fn sign_in(&self, content_type: Option<&str>, form: &[u8]) -> Result<Value, Refusal> {
        let is_form = content_type.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        if !is_form {
            return Err(Refusal::ContentType);
        }
        let form: HashMap<String, String> = form_urlencoded::parse(form).into_owned().collect();
        let field = |name: &'static str| {
            form.get(name)
                .map(String::as_str)
                .ok_or(Refusal::MissingField(name))
        };
        let client_id = field("client_id")?;
        for (name, expected) in [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION_TYPE),
        ] {
            if field(name)? != expected {
                return Err(Refusal::Field { name, expected });
            }
        }
        let assertion = field("client_assertion")?;
        let mut state = self.state();
        let client = state.clients.iter().find(|client| client.id == client_id);
        let client = client.ok_or(Refusal::UnknownClient)?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let nonce = verify(assertion, client, &self.audience, now)?;
        // One assertion has one nonce, so remembering nonces finds repeated assertions as well.
        if !state.used_nonces.insert(nonce) {
            return Err(Refusal::Replay);
        }
        Ok(self.issue(&mut state))
    }

    fn issue(&self, state: &mut State) -> Value {
        let token = format!("sim-token-{:06}", state.issued.len() + 1);
        let expires_at = Instant::now() + self.behavior.lifetime;
        state.issued.push(token.clone());
        state.expirations.insert(token.clone(), expires_at);
        let mut body = Map::new();
        body.insert("access_token".to_owned(), token.into());
        body.insert("token_type".to_owned(), self.behavior.token_type.clone().into());
        let expires_in = match self.behavior.expires_in {
            ExpiresIn::Truthful => Some(self.behavior.lifetime.as_secs()),
            ExpiresIn::Claimed(seconds) => Some(seconds),
            ExpiresIn::Absent => None,
        };
        if let Some(seconds) = expires_in {
            body.insert("expires_in".to_owned(), seconds.into());
        }
        Value::Object(body)
    }

    /// Checks the `authorization` of a call. The error is the reason of a refusal.
    pub(crate) fn authorize(&self, authorization: Option<&str>) -> Result<(), &'static str> {
        let header = authorization.ok_or("there is no authorization")?;
        let token = header
            .strip_prefix("Bearer ")
            .ok_or("the authorization does not begin with Bearer")?;
        match self.state().expirations.get(token) {
            None => Err("the token is unknown"),
            Some(expires_at) if *expires_at <= Instant::now() => Err("the token has expired"),
            Some(_) => Ok(()),
        }
    }
}
