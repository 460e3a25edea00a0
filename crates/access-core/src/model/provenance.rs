//! What a sync was made with: evidence says not only what was read, but by whom and how.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::ResourceTypeId;

/// How the ids of a sync are made. Two syncs of different schemes name the same things differently, so one location never
/// holds both.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct IdScheme(Box<str>);

impl IdScheme {
    /// A scheme by its word, e.g. `numeric`.
    #[must_use]
    pub fn new(word: &str) -> Self {
        Self(word.into())
    }

    /// Its word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a sync was made with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// The program and its version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub program: String,
    /// The id of the client that read the tenant; never its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The permissions that it asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Settings that decide what is read or accepted, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// The types that the source lists in this run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_types: Vec<ResourceTypeId>,
    /// How ids are made, once the source has said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_scheme: Option<IdScheme>,
}

impl Provenance {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
