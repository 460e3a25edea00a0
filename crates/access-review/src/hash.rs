//! SHA-256 as text.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// SHA-256 of bytes, as 64 lower-case hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing into a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// SHA-256 of a list of texts, encoded as a JSON array so that different lists have different bytes.
pub(crate) fn sha256_of_texts(texts: &[&str]) -> String {
    // Serializing texts cannot fail.
    sha256_hex(&serde_json::to_vec(texts).unwrap_or_default())
}
