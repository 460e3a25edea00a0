//! The result of a sync, for people and for programs.

mod changes;
mod left_out;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use access_core::model::{Completeness, ResourceTypeId, RowKind, SyncType, UnstatedNote};
use access_core::ports::{ApiUsage, Phase, Warning};
use access_core::sync::{AcceptedLoss, SinkReceipt, SyncOutcome, SyncSummary};
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::commands::inspect::DEFAULT_FILE;
use crate::output::console::Text;
use crate::output::text_table::columns;
use crate::output::text_table::counted;
use crate::output::text_table::duration;
use crate::output::text_table::format_thousands;
use crate::output::text_table::size;
use crate::output::wrap::terminal_width;

/// Result, duration and API usage of a run.
pub(crate) struct Run<'a> {
    /// The name of the tenant.
    pub(crate) tenant: &'a str,
    /// What was read.
    pub(crate) origin: RunInput<'a>,
    /// The duration.
    pub(crate) took: Duration,
    /// The steps with their durations.
    pub(crate) phases: Vec<(Phase, Duration)>,
}

/// What was read.
pub(crate) enum RunInput<'a> {
    /// The tenant, with this API usage.
    Tenant(ApiUsage),
    /// A file.
    File(&'a Path),
}

#[derive(Serialize)]
struct JsonSummary<'a> {
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
    usage: Option<ApiUsage>,
}

/// The summary as one JSON object.
pub(crate) fn json(run: &Run<'_>, outcome: &SyncOutcome) -> Text {
    Text::from_json(&JsonSummary {
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
                RunInput::File(path) => Some(path),
                RunInput::Tenant(_) => None,
            },
            usage: match run.origin {
                RunInput::Tenant(usage) => Some(usage),
                RunInput::File(_) => None,
            },
        },
        sinks: &outcome.receipts,
        warnings: &outcome.warnings,
    })
}

/// The summary for people: counts, left out rows with reasons, unknown data, and locations.
pub(crate) fn text(run: &Run<'_>, outcome: &SyncOutcome) -> Text {
    let summary = &outcome.summary;
    let took = duration(run.took);
    let mut text = Text::new();
    match run.origin {
        RunInput::Tenant(usage) => text.indented(
            0,
            format_args!(
                "Synced {} in {took}: {} calls, {} read",
                run.tenant,
                format_thousands(usage.calls),
                size(usage.bytes),
            ),
        ),
        RunInput::File(path) => text.line(format_args!("Exported {} in {took}", path.display())),
    }
    text.blank();
    columns(&rows(summary), &mut text);
    section(&mut text, "Left out", left_out::sentences(summary));
    section(
        &mut text,
        "Not reported by the tenant",
        summary.unstated.iter().map(not_stated),
    );
    section(
        &mut text,
        "Accepted losses",
        summary.guard.accepted.iter().map(accepted),
    );
    section(&mut text, "Warnings", warnings(outcome));
    section(
        &mut text,
        "Since the last sync",
        changes::since_last_sync(summary),
    );
    text.blank();
    text.line(format_args!(
        "  sync     {} ({})",
        summary.run.id,
        summary.run.sync_type.as_str()
    ));
    for SinkReceipt { sink, receipt } in &outcome.receipts {
        let bytes = receipt
            .bytes
            .map(|bytes| format!(" ({})", size(bytes)))
            .unwrap_or_default();
        let what = match sink_kind(sink) {
            "report" => "report",
            "parquet" | "csv" => "dataset",
            _ => "file",
        };
        text.line(format_args!("  {what:<7}  {}{bytes}", receipt.location));
    }
    let next = next_steps(outcome);
    if !next.is_empty() {
        text.blank();
        next_lines(&mut text, &next, terminal_width());
    }
    text
}

/// The kind of a sink, from its name.
fn sink_kind(name: &str) -> &str {
    name.split([' ', ':', '=']).next().unwrap_or(name)
}

/// Suggestions for the next commands.
fn next_steps(outcome: &SyncOutcome) -> Vec<String> {
    let mut next = Vec::new();
    let receipts = || outcome.receipts.iter();
    if let Some(report) = receipts().find(|receipt| sink_kind(&receipt.sink) == "report") {
        next.push(format!("open {}", quoted(&report.receipt.location)));
    }
    if let Some(data) = receipts().find(|receipt| sink_kind(&receipt.sink) != "html") {
        let location = &data.receipt.location;
        let named = if location == DEFAULT_FILE {
            String::new()
        } else {
            format!(" {}", quoted(location))
        };
        next.push(format!("baton-ninja-one inspect{named} users --admin --no-mfa"));
        if changes::has_changes(&outcome.summary) {
            next.push(format!("baton-ninja-one diff{named}"));
        }
    }
    next
}

/// Prints the next commands on one line, or each on its own if the terminal is too narrow, so that they can be copied.
fn next_lines(text: &mut Text, next: &[String], width: Option<usize>) {
    const LABEL: &str = "Next: ";
    let column = LABEL.len();
    let line = format!("{LABEL}{}", next.join(" · "));
    if width.is_none_or(|width| line.width() <= width) {
        return text.line(line);
    }
    for (n, step) in next.iter().enumerate() {
        let label = if n == 0 { LABEL } else { "" };
        text.line(format_args!("{label:column$}{step}"));
    }
}

/// A location, quoted for a shell.
fn quoted(location: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-:+@%=,".contains(c);
    if location.chars().all(plain) {
        location.to_owned()
    } else {
        format!("'{}'", location.replace('\'', "'\\''"))
    }
}

/// A heading with indented lines; nothing without lines.
fn section(text: &mut Text, heading: &'static str, lines: impl IntoIterator<Item = String>) {
    let mut lines = lines.into_iter().peekable();
    if lines.peek().is_none() {
        return;
    }
    text.blank();
    text.line(heading);
    for line in lines {
        text.indented(2, line);
    }
}

fn warnings(outcome: &SyncOutcome) -> Vec<String> {
    let summary = &outcome.summary;
    let incomplete = summary
        .completeness
        .iter()
        .filter_map(|(id, completeness)| match completeness {
            Completeness::Incomplete { reason } => Some(format!("{id} is incomplete: {reason}")),
            Completeness::Complete => None,
        });
    let mut lines: Vec<String> = incomplete.collect();
    if !lines.is_empty() && summary.run.sync_type == SyncType::Partial {
        lines.push("this sync is partial: records that are missing from it are not deletions".to_owned());
    }
    lines.extend(outcome.warnings.iter().map(|warning| warning.message.clone()));
    lines
}

/// A field or list that rows do not state.
fn not_stated(note: &UnstatedNote) -> String {
    let UnstatedNote { field, count, .. } = note;
    let mut text = format!("{field}: {}", counted(*count, "row", "rows"));
    if !note.examples.is_empty() {
        let more = if *count > note.examples.len() as u64 {
            ", …"
        } else {
            ""
        };
        let _ = write!(text, " ({}{more})", note.examples.join(", "));
    }
    text
}

fn accepted(accepted: &AcceptedLoss) -> String {
    let AcceptedLoss { loss, accepted_by } = accepted;
    let since = loss.since.map(|since| format!(" since the sync {since}"));
    format!(
        "published although {loss}{}, accepted by {accepted_by}",
        since.unwrap_or_default()
    )
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Reading => "reading",
        Phase::Comparing => "comparing",
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
        format_thousands(number)
    }
}
