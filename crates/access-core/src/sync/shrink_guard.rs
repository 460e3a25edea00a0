//! The shrink guard: refuses to publish a full sync that lost too much of the sync it replaces.
//!
//! In a full sync, missing rows count as removed. A response that is empty, truncated or from another tenant would
//! therefore revoke everybody's access, so such a sync needs explicit acceptance. Losses are determined by id, not by
//! count: replacing all users by as many others is a complete loss.

use std::fmt;

use crate::model::{Completeness, ResourceTypeId, RowKind, SyncId};

use super::comparison::Comparison;
use super::loss::Loss;
use super::summary::SyncSummary;

/// Minimum number of principals that lose an entitlement at once for a loss, if nobody keeps it. Fewer can lose it on
/// one day, e.g. when just-in-time access ends.
const MIN_EMPTIED_HOLDERS: u64 = 5;

/// The same for entitlements on a type with a single resource, such as rights over the whole tenant: a tenant without
/// administrators is not plausible.
const MIN_EMPTIED_HOLDERS_OF_SINGLE: u64 = 2;

/// The accepted losses between two full syncs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShrinkGuard {
    /// `None` disables the guard.
    max_drop_percent: Option<u8>,
    accepted: Vec<AcceptDrop>,
}

/// Acceptance of a loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptDrop {
    /// The accepted type; `None` for every type.
    pub resource_type: Option<ResourceTypeId>,
    /// The previous sync of the accepted loss. `None` accepts losses in this run only.
    pub since: Option<SyncId>,
    /// Whether it comes from a variable or a file and may be older than the loss. It then requires `since`.
    pub standing: bool,
}

impl AcceptDrop {
    pub(super) fn names(&self, resource_type: &ResourceTypeId) -> bool {
        self.resource_type
            .as_ref()
            .is_none_or(|named| named == resource_type)
    }

    fn covers(&self, resource_type: &ResourceTypeId, since: Option<SyncId>) -> bool {
        let asked_for_this_loss = match self.since {
            Some(seen) => since == Some(seen),
            None => !self.standing,
        };
        self.names(resource_type) && asked_for_this_loss
    }
}

impl fmt::Display for AcceptDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.resource_type.as_ref().map_or("all", ResourceTypeId::as_str);
        match self.since {
            Some(since) => write!(f, "{named}@{since}"),
            None => f.write_str(named),
        }
    }
}

impl Default for ShrinkGuard {
    /// Up to half of a type may be lost, and no type may become empty.
    fn default() -> Self {
        Self::new(50, Vec::new())
    }
}

impl ShrinkGuard {
    /// Accepts losses up to this percentage of a type.
    #[must_use]
    pub fn new(max_drop_percent: u8, accepted: Vec<AcceptDrop>) -> Self {
        Self {
            max_drop_percent: Some(max_drop_percent),
            accepted,
        }
    }

    /// Accepts every loss. Missing information still makes a type incomplete.
    #[must_use]
    pub fn off() -> Self {
        Self {
            max_drop_percent: None,
            accepted: Vec::new(),
        }
    }

    /// The accepted loss of a type in percent; `None` without a guard.
    #[must_use]
    pub fn max_drop_percent(&self) -> Option<u8> {
        self.max_drop_percent
    }

    /// The accepted losses.
    pub(super) fn accepted(&self) -> &[AcceptDrop] {
        &self.accepted
    }

    /// The acceptance that covers a loss, if any.
    pub(super) fn acceptance(
        &self,
        resource_type: &ResourceTypeId,
        since: Option<SyncId>,
    ) -> Option<&AcceptDrop> {
        self.accepted
            .iter()
            .find(|accepted| accepted.covers(resource_type, since))
    }

    /// Whether a variable or file accepts losses of the type, but not this one.
    pub(super) fn has_standing_acceptance(&self, resource_type: &ResourceTypeId) -> bool {
        self.accepted
            .iter()
            .any(|accepted| accepted.standing && accepted.since.is_none() && accepted.names(resource_type))
    }

