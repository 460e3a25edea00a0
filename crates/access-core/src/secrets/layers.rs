//! A text in decoded layers: as it is, and with its escapes undone up to three times. Each byte maps to the range of
//! the original text that it comes from.

use std::borrow::Cow;

/// Replacement of a secret.
pub const REDACTED: &str = "[redacted]";
/// Maximum depth of nested escapes.
const MAX_DECODINGS: usize = 3;

/// Bytes with their ranges in the original text.
pub(super) struct DecodedLayer {
    pub(super) bytes: Vec<u8>,
    /// Start and end in the original text for each byte; both are character boundaries.
    pub(super) origin: Vec<(usize, usize)>,
}

/// Visits the text, then each decoded layer while there are escapes.
pub(super) fn for_each_layer(text: &str, mut visit: impl FnMut(&DecodedLayer)) {
    let mut layer = DecodedLayer::of(text);
    visit(&layer);
    for _ in 0..MAX_DECODINGS {
        match layer.decoded() {
            Some(decoded) => layer = decoded,
            None => return,
        }
        visit(&layer);
    }
}

impl DecodedLayer {
    fn of(text: &str) -> Self {
        let mut layer = Self::with_capacity(text.len());
        for (start, c) in text.char_indices() {
            let mut bytes = [0; 4];
            layer.push(
                c.encode_utf8(&mut bytes).as_bytes(),
                (start, start + c.len_utf8()),
            );
        }
        layer
    }

    fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(capacity),
            origin: Vec::with_capacity(capacity),
        }
    }

    fn push(&mut self, bytes: &[u8], origin: (usize, usize)) {
        self.bytes.extend_from_slice(bytes);
        self.origin.resize(self.bytes.len(), origin);
    }

    /// The next layer with escapes undone; `None` if there are none.
    fn decoded(&self) -> Option<Self> {
        if !self.bytes.iter().any(|byte| matches!(byte, b'%' | b'\\' | b'&')) {
            return None;
        }
        let mut decoded = Self::with_capacity(self.bytes.len());
        let mut changed = false;
        let mut at = 0;
        while let Some(&byte) = self.bytes.get(at) {
            let rest = &self.bytes[at..];
            let escape = match byte {
                b'%' => percent(rest),
                b'\\' => backslash(rest),
                b'&' => entity(rest),
                _ => None,
            };
            if let Some((c, length)) = escape {
                let origin = (self.origin[at].0, self.origin[at + length - 1].1);
                match c {
                    Unescaped::Byte(byte) => decoded.push(&[byte], origin),
                    Unescaped::Char(c) => decoded.push(c.encode_utf8(&mut [0; 4]).as_bytes(), origin),
                }
                changed = true;
                at += length;
            } else {
                decoded.push(&[byte], self.origin[at]);
                at += 1;
            }
        }
        changed.then_some(decoded)
    }
}

enum Unescaped {
    Byte(u8),
    Char(char),
}

/// `%2B`.
fn percent(rest: &[u8]) -> Option<(Unescaped, usize)> {
    let byte = number(rest.get(1..3)?, 16)?;
    Some((Unescaped::Byte(u8::try_from(byte).ok()?), 3))
}

/// `\u002b`, `\u{2b}`, `\x2b`, `\/`, `\n`.
fn backslash(rest: &[u8]) -> Option<(Unescaped, usize)> {
    let short = match rest.get(1)? {
        b'u' if rest.get(2) == Some(&b'{') => {
            let end = rest.iter().take(10).position(|byte| *byte == b'}')?;
            let c = char::from_u32(number(rest.get(3..end)?, 16)?)?;
            return Some((Unescaped::Char(c), end + 1));
        }
        b'u' => {
            let c = char::from_u32(number(rest.get(2..6)?, 16)?)?;
            return Some((Unescaped::Char(c), 6));
        }
        b'x' => {
            let byte = u8::try_from(number(rest.get(2..4)?, 16)?).ok()?;
            return Some((Unescaped::Byte(byte), 4));
        }
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        &c @ (b'/' | b'\\' | b'"' | b'\'') => c,
        _ => return None,
    };
    Some((Unescaped::Byte(short), 2))
}

/// `&amp;`, `&#43;`, `&#x2b;`.
fn entity(rest: &[u8]) -> Option<(Unescaped, usize)> {
    let end = rest.iter().take(10).position(|byte| *byte == b';')?;
    let name = rest.get(1..end)?;
    let c = match name {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
        [b'#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
        _ => return None,
    };
    Some((Unescaped::Char(c), end + 1))
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    if digits.is_empty() || digits.len() > 7 {
        return None;
    }
    digits.iter().try_fold(0, |number, digit| {
        Some(number * radix + char::from(*digit).to_digit(radix)?)
    })
}

/// Ranges of a text to be redacted.
#[derive(Debug, Default)]
pub(super) struct Spans(Vec<(usize, usize)>);

impl Spans {
    /// Adds the range that some bytes of a layer come from.
    pub(super) fn add(&mut self, origins: &[(usize, usize)]) {
        if let (Some(first), Some(last)) = (origins.first(), origins.last()) {
            self.0.push((first.0, last.1));
        }
    }

    /// Replaces these ranges.
    pub(super) fn replace<'t>(mut self, text: &'t str, by: &str) -> Cow<'t, str> {
        if self.0.is_empty() {
            return Cow::Borrowed(text);
        }
        self.0.sort_unstable();
        let mut shown = String::with_capacity(text.len());
        let mut at = 0;
        for (start, end) in self.0 {
            if end <= at {
                continue;
            }
            if start >= at {
                shown.push_str(text.get(at..start).unwrap_or_default());
                shown.push_str(by);
            }
            at = end;
        }
        shown.push_str(text.get(at..).unwrap_or_default());
        Cow::Owned(shown)
    }
}
