//! Credentials of a ConductorOne client: an id that contains the tenant's host, and a private key
//! (docs/reference/conductorone.md §3.1).

use std::fmt;
use std::sync::Arc;

use access_core::{Diagnostic, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::Ed25519KeyPair;
use serde::Deserialize;
use tonic::codegen::http::uri::Authority;

/// Client id and private key. Clones share the key, which is never displayed.
#[derive(Clone)]
pub struct Credentials {
    client_id: String,
    name: String,
    authority: Authority,
    key_id: Option<String>,
    key: Arc<Ed25519KeyPair>,
}

/// Why credentials are invalid. Details of an invalid secret are not reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// The client id is not `<name>@<host>/<anything>`.
    #[error("invalid client id")]
    ClientId,
    /// The client secret is not four parts with a private Ed25519 key in the last.
    #[error("invalid client secret")]
    ClientSecret,
}

impl Diagnostic for CredentialsError {
    fn status(&self) -> StatusCode {
        StatusCode::InvalidArgument
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::ClientId => {
                "the client id looks like `brisk-otter-12345@acme.conductor.one/…`; copy it from ConductorOne without spaces"
            }
            Self::ClientSecret => {
                "the client secret looks like `secret-token:conductorone.com:v1:…`; copy all of it from ConductorOne, or make a new one there"
            }
        };
        Some(hint.to_owned())
    }
}

/// The last part of a client secret.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    d: String,
    kid: Option<String>,
}

impl Credentials {
    /// Parses a client id and its secret.
    ///
    /// # Errors
    /// [`CredentialsError`] for the invalid one.
    pub fn parse(client_id: &str, client_secret: &str) -> Result<Self, CredentialsError> {
        let (name, rest) = client_id.split_once('@').ok_or(CredentialsError::ClientId)?;
        let (host, _) = rest.split_once('/').ok_or(CredentialsError::ClientId)?;
        let authority = parse_authority(host).ok_or(CredentialsError::ClientId)?;
        access_core::secrets::register(client_secret);
        // The part before the last colon is the same in all secrets.
        access_core::secrets::register(client_secret.rsplit(':').next().unwrap_or_default());
        let (key, key_id) = parse_key(client_secret).ok_or(CredentialsError::ClientSecret)?;
        Ok(Self {
            client_id: client_id.to_owned(),
            name: name.to_owned(),
            authority,
            key_id,
            key: Arc::new(key),
        })
    }

    /// The complete client id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The name: the part before the `@`.
    #[must_use]
    pub fn client_name(&self) -> &str {
        &self.name
    }

    /// The tenant's host, with the port if the client id has one.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.as_str()
    }

    /// The audience of assertions: the host without the port.
    #[must_use]
    pub fn audience(&self) -> &str {
        self.authority.host()
    }

    /// The address: the host of the client id, unless overridden (`BATON_C1_API_HOST`).
    #[must_use]
    pub fn authority(&self, api_host: Option<&str>) -> String {
        match api_host.map(str::trim) {
            None | Some("") => self.host().to_owned(),
            Some(other) => other.to_owned(),
        }
    }

    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// Parses a host with an optional port.
pub(crate) fn parse_authority(text: &str) -> Option<Authority> {
    let authority: Authority = text.parse().ok()?;
    let usable = !authority.host().is_empty() && !text.contains('@');
    // An invalid port would silently become the default.
    let end = authority.host().len();
    let port = text.get(end..).and_then(|rest| rest.strip_prefix(':'));
    let port_is_fine = port.is_none_or(|port| port.parse::<u16>().is_ok());
    (usable && port_is_fine).then_some(authority)
}

