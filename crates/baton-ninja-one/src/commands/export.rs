//! `export`: a finished sync of a c1z file, from any connector, or of a dataset, into the configured sinks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Instant;

use access_core::StatusCode;
use access_core::model::{SyncId, SyncRun, SyncScope};
use access_core::ports::{AccessSink, AccessSource, Clock, FinishedSync, SyncIdGenerator, SyncObserver};
use access_core::sync::{SyncOutcome, SyncPipeline, SyncRequest};
use clap::{Arg, ArgMatches, Command};
use indicatif::MultiProgress;
use source_c1z::{C1zSource, C1zSourceConfig, UnknownTenant};
use source_dataset::DatasetSource;
use time::OffsetDateTime;

use crate::failure::Failure;
use crate::observability::logging;
use crate::observability::spans;
use crate::output::outcome::report;
use crate::output::progress::Progress;
use crate::output::summary::Run;
use crate::output::summary::RunInput;
use crate::runtime;
use crate::runtime::cancellation::with_cleanup_timeout;
use crate::runtime::system::shutdown_signal;
use crate::settings::{Settings, SinkConfig};
use crate::sync_location::SyncLocation;
use crate::sync_location::c1z_config;
use crate::sync_location::copy;
use crate::sync_location::dataset_config;
use crate::wiring::sinks;

/// The command.
pub(crate) fn subcommand() -> Command {
    let from = Arg::new("from")
        .long("from")
        .required(true)
        .value_name("PLACE")
        .help("The c1z file, of any connector, or the folder or URL of a dataset");
    let sync = Arg::new("sync")
        .long("sync")
        .value_name("ID")
        .help("Sync to export. Default: the latest finished full sync, else the latest finished sync");
    let tenant = Arg::new("tenant")
        .long("tenant")
        .value_name("TEXT")
        .help("Tenant of the sync, for a file that does not name it");
    Command::new("export")
        .about("Write a sync of a c1z file, of any connector, or of a dataset, to the sinks")
        .args([from, sync, tenant])
}

/// Reads the file and prints what came of it.
pub(crate) fn run(settings: &Settings, asked: &ExportArgs) -> Result<(), Failure> {
    let wanted = settings.sinks()?;
    refuse_c1z(&wanted)?;
    into_sinks(settings, asked, &sinks(settings, wanted)?)
}

/// Which sync of which place.
#[derive(Debug, Clone)]
pub(crate) struct ExportArgs {
    pub(crate) from: String,
    /// Nothing: the latest finished one.
    pub(crate) sync: Option<String>,
    /// What a file's tenant is called; a dataset says itself.
    pub(crate) tenant: Option<String>,
}

impl ExportArgs {
    pub(crate) fn of(chosen: &ArgMatches) -> Self {
        let text = |name: &str| chosen.get_one::<String>(name).cloned();
        Self {
            from: text("from").unwrap_or_default(),
            sync: text("sync"),
            tenant: text("tenant"),
        }
    }
}

/// Reads a sync into sinks and prints what came of it.
pub(crate) fn into_sinks(
    settings: &Settings,
    asked: &ExportArgs,
    sinks: &[Arc<dyn AccessSink>],
) -> Result<(), Failure> {
    let begin = Instant::now();
    let display = MultiProgress::new();
    let _telemetry = logging::start(settings, &display)?;
    let output = settings.output()?;
    let progress = Progress::new(display, settings.progress()?);
    let path = PathBuf::from(&asked.from);
    let runtime = runtime::start()?;
    let ran = runtime.block_on(pour(settings, asked, sinks, &progress));
    runtime.shutdown_background();
    progress.finish();
    let (outcome, tenant) = ran?;
    let run = Run {
        tenant: &tenant,
        origin: RunInput::File(&path),
        took: begin.elapsed(),
        phases: progress.phases(),
    };
    report(&run, &outcome, output);
    Ok(())
}

/// Reads a sync into sinks. Gives what came of it, and the tenant.
pub(crate) async fn pour(
    settings: &Settings,
    asked: &ExportArgs,
    sinks: &[Arc<dyn AccessSink>],
    observer: &dyn SyncObserver,
) -> Result<(SyncOutcome, String), Failure> {
    let (scope, guard) = (settings.scope()?, settings.shrink_guard()?);
    let ExportInput { source, sync } = open(settings, asked).await?;
    let times = RecordedSyncIdentity::of(&sync);
    let pipeline = SyncPipeline {
        source: source.as_ref(),
        sinks,
        clock: &times,
        ids: &times,
        observer,
    };
    let request = SyncRequest {
        provenance: access_core::model::Provenance::default(),
        sync_type: (scope == SyncScope::default()).then_some(sync.run.sync_type),
        scope,
        guard,
    };
    let tenant = source.tenant();
    let outcome = with_cleanup_timeout(Box::pin(spans::sync(
        &tenant,
        pipeline.run(&request, shutdown_signal()),
    )))
    .await?;
    Ok((outcome, tenant))
}

