//! The summary of a sync.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::model::{Baseline, Completeness, LeftOut, ResourceTypeId, RowKind, SyncRun, UnstatedNote};

use super::comparison::Comparison;
use super::ledger::{DropReason, Ledger};
use super::loss::AcceptedLoss;

/// The summary of a sync after reading, for the sinks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncSummary {
    /// The sync.
    #[serde(flatten)]
    pub run: SyncRun,
    /// Time at which the last row was read.
    #[serde(with = "time::serde::rfc3339")]
    pub ended_at: OffsetDateTime,
    /// The ledger.
    pub ledger: Ledger,
    /// Completeness by type.
    pub completeness: BTreeMap<ResourceTypeId, Completeness>,
    /// Dropped rows.
    pub left_out: LeftOut<DropReason>,
    /// Missing information.
    pub unstated: Vec<UnstatedNote>,
    /// The comparison with previous syncs.
    pub guard: GuardReport,
}

/// The comparison with previous syncs and the accepted losses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GuardReport {
    /// The accepted loss of a type in percent; `None` without a guard.
    pub max_drop_percent: Option<u8>,
    /// The comparison with each previous sync.
    pub compared: Vec<Comparison>,
    /// Accepted losses.
    pub accepted: Vec<AcceptedLoss>,
}

impl SyncSummary {
    /// A summary without dropped rows, missing information or comparison.
    #[must_use]
    pub fn new(
        run: SyncRun,
        ended_at: OffsetDateTime,
        ledger: Ledger,
        completeness: BTreeMap<ResourceTypeId, Completeness>,
    ) -> Self {
        Self {
            run,
            ended_at,
            ledger,
            completeness,
            left_out: LeftOut::default(),
            unstated: Vec::new(),
            guard: GuardReport::default(),
        }
    }

    /// Written rows of a kind, by resource type; types without such rows are omitted.
    #[must_use]
    pub fn written_by_type(&self, kind: RowKind) -> BTreeMap<&ResourceTypeId, u64> {
        self.ledger
            .iter()
            .filter(|(key, entry)| key.kind == kind && entry.written > 0)
            .map(|(key, entry)| (&key.resource_type, entry.written))
            .collect()
    }

    /// Written rows of a kind.
    #[must_use]
    pub fn written(&self, kind: RowKind) -> u64 {
        self.written_by_type(kind).values().sum()
    }

    /// Row counts as the baseline of the next sync.
    #[must_use]
    pub fn baseline(&self) -> Baseline {
        let counts = |kind| {
            self.written_by_type(kind)
                .into_iter()
                .map(|(resource_type, rows)| (resource_type.clone(), rows))
                .collect()
        };
        Baseline {
            sync_id: Some(self.run.id),
            resources: counts(RowKind::Resource),
            grants: counts(RowKind::Grant),
        }
    }

    /// Duration of reading.
    #[must_use]
    pub fn duration(&self) -> Duration {
        (self.ended_at - self.run.started_at)
            .try_into()
            .unwrap_or_default()
    }
}
