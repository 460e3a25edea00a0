//! The seal of a report: hashes of its parts, and the hash of the previous report.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The version of the file's make-up that is written here. Version 2 has dates of grants.
pub(crate) const VERSION: u64 = 2;
/// Identifies a file as a report.
pub(crate) const FORMAT: &str = "baton-ninja-one review report";

/// The seal at the end of a report. The hash of its text names the report: with it, everything in the file is fixed, and so
/// is every report before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// [`FORMAT`].
    pub format: String,
    /// The version of its make-up.
    pub version: u64,
    /// The program that wrote it.
    pub program: String,
    /// The tenant.
    pub tenant: String,
    /// The sync.
    pub sync_id: String,
    /// `full`, `resources_only` or `partial`.
    pub sync_type: String,
    /// When the sync began.
    pub started_at: String,
    /// The parts of its data.
    pub sections: Vec<SealedSection>,
    /// SHA-256 of everything in the file but the seal, as bytes.
    pub page_sha256: String,
    /// The report before it.
    pub previous: Option<Previous>,
}

/// A part of the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSection {
    /// Its name.
    pub name: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size before it was compressed.
    pub bytes: u64,
    /// SHA-256 before it was compressed.
    pub sha256: String,
}

/// The report before another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// Its sync.
    pub sync_id: String,
    /// When that began.
    pub started_at: String,
    /// SHA-256 of its seal.
    pub seal_sha256: String,
}

impl Seal {
    /// The text in the file. No `<` is in it, so that it cannot end the element that it is in.
    pub(crate) fn text(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(self)?.replace('<', "\\u003c"))
    }
}

/// SHA-256 of bytes in pieces, in hexadecimal.
pub(crate) fn sha256<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update(piece);
    }
    access_core::hex(&hash.finalize())
}
