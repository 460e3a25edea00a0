//! SHA-256 as text.

use access_core::hex;
use sha2::{Digest, Sha256};

/// SHA-256 of bytes, as 64 lower-case hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of a list of texts, encoded as a JSON array so that different lists have different bytes.
pub(crate) fn sha256_of_texts(texts: &[&str]) -> String {
    // Serializing texts cannot fail.
    sha256_hex(&serde_json::to_vec(texts).unwrap_or_default())
}
