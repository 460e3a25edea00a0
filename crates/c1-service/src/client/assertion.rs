//! The signed client assertion (docs/reference/conductorone.md §3.2).

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt;
use serde_json::json;

use crate::credentials::Credentials;

/// Validity of an assertion before and after its creation, in seconds, because clocks differ.
const VALIDITY_SECONDS: u64 = 120;

/// Creates an assertion for one use, as a compact JWS.
pub(super) fn assertion(credentials: &Credentials) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let nonce: u128 = rand::rng().random();
    let mut header = json!({ "alg": "EdDSA", "nonce": format!("{nonce:032x}") });
    if let Some(id) = credentials.key_id() {
        header["kid"] = id.into();
    }
    let claims = json!({
        "iss": credentials.client_id(),
        "sub": credentials.client_id(),
        "aud": credentials.audience(),
        "iat": now,
        "nbf": now.saturating_sub(VALIDITY_SECONDS),
        "exp": now + VALIDITY_SECONDS,
    });
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(credentials.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}
