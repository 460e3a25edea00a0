//! Entitlements, their holders, and the origins of grants.

use access_core::model::TraitKind;
use serde::{Deserialize, Serialize};

/// A resource type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedType {
    pub(crate) id: Box<str>,
    pub(crate) name: Box<str>,
    /// The dataset's value: `user`, `group`, `role`, `app`, `managed_device` or `other`.
    #[serde(rename = "trait_kind")]
    pub(crate) trait_kind: Box<str>,
    pub(crate) complete: bool,
    pub(crate) incomplete_reason: Option<Box<str>>,
    pub(crate) resources: u64,
}

impl ListedType {
    /// Whether its resources have this trait.
    pub(crate) fn is(&self, kind: TraitKind) -> bool {
        *self.trait_kind == *kind.as_str()
    }
}

/// An entitlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entitlement {
    pub(crate) id: Box<str>,
    /// The resource type of its resource, by its index in the list of types.
    pub(crate) kind: u32,
    pub(crate) resource: Box<str>,
    pub(crate) resource_name: Box<str>,
    /// The description of the resource.
    pub(crate) resource_description: Option<Box<str>>,
    pub(crate) slug: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) description: Option<Box<str>>,
    pub(crate) purpose: Box<str>,
    /// Whether no connector can grant or revoke it.
    pub(crate) immutable: bool,
}

/// A principal that is not a person, such as a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct OtherPrincipal {
    pub(crate) name: Box<str>,
    pub(crate) resource_type: Box<str>,
    pub(crate) id: Box<str>,
}

/// The origin of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// Whether it was granted to the principal directly.
    pub(crate) direct: bool,
    /// Ids of the entitlements that it is inherited from.
    pub(crate) sources: Vec<Box<str>>,
}

/// The principals with an entitlement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Holders {
    /// Their indices: people first, then the others.
    pub(crate) principals: Vec<u32>,
    /// For each, one more than the index of its [`Origin`]; zero is a plain direct grant. Empty if all are plain direct grants.
    pub(crate) origins: Vec<u32>,
    /// For each, the index in [`Model::times`](crate::model::Model::times) of the first report of the chain that shows it. Empty if
    /// that is zero for all.
    pub(crate) since: Vec<u32>,
}

impl Holders {
    /// Holders with their origins.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        self.principals
            .iter()
            .enumerate()
            .map(|(n, principal)| (*principal, self.origins.get(n).copied().unwrap_or(0)))
    }

    /// The index in [`Model::times`](crate::model::Model::times) of the first report that shows the holder at an index.
    pub(crate) fn since(&self, n: usize) -> u32 {
        self.since.get(n).copied().unwrap_or(0)
    }

    pub(crate) fn push(&mut self, principal: u32, origin: u32) {
        if origin > 0 && self.origins.is_empty() {
            self.origins = vec![0; self.principals.len()];
        }
        if origin > 0 || !self.origins.is_empty() {
            self.origins.push(origin);
        }
        self.principals.push(principal);
    }
}
