//! Words of the stores' library without secrets: it repeats addresses and values of variables that it cannot use.

use std::ffi::OsString;

/// What stands for a secret.
const HIDDEN: &str = "…";
/// Shorter values are no secrets, and hiding them would spoil every word.
const MIN_SECRET_CHARS: usize = 4;
/// How the variables begin from which the library takes its settings.
const READ: [&str; 5] = ["AWS_", "AZURE_", "GOOGLE_", "IDENTITY_", "MSI_"];
/// What is in the names of variables whose values are secret as a whole.
const SECRET_NAMES: [&str; 7] = [
    "KEY",
    "SECRET",
    "TOKEN",
    "SAS",
    "PASSWORD",
    "CREDENTIAL",
    "HEADER",
];

/// A text without the user information and the query of addresses, and without values of variables that are secret.
pub(super) fn without_secrets(text: &str) -> String {
    hide(text, std::env::vars_os())
}

fn hide(text: &str, variables: impl Iterator<Item = (OsString, OsString)>) -> String {
    let mut secrets: Vec<String> = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .filter(|(name, _)| is_read(name))
        .flat_map(|(name, value)| secrets_of(&name, &value))
        .flat_map(|secret| [secret.escape_debug().to_string(), secret])
        .filter(|secret| secret.chars().count() >= MIN_SECRET_CHARS)
        .collect();
    // A secret may be a part of another.
    secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
    let text = secrets.iter().fold(text.to_owned(), |text, secret| {
        text.replace(secret.as_str(), HIDDEN)
    });
    without_parts_of_addresses(&text)
}

fn is_read(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    READ.iter().any(|start| name.starts_with(start)) || name.ends_with("_PROXY")
}

/// What of a variable's value is secret.
fn secrets_of(name: &str, value: &str) -> Vec<String> {
    let name = name.to_ascii_uppercase();
    // The name of a file is none.
    let is_secret = SECRET_NAMES.iter().any(|part| name.contains(part))
        && !name.ends_with("_FILE")
        && !name.ends_with("_PATH")
        && !value.starts_with('/');
    let mut secrets = Vec::new();
    if is_secret {
        secrets.push(value.trim().to_owned());
    }
    if let Some((user_info, _)) = value.rsplit_once('@') {
        let user_info = user_info.rsplit_once("://").map_or(user_info, |(_, rest)| rest);
        secrets.extend(user_info.split_once(':').map(|(_, password)| password.to_owned()));
        secrets.push(user_info.to_owned());
    }
    secrets
}

/// Takes the user information out of every address, and what follows its question mark, which may be a signature.
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

    fn hidden(text: &str, variables: &[(&str, &str)]) -> String {
        let variables = variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        hide(text, variables)
    }

    #[test]
    fn addresses_lose_what_may_be_secret() {
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
            assert_eq!(hidden(text, &[]), shown);
        }
    }

    #[test]
    fn values_of_variables_are_hidden_where_they_are_secret() {
        let variables = [
            ("AWS_SECRET_ACCESS_KEY", "hush\u{1}hush"),
            ("AWS_ENDPOINT", "user:quiet@host"),
            ("AWS_REGION", "eu-central-1"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/etc/key.json"),
            ("HTTPS_PROXY", "http://me:whisper@proxy"),
            ("AZURE_STORAGE_SAS_KEY", "ab"),
            ("OTHER_SECRET", "mine"),
        ];
        for (text, shown) in [
            ("bad key hush\u{1}hush", "bad key …"),
            ("bad key \"hush\\u{1}hush\"", "bad key \"…\""),
            ("bad endpoint user:quiet@host", "bad endpoint …@host"),
            ("bad endpoint quiet", "bad endpoint …"),
            ("region eu-central-1", "region eu-central-1"),
            ("cannot read /etc/key.json", "cannot read /etc/key.json"),
            ("proxy whisper", "proxy …"),
            ("ab mine", "ab mine"),
        ] {
            assert_eq!(hidden(text, &variables), shown);
        }
    }
}
