//! The main command: one pass over the tenant into the configured sinks.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use access_core::ports::{AccessSink, AccessSource};
use access_core::sync::{SyncOutcome, SyncPipeline, SyncRequest};
use access_dataset::{DatasetSink, DatasetSinkConfig, FileFormat, Formats};
use indicatif::MultiProgress;
use ninjaone::{NinjaOneClient, NinjaOneSource};
use sink_c1z::C1zSink;
use sink_csv::CsvFormat;
use sink_html::HtmlSink;
use sink_parquet::ParquetFormat;

use crate::bucket_c1z::BucketC1zSink;
use crate::console::print;
use crate::exit::Failure;
use crate::interruptible::tidied_in_time;
use crate::logs;
use crate::machine::MachineError;
use crate::progress::Progress;
use crate::settings::{Output, Settings, SinkSetting};
use crate::spans;
use crate::summary::{self, Origin, Run};
use crate::system::{RandomIds, SystemClock, stop_wanted};
use crate::watch::Watched;

/// Runs a sync and prints what came of it.
pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    let begin = Instant::now();
    let display = MultiProgress::new();
    let _telemetry = logs::start(settings, &display)?;
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
    let limit = settings.sync_timeout()?;
    let watched = Watched::new(&progress);

    let pipeline = SyncPipeline {
        source: &source,
        sinks: &sinks,
        clock: &SystemClock,
        ids: &RandomIds,
        observer: &watched,
    };
    let runtime = runtime()?;
    let running = watched.run(&pipeline, &request, limit, stop_wanted());
    let outcome = runtime.block_on(tidied_in_time(Box::pin(spans::sync(&tenant, running))));
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

/// The formats in which datasets may be.
pub(crate) fn formats() -> Formats {
    Formats::new([
        Arc::new(ParquetFormat::default()) as Arc<dyn FileFormat>,
        Arc::new(CsvFormat::default()),
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
            SinkSetting::BucketC1z(url) => Arc::new(BucketC1zSink::new(url, settings.c1z(PathBuf::new())?)),
            SinkSetting::Parquet(location, codec) => {
                let format = ParquetFormat { codec };
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
        .thread_keep_alive(KEEP_ALIVE)
        .enable_all()
        .build();
    let runtime = runtime.map_err(MachineError::Runtime)?;
    start_threads(&runtime)?;
    Ok(runtime)
}

/// Threads for blocking work that are there from the start.
const BLOCKING_THREADS: usize = 6;
/// Longer than any run.
const KEEP_ALIVE: Duration = Duration::from_hours(24 * 365);
/// Starting threads takes milliseconds.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Starts threads for blocking work, which stay. Where no other can be started later, work waits for one of them; without any it
/// would wait for ever, as the runtime takes that for a thread that is busy.
fn start_threads(runtime: &tokio::runtime::Runtime) -> Result<(), MachineError> {
    let (arrive, arrived) = mpsc::channel();
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    for _ in 0..BLOCKING_THREADS {
        let (arrive, gate) = (arrive.clone(), Arc::clone(&gate));
        runtime.spawn_blocking(move || {
            let _ = arrive.send(());
            let (open, changed) = &*gate;
            let waiting = open.lock().unwrap_or_else(PoisonError::into_inner);
            drop(changed.wait_while(waiting, |open| !*open));
        });
    }
    let begin = Instant::now();
    let started = (0..BLOCKING_THREADS)
        .take_while(|_| {
            let left = START_TIMEOUT.saturating_sub(begin.elapsed());
            arrived.recv_timeout(left).is_ok()
        })
        .count();
    let (open, changed) = &*gate;
    *open.lock().unwrap_or_else(PoisonError::into_inner) = true;
    changed.notify_all();
    if started == BLOCKING_THREADS {
        return Ok(());
    }
    Err(MachineError::Threads {
        started,
        wanted: BLOCKING_THREADS,
        source: std::io::ErrorKind::WouldBlock.into(),
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
