//! What can be held, who holds it, and how it came to that.

use access_core::model::TraitKind;
use serde::{Deserialize, Serialize};

/// A kind of thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kind {
    pub(crate) id: Box<str>,
    pub(crate) name: Box<str>,
    /// The dataset's word: `user`, `group`, `role`, `app`, `managed_device` or `other`.
    #[serde(rename = "trait_kind")]
    pub(crate) taken_for: Box<str>,
    pub(crate) complete: bool,
    pub(crate) incomplete_reason: Option<Box<str>>,
    pub(crate) resources: u64,
}

impl Kind {
    /// Whether its things have this trait.
    pub(crate) fn is(&self, kind: TraitKind) -> bool {
        *self.taken_for == *kind.as_str()
    }
}

/// Something that can be held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entitlement {
    pub(crate) id: Box<str>,
    /// The kind of the thing that it is held on, by its place in the list of kinds.
    pub(crate) kind: u32,
    pub(crate) resource: Box<str>,
    pub(crate) resource_name: Box<str>,
    /// What the resource is for, in the tenant's words.
    pub(crate) resource_description: Option<Box<str>>,
    pub(crate) slug: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) description: Option<Box<str>>,
    pub(crate) purpose: Box<str>,
    /// Whether no connector can grant or revoke it.
    pub(crate) immutable: bool,
}

/// Somebody who holds something and is no person, such as a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct OtherPrincipal {
    pub(crate) name: Box<str>,
    pub(crate) resource_type: Box<str>,
    pub(crate) id: Box<str>,
}

/// How something is held.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// Whether it was given to the holder itself.
    pub(crate) direct: bool,
    /// Ids of the entitlements through which it is held.
    pub(crate) sources: Vec<Box<str>>,
}

/// Who holds an entitlement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Holders {
    /// Places: people first, then the others.
    pub(crate) principals: Vec<u32>,
    /// For each, one more than the place of its [`Origin`]; zero: given to the holder itself, nothing else to say. Empty if
    /// that is so for all.
    pub(crate) origins: Vec<u32>,
    /// For each, the place in [`Model::times`](crate::model::Model::times) of the first report of the chain that shows it. Empty if
    /// that is the first one for all.
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

    /// The place in [`Model::times`](crate::model::Model::times) of the first report that shows the holder at a place here.
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
