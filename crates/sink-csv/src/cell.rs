//! Texts as cells, written so that a spreadsheet reads no piece of them as a formula.
//!
//! A spreadsheet splits lines at the separator of its locale, or at several at once, and not every one honours quotes. So it is not
//! enough to look at the beginning of a text: after every character at which a text may be split, the rest is the beginning of a
//! cell. An apostrophe is put directly before each formula character that such a piece begins with; spaces, quotes and apostrophes
//! before it are ignored. Adding an apostrophe does not move the next such position, so that removing one at each of them restores the
//! text.

use std::borrow::Cow;
use std::fmt::Write;

use access_dataset::ColumnKind;
use memchr::{memchr_iter, memchr2, memchr3};

use crate::dialect::{Dialect, SpreadsheetSafety};

/// The character before a piece that would be a formula.
const GUARD: char = '\'';

/// Whether texts can be written without quotes and without further checks: none needs quotes, and none can be split.
pub(crate) fn is_plain(texts: &[u8], dialect: Dialect) -> bool {
    if memchr3(b'"', b'\n', b'\r', texts).is_some() {
        return false;
    }
    match dialect.safety {
        SpreadsheetSafety::Safe => {
            memchr3(b',', b';', b'\t', texts).is_none() && memchr2(b'|', b'"', texts).is_none()
        }
        SpreadsheetSafety::SafeAtStart | SpreadsheetSafety::Raw => {
            memchr2(dialect.delimiter.byte(), b'"', texts).is_none()
        }
    }
}

/// The content type of a text, which decides how its pieces are kept from being formulas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Text: an apostrophe.
    Text,
    /// JSON: the character is escaped as JSON escapes it, so that it stays the same JSON.
    Json,
}

impl From<ColumnKind> for Content {
    fn from(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Json => Self::Json,
            _ => Self::Text,
        }
    }
}

/// Writes a text into a line. An empty text is quoted, which distinguishes it from null.
pub(crate) fn write_text(text: &str, content: Content, plain: bool, dialect: Dialect, line: &mut Vec<u8>) {
    let quoted = !plain || text.is_empty();
    if quoted {
        line.push(b'"');
    }
    if begins_with_control(text, dialect.safety) {
        line.push(GUARD as u8);
    }
    let mut begin = 0;
    let mut strings = JsonStrings::default();
    for at in formula_places(text, plain, dialect.safety) {
        write_part(&text[begin..at], quoted, line);
        begin = at;
        let formula = text[at..].chars().next().filter(|_| content == Content::Json);
        match formula {
            Some(c) if strings.is_inside(text, at) => {
                line.extend_from_slice(escape(c).as_bytes());
                begin += c.len_utf8();
            }
            _ => line.push(GUARD as u8),
        }
    }
    write_part(&text[begin..], quoted, line);
    if quoted {
        line.push(b'"');
    }
}

/// The text as it was before it was written.
pub(crate) fn restore(text: &str, content: Content, safety: SpreadsheetSafety) -> Cow<'_, str> {
    let mut restored = Cow::Borrowed(text);
    if safety == SpreadsheetSafety::Raw {
        return restored;
    }
    if begins_with_control(text, safety)
        && let Some(rest) = text.strip_prefix(GUARD)
    {
        restored = Cow::Borrowed(rest);
    }
    let indices: Vec<usize> = formula_places(&restored, false, safety)
        .filter(|at| restored[..*at].ends_with(GUARD))
        .collect();
    if !indices.is_empty() {
        let (mut parts, mut begin) = (String::with_capacity(restored.len()), 0);
        for at in indices {
            parts.push_str(&restored[begin..at - GUARD.len_utf8()]);
            begin = at;
        }
        parts.push_str(&restored[begin..]);
        restored = Cow::Owned(parts);
    }
    if content == Content::Json
        && safety == SpreadsheetSafety::Safe
        && let Some(unescaped) = unescape(&restored)
    {
        restored = Cow::Owned(unescaped);
    }
    restored
}

