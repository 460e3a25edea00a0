//! The origin of a sync: which program read the data, with which credentials and settings.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::{ResourceTypeId, UserSample};

/// How ids are derived. Syncs of different schemes identify the same objects differently, so one location never
/// contains both.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct IdScheme(Box<str>);

impl IdScheme {
    /// Creates a scheme from its name, e.g. `numeric`.
    #[must_use]
    pub fn new(word: &str) -> Self {
        Self(word.into())
    }

    /// The name.
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

/// Program, client and settings of a sync.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// The program and its version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub program: String,
    /// The client id; never the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The requested OAuth scopes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Settings that affect which data is read or accepted, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// Resource types that the source lists in this run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_types: Vec<ResourceTypeId>,
    /// The id scheme, once the source has reported it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_scheme: Option<IdScheme>,
    /// Users of the tenant, once they are read.
    #[serde(skip_serializing_if = "UserSample::is_empty")]
    pub user_sample: UserSample,
}

/// What a location records of where its latest sync came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncOrigin {
    /// The id scheme.
    pub id_scheme: Option<IdScheme>,
    /// The client id.
    pub client_id: Option<String>,
    /// Users of the tenant.
    pub users: UserSample,
}

impl Provenance {
    /// What locations record of it.
    #[must_use]
    pub fn origin(&self) -> SyncOrigin {
        SyncOrigin {
            id_scheme: self.id_scheme.clone(),
            client_id: self.client_id.clone(),
            users: self.user_sample.clone(),
        }
    }

    /// Whether all fields are empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
