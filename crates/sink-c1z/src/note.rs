//! The note about a sync in the file: tenant, program, incomplete types, and accepted losses.

use std::collections::BTreeMap;

use access_core::model::{Completeness, Provenance, ResourceTypeId};
use access_core::sync::{AcceptedLoss, SyncSummary};
use serde::Serialize;

/// Accepted losses that are noted one by one; the rest is counted.
const MAX_ACCEPTED: usize = 200;

#[derive(Serialize)]
struct Note<'s> {
    tenant: &'s str,
    #[serde(flatten)]
    provenance: &'s Provenance,
    /// Types that are not complete, with the reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    incomplete: BTreeMap<&'s ResourceTypeId, &'s str>,
    guard: Guard<'s>,
}

#[derive(Serialize)]
struct Guard<'s> {
    max_drop_percent: Option<u8>,
    /// The earlier syncs that this one was compared with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    compared_with: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    accepted: &'s [AcceptedLoss],
    #[serde(skip_serializing_if = "is_zero")]
    more_accepted: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The note about a sync.
pub(crate) fn note(summary: &SyncSummary) -> serde_json::Value {
    let incomplete = summary.completeness.iter().filter_map(|(id, state)| match state {
        Completeness::Incomplete { reason } => Some((id, reason.as_str())),
        Completeness::Complete => None,
    });
    let accepted = &summary.guard.accepted;
    let noted = accepted.len().min(MAX_ACCEPTED);
    let compared = summary
        .guard
        .compared
        .iter()
        .filter_map(|comparison| comparison.sync_id);
    let note = Note {
        tenant: &summary.run.tenant,
        provenance: &summary.run.provenance,
        incomplete: incomplete.collect(),
        guard: Guard {
            max_drop_percent: summary.guard.max_drop_percent,
            compared_with: compared.map(|id| id.to_string()).collect(),
            accepted: &accepted[..noted],
            more_accepted: accepted.len() - noted,
        },
    };
    // Texts, numbers and maps with texts as keys are always JSON.
    serde_json::to_value(note).unwrap_or_default()
}
