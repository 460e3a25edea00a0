//! Spans of syncs.

use access_core::sync::{SyncError, SyncOutcome};
use tracing::Instrument;
use tracing::field::{Empty, display};

/// Runs a sync within a span.
pub(crate) async fn sync(
    tenant: &str,
    run: impl Future<Output = Result<SyncOutcome, SyncError>>,
) -> Result<SyncOutcome, SyncError> {
    let span = tracing::info_span!(
        "sync",
        tenant,
        sync = Empty,
        sync_type = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty,
    );
    let outcome = run.instrument(span.clone()).await;
    match &outcome {
        Ok(outcome) => {
            span.record("sync", display(&outcome.summary.run.id));
            span.record("sync_type", outcome.summary.run.sync_type.as_str());
        }
        Err(error) => {
            span.record("otel.status_code", "ERROR");
            span.record("otel.status_description", display(error));
        }
    }
    outcome
}
