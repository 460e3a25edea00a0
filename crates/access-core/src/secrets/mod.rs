//! Redaction of secrets. Every secret that the program reads or receives is registered here; [`redact`] removes them
//! from outgoing texts, and [`ServerText`] is the only form in which server text is repeated.

mod data;
mod layers;
mod needles;
mod registry;
mod server_text;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use data::DataSecrets;
use layers::Spans;
use needles::SearchDepth;

pub use layers::REDACTED;
pub use server_text::ServerText;

/// Long texts are searched in chunks of this size, extended to the next line end, because a search takes many times the
/// memory.
const PIECE_BYTES: usize = 64 << 10;

/// Registers a configured secret for redaction.
pub fn register(secret: &str) {
    registry::add(secret, false);
}

/// Registers a secret that a server issued, such as an access token. Only the most recent ones are kept.
pub fn register_token(token: &str) {
    registry::add(token, true);
}

/// Redacts registered secrets: raw, percent- or form-encoded, base64, hexadecimal, escaped for JSON or HTML, in another
/// case, split by spaces or line breaks, or cut in half. Short or plain words are kept, because a text can contain them
/// by chance; [`ServerText`] redacts those too.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let secrets = registry::all();
    if secrets.is_empty() || text.is_empty() {
        return Cow::Borrowed(text);
    }
    let of_piece = |piece| {
        let mut spans = Spans::default();
        layers::for_each_layer(piece, |layer| {
            needles::mark_secrets(layer, &secrets, SearchDepth::Distinctive, &mut spans);
        });
        spans.replace(piece, REDACTED)
    };
    if text.len() <= PIECE_BYTES {
        return of_piece(text);
    }
    let mut redacted = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(piece_end(rest));
        redacted.push_str(&of_piece(piece));
        rest = after;
    }
    if redacted == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(redacted)
    }
}

/// End of the first chunk: a line end, so that no secret within a line is split.
fn piece_end(text: &str) -> usize {
    let least = text.floor_char_boundary(PIECE_BYTES);
    text[least..].find('\n').map_or(text.len(), |at| least + at + 1)
}

thread_local! {
    /// The secrets at a version of the registry, so that a text needs no lock.
    static CURRENT: RefCell<(u64, Arc<DataSecrets>)> = RefCell::default();
}

/// Redacts registered secrets in a text of a tenant, in all forms of [`redact`](super::redact). Secrets of less than 16 bytes are
/// kept, because a name can contain them by chance.
#[must_use]
pub fn redact_data(text: &str) -> Cow<'_, str> {
    CURRENT.with_borrow_mut(|(version, secrets)| {
        let newest = registry::version();
        if *version != newest {
            *secrets = registry::data();
            *version = newest;
        }
        secrets.redact(text)
    })
}