    /// All losses of a sync, accepted or not. Incomplete types are ignored; a type that is no longer read is a loss.
    pub(super) fn losses(&self, comparison: &Comparison, summary: &SyncSummary) -> Vec<Loss> {
        let Some(max_drop_percent) = self.max_drop_percent else {
            return Vec::new();
        };
        let mut losses = Vec::new();
        for (resource_type, of_type) in &comparison.types {
            let state = summary.completeness.get(resource_type);
            for kind in [RowKind::Resource, RowKind::Grant] {
                let Some(tally) = of_type.tally(kind) else {
                    continue;
                };
                let loss = Loss {
                    kind,
                    resource_type: resource_type.clone(),
                    entitlement: None,
                    before: tally.before,
                    kept: tally.kept,
                    since: comparison.sync_id,
                    unstated: 0,
                    not_read: state.is_none(),
                };
                let judged = match state {
                    None => kind == RowKind::Resource && tally.before > 0,
                    Some(Completeness::Complete) => is_suspicious(tally.before, tally.kept, max_drop_percent),
                    Some(Completeness::Incomplete { .. }) => false,
                };
                if judged {
                    losses.push(loss);
                }
            }
        }
        losses.extend(emptied(comparison, summary));
        losses
    }
}

/// Entitlements that lost all grants.
fn emptied(comparison: &Comparison, summary: &SyncSummary) -> Vec<Loss> {
    let emptied = comparison.emptied.iter().filter_map(|(entitlement, before)| {
        let resource_type = entitlement.resource_type();
        let single = summary.ledger.line(RowKind::Resource, &resource_type).written == 1;
        let min_holders = if single {
            MIN_EMPTIED_HOLDERS_OF_SINGLE
        } else {
            MIN_EMPTIED_HOLDERS
        };
        let complete = summary.completeness.get(&resource_type) == Some(&Completeness::Complete);
        (complete && *before >= min_holders).then(|| Loss {
            kind: RowKind::Grant,
            resource_type,
            entitlement: Some(entitlement.clone()),
            before: *before,
            kept: 0,
            since: comparison.sync_id,
            unstated: 0,
            not_read: false,
        })
    });
    emptied.collect()
}

fn is_suspicious(before: u64, kept: u64, max_drop_percent: u8) -> bool {
    let lost = u128::from(before.saturating_sub(kept));
    before > 0 && (kept == 0 || lost * 100 > u128::from(before) * u128::from(max_drop_percent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losing_more_than_half_or_all_is_suspicious() {
        for (before, kept, suspicious) in [
            (0, 0, false),
            (0, 5, false),
            (1, 1, false),
            (1, 0, true),
            (2, 1, false),
            (3, 1, true),
            (100, 50, false),
            (100, 49, true),
            (100, 200, false),
            (u64::MAX, u64::MAX / 2, true),
            (u64::MAX, u64::MAX / 2 + 1, false),
        ] {
            assert_eq!(is_suspicious(before, kept, 50), suspicious, "{before} to {kept}");
        }
    }

    #[test]
    fn the_limit_is_configurable_but_no_type_may_become_empty() {
        assert!(is_suspicious(1000, 999, 0) && !is_suspicious(1000, 1000, 0));
        assert!(!is_suspicious(1000, 1, 100) && is_suspicious(1000, 0, 100));
    }

    #[test]
    fn standing_acceptance_covers_only_the_named_loss() {
        let role = ResourceTypeId::from_static("role");
        let seen = SyncId::from_parts(time::macros::datetime!(2026-11-25 12:00 UTC), [7; 16]);
        let other = SyncId::from_parts(time::macros::datetime!(2026-11-26 12:00 UTC), [7; 16]);
        let acceptance = |since, standing| AcceptDrop {
            resource_type: Some(role.clone()),
            since,
            standing,
        };
        assert!(acceptance(None, false).covers(&role, Some(seen)));
        assert!(!acceptance(None, true).covers(&role, Some(seen)));
        assert!(acceptance(Some(seen), true).covers(&role, Some(seen)));
        assert!(!acceptance(Some(seen), true).covers(&role, Some(other)));
        assert!(!acceptance(None, false).covers(&ResourceTypeId::from_static("user"), Some(seen)));
    }
}
