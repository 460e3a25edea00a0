//! Secrets never appear in a text. Every secret that the program is given or receives is registered here; [`redact`] takes
//! them out of texts that leave the program, and [`ServerText`] is the only form in which words of a server are repeated.

mod layers;
mod needles;
mod registry;
mod server_text;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use layers::Spans;
use needles::Reach;

pub use server_text::ServerText;

/// What stands in place of a secret.
pub const REDACTED: &str = "[redacted]";

/// Registers a configured secret. It is taken out of every text from now on.
pub fn register(secret: &str) {
    registry::add(secret, false);
}

/// Registers a secret that a server gave out, such as an access token. The last of them are remembered.
pub fn register_token(token: &str) {
    registry::add(token, true);
}

/// The text without registered secrets: raw, percent- or form-encoded, in base64, hexadecimal, escaped for JSON or HTML, in
/// another case, split by spaces or line breaks, or half of one. Short or plain words are left alone, because a
/// text can contain them by chance: [`ServerText`] takes those out too.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let secrets = registry::all();
    if secrets.is_empty() || text.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut spans = Spans::default();
    layers::each(text, |layer| {
        needles::find(layer, &secrets, Reach::Distinctive, &mut spans);
    });
    spans.replace(text, REDACTED)
}

/// Secrets that are taken out of the data of an answer, byte by byte: long enough never to be data by chance.
#[must_use]
pub fn data_needles() -> Arc<[Vec<u8>]> {
    registry::data_needles()
}
