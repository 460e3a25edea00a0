//! `export`: writes a finished sync of a dataset, or of a c1z file of any connector, to the configured sinks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use access_core::StatusCode;
use access_core::model::{SyncRun, SyncScope};
use access_core::ports::{AccessSink, AccessSource, FinishedSync, SyncObserver};
use access_core::sync::{SyncOutcome, SyncPipeline, SyncRequest};
use clap::{Arg, ArgMatches, Command};
use source_c1z::{C1zSource, C1zSourceConfig, UnknownTenant};
use source_dataset::DatasetSource;

use crate::commands::context::CommandContext;
use crate::failure::Failure;
use crate::observability::spans;
use crate::output::outcome::report;
use crate::output::progress::Progress;
use crate::output::summary::Run;
use crate::output::summary::RunInput;
use crate::runtime;
use crate::runtime::cancellation::{Cancellation, cancel_on_signal, with_cleanup_timeout};
use crate::runtime::system::{KsuidGenerator, SystemClock, shutdown_signal};
use crate::settings::Settings;
use crate::sinks::SinkConfig;
use crate::sync_location::SyncLocation;
use crate::sync_location::c1z_config;
use crate::sync_location::copy;
use crate::sync_location::dataset_config;

/// The message of an export that is stopped before a sink begins.
const NOTHING_PUBLISHED: &str = "stopped on request; nothing was published";

/// The command.
pub(crate) fn subcommand() -> Command {
    Command::new("export")
        .about("Write a sync of a c1z file, of any connector, or of a dataset, to the sinks")
        .args([
            from_argument().required(true),
            sync_argument("export"),
            tenant_argument(),
        ])
}

/// `--from`: the location of the sync.
pub(crate) fn from_argument() -> Arg {
    Arg::new("from")
        .long("from")
        .value_name("LOCATION")
        .help("The c1z file, of any connector, or the folder or URL of a dataset")
}

/// `--sync`: the id of the sync.
pub(crate) fn sync_argument(verb: &str) -> Arg {
    Arg::new("sync").long("sync").value_name("ID").help(format!(
        "Sync to {verb}. Default: the latest finished full sync, else the latest finished sync"
    ))
}

/// `--tenant`: the name of its tenant.
pub(crate) fn tenant_argument() -> Arg {
    Arg::new("tenant")
        .long("tenant")
        .value_name("TEXT")
        .help("Tenant of the sync, for a file that does not name it")
}

/// Runs the export and prints its result.
pub(crate) fn run(settings: &Settings, args: &ExportArgs) -> Result<(), Failure> {
    let configs = settings.sinks()?;
    reject_c1z_sinks(&configs)?;
    export_to_sinks(settings, args, &settings.build_sinks(&configs)?)
}

/// The sync to read, and its location.
#[derive(Debug, Clone)]
pub(crate) struct ExportArgs {
    pub(crate) from: String,
    /// The id of the sync; the latest finished one by default.
    pub(crate) sync: Option<String>,
    /// The tenant of a file; a dataset has its own.
    pub(crate) tenant: Option<String>,
}

impl ExportArgs {
    pub(crate) fn from_matches(matches: &ArgMatches) -> Self {
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        Self {
            from: text("from").unwrap_or_default(),
            sync: text("sync"),
            tenant: text("tenant"),
        }
    }
}

