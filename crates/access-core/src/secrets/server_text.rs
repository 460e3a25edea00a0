//! Redacted server text.

use std::borrow::Cow;
use std::fmt;

use super::layers::{self, DecodedLayer, REDACTED, Spans};
use super::needles::{self, SearchDepth};
use super::registry;

/// Maximum bytes of a server text that are read.
const MAX_READ_BYTES: usize = 64 << 10;
/// Maximum characters of it that are shown.
const MAX_QUOTED_CHARS: usize = 300;

/// Keys whose values are secrets in requests and responses.
const KEYS: [&str; 14] = [
    "client_secret",
    "client-secret",
    "clientsecret",
    "access_token",
    "refresh_token",
    "id_token",
    "client_assertion",
    "assertion",
    "password",
    "passwd",
    "api_key",
    "apikey",
    "authorization",
    "secret_access_key",
];
/// Authentication schemes that precede a credential.
const SCHEMES: [&str; 2] = ["bearer", "basic"];
/// Minimum length of a credential after a scheme; shorter text is a plain word.
const MIN_CREDENTIAL_CHARS: usize = 12;

/// Text of a server, or of a library that may repeat it: redacted, on one line, truncated. Text from a connection is
/// shown in no other form.
///
/// ```
/// use access_core::secrets::{ServerText, register};
///
/// register("SEKRIT-9d81c0ffee");
/// let text = ServerText::new("blocked:\r\nclient_id=7&client_secret=SEKRIT-9d81c0ffee");
/// assert_eq!(text.as_str(), "blocked:\\r\\nclient_id=7&client_secret=[redacted]");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct ServerText(String);

impl ServerText {
    /// Redacts server text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let read = &text[..text.floor_char_boundary(MAX_READ_BYTES)];
        let redacted = redact_all(read);
        let mut shown: String = redacted
            .chars()
            .take(MAX_QUOTED_CHARS)
            .flat_map(visible)
            .collect();
        if redacted.chars().nth(MAX_QUOTED_CHARS).is_some() || read.len() < text.len() {
            shown.push('…');
        }
        Self(shown)
    }

    /// Wraps a constant text of the program.
    #[must_use]
    pub fn own(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ServerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl From<ServerText> for String {
    fn from(text: ServerText) -> Self {
        text.0
    }
}

/// Redacts all registered secrets, including short ones, and values after keys that mark a secret.
fn redact_all(text: &str) -> Cow<'_, str> {
    let secrets = registry::all();
    let mut spans = Spans::default();
    layers::for_each_layer(text, |layer| {
        needles::mark_secrets(layer, &secrets, SearchDepth::Everything, &mut spans);
        mark_values(layer, &mut spans);
    });
    spans.replace(text, REDACTED)
}

/// Escapes control characters, so that they cannot affect a terminal.
fn visible(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control().then(|| c.escape_default());
    let plain = (!c.is_control()).then_some(c);
    escaped.into_iter().flatten().chain(plain)
}

/// Marks values after the names of secrets.
fn mark_values(layer: &DecodedLayer, spans: &mut Spans) {
    let text = &layer.bytes;
    let starts_with = |at: usize, word: &str| {
        text.get(at..at + word.len())
            .is_some_and(|here| here.eq_ignore_ascii_case(word.as_bytes()))
    };
    let is_word_start = |at: usize| at == 0 || !text[at - 1].is_ascii_alphanumeric();
    for (at, byte) in text.iter().enumerate() {
        if !matches!(byte | 0x20, b'a' | b'b' | b'c' | b'i' | b'p' | b'r' | b's') {
            continue;
        }
        if let Some(key) = KEYS.iter().find(|key| starts_with(at, key)) {
            mark_value(layer, at + key.len(), spans);
        } else if is_word_start(at)
            && let Some(scheme) = SCHEMES.iter().find(|scheme| starts_with(at, scheme))
        {
            mark_credential(layer, at + scheme.len(), spans);
        }
    }
}

/// Marks the value after a name, if a separator says that there is one.
fn mark_value(layer: &DecodedLayer, name_end: usize, spans: &mut Spans) {
    let text = &layer.bytes;
    let separators = text[name_end..]
        .iter()
        .take_while(|byte| {
            matches!(
                byte,
                b'=' | b':' | b'"' | b'\'' | b'\\' | b'[' | b']' | b'>' | b' '
            )
        })
        .count();
    let between = &text[name_end..name_end + separators];
    let start = name_end + separators;
    let value = value_length(text, start);
    let is_given = between.contains(&b'=')
        || between.contains(&b'>')
        || (between.contains(&b':')
            && (between.ends_with(b"\"")
                || between.ends_with(b"'")
                || value >= MIN_CREDENTIAL_CHARS
                || text[start..start + value].iter().any(u8::is_ascii_digit)));
    let is_scheme = SCHEMES
        .iter()
        .any(|scheme| text[start..start + value].eq_ignore_ascii_case(scheme.as_bytes()));
    // The scheme itself is shown; what follows it is found by its name.
    if is_given && value > 0 && !is_scheme && !text[start..].starts_with(REDACTED.as_bytes()) {
        spans.add(&layer.origin[start..start + value]);
    }
}

/// Marks what follows the name of a scheme, if it looks like a credential.
fn mark_credential(layer: &DecodedLayer, name_end: usize, spans: &mut Spans) {
    let text = &layer.bytes;
    let separators = text[name_end..]
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'+' | b'\t' | b':' | b'='))
        .count();
    let start = name_end + separators;
    let value = value_length(text, start);
    if separators > 0 && value >= MIN_CREDENTIAL_CHARS {
        spans.add(&layer.origin[start..start + value]);
    }
}

fn value_length(text: &[u8], start: usize) -> usize {
    text[start..]
        .iter()
        .take_while(|byte| {
            !byte.is_ascii_whitespace()
                && !matches!(
                    byte,
                    b'&' | b'"' | b'\'' | b',' | b';' | b'<' | b'>' | b'}' | b')' | b'\\' | b'`'
                )
        })
        .count()
}
