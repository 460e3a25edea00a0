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
use needles::SearchDepth;

pub use server_text::ServerText;

/// A long text is looked at in pieces of this many bytes and the rest of a line, because a look takes many times the memory.
const PIECE_BYTES: usize = 64 << 10;

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
    let of_piece = |piece| {
        let mut spans = Spans::default();
        layers::each(piece, |layer| {
            needles::find(layer, &secrets, SearchDepth::Distinctive, &mut spans);
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

/// Where the first piece of a long text ends: after whole lines, so that no secret on one line is cut.
fn piece_end(text: &str) -> usize {
    let least = text.floor_char_boundary(PIECE_BYTES);
    text[least..].find('\n').map_or(text.len(), |at| least + at + 1)
}

/// Secrets that are taken out of the data of an answer, byte by byte: long enough never to be data by chance.
#[must_use]
pub fn data_needles() -> Arc<[Vec<u8>]> {
    registry::data_needles()
}
