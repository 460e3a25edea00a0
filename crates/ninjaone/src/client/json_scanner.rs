//! Scans JSON on its way to the parser. Bytes in texts that are not Unicode are replaced, like in Go's `encoding/json`, and
//! other frequent mistakes of producers are repaired. Valid JSON passes unchanged, byte by byte.
//!
//! | in the answer | becomes |
//! |---|---|
//! | `\ud83d` without its other half | U+FFFD, one for each half |
//! | a byte that is not UTF-8 | U+FFFD, one for each byte |
//! | `\u12`, an escape that was cut | U+FFFD |
//! | a control character inside a text | the same character, escaped |
//! | `\x`, an escape that JSON does not have | the backslash itself; `\'` the quote |
//! | `NaN`, `Infinity`, `-Infinity` as values within a list or an object | `null` |
//! | a text in a list beyond [`MAX_PASSED_TEXT_BYTES`] | its beginning; [`api`](crate::api) sees that it was longer |

mod repairs;

use crate::api::MAX_LABEL_BYTES;

pub(crate) use repairs::{RepairLog, RepairedEntry, Repairs};

/// Maximum length of a text in a response, in bytes. Real texts are shorter.
pub(super) const MAX_TEXT_BYTES: usize = 16 << 20;
/// Maximum bytes of a text in a list that reach the parser, which bounds the memory of a text. Six bytes encode at least
/// one byte of text (`\u0041`), so the rest of a truncated text still exceeds every field bound.
pub(super) const MAX_PASSED_TEXT_BYTES: usize = 6 * (MAX_LABEL_BYTES + 1);
/// Maximum nesting of a response, for the same reason.
pub(super) const MAX_DEPTH: usize = 1000;
/// Bytes of a text that are kept to find the id of a row.
const MAX_HEAD_BYTES: usize = 20;

/// The bytes that replace damaged ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Replacement {
    bytes: [u8; 6],
    len: usize,
}

impl Replacement {
    fn new(text: &[u8]) -> Self {
        let mut bytes = [0; 6];
        bytes[..text.len()].copy_from_slice(text);
        Self {
            bytes,
            len: text.len(),
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The result of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scanned {
    /// Bytes that pass unchanged.
    pub(super) clean: usize,
    pub(super) then: Then,
}

/// What follows the clean bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing: all bytes are clean.
    End,
    /// An incomplete sequence.
    More,
    /// A number of bytes, and their replacement.
    Replace(usize, Replacement),
}

/// Why scanning stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Excess {
    #[error("a text of more than 16 MiB")]
    Text,
    #[error("lists and objects within each other to a depth of more than 1000")]
    Depth,
}

/// The result of scanning one sequence.
enum Sequence {
    Clean(usize),
    More,
    Replace(usize, &'static [u8], What),
    Escape(u8),
}

#[derive(Clone, Copy)]
enum What {
    NotUnicode,
    Escape,
    NotANumber,
}

const REPLACEMENT_CHARACTER: &[u8] = "\u{fffd}".as_bytes();

/// Where the scanner is in the search for an id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum IdState {
    #[default]
    Elsewhere,
    /// The text that just ended is `id`: a key, if a colon follows.
    AfterWord,
    /// The value follows.
    Value,
}

/// Tracks texts, brackets and entries of JSON.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    in_text: bool,
    /// Bytes of the text so far, removed ones included.
    text_len: usize,
    /// Whether long texts pass completely.
    whole_texts: bool,
    depth: usize,
    /// The depth of a row's own keys: 2 in a list, 1 if the response is an object.
    row_depth: usize,
    /// Commas of the outermost list.
    entries_ended: u64,
    id: Option<u64>,
    id_state: IdState,
    head: [u8; MAX_HEAD_BYTES],
    /// Bytes in `head`; exceeds its length if the text is longer or was repaired.
    head_len: usize,
    repairs: Repairs,
    /// Repairs of the entries that the parser has finished.
    log: RepairLog,
    /// Repaired entries that ended and that the parser may not have finished.
    ahead: Vec<RepairedEntry>,
    /// Ids of the last entries that ended, with their positions, since [`parsed`](Self::parsed).
    ids: Vec<(u64, u64)>,
}

impl Scanner {
    /// A scanner for a response of bounded size whose texts must not be truncated, such as a token.
    fn for_complete_texts() -> Self {
        Self {
            whole_texts: true,
            ..Self::default()
        }
    }

