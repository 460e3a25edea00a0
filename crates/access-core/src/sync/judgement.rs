//! Consequences of the comparison with previous syncs: incomplete types, refused losses and accepted losses.

use std::collections::BTreeMap;

use crate::model::{Completeness, ResourceTypeId, RowKind};
use crate::ports::Warning;

use super::comparison::{Comparison, TypeTally};
use super::error::SyncError;
use super::fan_out::SinkComparison;
use super::loss::{AcceptedLoss, Loss};
use super::shrink_guard::ShrinkGuard;
use super::summary::{GuardReport, SyncSummary};
use super::validation::ImplausibleSilence;

/// The result of the comparisons.
#[derive(Default)]
pub(super) struct Judgement {
    /// Losses that were not accepted.
    pub(super) refused: Option<Refused>,
    /// Implausible missing information, if an unknown sync may be replaced.
    pub(super) implausible: Option<Implausible>,
    /// Warnings.
    pub(super) remarks: Vec<Warning>,
}

/// Losses that were not accepted.
#[derive(Default)]
pub(super) struct Refused {
    losses: Vec<Loss>,
    standing: Vec<ResourceTypeId>,
    since: Vec<String>,
}

/// Implausible missing information.
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
            if guard.has_standing_acceptance(&loss.resource_type)
                && !self.standing.contains(&loss.resource_type)
            {
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

/// Evaluates the missing rows for each previous sync and updates the summary. Rows that are missing but not denied make
/// their type incomplete; the shrink guard evaluates complete types.
pub(super) fn judge(
    guard: &ShrinkGuard,
    compared: Vec<SinkComparison>,
    suspicious_types: &BTreeMap<ResourceTypeId, ImplausibleSilence>,
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
            apply_unstated_rows(guard, comparison, summary, &mut report);
        }
    }
    if without_baseline {
        for (resource_type, ImplausibleSilence { field, .. }) in suspicious_types {
            if guard.acceptance(resource_type, None).is_none() {
                let reason = format!("the tenant does not state {field}, and no earlier full sync does");
                make_incomplete(summary, resource_type, reason);
            }
        }
    }
    judgement.implausible = implausible(guard, &compared, suspicious_types);
    let mut refused = Refused::default();
    for SinkComparison { sink, comparison, .. } in compared {
        let Some(comparison) = comparison else { continue };
        let losses = guard.losses(&comparison, summary);
        let (accepted, missing): (Vec<Loss>, Vec<Loss>) = losses
            .into_iter()
            .partition(|loss| guard.acceptance(&loss.resource_type, loss.since).is_some());
        for loss in accepted {
            accept(guard, &mut report, loss);
        }
        refused.add(guard, sink, missing);
        if !report.compared.contains(&comparison) {
            report.compared.push(comparison);
        }
    }
    for acceptance in guard.accepted() {
        let used = |accepted: &AcceptedLoss| acceptance.names(&accepted.loss.resource_type);
        if !acceptance.standing && !report.accepted.iter().any(used) {
            judgement.remarks.push(Warning {
                code: "accept_drop_unused",
                message: format!("--accept-drop {acceptance} was not needed: no such loss was found"),
            });
        }
    }
    summary.guard = report;
    judgement.refused = (!refused.losses.is_empty()).then_some(refused);
    judgement
}

/// Implausible missing information, if a sink may contain an unknown sync and the loss was not accepted.
fn implausible(
    guard: &ShrinkGuard,
    compared: &[SinkComparison],
    suspicious_types: &BTreeMap<ResourceTypeId, ImplausibleSilence>,
) -> Option<Implausible> {
    let unknown = compared.iter().filter(|sink| sink.unknown);
    let sinks: Vec<String> = unknown.map(|sink| sink.sink.clone()).collect();
    let found = suspicious_types.iter().filter(|(resource_type, found)| {
        found.implausible
            && guard.max_drop_percent().is_some()
            && guard.acceptance(resource_type, None).is_none()
    });
    let findings: Vec<_> = found
        .map(|(resource_type, found)| (resource_type.clone(), found.field.clone()))
        .collect();
    (!sinks.is_empty() && !findings.is_empty()).then_some(Implausible { findings, sinks })
}

/// Rows that are missing but not denied make their type incomplete, unless the loss was accepted.
fn apply_unstated_rows(
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
            if guard.acceptance(resource_type, comparison.sync_id).is_some() {
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
        1 => format!("1 {kind} of the last sync is now unknown ({examples})"),
        count => format!(
            "{count} {} of the last sync are now unknown ({examples})",
            kind.plural()
        ),
    }
}

/// Records an accepted loss.
fn accept(guard: &ShrinkGuard, report: &mut GuardReport, loss: Loss) {
    let Some(acceptance) = guard.acceptance(&loss.resource_type, loss.since) else {
        return;
    };
    let accepted_by = format!("--accept-drop {acceptance}");
    let accepted = AcceptedLoss { loss, accepted_by };
    if !report.accepted.contains(&accepted) {
        report.accepted.push(accepted);
    }
}

/// Types that already are incomplete keep their reason.
fn make_incomplete(summary: &mut SyncSummary, resource_type: &ResourceTypeId, reason: String) {
    if let Some(state @ Completeness::Complete) = summary.completeness.get_mut(resource_type) {
        *state = Completeness::Incomplete { reason };
    }
}
