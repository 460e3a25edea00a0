//! The encoded forms of a secret and their search.

use std::fmt::Write as _;

use super::layers::{DecodedLayer, Spans};

/// Minimum letters and digits of a secret to be found within other text.
pub(super) const MIN_NEEDLE_BYTES: usize = 8;
/// Minimum length at which a secret of plain letters cannot be a word of a language.
const MIN_PLAIN_BYTES: usize = 12;
/// Minimum length of a secret to be redacted as a separate word.
const MIN_WORD_BYTES: usize = 4;
/// Minimum length of a secret to be redacted in data.
const MIN_DATA_BYTES: usize = 16;

/// The depth of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SearchDepth {
    /// Only secrets that no text contains by chance.
    Distinctive,
    /// Also short and plain words.
    Everything,
}

/// A secret and its encoded forms. All but the raw text are reduced to lower-case letters and digits: punctuation,
/// spaces and line breaks between them are ignored, here and in the text.
pub(super) struct Secret {
    raw: String,
    plain: Vec<u8>,
    encoded: Vec<Vec<u8>>,
}

impl Secret {
    pub(super) fn new(raw: &str) -> Self {
        let mut encoded = Vec::new();
        let form = form_encoded(raw);
        for bytes in [raw.as_bytes(), form.as_bytes()] {
            // The preceding bytes decide which of three base64 forms the secret has.
            encoded.extend((0..3).map(|before| folded(&base64_within(bytes, before))));
        }
        encoded.push(folded(crate::hex(raw.as_bytes()).as_bytes()));
        encoded.retain(|needle| needle.len() >= MIN_NEEDLE_BYTES);
        encoded.sort();
        encoded.dedup();
        Self {
            plain: folded(raw.as_bytes()),
            raw: raw.to_owned(),
            encoded,
        }
    }

    pub(super) fn is(&self, secret: &str) -> bool {
        self.raw == secret
    }

    /// Whether no text contains it by chance.
    fn is_distinctive(&self) -> bool {
        let has = |is: fn(&u8) -> bool| self.raw.as_bytes().iter().any(is);
        let mixed = has(u8::is_ascii_digit) || (has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase));
        self.plain.len() >= MIN_PLAIN_BYTES || (self.plain.len() >= MIN_NEEDLE_BYTES && mixed)
    }

    /// Whether it is redacted in data, which cannot contain it by chance.
    pub(super) fn is_for_data(&self) -> bool {
        let is_number = self.raw.bytes().all(|byte| byte.is_ascii_digit());
        let is_long = self.raw.len() >= MIN_DATA_BYTES && self.plain.len() >= MIN_NEEDLE_BYTES;
        is_long && !is_number && self.is_distinctive()
    }

    /// The parts that a search for distinctive secrets looks for begin like one of these, which have at least
    /// [`MIN_NEEDLE_BYTES`]: every form from its beginning and from its middle.
    pub(super) fn searched_parts(&self) -> impl Iterator<Item = &[u8]> {
        let forms = std::iter::once(&self.plain).chain(&self.encoded);
        forms.flat_map(|form| [&form[..], &form[form.len() - half_length(form)..]])
    }
}

/// Marks all secrets in a layer.
pub(super) fn mark_secrets(
    layer: &DecodedLayer,
    secrets: &[std::sync::Arc<Secret>],
    depth: SearchDepth,
    spans: &mut Spans,
) {
    let text = FoldedText::of(layer);
    for secret in secrets {
        let distinctive = secret.is_distinctive();
        if secret.plain.len() >= MIN_NEEDLE_BYTES && (distinctive || depth == SearchDepth::Everything) {
            text.mark(&secret.plain, spans);
        } else if depth == SearchDepth::Everything || secret.raw.len() >= MIN_PLAIN_BYTES {
            mark_word(layer, secret.raw.as_bytes(), spans);
        }
        for needle in &secret.encoded {
            text.mark(needle, spans);
        }
    }
}

