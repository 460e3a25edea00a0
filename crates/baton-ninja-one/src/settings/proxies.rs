//! The proxies that the environment names. The libraries pass over what they cannot read and connect directly, which is what a
//! proxy is to prevent.

use std::env::{self, VarError};

use super::error::SettingsError;

/// The variables, in the spellings that are read.
const VARIABLES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Refuses a proxy that could not be used. What is said never repeats the address, which may hold a password.
pub(crate) fn judge() -> Result<(), SettingsError> {
    for name in VARIABLES {
        let problem = match env::var(name) {
            Err(VarError::NotPresent) => continue,
            Err(VarError::NotUnicode(_)) => Some("it is not UTF-8 text"),
            Ok(text) => problem(text.trim()),
        };
        if let Some(problem) = problem {
            return Err(SettingsError::Value {
                origin: name.to_owned(),
                problem: problem.to_owned(),
            });
        }
    }
    Ok(())
}

fn problem(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return None;
    }
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    if !["http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return Some(
            "only http:// and https:// proxies are supported; without this proxy connections would be direct",
        );
    }
    let uri = format!("http://{rest}").parse::<hyper::Uri>().ok();
    let is_usable =
        uri.is_some_and(|uri| uri.host().is_some_and(|host| !host.is_empty()) && uri.query().is_none());
    (!is_usable).then_some(
        "it is not the address of a proxy; write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT",
    )
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn what_cannot_be_a_proxy_is_refused() {
        for usable in [
            "",
            "proxy:3128",
            "http://proxy",
            "HTTPS://user:pw@proxy:8443/",
            "http://[::1]:3128",
        ] {
            assert_eq!(problem(usable), None, "{usable}");
        }
        for junk in [
            "http://user:pw@[::bad",
            "ftp://proxy",
            "socks5://proxy",
            "http://",
            "http://a b",
            "://x",
        ] {
            assert!(problem(junk).is_some(), "{junk}");
        }
    }
}
