//! The ledger: double-entry bookkeeping of rows.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use crate::model::{ResourceTypeId, RowKind};
use crate::ports::SkipReason;

/// Why a row was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// The source has no usable id for it.
    UnusableId,
    /// The source returned a malformed row.
    WrongShape,
    /// It is a duplicate.
    Duplicate,
    /// Its resource type is not listed.
    UnknownResourceType,
    /// Its resource is not listed.
    UnknownResource,
    /// Its entitlement is not listed.
    UnknownEntitlement,
    /// Its principal is not listed.
    UnknownPrincipal,
    /// Its id would exceed the limit.
    IdTooLong,
    /// The filter of the run excludes it.
    OutOfScope,
}

impl From<SkipReason> for DropReason {
    fn from(reason: SkipReason) -> Self {
        match reason {
            SkipReason::UnusableId => Self::UnusableId,
            SkipReason::Duplicate => Self::Duplicate,
            SkipReason::WrongShape => Self::WrongShape,
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnusableId => "without a usable id",
            Self::WrongShape => "of the wrong shape",
            Self::Duplicate => "duplicate",
            Self::UnknownResourceType => "of an unknown resource type",
            Self::UnknownResource => "on an unknown resource",
            Self::UnknownEntitlement => "of an unknown entitlement",
            Self::UnknownPrincipal => "to an unknown principal",
            Self::IdTooLong => "with an id that is too long",
            Self::OutOfScope => "left out by the filter",
        })
    }
}

/// The key of a ledger line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct LedgerKey {
    /// The row kind.
    pub kind: RowKind,
    /// The resource type; for entitlements and grants, of their resource.
    pub resource_type: ResourceTypeId,
}

/// A line of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LedgerEntry {
    /// Rows received from the source.
    pub received: u64,
    /// Rows written to every sink.
    pub written: u64,
    /// Dropped rows, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
}

impl LedgerEntry {
    /// Total of dropped rows.
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Whether every received row was written or dropped.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.received == self.written + self.dropped_total()
    }
}

/// Accounts for every row of a run (docs/reference/design.md §3). `received` is counted at the input, `written` and
/// `dropped` at the decision, so that a row lost in between is detected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger(BTreeMap<LedgerKey, LedgerEntry>);

impl Ledger {
    fn entry(&mut self, kind: RowKind, resource_type: &ResourceTypeId) -> &mut LedgerEntry {
        self.0
            .entry(LedgerKey {
                kind,
                resource_type: resource_type.clone(),
            })
            .or_default()
    }

    /// Adds received rows.
    pub fn received(&mut self, kind: RowKind, resource_type: &ResourceTypeId, count: u64) {
        self.entry(kind, resource_type).received += count;
    }

    /// Adds written rows.
    pub fn written(&mut self, kind: RowKind, resource_type: &ResourceTypeId, count: u64) {
        self.entry(kind, resource_type).written += count;
    }

    /// Adds dropped rows.
    pub fn dropped(&mut self, kind: RowKind, resource_type: &ResourceTypeId, reason: DropReason, count: u64) {
        if count > 0 {
            *self.entry(kind, resource_type).dropped.entry(reason).or_default() += count;
        }
    }

    /// All lines, by kind and type.
    pub fn iter(&self) -> impl Iterator<Item = (&LedgerKey, &LedgerEntry)> {
        self.0.iter()
    }

    /// The line of a kind and type; empty if there is none.
    #[must_use]
    pub fn line(&self, kind: RowKind, resource_type: &ResourceTypeId) -> LedgerEntry {
        self.0
            .get(&LedgerKey {
                kind,
                resource_type: resource_type.clone(),
            })
            .cloned()
            .unwrap_or_default()
    }

    /// Rows written to every sink.
    #[must_use]
    pub fn total_written(&self) -> u64 {
        self.0.values().map(|entry| entry.written).sum()
    }

    /// The first line that does not balance.
    #[must_use]
    pub fn imbalance(&self) -> Option<(&LedgerKey, &LedgerEntry)> {
        self.0.iter().find(|(_, entry)| !entry.balances())
    }
}

impl Serialize for Ledger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Line<'a> {
            #[serde(flatten)]
            key: &'a LedgerKey,
            #[serde(flatten)]
            entry: &'a LedgerEntry,
        }
        let mut lines = serializer.serialize_seq(Some(self.0.len()))?;
        for (key, entry) in &self.0 {
            lines.serialize_element(&Line { key, entry })?;
        }
        lines.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_rows_unbalance_the_ledger() {
        let role = ResourceTypeId::from_static("role");
        let mut ledger = Ledger::default();
        ledger.received(RowKind::Grant, &role, 5);
        ledger.written(RowKind::Grant, &role, 3);
        ledger.dropped(RowKind::Grant, &role, DropReason::UnknownPrincipal, 1);
        assert_eq!(ledger.imbalance().map(|(key, _)| key.kind), Some(RowKind::Grant));
        ledger.dropped(RowKind::Grant, &role, DropReason::Duplicate, 1);
        assert_eq!(ledger.imbalance(), None);
        assert_eq!(ledger.total_written(), 3);
    }

    #[test]
    fn dropping_nothing_leaves_no_line() {
        let mut ledger = Ledger::default();
        ledger.dropped(
            RowKind::Grant,
            &ResourceTypeId::from_static("role"),
            DropReason::Duplicate,
            0,
        );
        assert_eq!(ledger.iter().count(), 0);
    }
}
