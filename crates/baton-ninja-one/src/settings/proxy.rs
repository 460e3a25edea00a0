//! The proxies of the environment. An invalid one is an error: otherwise requests would be sent directly.

use std::ffi::OsString;

use hyper::Uri;

use super::error::SettingsError;
use super::providers::Environment;

/// Variables that name a proxy for curl and the HTTP client.
const VARIABLES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];
const PROBLEM: &str = "it is not the address of a proxy, which looks like http://proxy.example.com:3128; nothing is sent without that proxy";

/// The proxies of the environment. Not `Debug`, because they may contain passwords.
#[derive(Clone, Default)]
pub(super) struct Proxies(Vec<(&'static str, OsString)>);

impl Proxies {
    /// Reads the proxies, and registers their passwords as secrets.
    pub(super) fn from_environment(environment: &Environment) -> Self {
        let mut given = Vec::new();
        for variable in VARIABLES {
            let Some(value) = environment.get(variable).filter(|value| !value.is_empty()) else {
                continue;
            };
            if let Some(password) = value.to_str().and_then(password) {
                access_core::secrets::register(password);
                access_core::secrets::register(&decoded(password));
            }
            given.push((variable, value.clone()));
        }
        Self(given)
    }

    /// Checks that every proxy is valid. Values are never quoted.
    ///
    /// # Errors
    /// [`SettingsError::Value`] for the first invalid one.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        for (variable, value) in &self.0 {
            if !value.to_str().is_some_and(is_usable) {
                return Err(SettingsError::Value {
                    origin: (*variable).to_owned(),
                    problem: PROBLEM.to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// Whether the HTTP client accepts it as a proxy.
fn is_usable(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    let is_known = matches!(uri.scheme_str(), None | Some("http" | "https"));
    let Some(authority) = uri.authority() else {
        return false;
    };
    let host_and_port = authority.as_str().rsplit('@').next().unwrap_or_default();
    let port = host_and_port.strip_prefix(authority.host()).unwrap_or_default();
    is_known && !authority.host().is_empty() && (port.is_empty() || authority.port_u16().is_some())
}

/// The password as the proxy receives it.
fn decoded(password: &str) -> String {
    // Only forms have a plus for a space.
    let query = format!("p={}", password.replace('+', "%2B").replace('&', "%26"));
    form_urlencoded::parse(query.as_bytes())
        .map(|(_, password)| password.into_owned())
        .next()
        .unwrap_or_default()
}

/// The password between user name and host, even in an invalid address.
fn password(text: &str) -> Option<&str> {
    let (credentials, _) = text.rsplit_once('@')?;
    let (_, credentials) = credentials.split_once("://").unwrap_or(("", credentials));
    let (_, password) = credentials.split_once(':')?;
    Some(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variable: &str, value: &str) -> Option<String> {
        let environment = Environment::from([(variable.to_owned(), OsString::from(value))]);
        Proxies::from_environment(&environment)
            .check()
            .err()
            .map(|error| error.to_string())
    }

    #[test]
    fn passwords_are_redacted_in_both_forms() {
        check("HTTPS_PROXY", "http://user:p%40ss+w0rd%2f4711@proxy:3128");
        for text in ["p%40ss+w0rd%2f4711", "p@ss+w0rd/4711"] {
            let shown = access_core::secrets::redact(text);
            assert!(shown.contains("[redacted]"), "{text}: {shown}");
        }
        assert_eq!(decoded("a&b=c"), "a&b=c");
    }

    #[test]
    fn valid_proxies_are_accepted() {
        for good in [
            "",
            "proxy:3128",
            "proxy.example.com",
            "http://proxy.example.com",
            "http://proxy.example.com:3128/",
            "https://user:p%40ss@proxy.example.com:3128",
            "http://[::1]:3128",
            "HTTP://proxy:1",
        ] {
            assert_eq!(check("HTTPS_PROXY", good), None, "{good}");
        }
        for bad in [
            "http://user:pw@[::bad",
            "ftp://proxy.example.com",
            "socks5://proxy.example.com:1080",
            "http://",
            "http://user:pw@",
            "http://proxy:99999",
            "http://proxy:port",
            "://proxy",
            "pro xy:1",
            " http://proxy:1",
            "http:/proxy",
            "/",
            "?",
        ] {
            for variable in VARIABLES {
                let problem = check(variable, bad).unwrap_or_else(|| panic!("{bad}"));
                assert_eq!(problem, format!("{variable}: {PROBLEM}"));
            }
        }
    }

    #[test]
    #[cfg(unix)]
    fn invalid_unicode_is_not_a_proxy() {
        let value = std::os::unix::ffi::OsStringExt::from_vec(vec![b'h', 0xff]);
        let environment = Environment::from([("ALL_PROXY".to_owned(), value)]);
        assert!(Proxies::from_environment(&environment).check().is_err());
    }

    #[test]
    fn passwords_become_secrets() {
        assert_eq!(password("http://user:pw@[::bad"), Some("pw"));
        assert_eq!(password("http://user:p@w@host"), Some("p@w"));
        assert_eq!(password("user:pw@host"), Some("pw"));
        assert_eq!(password("http://user@host:80"), None);
        assert_eq!(password("http://host:80"), None);
    }
}
