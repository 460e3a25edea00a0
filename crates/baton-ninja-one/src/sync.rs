//! The main command: one pass over the tenant into the configured sinks.

use std::sync::Arc;
use std::time::Instant;

use access_core::ports::{AccessSink, AccessSource};
use access_core::sync::{SyncOutcome, SyncPipeline, SyncRequest};
use access_dataset::{Contract, DatasetSink, DatasetSinkConfig, FileFormat, Formats};
use indicatif::MultiProgress;
use ninjaone::{NinjaOneClient, NinjaOneSource};
use sink_c1z::C1zSink;
use sink_csv::CsvFormat;
use sink_html::HtmlSink;
use sink_parquet::ParquetFormat;

use crate::console::print;
use crate::exit::Failure;
use crate::logs;
use crate::progress::Progress;
use crate::settings::{Output, Settings, SinkSetting};
use crate::spans;
use crate::summary::{self, Origin, Run};
use crate::system::{RandomIds, SystemClock, stop_wanted};

/// Runs a sync and prints what came of it.
pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    let begin = Instant::now();
    let display = MultiProgress::new();
    let _telemetry = logs::start(settings, &display)?;
    for variable in settings.unknown_variables() {
        tracing::warn!(variable, "this variable is no setting of this connector");
    }
    let output = settings.output()?;
    let request = SyncRequest {
        scope: settings.scope()?,
        sync_type: None,
        guard: settings.shrink_guard()?,
        provenance: settings.provenance()?,
    };
    let sinks = sinks(settings, settings.sinks()?)?;
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
    let outcome = runtime.block_on(spans::sync(&tenant, pipeline.run(&request, stop_wanted())));
    // Parser threads may still wait for a body that nobody wants any more.
    runtime.shutdown_background();
    progress.finish();
    let outcome = outcome?;
    let run = Run {
        tenant: &tenant,
        origin: Origin::Tenant(source.usage()),
        took: begin.elapsed(),
        phases: progress.phases(),
    };
    report(&run, &outcome, output);
    Ok(())
}

/// Says what came of a run.
pub(crate) fn report(run: &Run<'_>, outcome: &SyncOutcome, output: Output) {
    log(run, outcome);
    print(&match output {
        Output::Json => summary::json(run, outcome),
        Output::Text => summary::text(run, outcome),
    });
}

/// The columns of datasets: every table's own, and those of NinjaOne's attributes of users.
pub(crate) const CONTRACT: Contract = Contract::new(ninjaone::USER_ATTRIBUTES);

/// The formats in which datasets may be.
pub(crate) fn formats() -> Formats {
    Formats::new([
        Arc::new(ParquetFormat {
            contract: CONTRACT,
            ..ParquetFormat::default()
        }) as Arc<dyn FileFormat>,
        Arc::new(CsvFormat {
            contract: CONTRACT,
            ..CsvFormat::default()
        }),
    ])
}

/// The sinks that are wanted.
pub(crate) fn sinks(
    settings: &Settings,
    wanted: Vec<SinkSetting>,
) -> Result<Vec<Arc<dyn AccessSink>>, Failure> {
    let temp_folder = settings.temp_folder()?;
    let history = settings.history()?;
    let replace_existing = settings.replace_existing()?;
    let dataset = |location| DatasetSinkConfig {
        location,
        temp_folder: temp_folder.clone(),
        history,
        replace_existing,
    };
    let mut sinks: Vec<Arc<dyn AccessSink>> = Vec::new();
    for sink in wanted {
        sinks.push(match sink {
            SinkSetting::C1z(path) => Arc::new(C1zSink::new(settings.c1z(path)?)),
            SinkSetting::Parquet(location, codec) => {
                let format = ParquetFormat {
                    contract: CONTRACT,
                    codec,
                };
                Arc::new(DatasetSink::new(dataset(location), format).reading(formats()))
            }
            SinkSetting::Csv(location, options) => {
                Arc::new(DatasetSink::new(dataset(location), options.format()).reading(formats()))
            }
            SinkSetting::Html(path) => Arc::new(HtmlSink::new(settings.html(path)?)),
        });
    }
    Ok(sinks)
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
