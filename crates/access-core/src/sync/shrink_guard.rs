//! Whether a full sync lost so much since the previous one that somebody should look before it is believed.
//!
//! A reader of a full sync takes what is missing for gone. An answer that is empty or short by mistake would then end
//! everybody's access reviews, so such a sync is not published without leave.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::model::{Baseline, Completeness, ResourceTypeId, RowKind};

use super::SyncSummary;

/// What may get lost from one full sync to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShrinkGuard {
    max_drop_percent: u8,
    accepted: Accepted,
}

/// Of which types any loss is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// Of these.
    Types(BTreeSet<ResourceTypeId>),
    /// Of all: there is no guard.
    All,
}

impl Default for ShrinkGuard {
    /// Half of a type may go, and no type may become empty.
    fn default() -> Self {
        Self::new(50, Accepted::Types(BTreeSet::new()))
    }
}

/// What got lost of a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// Resources, or grants on them.
    pub kind: RowKind,
    /// The type.
    pub resource_type: ResourceTypeId,
    /// Rows in the previous sync.
    pub before: u64,
    /// Rows in this one.
    pub now: u64,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            resource_type,
            before,
            now,
        } = self;
        let kind = kind.plural();
        write!(f, "{kind} of type {resource_type} went from {before} to {now}")
    }
}

impl ShrinkGuard {
    /// Up to this share of a type, in percent, may go.
    #[must_use]
    pub fn new(max_drop_percent: u8, accepted: Accepted) -> Self {
        Self {
            max_drop_percent,
            accepted,
        }
    }

    /// Accepts everything.
    #[must_use]
    pub fn off() -> Self {
        Self::new(100, Accepted::All)
    }

    /// The types of which any loss is accepted, as far as they are named.
    pub(super) fn named(&self) -> impl Iterator<Item = &ResourceTypeId> {
        match &self.accepted {
            Accepted::Types(types) => Some(types.iter()),
            Accepted::All => None,
        }
        .into_iter()
        .flatten()
    }

    /// What a sync lost that is not accepted, against what a sink holds. Types that were not read to the end, or not at
    /// all, are nobody's deletions and are not looked at.
    pub(super) fn judge(&self, baseline: &Baseline, summary: &SyncSummary) -> Vec<Loss> {
        let Accepted::Types(accepted) = &self.accepted else {
            return Vec::new();
        };
        let kinds = [
            (RowKind::Resource, &baseline.resources),
            (RowKind::Grant, &baseline.grants),
        ];
        let mut losses = Vec::new();
        for (kind, counts) in kinds {
            for (resource_type, &before) in counts {
                let complete = summary.completeness.get(resource_type) == Some(&Completeness::Complete);
                let now = summary.ledger.line(kind, resource_type).written;
                if complete && !accepted.contains(resource_type) && self.is_suspicious(before, now) {
                    losses.push(Loss {
                        kind,
                        resource_type: resource_type.clone(),
                        before,
                        now,
                    });
                }
            }
        }
        losses
    }

    fn is_suspicious(&self, before: u64, now: u64) -> bool {
        let lost = u128::from(before.saturating_sub(now));
        before > 0 && (now == 0 || lost * 100 > u128::from(before) * u128::from(self.max_drop_percent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_half_or_all_is_suspicious() {
        let guard = ShrinkGuard::default();
        for (before, now, suspicious) in [
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
            assert_eq!(guard.is_suspicious(before, now), suspicious, "{before} to {now}");
        }
    }

    #[test]
    fn the_share_can_be_chosen_but_nothing_may_become_empty() {
        let none = ShrinkGuard::new(0, Accepted::Types(BTreeSet::new()));
        let nearly_all = ShrinkGuard::new(100, Accepted::Types(BTreeSet::new()));
        assert!(none.is_suspicious(1000, 999) && !none.is_suspicious(1000, 1000));
        assert!(!nearly_all.is_suspicious(1000, 1) && nearly_all.is_suspicious(1000, 0));
    }
}
