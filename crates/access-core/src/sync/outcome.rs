//! The outcome of a run: its summary and what was published.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::Baseline;
use crate::ports::{Receipt, Warning};

use super::summary::SyncSummary;

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncOutcome {
    /// The sync.
    pub summary: SyncSummary,
    /// Warnings.
    pub warnings: Vec<Warning>,
    /// Baselines of the previous sync, by sink.
    pub baselines: BTreeMap<String, Baseline>,
    /// Published outputs.
    pub receipts: Vec<SinkReceipt>,
}

/// The published output of a sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SinkReceipt {
    /// Name of the sink.
    pub sink: String,
    /// The output.
    #[serde(flatten)]
    pub receipt: Receipt,
}