    /// Scans bytes, and advances past the clean and the replaced ones. `at_end` if no bytes follow.
    pub(super) fn scan(&mut self, bytes: &[u8], at_end: bool) -> Result<Scanned, Excess> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let sequence = if self.in_text {
                let run = plain_run(&bytes[at..]);
                let passed = run.min(self.room());
                self.text(&bytes[at..at + passed])?;
                at += passed;
                if passed < run {
                    return self.cut(at, run - passed);
                }
                match bytes.get(at) {
                    None => break,
                    Some(b'"') => {
                        self.end_text();
                        at += 1;
                        continue;
                    }
                    Some(b'\\') => escape(&bytes[at..]),
                    Some(byte @ 0..0x20) => Sequence::Escape(*byte),
                    Some(_) => utf8(&bytes[at..]),
                }
            } else if self.structure(byte)? {
                at += 1;
                continue;
            } else if self.depth == 0 {
                // `null` would be an empty list; the parser refuses `NaN`.
                Sequence::Clean(1)
            } else {
                not_a_number(&bytes[at..])
            };
            match sequence {
                Sequence::Clean(len) | Sequence::Replace(len, ..) if self.in_text && self.room() == 0 => {
                    return self.cut(at, len);
                }
                Sequence::Escape(_) if self.room() == 0 => return self.cut(at, 1),
                Sequence::Clean(len) => {
                    self.pass(&bytes[at..at + len])?;
                    at += len;
                }
                // The parser reports a sequence that is truncated at the end.
                Sequence::More if at_end => {
                    self.pass(&bytes[at..])?;
                    at = bytes.len();
                }
                Sequence::More => {
                    return Ok(Scanned {
                        clean: at,
                        then: Then::More,
                    });
                }
                Sequence::Replace(len, with, what) => {
                    return self.replace(at, len, Replacement::new(with), what);
                }
                Sequence::Escape(control) => {
                    let hex = |digit: u8| b"0123456789abcdef"[usize::from(digit)];
                    let with = [b'\\', b'u', b'0', b'0', hex(control >> 4), hex(control & 15)];
                    return self.replace(at, 1, Replacement::new(&with), What::Escape);
                }
            }
        }
        Ok(Scanned {
            clean: bytes.len(),
            then: Then::End,
        })
    }

    /// All repairs so far, those of the last entry too.
    fn log(&self) -> RepairLog {
        let mut log = self.log_until(u64::MAX);
        if !self.repairs.is_empty() {
            log.add(self.current());
        }
        log
    }

    /// The repairs in the first `parsed` entries. The scanner is ahead of the parser, by as much as has arrived.
    pub(super) fn log_until(&self, parsed: u64) -> RepairLog {
        let mut log = self.log.clone();
        for entry in self.ahead.iter().take_while(|repaired| repaired.entry <= parsed) {
            log.add(*entry);
        }
        log
    }

    /// The id of the last entry up to this one that has one.
    pub(super) fn last_id(&self, entry: u64) -> Option<u64> {
        let upto = self.ids.iter().rev().find(|(position, _)| *position <= entry);
        upto.map(|(_, id)| *id)
    }

    /// Keeps of the entries before the `parsed`th the repairs and the last id. Later entries stay apart: a parser that failed in
    /// an entry, or behind the last one, may read on to find its end.
    pub(super) fn parsed(&mut self, parsed: u64) {
        let last = self.ids.iter().rposition(|(position, _)| *position < parsed);
        self.ids.drain(..last.unwrap_or(0));
        let finished = self.ahead.partition_point(|repaired| repaired.entry < parsed);
        for entry in self.ahead.drain(..finished) {
            self.log.add(entry);
        }
    }

    /// Bytes of the current text that may still pass.
    fn room(&self) -> usize {
        if self.whole_texts {
            usize::MAX
        } else {
            MAX_PASSED_TEXT_BYTES.saturating_sub(self.text_len)
        }
    }

    /// Removes the bytes beyond the bound.
    fn cut(&mut self, clean: usize, len: usize) -> Result<Scanned, Excess> {
        self.text_len += len;
        if self.text_len > MAX_TEXT_BYTES {
            return Err(Excess::Text);
        }
        Ok(Scanned {
            clean,
            then: Then::Replace(len, Replacement::new(b"")),
        })
    }

    fn replace(
        &mut self,
        clean: usize,
        len: usize,
        with: Replacement,
        what: What,
    ) -> Result<Scanned, Excess> {
        match what {
            What::NotUnicode => self.repairs.not_unicode += 1,
            What::Escape => self.repairs.escapes += 1,
            What::NotANumber => {
                self.repairs.not_numbers += 1;
                self.id_state = IdState::Elsewhere;
            }
        }
        if self.in_text {
            self.text_len += with.len;
            self.head_len = MAX_HEAD_BYTES + 1;
            if self.text_len > MAX_TEXT_BYTES {
                return Err(Excess::Text);
            }
        }
        Ok(Scanned {
            clean,
            then: Then::Replace(len, with),
        })
    }

    fn pass(&mut self, bytes: &[u8]) -> Result<(), Excess> {
        if self.in_text { self.text(bytes) } else { Ok(()) }
    }

    /// A part of a text.
    fn text(&mut self, bytes: &[u8]) -> Result<(), Excess> {
        self.text_len += bytes.len();
        if self.text_len > MAX_TEXT_BYTES {
            return Err(Excess::Text);
        }
        if self.depth == self.row_depth {
            let end = self.head_len + bytes.len();
            match self.head.get_mut(self.head_len..end) {
                Some(head) => {
                    head.copy_from_slice(bytes);
                    self.head_len = end;
                }
                None => self.head_len = MAX_HEAD_BYTES + 1,
            }
        }
        Ok(())
    }

    fn end_text(&mut self) {
        self.in_text = false;
        if self.depth != self.row_depth {
            return;
        }
        let head = self.head.get(..self.head_len).unwrap_or_default();
        if self.id_state == IdState::Value {
            self.id = std::str::from_utf8(head)
                .ok()
                .and_then(|text| text.trim().parse().ok());
            self.id_state = IdState::Elsewhere;
        } else {
            self.id_state = if head == b"id" {
                IdState::AfterWord
            } else {
                IdState::Elsewhere
            };
        }
    }

    /// A byte outside texts; false if it begins a value that JSON does not have.
    fn structure(&mut self, byte: u8) -> Result<bool, Excess> {
        match byte {
            b'"' => {
                self.in_text = true;
                self.text_len = 0;
                self.head_len = 0;
            }
            b'[' | b'{' => {
                if self.depth == 0 {
                    self.row_depth = if byte == b'[' { 2 } else { 1 };
                }
                self.depth += 1;
                self.id_state = IdState::Elsewhere;
                if self.depth > MAX_DEPTH {
                    return Err(Excess::Depth);
                }
            }
            b']' | b'}' => {
                self.depth = self.depth.saturating_sub(1);
                self.id_state = IdState::Elsewhere;
                if self.depth == 0 {
                    self.end_entry();
                }
            }
            b',' => {
                self.id_state = IdState::Elsewhere;
                if self.depth == 1 && self.row_depth == 2 {
                    self.end_entry();
                }
            }
            b':' => {
                let is_id = self.id_state == IdState::AfterWord && self.depth == self.row_depth;
                self.id_state = if is_id { IdState::Value } else { IdState::Elsewhere };
                if is_id {
                    self.id = None;
                }
            }
            b'0'..=b'9' if self.id_state == IdState::Value => {
                let digit = u64::from(byte - b'0');
                let more = self.id.unwrap_or(0).checked_mul(10);
                self.id = more.and_then(|id| id.checked_add(digit));
                if self.id.is_none() {
                    self.id_state = IdState::Elsewhere;
                }
            }
            // Not an id, but another number.
            b'.' | b'e' | b'E' if self.id_state == IdState::Value => {
                self.id = None;
                self.id_state = IdState::Elsewhere;
            }
            b'-' => {
                self.id_state = IdState::Elsewhere;
                return Ok(false);
            }
            b'n' | b'N' | b'i' | b'I' => return Ok(false),
            _ => {}
        }
        Ok(true)
    }

    fn current(&self) -> RepairedEntry {
        RepairedEntry {
            entry: self.entries_ended + 1,
            id: self.id,
            repairs: self.repairs,
        }
    }

    fn end_entry(&mut self) {
        if !self.repairs.is_empty() {
            self.ahead.push(self.current());
            self.repairs = Repairs::default();
        }
        self.entries_ended += 1;
        if let Some(id) = self.id.take() {
            self.ids.push((self.entries_ended, id));
        }
    }
}