/// Whether a text begins with a character that a spreadsheet skips before it looks for a formula: such a text gets an apostrophe at
/// its very beginning, whatever follows.
fn begins_with_control(text: &str, safety: SpreadsheetSafety) -> bool {
    let text = text.trim_start_matches(GUARD);
    match safety {
        SpreadsheetSafety::Safe => text.starts_with(['\t', '\r', '\n']),
        SpreadsheetSafety::SafeAtStart => text.starts_with(['\t', '\r']),
        SpreadsheetSafety::Raw => false,
    }
}

/// Where the formula characters are that a piece of the text begins with.
fn formula_places(text: &str, plain: bool, safety: SpreadsheetSafety) -> FormulaPlaces<'_> {
    FormulaPlaces {
        text,
        at: (safety != SpreadsheetSafety::Raw).then_some(0),
        first_only: plain,
        safety,
    }
}

struct FormulaPlaces<'a> {
    text: &'a str,
    /// Where the next piece begins.
    at: Option<usize>,
    /// The text has one piece.
    first_only: bool,
    safety: SpreadsheetSafety,
}

impl FormulaPlaces<'_> {
    fn next_of_all_pieces(&mut self) -> Option<usize> {
        while let Some(mut at) = self.at.take() {
            // Skipped characters before the piece are ignored; a separator among them starts a new piece.
            let first = self.text[at..].char_indices().find(|(_, c)| !is_skipped(*c));
            let (skipped, first) = first?;
            at += skipped;
            if !self.first_only {
                let after = self.text.as_bytes()[at..]
                    .iter()
                    .position(|byte| is_separator(*byte));
                self.at = after.map(|after| at + after + 1);
            }
            if is_formula(first) {
                return Some(at);
            }
        }
        None
    }

    /// The rule of older files: the first character of a text, apostrophes aside.
    fn next_at_start(&mut self) -> Option<usize> {
        self.at.take()?;
        let rest = self.text.trim_start_matches(GUARD);
        let is_formula = rest.starts_with(['=', '+', '-', '@']);
        is_formula.then_some(self.text.len() - rest.len())
    }
}

impl Iterator for FormulaPlaces<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        match self.safety {
            SpreadsheetSafety::Safe => self.next_of_all_pieces(),
            SpreadsheetSafety::SafeAtStart => self.next_at_start(),
            SpreadsheetSafety::Raw => None,
        }
    }
}

/// Whether a character begins a formula, also in its full-width form, which spreadsheets accept too.
fn is_formula(c: char) -> bool {
    matches!(
        c,
        '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '﹦' | '﹢' | '﹣' | '﹫'
    )
}

/// Characters at which a spreadsheet may split a line.
fn is_separator(byte: u8) -> bool {
    matches!(byte, b',' | b';' | b'\t' | b'|' | b'\n' | b'\r')
}

/// Whether a character may precede the formula character of a piece: separators, spaces, quotes, apostrophes, and invisible
/// characters.
fn is_skipped(c: char) -> bool {
    matches!(c, ',' | ';' | '|' | '"' | GUARD)
        || c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn write_part(part: &str, quoted: bool, line: &mut Vec<u8>) {
    let (part, mut begin) = (part.as_bytes(), 0);
    if quoted {
        for quote in memchr_iter(b'"', part) {
            line.extend_from_slice(&part[begin..=quote]);
            // The quote stands at the begin of the next part too.
            begin = quote;
        }
    }
    line.extend_from_slice(&part[begin..]);
}

/// Whether positions of a JSON text, in ascending order, are inside of its strings.
#[derive(Default)]
struct JsonStrings {
    seen: usize,
    inside: bool,
    escaped: bool,
}

impl JsonStrings {
    fn is_inside(&mut self, text: &str, at: usize) -> bool {
        for byte in &text.as_bytes()[self.seen..at] {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = self.inside,
                b'"' => self.inside = !self.inside,
                _ => {}
            }
        }
        self.seen = at;
        self.inside && !self.escaped
    }
}

/// A character as JSON can always write it.
fn escape(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}

