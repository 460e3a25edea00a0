//! What the comparison with earlier syncs means for this one: types that are not complete, losses that are refused, losses
//! that are accepted and written down.

use std::collections::BTreeMap;

use crate::model::{Completeness, ResourceTypeId, RowKind};
use crate::ports::Warning;

use super::comparison::{Comparison, TypeTally};
use super::error::SyncError;
use super::fan_out::SinkComparison;
use super::shrink_guard::{AcceptedLoss, Loss, ShrinkGuard};
use super::summary::{GuardReport, SyncSummary};
use super::validation::ImplausibleSilence;

/// What came of the comparisons.
#[derive(Default)]
pub(super) struct Judgement {
    /// Losses that nobody accepted.
    pub(super) refused: Option<Refused>,
    /// Silence that no tenant can mean, where an earlier sync may be replaced unseen.
    pub(super) implausible: Option<Implausible>,
    /// What a person should know.
    pub(super) remarks: Vec<Warning>,
}

/// Losses that nobody accepted.
#[derive(Default)]
pub(super) struct Refused {
    losses: Vec<Loss>,
    standing: Vec<ResourceTypeId>,
    since: Vec<String>,
}

/// Silence that no tenant can mean.
pub(super) struct Implausible {
    findings: Vec<(ResourceTypeId, String)>,
    sinks: Vec<String>,
}

impl Implausible {
    pub(super) fn into_error(self, kept: Vec<String>) -> SyncError {
        SyncError::Implausible {
            findings: self.findings,
            sinks: self.sinks,
            kept,
        }
    }
}

impl Refused {
    fn add(&mut self, guard: &ShrinkGuard, sink: String, losses: Vec<Loss>) {
        if losses.is_empty() {
            return;
        }
        self.since.push(sink);
        for loss in losses {
            if guard.standing_leave(&loss.resource_type) && !self.standing.contains(&loss.resource_type) {
                self.standing.push(loss.resource_type.clone());
            }
            if !self.losses.contains(&loss) {
                self.losses.push(loss);
            }
        }
    }

    pub(super) fn into_error(self, kept: Vec<String>) -> SyncError {
        SyncError::Shrunk {
            losses: self.losses,
            standing: self.standing,
            since: self.since,
            kept,
        }
    }
}

/// Judges what is missing against each earlier sync, and writes the verdict into the summary. What is missing because the
/// tenant is silent makes its type incomplete; of complete types the guard judges how much is missing.
pub(super) fn judge(
    guard: &ShrinkGuard,
    compared: Vec<SinkComparison>,
    suspect: &BTreeMap<ResourceTypeId, ImplausibleSilence>,
    summary: &mut SyncSummary,
) -> Judgement {
    let mut judgement = Judgement::default();
    let mut report = GuardReport {
        max_drop_percent: guard.max_drop_percent(),
        ..GuardReport::default()
    };
    let without_baseline = compared.is_empty() || compared.iter().any(|sink| sink.comparison.is_none());
    for sink in &compared {
        if let Some(comparison) = &sink.comparison {
            judge_silence(guard, comparison, summary, &mut report);
        }
    }
    if without_baseline {
        for (resource_type, ImplausibleSilence { field, .. }) in suspect {
            if guard.leave(resource_type, None).is_none() {
                let reason = format!("the tenant does not state {field}, and no earlier full sync does");
                make_incomplete(summary, resource_type, reason);
            }
        }
    }
    judgement.implausible = implausible(guard, &compared, suspect);
    let mut refused = Refused::default();
    for SinkComparison { sink, comparison, .. } in compared {
        let Some(comparison) = comparison else { continue };
        let losses = guard.losses(&comparison, summary);
        let (accepted, missing): (Vec<Loss>, Vec<Loss>) = losses
            .into_iter()
            .partition(|loss| guard.leave(&loss.resource_type, loss.since).is_some());
        for loss in accepted {
            accept(guard, &mut report, loss);
        }
        refused.add(guard, sink, missing);
        if !report.compared.contains(&comparison) {
            report.compared.push(comparison);
        }
    }
    for leave in guard.accepted() {
        let used = |accepted: &AcceptedLoss| leave.names(&accepted.loss.resource_type);
        if !leave.standing && !report.accepted.iter().any(used) {
            judgement.remarks.push(Warning {
                code: "accept_drop_unused",
                message: format!("--accept-drop {leave} was not needed: no such loss was found"),
            });
        }
    }
    summary.guard = report;
    judgement.refused = (!refused.losses.is_empty()).then_some(refused);
    judgement
}

/// What no tenant can mean, if a sink may hold an earlier sync that cannot be compared with and nobody gave leave.
fn implausible(
    guard: &ShrinkGuard,
    compared: &[SinkComparison],
    suspect: &BTreeMap<ResourceTypeId, ImplausibleSilence>,
) -> Option<Implausible> {
    let unknown = compared.iter().filter(|sink| sink.unknown);
    let sinks: Vec<String> = unknown.map(|sink| sink.sink.clone()).collect();
    let found = suspect.iter().filter(|(resource_type, found)| {
        found.implausible && guard.max_drop_percent().is_some() && guard.leave(resource_type, None).is_none()
    });
    let findings: Vec<_> = found
        .map(|(resource_type, found)| (resource_type.clone(), found.field.clone()))
        .collect();
    (!sinks.is_empty() && !findings.is_empty()).then_some(Implausible { findings, sinks })
}

/// Rows that are missing and not denied make their type incomplete, unless leave was given for this loss.
fn judge_silence(
    guard: &ShrinkGuard,
    comparison: &Comparison,
    summary: &mut SyncSummary,
    report: &mut GuardReport,
) {
    for (resource_type, of_type) in &comparison.types {
        for kind in [RowKind::Resource, RowKind::Grant] {
            let Some(tally) = of_type.tally(kind).filter(|tally| tally.unstated > 0) else {
                continue;
            };
            if guard.leave(resource_type, comparison.sync_id).is_some() {
                let loss = Loss {
                    kind,
                    resource_type: resource_type.clone(),
                    entitlement: None,
                    before: tally.before,
                    kept: tally.kept,
                    since: comparison.sync_id,
                    unstated: tally.unstated,
                    not_read: false,
                };
                accept(guard, report, loss);
            } else {
                make_incomplete(summary, resource_type, unstated_reason(kind, tally));
            }
        }
    }
}

fn unstated_reason(kind: RowKind, tally: &TypeTally) -> String {
    let examples: Vec<String> = tally.examples.iter().map(ToString::to_string).collect();
    let examples = examples.join(", ");
    match tally.unstated {
        1 => format!("1 {kind} of the sync before is not stated any more, nor denied ({examples})"),
        count => format!(
            "{count} {} of the sync before are not stated any more, nor denied ({examples})",
            kind.plural()
        ),
    }
}

/// Writes down a loss that leave covers.
fn accept(guard: &ShrinkGuard, report: &mut GuardReport, loss: Loss) {
    let Some(leave) = guard.leave(&loss.resource_type, loss.since) else {
        return;
    };
    let accepted_by = format!("--accept-drop {leave}");
    let accepted = AcceptedLoss { loss, accepted_by };
    if !report.accepted.contains(&accepted) {
        report.accepted.push(accepted);
    }
}

/// A type that is incomplete already keeps its first reason.
fn make_incomplete(summary: &mut SyncSummary, resource_type: &ResourceTypeId, reason: String) {
    if let Some(state @ Completeness::Complete) = summary.completeness.get_mut(resource_type) {
        *state = Completeness::Incomplete { reason };
    }
}
