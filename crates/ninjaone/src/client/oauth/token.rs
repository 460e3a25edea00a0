//! A token, and the answer that it comes in (docs/reference/ninjaone-api.md §2).

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::api::Text;
use crate::api::row;
use crate::client::Secret;
use crate::client::api_error::sanitize;

/// How long before its end a token is renewed, at the most.
const RENEWAL_MARGIN: Duration = Duration::from_mins(1);
/// What a token lives if the answer does not say; an hour is usual.
const DEFAULT_LIFETIME: Duration = Duration::from_hours(1);

/// The longest token. Servers take no longer headers.
const MAX_TOKEN_BYTES: usize = 32 << 10;

/// A token in use.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) secret: Secret,
    /// The scopes it has, as the server tells them.
    pub(crate) scope: Option<String>,
    renew_at: Instant,
}

/// The answer of the token endpoint. Only the token is needed.
#[derive(Default)]
pub(crate) struct TokenAnswer {
    access_token: Text,
    /// A number, or its text.
    expires_in: Value,
    /// Words, joined somehow, or a list of them.
    scope: Value,
}

row!(TokenAnswer {
    access_token: "access_token",
    expires_in: "expires_in",
    scope: "scope",
});

/// The scopes of an answer, joined by spaces.
fn scopes(told: &Value) -> Option<String> {
    let text = match told {
        Value::String(text) => text.clone(),
        Value::Array(words) => {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            words.join(" ")
        }
        _ => return None,
    };
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '+'));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    Some(words.join(" "))
}

impl Token {
    /// None without a token that a header can carry.
    pub(crate) fn new(answer: &TokenAnswer, now: Instant) -> Option<Self> {
        let secret = answer.access_token.trimmed()?;
        if secret.len() > MAX_TOKEN_BYTES || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let seconds = match &answer.expires_in {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        let life = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let life = life.unwrap_or(DEFAULT_LIFETIME).min(Duration::from_hours(720));
        let renew_at = now + life.saturating_sub(RENEWAL_MARGIN.min(life / 10));
        Some(Self {
            // Before its other words are quoted, which may repeat it.
            secret: Secret::token(secret),
            scope: scopes(&answer.scope).map(|scope| sanitize(&scope)),
            renew_at,
        })
    }

    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        now < self.renew_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(json: &str) -> (Token, Instant) {
        let now = Instant::now();
        (
            Token::new(&serde_json::from_str(json).unwrap(), now).unwrap(),
            now,
        )
    }

    #[test]
    fn renewed_before_the_end() {
        let (hour, now) = token(r#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#);
        assert!(hour.is_fresh(now + Duration::from_secs(3539)));
        assert!(!hour.is_fresh(now + Duration::from_mins(59)));
        let (short, now) = token(r#"{"access_token":"t","expires_in":5.0,"scope":"monitoring"}"#);
        assert!(
            short.is_fresh(now + Duration::from_secs(4)) && !short.is_fresh(now + Duration::from_secs(5))
        );
        let (silent, now) = token(r#"{"access_token":"t","expires_in":null}"#);
        assert!(silent.is_fresh(now + Duration::from_mins(50)));
        let (odd, now) = token(r#"{"access_token":"t","expires_in":-3}"#);
        assert!(odd.is_fresh(now));
    }

    #[test]
    fn scopes_however_they_are_joined() {
        let scope = |scope: &str| {
            token(&format!(r#"{{"access_token":"t","scope":{scope}}}"#))
                .0
                .scope
        };
        for told in [
            r#""monitoring management""#,
            r#""monitoring,management""#,
            r#"" monitoring, management ""#,
            r#"["monitoring","management"]"#,
        ] {
            assert_eq!(scope(told).as_deref(), Some("monitoring management"), "{told}");
        }
        assert_eq!((scope("null"), scope("7")), (None, None));
    }

    #[test]
    fn never_printed() {
        let (token, _) = token(r#"{"access_token":"very-secret"}"#);
        assert!(!format!("{token:?}").contains("very-secret"));
    }
}