/// Writes a sync to sinks and prints the result.
pub(crate) fn export_to_sinks(
    settings: &Settings,
    args: &ExportArgs,
    sinks: &[Arc<dyn AccessSink>],
) -> Result<(), Failure> {
    let begin = Instant::now();
    let context = CommandContext::new(settings)?;
    let output = settings.output()?;
    let progress = Progress::new(context.display.clone(), settings.progress()?);
    let path = PathBuf::from(&args.from);
    let runtime = runtime::start()?;
    let ran = runtime.block_on(run_export(settings, args, sinks, &progress));
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

/// Writes a sync to sinks. Returns the result and the tenant.
pub(crate) async fn run_export(
    settings: &Settings,
    args: &ExportArgs,
    sinks: &[Arc<dyn AccessSink>],
    observer: &dyn SyncObserver,
) -> Result<(SyncOutcome, String), Failure> {
    let (scope, guard) = (settings.scope()?, settings.shrink_guard()?);
    let ExportInput { source, sync } = open(settings, args).await?;
    let pipeline = SyncPipeline {
        source: source.as_ref(),
        sinks,
        clock: &SystemClock,
        ids: &KsuidGenerator,
        observer,
    };
    let request = SyncRequest {
        provenance: access_core::model::Provenance::default(),
        sync_type: (scope == SyncScope::default()).then_some(sync.run.sync_type),
        identity: Some((&sync).into()),
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

/// Rejects c1z sinks for c1z files: through the domain, data that only the file format has would be lost.
fn reject_c1z_sinks(sinks: &[Box<dyn SinkConfig>]) -> Result<(), Failure> {
    if sinks.iter().any(|sink| sink.is_c1z()) {
        return Err(Failure::new(
            "an export needs sinks other than a c1z".to_owned(),
            Some(
                "name the sinks, e.g. --sink parquet=out/access; to duplicate a c1z file, copy it".to_owned(),
            ),
            StatusCode::InvalidArgument,
        ));
    }
    Ok(())
}

/// A finished sync, opened for reading.
struct ExportInput {
    source: Box<dyn AccessSource>,
    sync: FinishedSync,
}

async fn open(settings: &Settings, args: &ExportArgs) -> Result<ExportInput, Failure> {
    let sync = args.sync.as_deref();
    match SyncLocation::parse(&args.from)? {
        SyncLocation::File(path) => open_file(settings, args, &path).await,
        SyncLocation::BucketC1z(url) => {
            let copy = cancel_on_signal(copy(&url, settings), NOTHING_PUBLISHED).await?;
            let opened = open_file(settings, args, copy.path()).await;
            opened.map_err(|failure| copy.explain(failure))
        }
        SyncLocation::Dataset(location) => {
            if args.tenant.is_some() {
                return Err(Failure::new(
                    "--tenant is for files; a dataset names its own tenant".to_owned(),
                    None,
                    StatusCode::InvalidArgument,
                ));
            }
            let config = dataset_config(&location, settings, sync)?;
            let source = cancel_on_signal(DatasetSource::open(config), NOTHING_PUBLISHED).await?;
            Ok(ExportInput {
                sync: source.opened().sync().clone(),
                source: Box::new(source),
            })
        }
    }
}

async fn open_file(settings: &Settings, args: &ExportArgs, path: &Path) -> Result<ExportInput, Failure> {
    let config = C1zSourceConfig {
        tenant: args.tenant.clone(),
        unknown_tenant: UnknownTenant::Refuse,
        ..c1z_config(path, settings, args.sync.as_deref())?
    };
    let source = unpack(config).await?;
    Ok(ExportInput {
        sync: describe_sync(&source),
        source: Box::new(source),
    })
}

/// Describes the sync that a source reads.
pub(crate) fn describe_sync(source: &C1zSource) -> FinishedSync {
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

/// Opens the file on a blocking thread; a signal stops that too.
async fn unpack(config: C1zSourceConfig) -> Result<C1zSource, Failure> {
    let cancellation = Cancellation::on_signal().await;
    let own = cancellation.clone();
    let mut opening = tokio::task::spawn_blocking(move || C1zSource::open_cancellable(config, own.flag()));
    let opened = tokio::select! {
        opened = &mut opening => opened,
        () = cancellation.cancelled() => {
            // Waits until unpacked files are removed.
            let _ = opening.await;
            return Err(Failure::new(NOTHING_PUBLISHED.to_owned(), None, StatusCode::Cancelled));
        }
    };
    match opened {
        Ok(opened) => Ok(opened?),
        Err(_) => Err(Failure::new(
            "the thread that unpacks the file ended unexpectedly".to_owned(),
            None,
            StatusCode::Internal,
        )),
    }
}