/// Marks a short secret where it is a separate word.
fn mark_word(layer: &DecodedLayer, word: &[u8], spans: &mut Spans) {
    if word.len() < MIN_WORD_BYTES {
        return;
    }
    let is_inside = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let ends_plain = (
        word.first().is_some_and(u8::is_ascii_alphanumeric),
        word.last().is_some_and(u8::is_ascii_alphanumeric),
    );
    for at in positions(&layer.bytes, word) {
        let before = at.checked_sub(1).and_then(|before| layer.bytes.get(before));
        let after = layer.bytes.get(at + word.len());
        if !(ends_plain.0 && is_inside(before) || ends_plain.1 && is_inside(after)) {
            spans.add(&layer.origin[at..at + word.len()]);
        }
    }
}

/// Letters and digits of a layer in lower case with their positions.
struct FoldedText<'a> {
    layer: &'a DecodedLayer,
    bytes: Vec<u8>,
    positions: Vec<usize>,
}

impl<'a> FoldedText<'a> {
    fn of(layer: &'a DecodedLayer) -> Self {
        let mut bytes = Vec::with_capacity(layer.bytes.len());
        let mut positions = Vec::with_capacity(layer.bytes.len());
        for (position, byte) in layer.bytes.iter().enumerate() {
            if byte.is_ascii_alphanumeric() {
                bytes.push(byte.to_ascii_lowercase());
                positions.push(position);
            }
        }
        Self {
            layer,
            bytes,
            positions,
        }
    }

    /// Marks a needle, or one half of it and adjacent matching bytes: a server may have truncated it.
    fn mark(&self, needle: &[u8], spans: &mut Spans) {
        let half = half_length(needle);
        let length = |part: &[u8]| if is_rare(part) { half } else { needle.len() };
        let head = length(&needle[..half]);
        for start in positions(&self.bytes, &needle[..head]) {
            let more = self.bytes[start + head..]
                .iter()
                .zip(&needle[head..])
                .take_while(|(here, expected)| here == expected)
                .count();
            self.add(start, start + head + more, spans);
        }
        let tail = length(&needle[needle.len() - half..]);
        if tail == needle.len() {
            return;
        }
        let rest = needle.len() - tail;
        for start in positions(&self.bytes, &needle[rest..]) {
            let more = self.bytes[..start]
                .iter()
                .rev()
                .zip(needle[..rest].iter().rev())
                .take_while(|(here, expected)| here == expected)
                .count();
            self.add(start - more, start + tail, spans);
        }
    }

    fn add(&self, start: usize, end: usize, spans: &mut Spans) {
        if let (Some(&first), Some(&last)) = (self.positions.get(start), self.positions.get(end - 1)) {
            spans.add(&self.layer.origin[first..=last]);
        }
    }
}

/// Bytes of a needle that are searched for if the rest may be missing.
fn half_length(needle: &[u8]) -> usize {
    (needle.len() / 2).max(MIN_NEEDLE_BYTES).min(needle.len())
}

/// Whether a part of a secret is unlikely in ordinary text.
fn is_rare(part: &[u8]) -> bool {
    part.len() >= MIN_PLAIN_BYTES || part.iter().any(u8::is_ascii_digit)
}

/// Positions of a needle in a text.
fn positions<'a>(text: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let first = needle.first().copied();
    text.iter()
        .enumerate()
        .filter(move |(at, byte)| Some(**byte) == first && text[*at..].starts_with(needle))
        .map(|(at, _)| at)
}

fn folded(bytes: &[u8]) -> Vec<u8> {
    let plain = bytes.iter().filter(|byte| byte.is_ascii_alphanumeric());
    plain.map(u8::to_ascii_lowercase).collect()
}

fn form_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'-' | b'.' | b'_') {
            encoded.push(char::from(byte));
        } else {
            // Writing into a text cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The base64 characters that depend on these bytes only, given the number of preceding bytes.
fn base64_within(bytes: &[u8], before: usize) -> Vec<u8> {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |index: usize| {
        let byte = bytes[index / 8];
        (byte >> (7 - index % 8)) & 1
    };
    // The first whole group of six bits that begins within the bytes.
    let shift = before * 8;
    let first = shift.next_multiple_of(6) - shift;
    let bits = bytes.len() * 8;
    let groups = (first..bits).step_by(6).take_while(|start| start + 6 <= bits);
    groups
        .map(|start| {
            let value = (start..start + 6).fold(0, |value, index| value << 1 | bit(index));
            digits[usize::from(value)]
        })
        .collect()
}
