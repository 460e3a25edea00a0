//! Client assertions as a connector signs them, which tests can alter.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use c1_sim::Credentials;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

#[derive(Debug)]
pub(crate) struct Assertion {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    jwk: Value,
}

impl Assertion {
    /// A valid assertion.
    pub(crate) fn of(credentials: &Credentials) -> Self {
        let (prefix, jwk) = credentials.client_secret.rsplit_once(':').unwrap();
        assert_eq!(prefix, "secret-token:conductorone.com:v1");
        let jwk: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwk).unwrap()).unwrap();
        let mut nonce = [0; 16];
        SystemRandom::new().fill(&mut nonce).unwrap();
        let mut header = json!({ "alg": "EdDSA", "nonce": format!("{:032x}", u128::from_be_bytes(nonce)) });
        if let Some(id) = jwk.get("kid") {
            header["kid"] = id.clone();
        }
        let (_, host) = credentials.client_id.split_once('@').unwrap();
        let now = now();
        let claims = json!({
            "iss": credentials.client_id,
            "sub": credentials.client_id,
            "aud": host.split(['/', ':']).next().unwrap(),
            "iat": now,
            "nbf": now - 120,
            "exp": now + 120,
        });
        Self { header, claims, jwk }
    }

    pub(crate) fn sign(&self) -> String {
        let key = |name: &str| URL_SAFE_NO_PAD.decode(self.jwk[name].as_str().unwrap()).unwrap();
        let pair = Ed25519KeyPair::from_seed_and_public_key(&key("d"), &key("x")).unwrap();
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&self.header), part(&self.claims));
        let signature = URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
