//! The main command: one pass over the tenant into the configured sinks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use access_core::ports::{AccessSink, AccessSource};
use access_core::sync::{SyncOutcome, SyncPipeline, SyncRequest};
use indicatif::MultiProgress;
use ninjaone::{NinjaOneClient, NinjaOneSource};
use sink_c1z::C1zSink;

use crate::console::print;
use crate::exit::Failure;
use crate::progress::Progress;
use crate::settings::{Output, Settings};
use crate::system::{RandomIds, SystemClock, stop_wanted};
use crate::{logs, summary};

/// Runs a sync and prints what came of it.
pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    let begin = Instant::now();
    let display = MultiProgress::new();
    logs::start(&settings.logs()?, &display)?;
    let output = settings.output()?;
    let request = SyncRequest {
        scope: settings.scope()?,
    };
    let sinks: Vec<Arc<dyn AccessSink>> = vec![Arc::new(C1zSink::new(settings.c1z()?))];
    let client = NinjaOneClient::new(settings.client()?)?;
    let tenant = client.tenant();
    let source = NinjaOneSource::new(client, settings.source_options()?);
    let progress = Progress::new(display, settings.progress()?);

    let pipeline = SyncPipeline {
        source: &source,
        sinks: &sinks,
        clock: &SystemClock,
        ids: &RandomIds,
        observer: &progress,
    };
    let runtime = runtime()?;
    let outcome = runtime.block_on(pipeline.run(&request, stop_wanted()));
    // Parser threads may still wait for a body that nobody wants any more.
    runtime.shutdown_background();
    progress.finish();
    let outcome = outcome?;
    let (usage, took) = (source.usage(), begin.elapsed());
    log(&tenant, &outcome, took);
    print(&match output {
        Output::Json => summary::json(&tenant, usage, &outcome, took),
        Output::Text => summary::text(&tenant, usage, &outcome, took),
    });
    Ok(())
}

/// Two threads: one for the socket and the pipeline, one to spare. Parsing and writing have threads of their own.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.map_err(|error| {
        Failure::found(
            format!("cannot start the runtime: {error}"),
            None,
            access_core::StatusCode::Internal,
        )
    })
}

fn log(tenant: &str, outcome: &SyncOutcome, took: Duration) {
    let summary = &outcome.summary;
    for receipt in &outcome.receipts {
        tracing::info!(
            tenant,
            sync = %summary.run.id,
            sync_type = summary.run.sync_type.as_str(),
            rows = receipt.receipt.rows,
            bytes = receipt.receipt.bytes.unwrap_or(0),
            seconds = took.as_secs_f64(),
            location = receipt.receipt.location,
            "sync published"
        );
    }
}
