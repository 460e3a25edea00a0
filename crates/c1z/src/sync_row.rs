//! Syncs as rows: those that a file has, and the one that is written.

use time::OffsetDateTime;

use crate::stats::SyncStats;

/// A row of `v1_sync_runs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRow {
    /// Its id.
    pub sync_id: String,
    /// Its start, as text without a zone (see [`parse_timestamp`](crate::parse_timestamp)).
    pub started_at: String,
    /// Its end in the same form; `None` while it is unfinished.
    pub ended_at: Option<String>,
    /// `full`, `partial`, `resources_only`, `partial_upserts` or `partial_deletions`.
    pub sync_type: String,
    /// The other sync of a pair of diff syncs; empty for all others.
    pub linked_sync_id: String,
    /// The counts it cached, if they can be read.
    pub stats: Option<SyncStats>,
}

impl SyncRow {
    /// The finished sync that readers use, if any: the latest full one, else the latest of any type. "Latest" is the greatest end,
    /// then the greatest id (docs/reference/c1z.md §2.4).
    #[must_use]
    pub fn latest_finished(syncs: &[Self]) -> Option<&Self> {
        let finished = syncs.iter().filter(|sync| sync.ended_at.is_some());
        finished.max_by(|a, b| {
            let full = |sync: &Self| sync.sync_type == "full";
            (full(a), &a.ended_at, &a.sync_id).cmp(&(full(b), &b.ended_at, &b.sync_id))
        })
    }
}

/// The sync that is written, as the `v1_sync_runs` table has it (docs/reference/c1z.md §2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncHeader {
    /// Its KSUID.
    pub sync_id: String,
    /// `full`, `resources_only` or `partial`.
    pub sync_type: &'static str,
    /// Its start.
    pub started_at: OffsetDateTime,
}

/// The other columns of a sync, which only a sync from another file fills.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lineage {
    pub(crate) parent_sync_id: String,
    pub(crate) linked_sync_id: String,
    pub(crate) supports_diff: bool,
    pub(crate) ingest_checks: IngestChecks,
    /// The note of its writer, as a token; else empty.
    pub(crate) token: String,
}

/// The checks that a sync has passed, as its writer names them (docs/reference/c1z.md §5.7).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IngestChecks {
    pub(crate) generation: String,
    pub(crate) coverage: Vec<String>,
    pub(crate) mode: String,
}

impl IngestChecks {
    /// The coverage as v1 has it: a JSON list, or empty.
    pub(crate) fn coverage_text(&self) -> String {
        if self.coverage.is_empty() {
            return String::new();
        }
        serde_json::to_string(&self.coverage).unwrap_or_default()
    }
}
