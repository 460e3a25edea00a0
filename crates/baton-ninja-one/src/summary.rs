//! The result of a sync, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use access_core::model::{Completeness, ResourceTypeId, RowKind};
use access_core::ports::{Phase, SourceUsage, Warning};
use access_core::sync::{SinkReceipt, SyncOutcome, SyncSummary};
use serde::Serialize;

use crate::table::{columns, duration, grouped, size};

/// What a run cost.
pub(crate) struct Run<'a> {
    /// The tenant, for people.
    pub(crate) tenant: &'a str,
    /// What was read.
    pub(crate) origin: Origin<'a>,
    /// From start to end.
    pub(crate) took: Duration,
    /// The steps.
    pub(crate) phases: Vec<(Phase, Duration)>,
}

/// What was read.
pub(crate) enum Origin<'a> {
    /// The tenant itself, at this cost.
    Tenant(SourceUsage),
    /// A file.
    File(&'a Path),
}

#[derive(Serialize)]
struct Machine<'a> {
    sync: &'a SyncSummary,
    duration_seconds: f64,
    phase_seconds: BTreeMap<&'static str, f64>,
    source: Source<'a>,
    sinks: &'a [SinkReceipt],
    warnings: &'a [Warning],
}

#[derive(Serialize)]
struct Source<'a> {
    tenant: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a Path>,
    #[serde(flatten)]
    usage: Option<SourceUsage>,
}

/// For programs: one JSON object.
pub(crate) fn json(run: &Run<'_>, outcome: &SyncOutcome) -> String {
    let machine = Machine {
        sync: &outcome.summary,
        duration_seconds: run.took.as_secs_f64(),
        phase_seconds: run
            .phases
            .iter()
            .map(|(phase, took)| (phase_name(*phase), took.as_secs_f64()))
            .collect(),
        source: Source {
            tenant: run.tenant,
            file: match run.origin {
                Origin::File(path) => Some(path),
                Origin::Tenant(_) => None,
            },
            usage: match run.origin {
                Origin::Tenant(usage) => Some(usage),
                Origin::File(_) => None,
            },
        },
        sinks: &outcome.receipts,
        warnings: &outcome.warnings,
    };
    // Maps with text keys and numbers always serialise.
    let text = serde_json::to_string_pretty(&machine).unwrap_or_default();
    format!("{text}\n")
}

/// For people: what was read, what was left out and why, where it is.
pub(crate) fn text(run: &Run<'_>, outcome: &SyncOutcome) -> String {
    let summary = &outcome.summary;
    let took = duration(run.took);
    let mut text = match run.origin {
        Origin::Tenant(usage) => format!(
            "Synced {} in {took}: {} calls, {} read\n\n",
            run.tenant,
            grouped(usage.calls),
            size(usage.bytes),
        ),
        Origin::File(path) => format!("Exported {} in {took}\n\n", path.display()),
    };
    text.push_str(&columns(&rows(summary)));
    let dropped = dropped(summary);
    if !dropped.is_empty() {
        text.push_str("\nLeft out\n");
        text.push_str(&columns(&dropped));
    }
    let incomplete = summary
        .completeness
        .iter()
        .filter_map(|(id, completeness)| match completeness {
            Completeness::Incomplete { reason } => Some(format!("  {id} is incomplete: {reason}\n")),
            Completeness::Complete => None,
        });
    let warnings: Vec<String> = incomplete
        .chain(
            outcome
                .warnings
                .iter()
                .map(|warning| format!("  {}\n", warning.message)),
        )
        .collect();
    if !warnings.is_empty() {
        text.push_str("\nWarnings\n");
        text.push_str(&warnings.concat());
    }
    text.push('\n');
    let mut places = vec![vec![
        "sync".to_owned(),
        format!("{} ({})", summary.run.id, summary.run.sync_type.as_str()),
    ]];
    for SinkReceipt { receipt, .. } in &outcome.receipts {
        let bytes = receipt
            .bytes
            .map(|bytes| format!(" ({})", size(bytes)))
            .unwrap_or_default();
        places.push(vec!["file".to_owned(), format!("{}{bytes}", receipt.location)]);
    }
    for place in places {
        let _ = writeln!(text, "  {}", place.join("  "));
    }
    text
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Reading => "reading",
        Phase::Preparing => "preparing",
        Phase::Publishing => "publishing",
    }
}

fn rows(summary: &SyncSummary) -> Vec<Vec<String>> {
    let kinds = [RowKind::Resource, RowKind::Entitlement, RowKind::Grant];
    let mut types: Vec<&ResourceTypeId> = summary.ledger.iter().map(|(key, _)| &key.resource_type).collect();
    types.sort_unstable();
    types.dedup();
    let heading = ["type", "resources", "entitlements", "grants", "left out"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    let mut totals = [0; 4];
    for resource_type in types {
        let lines = kinds.map(|kind| summary.ledger.line(kind, resource_type));
        let left_out = lines
            .iter()
            .map(access_core::sync::LedgerEntry::dropped_total)
            .sum();
        let numbers = [lines[0].written, lines[1].written, lines[2].written, left_out];
        for (total, number) in totals.iter_mut().zip(numbers) {
            *total += number;
        }
        rows.push(
            std::iter::once(resource_type.to_string())
                .chain(numbers.map(shown))
                .collect(),
        );
    }
    rows.push(
        std::iter::once("total".to_owned())
            .chain(totals.map(shown))
            .collect(),
    );
    rows
}

fn shown(number: u64) -> String {
    if number == 0 {
        "-".to_owned()
    } else {
        grouped(number)
    }
}

fn dropped(summary: &SyncSummary) -> Vec<Vec<String>> {
    let lines = summary.ledger.iter().flat_map(|(key, entry)| {
        entry.dropped.iter().map(move |(reason, count)| {
            let kind = if *count == 1 {
                key.kind.to_string()
            } else {
                key.kind.plural().to_owned()
            };
            vec![format!(
                "{} {kind} of type {} {reason}",
                grouped(*count),
                key.resource_type
            )]
        })
    });
    lines.collect()
}
