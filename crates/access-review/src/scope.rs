//! The scope of a review: which grants of a report are reviewed.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// All grants, or those on resources with certain traits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every grant.
    All,
    /// Grants on resources with one of these traits.
    Traits(BTreeSet<String>),
}

/// An invalid scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope: use `all`, or a comma-separated list of traits such as role, app and group")]
pub struct ScopeError(String);

const TRAITS: [&str; 6] = ["role", "app", "group", "user", "managed_device", "other"];

impl Scope {
    /// Whether grants on resources with this trait are reviewed.
    #[must_use]
    pub fn includes(&self, trait_kind: &str) -> bool {
        match self {
            Self::All => true,
            Self::Traits(traits) => traits.contains(trait_kind),
        }
    }
}

impl Default for Scope {
    /// Roles and tenant permissions.
    fn default() -> Self {
        Self::Traits(["role", "app"].map(str::to_owned).into())
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let words: Vec<String> = text.split(',').map(|word| word.trim().to_lowercase()).collect();
        if words == ["all"] {
            return Ok(Self::All);
        }
        if words.iter().all(|word| TRAITS.contains(&word.as_str())) {
            return Ok(Self::Traits(words.into_iter().collect()));
        }
        Err(ScopeError(text.to_owned()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Traits(traits) => f.write_str(&traits.iter().cloned().collect::<Vec<_>>().join(",")),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
