//! What a sync amounts to.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::model::{Baseline, Completeness, LeftOut, ResourceTypeId, RowKind, SyncRun, UnstatedNote};
use crate::ports::{Receipt, Warning};

use super::comparison::Comparison;
use super::ledger::{DropReason, Ledger};
use super::shrink_guard::AcceptedLoss;

/// What the sinks are told when all rows are in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncSummary {
    /// The sync.
    #[serde(flatten)]
    pub run: SyncRun,
    /// When the last row was in.
    #[serde(with = "time::serde::rfc3339")]
    pub ended_at: OffsetDateTime,
    /// Where every row went.
    pub ledger: Ledger,
    /// How far each type can be trusted.
    pub completeness: BTreeMap<ResourceTypeId, Completeness>,
    /// Rows that the tenant gave and no sink has, by name.
    pub left_out: LeftOut<DropReason>,
    /// What the tenant does not state.
    pub unstated: Vec<UnstatedNote>,
    /// How the sync was compared with those it replaces.
    pub guard: GuardReport,
}

/// How a sync was compared with those it replaces, and what was accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GuardReport {
    /// The share of a type that may go, in percent; `None` without a guard.
    pub max_drop_percent: Option<u8>,
    /// What became of the rows of each earlier sync.
    pub compared: Vec<Comparison>,
    /// Losses that were published all the same, and by whose leave.
    pub accepted: Vec<AcceptedLoss>,
}

impl SyncSummary {
    /// A summary of which nothing was left out, unstated or compared.
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

    /// Rows written of one kind, by resource type; types without such rows are left out.
    #[must_use]
    pub fn written_by_type(&self, kind: RowKind) -> BTreeMap<&ResourceTypeId, u64> {
        self.ledger
            .iter()
            .filter(|(key, entry)| key.kind == kind && entry.written > 0)
            .map(|(key, entry)| (&key.resource_type, entry.written))
            .collect()
    }

    /// Rows written of one kind.
    #[must_use]
    pub fn written(&self, kind: RowKind) -> u64 {
        self.written_by_type(kind).values().sum()
    }

    /// Its size, for judging the sync that comes next.
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

    /// How long reading took.
    #[must_use]
    pub fn duration(&self) -> Duration {
        (self.ended_at - self.run.started_at)
            .try_into()
            .unwrap_or_default()
    }
}

/// What a finished run has to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncOutcome {
    /// The sync.
    pub summary: SyncSummary,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// What each sink had of the previous sync, where it could tell.
    pub baselines: BTreeMap<String, Baseline>,
    /// What each sink published.
    pub receipts: Vec<SinkReceipt>,
}

/// What one sink published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SinkReceipt {
    /// The sink's name.
    pub sink: String,
    /// What it published.
    #[serde(flatten)]
    pub receipt: Receipt,
}
