//! Tokens and the token response (docs/reference/ninjaone-api.md §2).

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::api::row;
use crate::client::Secret;
use crate::client::api_error::sanitize;

/// Maximum time before its expiry at which a token is renewed.
const RENEWAL_MARGIN: Duration = Duration::from_mins(1);
/// Lifetime of a token if the response has none; an hour is usual.
const DEFAULT_LIFETIME: Duration = Duration::from_hours(1);

/// Maximum length of a token; servers reject longer headers.
const MAX_TOKEN_BYTES: usize = 32 << 10;

/// A token in use.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) secret: Secret,
    /// Its scopes according to the server.
    pub(crate) scope: Option<String>,
    renew_at: Instant,
}

/// The response of the token endpoint. Only the token is required.
#[derive(Default)]
pub(crate) struct TokenAnswer {
    /// A text of any length: a token that is cut like the labels of a list would be another one.
    access_token: Value,
    /// A number or its text.
    expires_in: Value,
    /// Scope names with any separator, or a list of them.
    scope: Value,
}

row!(TokenAnswer {
    access_token: "access_token",
    expires_in: "expires_in",
    scope: "scope",
});

/// The scopes of a response, joined by spaces.
fn scopes(value: &Value) -> Option<String> {
    let text = match value {
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
    /// `None` without a token that fits into a header.
    pub(crate) fn new(answer: &TokenAnswer, now: Instant) -> Option<Self> {
        let secret = answer.access_token.as_str()?.trim();
        if secret.is_empty()
            || secret.len() > MAX_TOKEN_BYTES
            || !secret.bytes().all(|byte| byte.is_ascii_graphic())
        {
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
            // Registered before other texts of the response are quoted, which may repeat it.
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
    fn token_is_renewed_before_it_expires() {
        let (hour, now) = token(r#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#);
        assert!(hour.is_fresh(now + Duration::from_secs(3539)));
        assert!(!hour.is_fresh(now + Duration::from_mins(59)));
        let (short, now) = token(r#"{"access_token":"t","expires_in":5.0,"scope":"monitoring"}"#);
        assert!(
            short.is_fresh(now + Duration::from_secs(4)) && !short.is_fresh(now + Duration::from_secs(5))
        );
        let (without_expiry, now) = token(r#"{"access_token":"t","expires_in":null}"#);
        assert!(without_expiry.is_fresh(now + Duration::from_mins(50)));
        let (negative, now) = token(r#"{"access_token":"t","expires_in":-3}"#);
        assert!(negative.is_fresh(now));
    }

    #[test]
    fn scopes_are_read_with_any_separator() {
        let scope = |scope: &str| {
            token(&format!(r#"{{"access_token":"t","scope":{scope}}}"#))
                .0
                .scope
        };
        for value in [
            r#""monitoring management""#,
            r#""monitoring,management""#,
            r#"" monitoring, management ""#,
            r#"["monitoring","management"]"#,
        ] {
            assert_eq!(scope(value).as_deref(), Some("monitoring management"), "{value}");
        }
        assert_eq!((scope("null"), scope("7")), (None, None));
    }

    #[test]
    fn token_is_never_printed() {
        let (token, _) = token(r#"{"access_token":"very-secret"}"#);
        assert!(!format!("{token:?}").contains("very-secret"));
    }

    #[test]
    fn token_must_fit_into_a_header() {
        let is_token = |text: &str| {
            let answer = serde_json::json!({"access_token": text}).to_string();
            Token::new(&serde_json::from_str(&answer).unwrap(), Instant::now()).is_some()
        };
        let longest = "t".repeat(MAX_TOKEN_BYTES);
        assert!(is_token(&longest) && is_token(" tok-0f-a-test\n"));
        for text in [&format!("{longest}t"), "", "two words", "t\u{e9}", "t\u{7f}"] {
            assert!(!is_token(text), "{}", text.len());
        }
    }
}
