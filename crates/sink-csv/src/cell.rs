//! Texts as cells, and texts that a spreadsheet does not take for a formula.

use std::fmt::Write;

use memchr::{memchr, memchr_iter, memchr3};

use crate::format::SpreadsheetSafety;

/// What stands before a text that would be a formula.
const GUARD: u8 = b'\'';
/// First characters for which a spreadsheet takes a text for a formula, or which it skips before it does.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Whether texts can stand in a line without quotes (RFC 4180).
pub(crate) fn is_plain(texts: &[u8]) -> bool {
    memchr3(b'"', b',', b'\n', texts).is_none() && memchr(b'\r', texts).is_none()
}

/// Writes a text of the tenant's into a line. A text without characters is quoted, which tells it from no text at all.
pub(crate) fn tenants_text(text: &str, plain: bool, safety: SpreadsheetSafety, line: &mut Vec<u8>) {
    let guarded = safety == SpreadsheetSafety::Safe && needs_guard(text);
    if plain && !text.is_empty() {
        if guarded {
            line.push(GUARD);
        }
        line.extend_from_slice(text.as_bytes());
        return;
    }
    line.push(b'"');
    if guarded {
        line.push(GUARD);
    }
    double_quotes(text, line);
    line.push(b'"');
}

/// Whether a text gets an apostrophe: a formula, and what looks like one that has some already, so that one can be taken off
/// again.
fn needs_guard(text: &str) -> bool {
    text.trim_start_matches(char::from(GUARD)).starts_with(FORMULA)
}

/// The text as it was before it got its apostrophe.
pub(crate) fn unguarded(text: &str, safety: SpreadsheetSafety) -> &str {
    let guarded = safety == SpreadsheetSafety::Safe && needs_guard(text);
    let bare = text.strip_prefix(char::from(GUARD)).filter(|_| guarded);
    bare.unwrap_or(text)
}

/// Writes a text of our own form into a line: it is never a formula.
pub(crate) fn our_text(text: &str, line: &mut Vec<u8>) {
    tenants_text(text, is_plain(text.as_bytes()), SpreadsheetSafety::Raw, line);
}

fn double_quotes(text: &str, line: &mut Vec<u8>) {
    let (text, mut begin) = (text.as_bytes(), 0);
    for quote in memchr_iter(b'"', text) {
        line.extend_from_slice(&text[begin..=quote]);
        // The quote stands at the begin of the next part too.
        begin = quote;
    }
    line.extend_from_slice(&text[begin..]);
}

/// A list as a JSON array; it begins with a bracket, which is no formula.
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
mod tests {
    use super::*;

    #[test]
    fn formulas_are_neutralised_and_nothing_else() {
        for (text, safe) in [
            ("=1+1", "'=1+1"),
            ("+49 30 1", "'+49 30 1"),
            ("-", "'-"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("=\"x\",1", "\"'=\"\"x\"\",1\""),
            ("plain", "plain"),
            (" =1", " =1"),
            ("", "\"\""),
            ("'quoted", "'quoted"),
            ("'=1", "''=1"),
            ("''-", "'''-"),
            ("'", "'"),
        ] {
            let mut line = Vec::new();
            let plain = is_plain(text.as_bytes());
            tenants_text(text, plain, SpreadsheetSafety::Safe, &mut line);
            assert_eq!(String::from_utf8(line).unwrap(), safe);
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
            our_text(text, &mut line);
            assert_eq!(String::from_utf8(line).unwrap(), quoted);
        }
    }

    #[test]
    fn lists_are_json() {
        let mut cell = String::new();
        json_list(["a \"b\" \\", "c\nd\u{1}", "ü"].into_iter(), &mut cell);
        assert_eq!(cell, "[\"a \\\"b\\\" \\\\\",\"c\\nd\\u0001\",\"ü\"]");
    }
}