/// JSON in which no formula character is escaped; nothing if none is.
fn unescape(json: &str) -> Option<String> {
    let (mut parts, mut begin, mut at) = (String::new(), 0, 0);
    while let Some(backslash) = json[at..].find('\\') {
        let backslash = at + backslash;
        let code = json.get(backslash + 2..backslash + 6);
        let is_code = |code: &&str| json.as_bytes()[backslash + 1] == b'u' && !code.starts_with('+');
        let code = code.filter(is_code);
        let c = code.and_then(|code| u32::from_str_radix(code, 16).ok());
        if let Some(c) = c.and_then(char::from_u32).filter(|c| is_formula(*c)) {
            parts.push_str(&json[begin..backslash]);
            parts.push(c);
            begin = backslash + 6;
            at = begin;
        } else {
            // Another escape: the character after the backslash starts no escape.
            let next = json[backslash + 1..].chars().next();
            at = backslash + 1 + next.map_or(0, char::len_utf8);
        }
    }
    (begin > 0).then(|| parts + &json[begin..])
}

/// A list as a JSON array.
pub(crate) fn json_list<'a>(texts: impl Iterator<Item = &'a str>, cell: &mut String) {
    cell.push('[');
    for (n, text) in texts.enumerate() {
        if n > 0 {
            cell.push(',');
        }
        json_text(text, cell);
    }
    cell.push(']');
}

