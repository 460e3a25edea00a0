//! What a sync amounts to.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::model::{Baseline, Completeness, ResourceTypeId, RowKind, SyncRun};
use crate::ports::{Receipt, Warning};

use super::Ledger;

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
}

impl SyncSummary {
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