/// A copy of a c1z is a file copy; through the domain it would lose what only the file knows.
fn refuse_c1z(sinks: &[SinkConfig]) -> Result<(), Failure> {
    if sinks
        .iter()
        .any(|sink| matches!(sink, SinkConfig::C1z(_) | SinkConfig::BucketC1z(_)))
    {
        return Err(Failure::found(
            "an export needs sinks other than a c1z".to_owned(),
            Some(
                "name the sinks, e.g. --sink parquet=out/access; to duplicate a c1z file, copy it".to_owned(),
            ),
            StatusCode::InvalidArgument,
        ));
    }
    Ok(())
}

/// A finished sync that is going to be read.
struct ExportInput {
    source: Box<dyn AccessSource>,
    sync: FinishedSync,
}

async fn open(settings: &Settings, asked: &ExportArgs) -> Result<ExportInput, Failure> {
    let sync = asked.sync.as_deref();
    match SyncLocation::named(&asked.from)? {
        SyncLocation::File(path) => open_file(settings, asked, &path).await,
        SyncLocation::BucketC1z(url) => {
            let copying = copy(&url, settings);
            let copy = tokio::select! {
                copy = copying => copy?,
                () = shutdown_signal() => return Err(stopped()),
            };
            let opened = open_file(settings, asked, copy.path()).await;
            opened.map_err(|failure| copy.explain(failure))
        }
        SyncLocation::Dataset(location) => {
            if asked.tenant.is_some() {
                return Err(Failure::found(
                    "--tenant is for files; a dataset names its own tenant".to_owned(),
                    None,
                    StatusCode::InvalidArgument,
                ));
            }
            let config = dataset_config(&location, settings, sync)?;
            let source = tokio::select! {
                source = DatasetSource::open(config) => source?,
                () = shutdown_signal() => return Err(stopped()),
            };
            Ok(ExportInput {
                sync: source.opened().sync().clone(),
                source: Box::new(source),
            })
        }
    }
}

async fn open_file(settings: &Settings, asked: &ExportArgs, path: &Path) -> Result<ExportInput, Failure> {
    let config = C1zSourceConfig {
        tenant: asked.tenant.clone(),
        unknown_tenant: UnknownTenant::Refuse,
        ..c1z_config(path, settings, asked.sync.as_deref())?
    };
    let source = unpack(config).await?;
    Ok(ExportInput {
        sync: finished(&source),
        source: Box::new(source),
    })
}

/// The sync of a file that a source reads.
pub(crate) fn finished(source: &C1zSource) -> FinishedSync {
    FinishedSync {
        run: SyncRun {
            id: source.sync_id(),
            sync_type: source.sync_type(),
            tenant: source.tenant(),
            started_at: source.started_at(),
            provenance: access_core::model::Provenance::default(),
        },
        ended_at: source.ended_at(),
    }
}

fn stopped() -> Failure {
    Failure::found(
        "stopped on request; nothing was published".to_owned(),
        None,
        StatusCode::Cancelled,
    )
}

/// Unpacks the file away from the async threads; a signal stops that too.
async fn unpack(config: C1zSourceConfig) -> Result<C1zSource, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stop);
    let mut wanted = std::pin::pin!(shutdown_signal());
    // Polled once before anything is written: from here on a signal is noticed and does not end the process.
    if std::future::poll_fn(|context| Poll::Ready(wanted.as_mut().poll(context)))
        .await
        .is_ready()
    {
        return Err(stopped());
    }
    let mut opening = tokio::task::spawn_blocking(move || C1zSource::open_cancellable(config, &stopping));
    let opened = tokio::select! {
        opened = &mut opening => opened,
        () = &mut wanted => {
            stop.store(true, Ordering::Relaxed);
            // Waited for, so that what was unpacked is gone.
            let _ = opening.await;
            return Err(stopped());
        }
    };
    match opened {
        Ok(opened) => Ok(opened?),
        Err(_) => Err(Failure::found(
            "the thread that unpacks the file ended unexpectedly".to_owned(),
            None,
            StatusCode::Internal,
        )),
    }
}

/// The sync is not a new one: it keeps its id and its times, so that exporting it twice is the same.
pub(crate) struct RecordedSyncIdentity {
    id: SyncId,
    started_at: OffsetDateTime,
    ended_at: OffsetDateTime,
    begun: AtomicBool,
}

impl RecordedSyncIdentity {
    pub(crate) fn of(sync: &FinishedSync) -> Self {
        Self {
            id: sync.run.id,
            started_at: sync.run.started_at,
            ended_at: sync.ended_at,
            begun: AtomicBool::new(false),
        }
    }
}

impl Clock for RecordedSyncIdentity {
    /// The begin when asked first, then the end: the pipeline asks once for each.
    fn now(&self) -> OffsetDateTime {
        if self.begun.swap(true, Ordering::Relaxed) {
            self.ended_at
        } else {
            self.started_at
        }
    }
}

impl SyncIdGenerator for RecordedSyncIdentity {
    fn next_id(&self, _started_at: OffsetDateTime) -> SyncId {
        self.id
    }
}