fn parse_key(client_secret: &str) -> Option<(Ed25519KeyPair, Option<String>)> {
    let mut parts = client_secret.splitn(4, ':').skip(2);
    if parts.next()? != "v1" {
        return None;
    }
    let jwk = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
    let jwk: Jwk = serde_json::from_slice(&jwk).ok()?;
    if jwk.kty != "OKP" || jwk.crv != "Ed25519" {
        return None;
    }
    access_core::secrets::register(&jwk.d);
    let (seed, public) = (
        URL_SAFE_NO_PAD.decode(jwk.d).ok()?,
        URL_SAFE_NO_PAD.decode(jwk.x).ok()?,
    );
    let key = Ed25519KeyPair::from_seed_and_public_key(&seed, &public).ok()?;
    Some((key, jwk.kid.filter(|id| !id.is_empty())))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Key pair of RFC 8037, appendix A.
    const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn jwk() -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": X, "d": D })
    }

    fn secret(jwk: &Value) -> String {
        format!(
            "secret-token:conductorone.com:v1:{}",
            URL_SAFE_NO_PAD.encode(jwk.to_string())
        )
    }

    fn parse(client_id: &str) -> Result<Credentials, CredentialsError> {
        Credentials::parse(client_id, &secret(&jwk()))
    }

    #[test]
    fn client_id_contains_the_tenant_host() {
        for (id, name, host, audience) in [
            (
                "cool-cat-1@acme.conductor.one/spc",
                "cool-cat-1",
                "acme.conductor.one",
                "acme.conductor.one",
            ),
            ("a@b:8443/", "a", "b:8443", "b"),
            ("@b/c@d/e", "", "b", "b"),
            ("a@[::1]:9/x", "a", "[::1]:9", "[::1]"),
        ] {
            let credentials = parse(id).unwrap();
            assert_eq!(credentials.client_id(), id);
            assert_eq!(
                (
                    credentials.client_name(),
                    credentials.host(),
                    credentials.audience()
                ),
                (name, host, audience)
            );
        }
        for id in [
            "",
            "a",
            "a@b",
            "a/b",
            "a/b@c",
            "a@/c",
            "a@b c/d",
            "a@b:/c",
            "a@b:99999/c",
            "a@b:x/c",
            "a@:1/c",
        ] {
            assert_eq!(parse(id).unwrap_err(), CredentialsError::ClientId, "{id}");
        }
        assert_eq!(CredentialsError::ClientId.to_string(), "invalid client id");
    }

    #[test]
    fn api_host_can_be_overridden() {
        let credentials = parse("a@b:8443/c").unwrap();
        assert_eq!(credentials.authority(None), "b:8443");
        assert_eq!(credentials.authority(Some("")), "b:8443");
        assert_eq!(credentials.authority(Some("other.example")), "other.example");
        assert_eq!(credentials.audience(), "b");
    }

    #[test]
    fn secret_contains_a_private_key() {
        let with = |member: &str, value: Value| {
            let mut jwk = jwk();
            jwk[member] = value;
            secret(&jwk)
        };
        let good = secret(&jwk());
        let encoded = good.rsplit(':').next().unwrap();
        for text in [good.clone(), format!("::v1:{encoded}"), with("kid", "k".into())] {
            assert!(Credentials::parse("a@b/c", &text).is_ok(), "{text}");
        }
        let mut public = jwk();
        public.as_object_mut().unwrap().remove("d");
        for text in [
            String::new(),
            format!("a:b:v2:{encoded}"),
            format!("a:v1:{encoded}"),
            format!("a:b:v1:{encoded}:"),
            format!("{good}="),
            "a:b:v1".to_owned(),
            "a:b:v1:".to_owned(),
            format!("a:b:v1:{}", URL_SAFE_NO_PAD.encode("{}")),
            secret(&public),
            with("kty", "EC".into()),
            with("crv", "X25519".into()),
            with("x", D.into()),
            with("d", X.into()),
            with("d", "AAAA".into()),
            with("d", 7.into()),
        ] {
            let refused = Credentials::parse("a@b/c", &text).unwrap_err();
            assert_eq!(refused, CredentialsError::ClientSecret, "{text}");
        }
        assert_eq!(
            CredentialsError::ClientSecret.to_string(),
            "invalid client secret"
        );
    }

    #[test]
    fn signatures_match_the_key() {
        // RFC 8032 signs the empty message with the same key.
        let signature = parse("a@b/c").unwrap().sign(b"");
        assert_eq!(signature[..4], [0xe5, 0x56, 0x43, 0x00]);
    }

    #[test]
    fn keys_are_not_printed() {
        let text = format!("{:?}", parse("a@b/c").unwrap());
        assert_eq!(text, "Credentials { client_id: \"a@b/c\", .. }");
    }
}
