//! One pass over a tenant: what was asked of it and what it is worth.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use time::OffsetDateTime;

use super::{Provenance, ResourceId, ResourceTypeId, SyncId};

/// What sort of pass (docs/reference/c1z.md §2.3, `sync_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncType {
    /// Everything. Only such a sync may be read as "what is missing is gone".
    Full,
    /// Things, but not who holds what.
    ResourcesOnly,
    /// Some types or some resources.
    Partial,
}

impl SyncType {
    /// The word in the c1z file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::ResourcesOnly => "resources_only",
            Self::Partial => "partial",
        }
    }
}

/// How deep to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessDepth {
    /// Resources, entitlements and grants.
    #[default]
    Full,
    /// Resources and entitlements.
    WithoutGrants,
    /// Resources alone.
    ResourcesOnly,
}

/// What to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SyncScope {
    /// Only these types; `None` = all that the source offers.
    pub types: Option<BTreeSet<ResourceTypeId>>,
    /// Only these resources, with who holds access on them; `None` = all.
    pub targets: Option<BTreeSet<ResourceId>>,
    /// How deep.
    pub depth: AccessDepth,
}

impl SyncScope {
    /// The type of a sync with this scope of a source that offers these types. A pass that leaves something out is partial, so
    /// that nobody takes what it left out for deleted; a filter that names every type leaves nothing out.
    #[must_use]
    pub fn sync_type<'a>(&self, offered: impl IntoIterator<Item = &'a ResourceTypeId>) -> SyncType {
        let all_types = offered.into_iter().all(|offered| self.includes_type(offered));
        match (all_types, &self.targets, self.depth) {
            (true, None, AccessDepth::Full) => SyncType::Full,
            (true, None, AccessDepth::ResourcesOnly) => SyncType::ResourcesOnly,
            _ => SyncType::Partial,
        }
    }

    /// Whether rows of this type are wanted by the type filter.
    #[must_use]
    pub fn includes_type(&self, resource_type: &ResourceTypeId) -> bool {
        self.types
            .as_ref()
            .is_none_or(|types| types.contains(resource_type))
    }

    /// Whether entitlements are wanted, and perhaps grants.
    #[must_use]
    pub fn includes_entitlements(&self) -> bool {
        self.depth != AccessDepth::ResourcesOnly
    }

    /// Whether grants are wanted. A source need not care: the pipeline leaves them out.
    #[must_use]
    pub fn includes_grants(&self) -> bool {
        self.depth == AccessDepth::Full
    }
}

/// A sync that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncRun {
    /// Its id.
    pub id: SyncId,
    /// What sort of pass it is.
    pub sync_type: SyncType,
    /// The tenant that is read, e.g. its base URL.
    pub tenant: String,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// What it is made with.
    #[serde(skip_serializing_if = "Provenance::is_empty")]
    pub provenance: Provenance,
}

/// Whether all data of a type was read (docs/reference/design.md §3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Completeness {
    /// Everything was read.
    Complete,
    /// Some of it is missing.
    Incomplete {
        /// Why.
        reason: String,
    },
}

/// The size of the previous published sync, for judging whether this one shrank suspiciously.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Baseline {
    /// Which sync it was.
    pub sync_id: Option<SyncId>,
    /// Resources by their type.
    pub resources: BTreeMap<ResourceTypeId, u64>,
    /// Grants by the type of the resource on which the entitlement is held.
    pub grants: BTreeMap<ResourceTypeId, u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unfiltered_deep_pass_is_full() {
        let role = ResourceTypeId::from_static("role");
        let user = ResourceTypeId::from_static("user");
        let offered = [role.clone(), user.clone()];
        let all = SyncScope::default();
        let named = SyncScope {
            types: Some([role.clone(), user].into()),
            ..SyncScope::default()
        };
        assert_eq!(named.sync_type(&offered), SyncType::Full);
        let shallow = SyncScope {
            depth: AccessDepth::ResourcesOnly,
            ..SyncScope::default()
        };
        let typed = SyncScope {
            types: Some([role.clone()].into()),
            ..SyncScope::default()
        };
        let both = SyncScope {
            depth: AccessDepth::ResourcesOnly,
            ..typed.clone()
        };
        assert_eq!(all.sync_type(&offered), SyncType::Full);
        assert_eq!(shallow.sync_type(&offered), SyncType::ResourcesOnly);
        let without_grants = SyncScope {
            depth: AccessDepth::WithoutGrants,
            ..SyncScope::default()
        };
        assert_eq!(without_grants.sync_type(&offered), SyncType::Partial);
        assert!(without_grants.includes_entitlements() && !without_grants.includes_grants());
        assert!(!shallow.includes_entitlements() && !shallow.includes_grants());
        assert!(all.includes_entitlements() && all.includes_grants());
        assert_eq!(typed.sync_type(&offered), SyncType::Partial);
        assert_eq!(both.sync_type(&offered), SyncType::Partial);
        assert!(typed.includes_type(&role) && !typed.includes_type(&ResourceTypeId::from_static("user")));
    }
}