fn json_text(text: &str, cell: &mut String) {
    cell.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                cell.push('\\');
                cell.push(c);
            }
            '\n' => cell.push_str("\\n"),
            '\r' => cell.push_str("\\r"),
            '\t' => cell.push_str("\\t"),
            c if u32::from(c) < 0x20 => {
                let _ = write!(cell, "\\u{:04x}", u32::from(c));
            }
            c => cell.push(c),
        }
    }
    cell.push('"');
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dialect::Delimiter;

    /// A text as RFC 4180 has it, between commas.
    pub(crate) fn raw_text(text: &str, line: &mut Vec<u8>) {
        let dialect = Dialect {
            safety: SpreadsheetSafety::Raw,
            ..Dialect::default()
        };
        write_text(
            text,
            Content::Text,
            is_plain(text.as_bytes(), dialect),
            dialect,
            line,
        );
    }

    fn written(text: &str, content: Content, dialect: Dialect) -> String {
        let (mut line, plain) = (Vec::new(), is_plain(text.as_bytes(), dialect));
        write_text(text, content, plain, dialect, &mut line);
        String::from_utf8(line).unwrap()
    }

    /// The text of a cell as a reader of CSV sees it.
    fn unquoted(cell: &str) -> String {
        let inner = cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"'));
        inner.map_or_else(|| cell.to_owned(), |inner| inner.replace("\"\"", "\""))
    }

    #[test]
    fn formulas_are_neutralised_and_nothing_else() {
        for (text, safe) in [
            ("=1+1", "'=1+1"),
            ("+49 30 1", "'+49 30 1"),
            ("-", "'-"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1", "'＝1"),
            ("－1", "'－1"),
            ("＠x", "'＠x"),
            ("\t=1", "\"'\t'=1\""),
            ("\tx", "\"'\tx\""),
            ("\r=1", "\"'\r'=1\""),
            ("\nx", "\"'\nx\""),
            ("=\"x\",1", "\"'=\"\"x\"\",1\""),
            ("\"=1", "\"\"\"'=1\""),
            ("plain", "plain"),
            (" =1", " '=1"),
            ("\u{a0}\u{3000}=1", "\u{a0}\u{3000}'=1"),
            ("\u{feff}=1", "\u{feff}'=1"),
            ("", "\"\""),
            ("'quoted", "'quoted"),
            ("'=1", "''=1"),
            ("''-", "'''-"),
            ("'", "'"),
            ("Bob;=1+1;x", "\"Bob;'=1+1;x\""),
            ("a\t=1", "\"a\t'=1\""),
            ("a|@b|c", "\"a|'@b|c\""),
            ("a, -b", "\"a, '-b\""),
            ("a\r\n=1", "\"a\r\n'=1\""),
            ("a;\"=1\"", "\"a;\"\"'=1\"\"\""),
            ("a;;＋1", "\"a;;'＋1\""),
            ("a;'=1", "\"a;''=1\""),
            ("a=b-c+d@e", "a=b-c+d@e"),
            ("a;b", "\"a;b\""),
            ("Ö;−;=", "\"Ö;−;'=\""),
        ] {
            assert_eq!(written(text, Content::Text, Dialect::default()), safe, "{text:?}");
        }
    }

    #[test]
    fn quotes_are_doubled() {
        for (text, quoted) in [
            ("\"", "\"\"\"\""),
            ("a\"\"b", "\"a\"\"\"\"b\""),
            ("a,\"b\"", "\"a,\"\"b\"\"\""),
        ] {
            let mut line = Vec::new();
            raw_text(text, &mut line);
            assert_eq!(String::from_utf8(line).unwrap(), quoted);
        }
    }

    #[test]
    fn raw_texts_are_quoted_only_for_their_delimiter() {
        for (delimiter, plain, quoted) in [
            (Delimiter::Comma, "=a;b|c\td", "=a,b"),
            (Delimiter::Semicolon, "=a,b|c\td", "=a;b"),
            (Delimiter::Tab, "=a,b|c;d", "=a\tb"),
            (Delimiter::Pipe, "=a,b;c\td", "=a|b"),
        ] {
            let safety = SpreadsheetSafety::Raw;
            let dialect = Dialect { delimiter, safety };
            assert_eq!(written(plain, Content::Text, dialect), plain);
            assert_eq!(written(quoted, Content::Text, dialect), format!("\"{quoted}\""));
        }
    }

    #[test]
    fn lists_are_json() {
        let mut cell = String::new();
        json_list(["a \"b\" \\", "c\nd\u{1}", "ü"].into_iter(), &mut cell);
        assert_eq!(cell, "[\"a \\\"b\\\" \\\\\",\"c\\nd\\u0001\",\"ü\"]");
    }

    #[test]
    fn json_stays_json() {
        for (json, safe) in [
            (r#"["a","=b"]"#, r#"["a","\u003db"]"#),
            (r#"{"a":"b;＝c","d":"=e"}"#, r#"{"a":"b;\uff1dc","d":"=e"}"#),
            (r#"{"a":"b;'-c"}"#, r#"{"a":"b;'\u002dc"}"#),
            (r#"["\\",[1,2]]"#, r#"["\\",[1,2]]"#),
        ] {
            let cell = unquoted(&written(json, Content::Json, Dialect::default()));
            assert_eq!(cell, safe);
            let values: [serde_json::Value; 2] =
                [json, &cell].map(|json| serde_json::from_str(json).unwrap());
            assert_eq!(values[0], values[1]);
            assert_eq!(restore(&cell, Content::Json, SpreadsheetSafety::Safe), json);
        }
        // A number cannot be escaped.
        let cell = unquoted(&written("[1,-2]", Content::Json, Dialect::default()));
        assert_eq!(cell, "[1,'-2]");
        assert_eq!(restore(&cell, Content::Json, SpreadsheetSafety::Safe), "[1,-2]");
    }

    #[test]
    fn older_files_are_read_by_their_own_rule() {
        for (cell, text) in [
            ("'=1", "=1"),
            ("''=1", "'=1"),
            ("'\t'=1", "\t'=1"),
            ("a;'=1", "a;'=1"),
            ("'＝", "'＝"),
        ] {
            assert_eq!(restore(cell, Content::Text, SpreadsheetSafety::SafeAtStart), text);
            let dialect = Dialect {
                safety: SpreadsheetSafety::SafeAtStart,
                ..Dialect::default()
            };
            assert_eq!(unquoted(&written(text, Content::Text, dialect)), cell);
        }
        let json = r#"["a;\u003d"]"#;
        assert_eq!(restore(json, Content::Json, SpreadsheetSafety::SafeAtStart), json);
        assert_eq!(restore("'=1", Content::Text, SpreadsheetSafety::Raw), "'=1");
    }

    /// The cells of a line, as a spreadsheet sees it that splits at any of these characters and knows quotes.
    fn split_with_quotes(line: &str, separators: &[char]) -> Vec<String> {
        let (mut pieces, mut piece, mut quoted) = (Vec::new(), String::new(), false);
        for c in line.chars() {
            if c == '"' {
                quoted = !quoted;
            }
            if !quoted && separators.contains(&c) {
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece.push(c);
            }
        }
        pieces.push(piece);
        pieces
    }

    /// Whether a spreadsheet reads a piece as a formula, spaces and quotes aside.
    fn is_live(piece: &str) -> bool {
        let piece =
            piece.trim_matches(|c: char| c == '"' || c.is_whitespace() || c.is_control() || c == '\u{feff}');
        piece.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
    }

    const SEPARATORS: [char; 6] = [',', ';', '\t', '|', '\r', '\n'];

    fn assert_harmless(line: &str) {
        for separator in SEPARATORS {
            let formula = line.split(separator).find(|piece| is_live(piece));
            assert_eq!(formula, None, "{line:?} split at {separator:?}");
            let formula = split_with_quotes(line, &[separator])
                .into_iter()
                .find(|piece| is_live(piece));
            assert_eq!(formula, None, "{line:?} split at {separator:?} outside of quotes");
        }
        for separators in [&SEPARATORS[..], &SEPARATORS[..4], &[';', '\t']] {
            let formula = split_with_quotes(line, separators)
                .into_iter()
                .find(|piece| is_live(piece));
            assert_eq!(
                formula, None,
                "{line:?} split at {separators:?} outside of quotes"
            );
            let formula = line.split(separators).find(|piece| is_live(piece));
            assert_eq!(formula, None, "{line:?} split at {separators:?}");
        }
    }

    fn any_text() -> impl Strategy<Value = String> {
        let hard = "[=+@\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}\u{feff} ',;|\t\r\n\"\\\\a\u{fc}\u{3000}-]{0,10}";
        prop_oneof![4 => hard, 1 => ".{0,20}"]
    }

    fn delimiter() -> impl Strategy<Value = Delimiter> {
        prop::sample::select(
            Delimiter::WORDS
                .map(|word| Delimiter::named(word).unwrap())
                .to_vec(),
        )
    }

    proptest! {
        #[test]
        fn no_piece_is_a_formula_and_texts_round_trip(
            texts in prop::collection::vec(any_text(), 1..4),
            delimiter in delimiter(),
        ) {
            let safety = SpreadsheetSafety::Safe;
            let dialect = Dialect { delimiter, safety };
            let cells: Vec<String> = texts.iter().map(|text| written(text, Content::Text, dialect)).collect();
            let line = cells.join(&char::from(delimiter.byte()).to_string());
            assert_harmless(&line);
            for (text, cell) in texts.iter().zip(&cells) {
                let cell = unquoted(cell);
                prop_assert_eq!(&*restore(&cell, Content::Text, safety), text);
            }
        }

        #[test]
        fn no_json_piece_is_a_formula_and_json_is_unchanged(
            texts in prop::collection::vec(any_text(), 0..4),
            delimiter in delimiter(),
        ) {
            let safety = SpreadsheetSafety::Safe;
            let dialect = Dialect { delimiter, safety };
            let mut list = String::new();
            json_list(texts.iter().map(String::as_str), &mut list);
            let object = serde_json::json!({ "a": &texts, "=": texts.first() }).to_string();
            for json in [list, object] {
                let cell = written(&json, Content::Json, dialect);
                assert_harmless(&cell);
                let cell = unquoted(&cell);
                prop_assert_eq!(&*restore(&cell, Content::Json, safety), &json);
                let values: Vec<serde_json::Value> = [&cell, &json].map(|json| serde_json::from_str(json).unwrap()).into();
                prop_assert_eq!(&values[0], &values[1]);
            }
        }

        #[test]
        fn other_safety_rules_round_trip(text in any_text(), delimiter in delimiter()) {
            for safety in [SpreadsheetSafety::SafeAtStart, SpreadsheetSafety::Raw] {
                let cell = unquoted(&written(&text, Content::Text, Dialect { delimiter, safety }));
                prop_assert_eq!(&*restore(&cell, Content::Text, safety), &text);
            }
        }
    }
}
