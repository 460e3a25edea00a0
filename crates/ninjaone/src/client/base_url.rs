//! The address of the tenant.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;
use rustls::pki_types::ServerName;

use super::api_error::sanitize;

/// The address of a NinjaOne instance: scheme, host and port. Instances have many hosts, white-label ones included
/// (docs/reference/ninjaone-api.md §2.6), so any host is accepted; but only https, or http on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Why a text is not the address of an instance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a usable base URL: {reason}")]
pub struct BaseUrlError {
    text: String,
    reason: &'static str,
}

impl BaseUrl {
    /// Parses an address such as `https://app.ninjarmm.com`, with or without a slash at the end.
    ///
    /// # Errors
    /// [`BaseUrlError`] with the reason.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let refuse = |reason| BaseUrlError {
            text: shown(text),
            reason,
        };
        let url = Url::parse(text.trim()).map_err(|_| refuse("it must be like https://app.ninjarmm.com"))?;
        if url.cannot_be_a_base() || url.host_str().is_none_or(str::is_empty) {
            return Err(refuse("it must be like https://app.ninjarmm.com"));
        }
        if !is_host_name(url.host_str().unwrap_or_default()) {
            return Err(refuse("its host is not a valid name"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it must not contain a user name or password"));
        }
        if url.query().is_some() || url.fragment().is_some() || url.path() != "/" {
            return Err(refuse(
                "it must end after the host, without path, query or fragment",
            ));
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            "http" => Err(refuse(
                "it must begin with https:// (http is for this machine only)",
            )),
            _ => Err(refuse("it must begin with https://")),
        }
    }

    /// The address of an endpoint.
    pub(crate) fn endpoint(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(path);
        url
    }

    /// Whether another address is the same instance: scheme, host and port.
    pub(crate) fn is_same_origin(&self, other: &Url) -> bool {
        self.0.origin() == other.origin()
    }

    /// Whether the host is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// Whether a host is an address, or a name of letters, digits, hyphens and dots, as DNS and certificates require.
fn is_host_name(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(host).is_ok()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The part of a text that an error may repeat: up to the host, and without credentials before it.
fn shown(text: &str) -> String {
    let text = text.trim();
    let (before, rest) = match text.rsplit_once('@') {
        Some((_, rest)) => ("…@", rest),
        None => match text.split_once(":/") {
            Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                let rest = rest.trim_start_matches('/');
                text.split_at(text.len() - rest.len())
            }
            _ => ("", text),
        },
    };
    let end = rest.find(['/', '?', '#', '\\', '&', '=']).unwrap_or(rest.len());
    let (authority, more) = rest.split_at(end);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') && !port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let more = match more {
        "" | "/" if host == authority => more,
        _ => "/…",
    };
    sanitize(&format!("{before}{host}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_addresses_are_parsed() {
        for (text, shown) in [
            ("https://app.ninjarmm.com", "https://app.ninjarmm.com"),
            (" https://eu.ninjarmm.com/ ", "https://eu.ninjarmm.com"),
            (
                "https://brand.rmmservice.eu:8443",
                "https://brand.rmmservice.eu:8443",
            ),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.8.0.1", "http://127.8.0.1"),
            ("http://[::1]:9", "http://[::1]:9"),
            ("http://localhost:9", "http://localhost:9"),
        ] {
            let base_url = BaseUrl::parse(text).unwrap();
            assert_eq!(base_url.to_string(), shown);
            assert_eq!(base_url.is_loopback(), text.starts_with("http:"), "{text}");
        }
        for text in ["https://localhost:9", "https://127.0.0.1", "https://[::1]"] {
            assert!(BaseUrl::parse(text).unwrap().is_loopback(), "{text}");
        }
    }

    #[test]
    fn instance_is_known_by_scheme_host_and_port() {
        let base_url = BaseUrl::parse("https://eu.ninjarmm.com").unwrap();
        for (other, expected) in [
            ("https://eu.ninjarmm.com/v2/users?after=1", true),
            ("https://EU.ninjarmm.com:443/", true),
            ("https://eu.ninjarmm.com:8443/", false),
            ("http://eu.ninjarmm.com/", false),
            ("https://app.ninjarmm.com/", false),
            ("https://eu.ninjarmm.com.example.com/", false),
        ] {
            let is_same = base_url.is_same_origin(&Url::parse(other).unwrap());
            assert_eq!(is_same, expected, "{other}");
        }
    }

    #[test]
    fn invalid_addresses_are_rejected_with_a_reason() {
        let refused: Vec<String> = [
            "app.ninjarmm.com",
            "",
            "https://",
            "ftp://app.ninjarmm.com",
            "http://app.ninjarmm.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "https://user:pw@app.ninjarmm.com",
            "https://user@app.ninjarmm.com",
            "https://:pw@app.ninjarmm.com",
            "file:///etc",
            "https://eu.example.com,",
            "https://-eu.example.com",
            "https://eu..example.com",
            "https://eu.example.com;https://us.example.com",
            "https://app.ninjarmm.com/api",
            "https://app.ninjarmm.com/?a=b",
            "https://app.ninjarmm.com/#x",
            "https://app.ninjarmm.com?client_secret=SEKRIT",
            "https://app.ninjarmm.com/#client_secret=SEKRIT",
            "https://app.ninjarmm.com/SEKRIT",
            "https://app.ninjarmm.com\\SEKRIT",
            "https://user:pw?SEKRIT@app.ninjarmm.com",
            "https://app.ninjarmm.com?a@b=SEKRIT",
            "client_secret=SEKRIT",
            "https://app.ninjarmm.com:SEKRIT",
            "user:SEKRIT@app.ninjarmm.com",
        ]
        .map(|text| BaseUrl::parse(text).unwrap_err().to_string())
        .to_vec();
        insta::assert_snapshot!(refused.join("\n"), @r"
        `app.ninjarmm.com` is not a usable base URL: it must be like https://app.ninjarmm.com
        `` is not a usable base URL: it must be like https://app.ninjarmm.com
        `https://` is not a usable base URL: it must be like https://app.ninjarmm.com
        `ftp://app.ninjarmm.com` is not a usable base URL: it must begin with https://
        `http://app.ninjarmm.com` is not a usable base URL: it must begin with https:// (http is for this machine only)
        `http://127.0.0.1.example.com` is not a usable base URL: it must begin with https:// (http is for this machine only)
        `http://localhost.example.com` is not a usable base URL: it must begin with https:// (http is for this machine only)
        `…@app.ninjarmm.com` is not a usable base URL: it must not contain a user name or password
        `…@app.ninjarmm.com` is not a usable base URL: it must not contain a user name or password
        `…@app.ninjarmm.com` is not a usable base URL: it must not contain a user name or password
        `file:///etc` is not a usable base URL: it must be like https://app.ninjarmm.com
        `https://eu.example.com,` is not a usable base URL: its host is not a valid name
        `https://-eu.example.com` is not a usable base URL: its host is not a valid name
        `https://eu..example.com` is not a usable base URL: its host is not a valid name
        `https://eu.example.com;https:/…` is not a usable base URL: its host is not a valid name
        `https://app.ninjarmm.com/…` is not a usable base URL: it must end after the host, without path, query or fragment
        `https://app.ninjarmm.com/…` is not a usable base URL: it must end after the host, without path, query or fragment
        `https://app.ninjarmm.com/…` is not a usable base URL: it must end after the host, without path, query or fragment
        `https://app.ninjarmm.com/…` is not a usable base URL: it must end after the host, without path, query or fragment
        `https://app.ninjarmm.com/…` is not a usable base URL: it must end after the host, without path, query or fragment
        `https://app.ninjarmm.com/…` is not a usable base URL: it must end after the host, without path, query or fragment
        `https://app.ninjarmm.com/…` is not a usable base URL: it must end after the host, without path, query or fragment
        `…@app.ninjarmm.com` is not a usable base URL: it must be like https://app.ninjarmm.com
        `…@b/…` is not a usable base URL: it must end after the host, without path, query or fragment
        `client_secret/…` is not a usable base URL: it must be like https://app.ninjarmm.com
        `https://app.ninjarmm.com/…` is not a usable base URL: it must be like https://app.ninjarmm.com
        `…@app.ninjarmm.com` is not a usable base URL: it must be like https://app.ninjarmm.com
        ");
    }
}
