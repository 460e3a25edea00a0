//! Client ids and secrets as ConductorOne issues them (docs/reference/conductorone.md §3.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::json;

use crate::error::C1SimError;

/// The credentials of a connector in service mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `<name>@<host>:<port>/<rest>`.
    pub client_id: String,
    /// `secret-token:conductorone.com:v1:<private JWK, base64url>`.
    pub client_secret: String,
}

/// A registered client.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) public_key: Vec<u8>,
    pub(crate) key_id: Option<String>,
}

/// Generates a key pair for a client of the tenant at this authority (`host:port`).
pub(crate) fn generate(
    name: &str,
    authority: &str,
    key_id: Option<&str>,
) -> Result<(Credentials, Client), C1SimError> {
    let key_error = |_| C1SimError::Keys {
        client: name.to_owned(),
    };
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(key_error)?;
    let key_pair =
        Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| key_error(ring::error::Unspecified))?;
    let public_key = key_pair.public_key().as_ref().to_vec();
    let mut jwk = json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "x": URL_SAFE_NO_PAD.encode(&public_key),
        "d": URL_SAFE_NO_PAD.encode(seed),
    });
    if let (Some(id), Some(members)) = (key_id, jwk.as_object_mut()) {
        members.insert("kid".to_owned(), id.into());
    }
    let client_id = format!("{name}@{authority}/sim");
    let jwk = URL_SAFE_NO_PAD.encode(jwk.to_string());
    let credentials = Credentials {
        client_id: client_id.clone(),
        client_secret: format!("secret-token:conductorone.com:v1:{jwk}"),
    };
    let client = Client {
        id: client_id,
        public_key,
        key_id: key_id.map(str::to_owned),
    };
    Ok((credentials, client))
}
