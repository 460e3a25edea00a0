//! Prints the result of a sync: one log line per sink, and the summary.

use access_core::sync::SyncOutcome;

use super::console::print;
use super::summary::{self, Run};
use crate::settings::Output;

/// Prints the result of a run.
pub(crate) fn report(run: &Run<'_>, outcome: &SyncOutcome, output: Output) {
    log(run, outcome);
    print(&match output {
        Output::Json => summary::json(run, outcome),
        Output::Text => summary::text(run, outcome),
    });
}

fn log(run: &Run<'_>, outcome: &SyncOutcome) {
    let summary = &outcome.summary;
    for receipt in &outcome.receipts {
        tracing::info!(
            tenant = run.tenant,
            sync = %summary.run.id,
            sync_type = summary.run.sync_type.as_str(),
            rows = receipt.receipt.rows,
            bytes = receipt.receipt.bytes.unwrap_or(0),
            seconds = run.took.as_secs_f64(),
            location = receipt.receipt.location,
            "sync published"
        );
    }
}