/// Number of leading bytes that are plain ASCII: no quote, no escape, no control character.
fn plain_run(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    let is_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let (words, rest) = bytes.as_chunks::<8>();
    for (position, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let sanitize = is_zero(word ^ (ONES * u64::from(b'"')));
        let backslash = is_zero(word ^ (ONES * u64::from(b'\\')));
        let special = (control | sanitize | backslash | word) & HIGHS;
        if special != 0 {
            return position * 8 + (special.trailing_zeros() / 8) as usize;
        }
    }
    let plain = |byte: &u8| matches!(byte, 0x20..0x80) && !matches!(byte, b'"' | b'\\');
    let tail = rest.iter().position(|byte| !plain(byte));
    words.len() * 8 + tail.unwrap_or(rest.len())
}

/// Scans an escape from its backslash.
fn escape(bytes: &[u8]) -> Sequence {
    match bytes.get(1) {
        None => Sequence::More,
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Sequence::Clean(2),
        Some(b'u') => unicode_escape(bytes),
        Some(b'\'') => Sequence::Replace(2, b"'", What::Escape),
        Some(_) => Sequence::Replace(1, b"\\\\", What::Escape),
    }
}

fn unicode_escape(bytes: &[u8]) -> Sequence {
    match hex(&bytes[2..]) {
        Hex::Cut => Sequence::More,
        Hex::Not(digits) => Sequence::Replace(2 + digits, REPLACEMENT_CHARACTER, What::NotUnicode),
        Hex::Unit(0xd800..=0xdbff) => match &bytes[6..] {
            [] | [b'\\'] => Sequence::More,
            [b'\\', b'u', rest @ ..] => match hex(rest) {
                Hex::Cut => Sequence::More,
                Hex::Unit(0xdc00..=0xdfff) => Sequence::Clean(12),
                _ => Sequence::Replace(6, REPLACEMENT_CHARACTER, What::NotUnicode),
            },
            _ => Sequence::Replace(6, REPLACEMENT_CHARACTER, What::NotUnicode),
        },
        Hex::Unit(0xdc00..=0xdfff) => Sequence::Replace(6, REPLACEMENT_CHARACTER, What::NotUnicode),
        Hex::Unit(_) => Sequence::Clean(6),
    }
}

