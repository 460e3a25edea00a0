//! The token endpoint and the scopes of tokens (docs/reference/ninjaone-api.md §11.2, §11.3).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use base64::Engine;
use serde_json::{Value, json};

use crate::behavior::Behavior;
use crate::behavior::ExpiresIn;
use crate::behavior::InvalidToken;
use crate::behavior::OfflineAccess;
use crate::behavior::WrongSecret;
use crate::config::{AppRegistration, Scopes};
use crate::response::Answer;
use crate::response::Incidents;

/// The issued tokens.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<Issued>);

#[derive(Debug, Default)]
struct Issued {
    count: u64,
    grants: HashMap<String, Grant>,
}

#[derive(Debug, Clone)]
struct Grant {
    scopes: Scopes,
    expires_at: Instant,
}

impl Tokens {
    fn issued(&self) -> std::sync::MutexGuard<'_, Issued> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers `POST /ws/oauth/token`.
    pub(crate) fn sign_in(
        &self,
        app: &AppRegistration,
        behavior: &Behavior,
        incidents: &Incidents,
        authorization: Option<&str>,
        form: &[u8],
    ) -> Answer {
        let form: HashMap<String, String> = form_urlencoded::parse(form).into_owned().collect();
        let field = |name: &str| form.get(name).map(String::as_str);
        let (basic_id, basic_secret) = authorization.and_then(basic).unzip();
        let client_id = field("client_id")
            .map(str::to_owned)
            .or(basic_id)
            .unwrap_or_default();
        let secret = field("client_secret")
            .map(str::to_owned)
            .or(basic_secret)
            .unwrap_or_default();
        let unknown = || Answer::result_code(404, "Client app not exist", incidents);

        if app.other_region || client_id != app.client_id {
            return unknown();
        }
        if secret != app.client_secret {
            let text = "Client authentication failed";
            return match behavior.token.wrong_secret {
                WrongSecret::Unauthorized => Answer::oauth_error(401, "invalid_client", text),
                WrongSecret::BadRequest => Answer::oauth_error(400, "invalid_client", text),
                WrongSecret::NotFound => unknown(),
            };
        }
        if field("grant_type") != Some("client_credentials") {
            return Answer::oauth_error(400, "unsupported_grant_type", "Unsupported grant type");
        }
        if !app.client_credentials {
            let text = "The client is not allowed to use this grant";
            return Answer::oauth_error(behavior.token.ungranted_status, "unauthorized_client", text);
        }
        match granted_scopes(field("scope"), app, behavior) {
            Some(scopes) => self.issue(scopes, behavior),
            None => Answer::oauth_error(
                400,
                "invalid_scope",
                "Requested scope was not granted to the client",
            ),
        }
    }

    fn issue(&self, scopes: Scopes, behavior: &Behavior) -> Answer {
        let mut issued = self.issued();
        issued.count += 1;
        if behavior.token.one_token_at_a_time {
            issued.grants.clear();
        }
        let token = format!("sim-token-{:06}", issued.count);
        let mut body = json!({ "access_token": token, "token_type": "Bearer", "scope": scopes.to_string() });
        let claimed = match behavior.token.expires_in {
            ExpiresIn::Truthful => Some(behavior.token.lifetime.as_secs()),
            ExpiresIn::Claimed(seconds) => Some(seconds),
            ExpiresIn::Absent => None,
        };
        if let (Some(seconds), Value::Object(fields)) = (claimed, &mut body) {
            fields.insert("expires_in".to_owned(), Value::from(seconds));
        }
        let expires_at = Instant::now() + behavior.token.lifetime;
        issued.grants.insert(token, Grant { scopes, expires_at });
        Answer::json(200, &body)
    }

    /// The scopes of an API call, or the refusal.
    pub(crate) fn authorize(
        &self,
        authorization: Option<&str>,
        behavior: &Behavior,
    ) -> Result<Scopes, Answer> {
        let Some(header) = authorization else {
            return Err(Answer::auth_error(
                400,
                "missing_header",
                "Missing required header",
                2,
            ));
        };
        let Some(token) = header.strip_prefix("Bearer ").filter(|token| !token.is_empty()) else {
            return Err(Answer::auth_error(
                400,
                "invalid_header",
                "Invalid 'Authorization' header",
                1,
            ));
        };
        let grant = self.issued().grants.get(token).cloned();
        match grant.filter(|grant| Instant::now() < grant.expires_at) {
            Some(grant) => Ok(grant.scopes),
            None => Err(refused_token(behavior.authorization.invalid_token)),
        }
    }

    /// Invalidates every token.
    pub(crate) fn revoke_all(&self) {
        self.issued().grants.clear();
    }
}

/// The answer to a token that is unknown, expired or revoked.
pub(crate) fn refused_token(spelling: InvalidToken) -> Answer {
    let error = match spelling {
        InvalidToken::NotAuthenticated => "not_authenticated",
        InvalidToken::InvalidToken => "invalid_token",
        InvalidToken::ExpiredToken => "expired_token",
    };
    Answer::auth_error(401, error, "Invalid credentials", 10)
}

/// The answer to a call that needs a scope the token does not have.
pub(crate) fn insufficient_privileges() -> Answer {
    Answer::auth_error(
        401,
        "insufficient_privileges",
        "Access token lacks a required scope",
        11,
    )
}

/// The scopes to grant; `None` if a requested one is not available.
fn granted_scopes(requested: Option<&str>, app: &AppRegistration, behavior: &Behavior) -> Option<Scopes> {
    let Some(requested) = requested
        .map(Scopes::parse)
        .filter(|requested| !requested.is_empty())
    else {
        return Some(app.scopes.clone());
    };
    let requested = match behavior.token.offline_access {
        OfflineAccess::Tolerated => requested.without("offline_access"),
        OfflineAccess::Refused => requested,
    };
    requested.is_subset(&app.scopes).then_some(requested)
}

fn basic(header: &str) -> Option<(String, String)> {
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(header.strip_prefix("Basic ")?)
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}
