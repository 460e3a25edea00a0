//! Standard output and standard error.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Writes to standard output. A reader that has gone away (`| head`) is no failure.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out
        .write_all(harmless(text).as_bytes())
        .and_then(|()| out.flush());
}

/// Writes to standard error.
pub(crate) fn print_error(text: &str) {
    let _ = io::stderr().lock().write_all(harmless(text).as_bytes());
}

/// Names come from the tenant and may try to steer the terminal or to read otherwise than they are. Such characters are
/// written as JSON writes them, which leaves JSON what it is.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_harmful(c) {
            let _ = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Controls but line ends and tabs; marks that change the direction of writing (Unicode, UAX #9); the separators that some
/// terminals and log viewers break lines at. All are below U+FFFF.
fn is_harmful(c: char) -> bool {
    let control = c.is_control() && !matches!(c, '\n' | '\t');
    let direction =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    control || direction || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown() {
        for (text, shown) in [
            ("plain, größer, 日本\n\tnext", "plain, größer, 日本\n\tnext"),
            ("\u{1b}[2J\u{7}", "\\u001b[2J\\u0007"),
            ("a\rb\u{7f}\u{9b}31m", "a\\u000db\\u007f\\u009b31m"),
            ("nimda\u{202e}admin\u{2066}", "nimda\\u202eadmin\\u2066"),
            ("one\u{2028}two", "one\\u2028two"),
        ] {
            assert_eq!(harmless(text), shown);
        }
    }

    #[test]
    fn json_stays_what_it_was() {
        let value = serde_json::json!({ "name": "\u{1b}[31m\u{9b}\u{202e}\u{7f}x" });
        let shown = harmless(&value.to_string()).into_owned();
        assert!(!shown.contains(is_harmful));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
