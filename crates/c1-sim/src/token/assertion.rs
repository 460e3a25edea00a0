//! The signed assertion that proves that a client has its key (docs/reference/conductorone.md §3.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::credentials::Client;

/// The allowed difference between the clocks of client and tenant, in seconds.
const MAX_CLOCK_SKEW_SECONDS: u64 = 30;
/// Maximum time from `nbf` to `iat` and from `iat` to `exp`, in seconds.
const MAX_VALIDITY_SECONDS: u64 = 120;

/// Why a sign-in is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the body is no form")]
    ContentType,
    #[error("the form lacks {0}")]
    MissingField(&'static str),
    #[error("{name} is not {expected:?}")]
    Field {
        name: &'static str,
        expected: &'static str,
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
    /// JWT also allows a list, which is refused: the reference sends a string.
    aud: String,
    iat: u64,
    nbf: u64,
    exp: u64,
}

/// Verifies an assertion and returns its nonce.
pub(super) fn verify(assertion: &str, client: &Client, audience: &str, now: u64) -> Result<String, Refusal> {
    let (signed, signature) = assertion
        .rsplit_once('.')
        .ok_or(Refusal::Form("it has no parts"))?;
    let (header, claims) = signed
        .split_once('.')
        .ok_or(Refusal::Form("it has no three parts"))?;
    let header: Header = decode_part(header, "its header does not read")?;
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
    let claims: Claims = decode_part(claims, "its claims do not read")?;
    let checks = [
        ("iss", claims.iss == client.id),
        ("sub", claims.sub == client.id),
        ("aud", claims.aud == audience),
        ("iat", claims.iat.abs_diff(now) <= MAX_CLOCK_SKEW_SECONDS),
        (
            "nbf",
            claims.nbf <= now && claims.nbf.saturating_add(MAX_VALIDITY_SECONDS) >= claims.iat,
        ),
        (
            "exp",
            claims.exp > now && claims.exp <= claims.iat.saturating_add(MAX_VALIDITY_SECONDS),
        ),
    ];
    match checks.into_iter().find(|(_, holds)| !holds) {
        Some((claim, _)) => Err(Refusal::Claim(claim)),
        None => Ok(header.nonce),
    }
}

fn decode_part<T: DeserializeOwned>(part: &str, problem: &'static str) -> Result<T, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Form(problem))?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::Form(problem))
}
