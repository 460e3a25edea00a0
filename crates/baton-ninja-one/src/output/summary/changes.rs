//! Resources and grants added and removed since the previous sync, by id.

use access_core::model::{ResourceTypeId, RowKind};
use access_core::sync::{Comparison, SyncSummary, TypeTally};

use crate::output::text_table::format_thousands;

/// A line for each changed resource type; empty without an earlier sync.
pub(super) fn since_last_sync(summary: &SyncSummary) -> Vec<String> {
    let Some(before) = latest(summary) else {
        return Vec::new();
    };
    let mut lines: Vec<String> = types(summary, before)
        .into_iter()
        .filter_map(|resource_type| {
            let changes = [RowKind::Resource, RowKind::Grant].map(|kind| {
                let (added, removed) = counts(summary, before, kind, resource_type);
                match (added, removed) {
                    (0, 0) => None,
                    (added, 0) => Some(format!("{} +{}", kind.plural(), format_thousands(added))),
                    (0, removed) => Some(format!("{} −{}", kind.plural(), format_thousands(removed))),
                    (added, removed) => Some(format!(
                        "{} +{} −{}",
                        kind.plural(),
                        format_thousands(added),
                        format_thousands(removed)
                    )),
                }
            });
            let changes: Vec<String> = changes.into_iter().flatten().collect();
            (!changes.is_empty()).then(|| format!("{:<14}{}", resource_type.as_str(), changes.join(", ")))
        })
        .collect();
    if lines.is_empty() {
        lines.push("nothing was added or removed".to_owned());
    }
    lines
}

/// Whether anything was added or removed.
pub(super) fn has_changes(summary: &SyncSummary) -> bool {
    latest(summary).is_some_and(|before| {
        types(summary, before).into_iter().any(|resource_type| {
            [RowKind::Resource, RowKind::Grant]
                .into_iter()
                .any(|kind| counts(summary, before, kind, resource_type) != (0, 0))
        })
    })
}

/// The latest previous sync: sinks may have different ones.
fn latest(summary: &SyncSummary) -> Option<&Comparison> {
    summary.guard.compared.iter().max_by_key(|before| before.sync_id)
}

fn types<'a>(summary: &'a SyncSummary, before: &'a Comparison) -> Vec<&'a ResourceTypeId> {
    let now = summary.ledger.iter().map(|(key, _)| &key.resource_type);
    let mut types: Vec<&ResourceTypeId> = now.chain(before.types.keys()).collect();
    types.sort_unstable();
    types.dedup();
    types
}

/// The numbers of added and removed rows.
fn counts(
    summary: &SyncSummary,
    before: &Comparison,
    kind: RowKind,
    resource_type: &ResourceTypeId,
) -> (u64, u64) {
    let tally = before
        .types
        .get(resource_type)
        .and_then(|of_type| of_type.tally(kind));
    let written = summary.ledger.line(kind, resource_type).written;
    let kept = tally.map_or(0, |tally| tally.kept);
    (written.saturating_sub(kept), tally.map_or(0, TypeTally::lost))
}
