//! The counts that a sync run caches about itself (docs/reference/c1z.md §2.3, §4.4).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Counts of one sync, in the JSON form of the `stats` column: zero values are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncStats {
    /// Resource types.
    #[serde(skip_serializing_if = "is_zero")]
    pub resource_types: u64,
    /// Resources.
    #[serde(skip_serializing_if = "is_zero")]
    pub resources: u64,
    /// Entitlements.
    #[serde(skip_serializing_if = "is_zero")]
    pub entitlements: u64,
    /// Grants.
    #[serde(skip_serializing_if = "is_zero")]
    pub grants: u64,
    /// Resources by their type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resources_by_resource_type: BTreeMap<String, u64>,
    /// Grants by the type of the resource that the entitlement is on.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub grants_by_resource_type: BTreeMap<String, u64>,
    /// Entitlements by the type of their resource.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub entitlements_by_resource_type: BTreeMap<String, u64>,
    /// Assets.
    #[serde(skip_serializing_if = "is_zero")]
    pub assets: u64,
}

impl SyncStats {
    /// Whether the counts by type are complete; other writers may leave them out.
    #[must_use]
    pub fn has_type_counts(&self) -> bool {
        let sum = |by_type: &BTreeMap<String, u64>| total(by_type.values().copied());
        sum(&self.resources_by_resource_type) == self.resources
            && sum(&self.entitlements_by_resource_type) == self.entitlements
            && sum(&self.grants_by_resource_type) == self.grants
    }

    /// All rows together.
    #[must_use]
    pub fn rows(&self) -> u64 {
        total([
            self.resource_types,
            self.resources,
            self.entitlements,
            self.grants,
            self.assets,
        ])
    }
}

/// A sum of counts, which other writers may claim to be anything.
fn total(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Adds to the count of a type, without an allocation for a known type.
pub(crate) fn count(by_type: &mut BTreeMap<String, u64>, resource_type: &str, rows: u64) {
    match by_type.get_mut(resource_type) {
        Some(known) => *known += rows,
        None => {
            by_type.insert(resource_type.to_owned(), rows);
        }
    }
}
