//! A sync run: its scope, type and completeness.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use time::OffsetDateTime;

use super::{Provenance, ResourceId, ResourceTypeId, SyncId};

/// The type of a sync (docs/reference/c1z.md §2.3, `sync_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncType {
    /// All data. Missing records count as removed in full syncs only.
    Full,
    /// Resources without grants.
    ResourcesOnly,
    /// Selected types or resources, or an incomplete read.
    Partial,
}

impl SyncType {
    /// The name in c1z files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::ResourcesOnly => "resources_only",
            Self::Partial => "partial",
        }
    }
}

/// Which rows to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessDepth {
    /// Resources, entitlements and grants.
    #[default]
    Full,
    /// Resources and entitlements.
    WithoutGrants,
    /// Resources only.
    ResourcesOnly,
}

/// The scope of a sync.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SyncScope {
    /// Selected types; `None` for all.
    pub types: Option<BTreeSet<ResourceTypeId>>,
    /// Selected resources and the grants on them; `None` for all.
    pub targets: Option<BTreeSet<ResourceId>>,
    /// Which rows to read.
    pub depth: AccessDepth,
}

impl SyncScope {
    /// The sync type of this scope for a source with the given types. A sync that omits anything is partial, so that
    /// omitted records do not count as removed. A filter that names every type omits nothing.
    #[must_use]
    pub fn sync_type<'a>(&self, offered: impl IntoIterator<Item = &'a ResourceTypeId>) -> SyncType {
        let all_types = offered.into_iter().all(|offered| self.includes_type(offered));
        match (all_types, &self.targets, self.depth) {
            (true, None, AccessDepth::Full) => SyncType::Full,
            (true, None, AccessDepth::ResourcesOnly) => SyncType::ResourcesOnly,
            _ => SyncType::Partial,
        }
    }

    /// Whether the type filter includes a type.
    #[must_use]
    pub fn includes_type(&self, resource_type: &ResourceTypeId) -> bool {
        self.types
            .as_ref()
            .is_none_or(|types| types.contains(resource_type))
    }

    /// Whether entitlements are read.
    #[must_use]
    pub fn includes_entitlements(&self) -> bool {
        self.depth != AccessDepth::ResourcesOnly
    }

    /// Whether grants are read. Sources may send them anyway: the pipeline drops them.
    #[must_use]
    pub fn includes_grants(&self) -> bool {
        self.depth == AccessDepth::Full
    }
}

/// A started sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncRun {
    /// The id.
    pub id: SyncId,
    /// The sync type.
    pub sync_type: SyncType,
    /// The tenant, e.g. its base URL.
    pub tenant: String,
    /// The start time.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// Program, client and settings.
    #[serde(skip_serializing_if = "Provenance::is_empty")]
    pub provenance: Provenance,
}

/// Whether a type was read completely (docs/reference/design.md §3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Completeness {
    /// All data was read.
    Complete,
    /// Data is missing.
    Incomplete {
        /// Why.
        reason: String,
    },
}

/// Row counts of the previous published sync, as the baseline of the shrink guard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Baseline {
    /// The id of the sync.
    pub sync_id: Option<SyncId>,
    /// Resources by type.
    pub resources: BTreeMap<ResourceTypeId, u64>,
    /// Grants by the type of their entitlement's resource.
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
