//! The signed statement by which a client shows that it holds its key (docs/reference/conductorone.md §3.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::credentials::Client;

/// The allowed difference between the clocks of client and tenant, in seconds.
const SKEW: u64 = 30;
/// An assertion may begin this number of seconds before it was created, and end this number after.
const SPAN: u64 = 120;

/// Why a client may not sign in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the body is no form")]
    ContentType,
    #[error("the form lacks {0}")]
    MissingField(&'static str),
    #[error("{name} is not {wanted:?}")]
    Field {
        name: &'static str,
        wanted: &'static str,
    },
    #[error("the client is unknown")]
    UnknownClient,
    #[error("the assertion is no compact JWS: {0}")]
    Form(&'static str),
    #[error("alg is not EdDSA")]
    Algorithm,
    #[error("kid is not that of the client's key")]
    KeyId,
    #[error("nonce is not 32 hex digits")]
    Nonce,
    #[error("the signature is not the client's")]
    Signature,
    #[error("{0} is wrong")]
    Claim(&'static str),
    #[error("the assertion or its nonce was used before")]
    Replay,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    nonce: String,
    kid: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    /// A list, which JWT would allow, is refused: the reference sends a plain string.
    aud: String,
    iat: u64,
    nbf: u64,
    exp: u64,
}

/// The nonce of a good assertion.
pub(super) fn verify(assertion: &str, client: &Client, audience: &str, now: u64) -> Result<String, Refusal> {
    let (signed, signature) = assertion
        .rsplit_once('.')
        .ok_or(Refusal::Form("it has no parts"))?;
    let (header, claims) = signed
        .split_once('.')
        .ok_or(Refusal::Form("it has no three parts"))?;
    let header: Header = part(header, "its header does not read")?;
    if header.alg != "EdDSA" {
        return Err(Refusal::Algorithm);
    }
    if header.kid != client.key_id {
        return Err(Refusal::KeyId);
    }
    let is_hex = header.nonce.bytes().all(|byte| byte.is_ascii_hexdigit());
    if header.nonce.len() != 32 || !is_hex {
        return Err(Refusal::Nonce);
    }
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| Refusal::Form("its signature is no base64url"))?;
    UnparsedPublicKey::new(&ED25519, &client.public_key)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| Refusal::Signature)?;
    let claims: Claims = part(claims, "its claims do not read")?;
    let checks = [
        ("iss", claims.iss == client.id),
        ("sub", claims.sub == client.id),
        ("aud", claims.aud == audience),
        ("iat", claims.iat.abs_diff(now) <= SKEW),
        (
            "nbf",
            claims.nbf <= now && claims.nbf.saturating_add(SPAN) >= claims.iat,
        ),
        (
            "exp",
            claims.exp > now && claims.exp <= claims.iat.saturating_add(SPAN),
        ),
    ];
    match checks.into_iter().find(|(_, holds)| !holds) {
        Some((claim, _)) => Err(Refusal::Claim(claim)),
        None => Ok(header.nonce),
    }
}

fn part<T: DeserializeOwned>(part: &str, otherwise: &'static str) -> Result<T, Refusal> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Refusal::Form(otherwise))?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::Form(otherwise))
}