enum Hex {
    Unit(u32),
    /// More digits may follow.
    Cut,
    /// A number of digits, followed by another byte.
    Not(usize),
}

fn hex(bytes: &[u8]) -> Hex {
    let mut unit = 0;
    for position in 0..4 {
        let Some(byte) = bytes.get(position) else {
            return Hex::Cut;
        };
        let Some(digit) = char::from(*byte).to_digit(16) else {
            return Hex::Not(position);
        };
        unit = unit * 16 + digit;
    }
    Hex::Unit(unit)
}

/// Scans a character beyond ASCII. Like in Go, each byte of an invalid one is replaced separately.
fn utf8(bytes: &[u8]) -> Sequence {
    const CONTINUATION: std::ops::RangeInclusive<u8> = 0x80..=0xbf;
    let (len, second) = match bytes[0] {
        0xc2..=0xdf => (2, CONTINUATION),
        0xe0 => (3, 0xa0..=0xbf),
        0xed => (3, 0x80..=0x9f),
        0xe1..=0xef => (3, CONTINUATION),
        0xf0 => (4, 0x90..=0xbf),
        0xf1..=0xf3 => (4, CONTINUATION),
        0xf4 => (4, 0x80..=0x8f),
        _ => return Sequence::Replace(1, REPLACEMENT_CHARACTER, What::NotUnicode),
    };
    for position in 1..len {
        let allowed = if position == 1 { &second } else { &CONTINUATION };
        match bytes.get(position) {
            None => return Sequence::More,
            Some(byte) if allowed.contains(byte) => {}
            Some(_) => return Sequence::Replace(1, REPLACEMENT_CHARACTER, What::NotUnicode),
        }
    }
    Sequence::Clean(len)
}

/// Scans a value that may be `NaN` or `Infinity`, in the spellings of several languages. `null` and numbers are clean.
fn not_a_number(bytes: &[u8]) -> Sequence {
    let sign = usize::from(bytes[0] == b'-');
    let value = &bytes[sign..];
    match value.first() {
        None => return Sequence::More,
        Some(b'n' | b'N' | b'i' | b'I') => {}
        Some(_) => return Sequence::Clean(1),
    }
    let words: [&[u8]; 3] = [b"nan", b"infinity", b"inf"];
    for word in words {
        let len = word.len().min(value.len());
        if value[..len].eq_ignore_ascii_case(&word[..len]) {
            return if len < word.len() {
                Sequence::More
            } else {
                Sequence::Replace(sign + len, b"null", What::NotANumber)
            };
        }
    }
    Sequence::Clean(1)
}

/// Scans a complete response, and returns its repairs.
pub(super) fn repair_complete(body: Vec<u8>) -> Result<(Vec<u8>, RepairLog), Excess> {
    let mut scanner = Scanner::for_complete_texts();
    let mut step = scanner.scan(&body, true)?;
    if step.then == Then::End {
        return Ok((body, RepairLog::default()));
    }
    let mut repaired = Vec::with_capacity(body.len() + 16);
    let mut rest = body.as_slice();
    loop {
        repaired.extend_from_slice(&rest[..step.clean]);
        rest = &rest[step.clean..];
        if let Then::Replace(len, with) = step.then {
            repaired.extend_from_slice(with.as_bytes());
            rest = &rest[len..];
        }
        if rest.is_empty() {
            return Ok((repaired, scanner.log()));
        }
        step = scanner.scan(rest, true)?;
    }
}

#[cfg(test)]
mod tests;
