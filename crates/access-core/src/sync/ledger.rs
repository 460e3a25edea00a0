//! Double-entry book-keeping of rows.

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
    /// The source gave it without a usable id.
    UnusableId,
    /// The source gave something that is not such a row.
    WrongShape,
    /// The same row was there before.
    Duplicate,
    /// Its resource type was never listed.
    UnknownResourceType,
    /// Its resource was never listed.
    UnknownResource,
    /// Its entitlement was never listed.
    UnknownEntitlement,
    /// Its principal was never listed.
    UnknownPrincipal,
    /// Its id would be longer than readers accept.
    IdTooLong,
    /// The run's filter leaves it out.
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

/// What a line of the ledger is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct LedgerKey {
    /// The kind of row.
    pub kind: RowKind,
    /// Its resource type; for entitlements and grants, that of the resource they are held on.
    pub resource_type: ResourceTypeId,
}

/// One line of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LedgerEntry {
    /// Rows that came from the source.
    pub received: u64,
    /// Rows that every sink has.
    pub written: u64,
    /// Rows that no sink has, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
}

impl LedgerEntry {
    /// Rows that were not written, for whatever reason.
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Whether every received row is accounted for.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.received == self.written + self.dropped_total()
    }
}

/// Where every row of a run went (docs/reference/design.md §3). `received` is counted where rows come in, `written` and
/// `dropped` where the decision is made, so a row that is lost between the two shows.
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

    /// Books rows that came in.
    pub fn received(&mut self, kind: RowKind, resource_type: &ResourceTypeId, count: u64) {
        self.entry(kind, resource_type).received += count;
    }

    /// Books rows that went to the sinks.
    pub fn written(&mut self, kind: RowKind, resource_type: &ResourceTypeId, count: u64) {
        self.entry(kind, resource_type).written += count;
    }

    /// Books rows that went nowhere.
    pub fn dropped(&mut self, kind: RowKind, resource_type: &ResourceTypeId, reason: DropReason, count: u64) {
        if count > 0 {
            *self.entry(kind, resource_type).dropped.entry(reason).or_default() += count;
        }
    }

    /// All lines, by kind and type.
    pub fn iter(&self) -> impl Iterator<Item = (&LedgerKey, &LedgerEntry)> {
        self.0.iter()
    }

    /// The line for one kind and type; empty if nothing was booked.
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

    /// Rows that every sink has.
    #[must_use]
    pub fn total_written(&self) -> u64 {
        self.0.values().map(|entry| entry.written).sum()
    }

    /// The first line that does not add up, if any.
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
    fn a_lost_row_shows() {
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
