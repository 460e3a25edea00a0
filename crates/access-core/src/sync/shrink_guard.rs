//! Whether a full sync lost so much of the one it replaces that somebody should look before it is believed.
//!
//! A reader of a full sync takes what is missing for gone. An answer that is empty, short or another tenant's by mistake would
//! then end everybody's access reviews, so such a sync is not published without leave. What is lost is judged by ids, not by
//! counts: replacing all users by as many others is a loss of all.

use std::fmt;

use serde::Serialize;

use crate::model::{Completeness, EntitlementId, ResourceTypeId, RowKind, SyncId};

use super::SyncSummary;
use super::comparison::Comparison;

/// An entitlement that as many holders lost at once, all of them, is a loss even where its type as a whole shrank little.
/// Fewer may well lose it on one day, e.g. when just-in-time access ends.
const MIN_EMPTIED_HOLDERS: u64 = 5;

/// The same for entitlements on a type that has one resource, as privileges over a whole tenant are: a tenant without any
/// administrator is not plausible.
const MIN_EMPTIED_HOLDERS_OF_SINGLE: u64 = 2;

/// What may get lost from one full sync to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShrinkGuard {
    /// `None`: there is no guard.
    max_drop_percent: Option<u8>,
    accepted: Vec<AcceptDrop>,
}

/// Leave to publish in spite of a loss of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptDrop {
    /// The type of which a loss is accepted; `None`: every type.
    pub resource_type: Option<ResourceTypeId>,
    /// The sync against which the loss was seen; leave for that loss only. `None`: leave for this run.
    pub since: Option<SyncId>,
    /// Whether it stands in a variable or a file and so may be older than the loss. Such leave counts only with `since`.
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
    /// Half of a type may go, and no type may become empty.
    fn default() -> Self {
        Self::new(50, Vec::new())
    }
}

/// What got lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// Resources, or grants on them.
    pub kind: RowKind,
    /// The type.
    pub resource_type: ResourceTypeId,
    /// The entitlement, where the loss is that it has no holder any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entitlement: Option<EntitlementId>,
    /// Rows in the sync before.
    pub before: u64,
    /// How many of them are still there, by id.
    pub kept: u64,
    /// The sync before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<SyncId>,
    /// How many of the missing rows the tenant does not deny, where that is why it counts.
    #[serde(skip_serializing_if = "is_zero")]
    pub unstated: u64,
    /// Whether the type is not read at all any more.
    #[serde(skip_serializing_if = "is_false")]
    pub not_read: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            resource_type,
            before,
            kept,
            unstated,
            ..
        } = self;
        let kind = self.kind.plural();
        if self.not_read {
            return write!(
                f,
                "type {resource_type} is not read any more ({before} {kind} before)"
            );
        }
        match &self.entitlement {
            Some(entitlement) => write!(f, "{entitlement} lost all of its {before} holders"),
            None if *unstated > 0 => {
                write!(
                    f,
                    "{unstated} of {before} {kind} of type {resource_type} are not stated"
                )
            }
            None => write!(f, "{kept} of {before} {kind} of type {resource_type} are left"),
        }
    }
}

/// A loss that was published all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AcceptedLoss {
    /// What was lost.
    #[serde(flatten)]
    pub loss: Loss,
    /// The leave that covered it, as it was given, e.g. `--accept-drop role`.
    pub accepted_by: String,
}

impl ShrinkGuard {
    /// Up to this share of a type, in percent, may go.
    #[must_use]
    pub fn new(max_drop_percent: u8, accepted: Vec<AcceptDrop>) -> Self {
        Self {
            max_drop_percent: Some(max_drop_percent),
            accepted,
        }
    }

    /// Accepts every loss. Silence still makes a type incomplete.
    #[must_use]
    pub fn off() -> Self {
        Self {
            max_drop_percent: None,
            accepted: Vec::new(),
        }
    }

    /// The share of a type that may go, in percent; `None` without a guard.
    #[must_use]
    pub fn max_drop_percent(&self) -> Option<u8> {
        self.max_drop_percent
    }

    /// Leave that was given.
    pub(super) fn accepted(&self) -> &[AcceptDrop] {
        &self.accepted
    }

    /// The leave that covers a loss of a type, if any.
    pub(super) fn leave(&self, resource_type: &ResourceTypeId, since: Option<SyncId>) -> Option<&AcceptDrop> {
        self.accepted
            .iter()
            .find(|accepted| accepted.covers(resource_type, since))
    }

    /// Leave that stands in a variable or a file and names the type, but not the loss.
    pub(super) fn standing_leave(&self, resource_type: &ResourceTypeId) -> bool {
        self.accepted
            .iter()
            .any(|accepted| accepted.standing && accepted.since.is_none() && accepted.names(resource_type))
    }

    /// What a sync lost, accepted or not. Types that were not read to the end are nobody's deletions and are not looked at;
    /// a type that is not read at all any more is a loss.
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

/// Entitlements that all of their holders lost.
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
    fn more_than_half_or_all_is_suspicious() {
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
    fn the_share_can_be_chosen_but_nothing_may_become_empty() {
        assert!(is_suspicious(1000, 999, 0) && !is_suspicious(1000, 1000, 0));
        assert!(!is_suspicious(1000, 1, 100) && is_suspicious(1000, 0, 100));
    }

    #[test]
    fn standing_leave_counts_only_for_the_loss_it_names() {
        let role = ResourceTypeId::from_static("role");
        let seen = SyncId::from_parts(time::macros::datetime!(2026-11-25 12:00 UTC), [7; 16]);
        let other = SyncId::from_parts(time::macros::datetime!(2026-11-26 12:00 UTC), [7; 16]);
        let leave = |since, standing| AcceptDrop {
            resource_type: Some(role.clone()),
            since,
            standing,
        };
        assert!(leave(None, false).covers(&role, Some(seen)));
        assert!(!leave(None, true).covers(&role, Some(seen)));
        assert!(leave(Some(seen), true).covers(&role, Some(seen)));
        assert!(!leave(Some(seen), true).covers(&role, Some(other)));
        assert!(!leave(None, false).covers(&ResourceTypeId::from_static("user"), Some(seen)));
    }
}
