//! Text of the stores' library without secrets: it repeats addresses, and values of variables that it cannot use.

use access_core::secrets;

/// What stands for a part of an address.
const HIDDEN: &str = "…";

/// A text without registered secrets, and without the user information and the query of addresses.
pub(super) fn without_secrets(text: &str) -> String {
    without_parts_of_addresses(&secrets::redact(text))
}

/// Removes the user information of every address, and what follows its question mark, which may be a signature.
fn without_parts_of_addresses(text: &str) -> String {
    let ends = |c: char| c.is_whitespace() || "\"'`<>()".contains(c);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, address)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let end = address.find(ends).unwrap_or(address.len());
        let (address, after) = address.split_at(end);
        let (address, query) = match address.split_once('?') {
            Some((address, _)) => (address, true),
            None => (address, false),
        };
        match address.rsplit_once('@') {
            Some((_, host)) => {
                shown.push_str(HIDDEN);
                shown.push('@');
                shown.push_str(host);
            }
            None => shown.push_str(address),
        }
        if query {
            shown.push('?');
            shown.push_str(HIDDEN);
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_removed_from_addresses() {
        for (text, shown) in [
            ("cannot use http://user:hush@[::bad", "cannot use http://…@[::bad"),
            (
                "error for url (https://a.example/b?sig=hush&c=d): refused",
                "error for url (https://a.example/b?…): refused",
            ),
            (
                "\"http://u:p@x/\" and 'https://v:q@y'",
                "\"http://…@x/\" and 'https://…@y'",
            ),
            ("http://u:p@ss@host/x", "http://…@host/x"),
            ("https://plain.example/a", "https://plain.example/a"),
            ("no address: a@b", "no address: a@b"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }

    #[test]
    fn registered_secrets_are_hidden() {
        secrets::register("hush-hush-0123");
        let text = "bad key hush-hush-0123 for http://x.example/?hush";
        assert_eq!(
            without_secrets(text),
            "bad key [redacted] for http://x.example/?…"
        );
    }
}
