//! `export`: a finished sync of a c1z file, from any connector, or of a dataset, into the configured sinks.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use access_core::StatusCode;
use access_core::model::{SyncId, SyncRun, SyncScope};
use access_core::ports::{AccessSink, AccessSource, Clock, FinishedSync, SyncIds};
use access_core::sync::{SyncPipeline, SyncRequest};
use clap::ArgMatches;
use indicatif::MultiProgress;
use source_c1z::{C1zSource, C1zSourceConfig};
use source_dataset::DatasetSource;
use time::OffsetDateTime;

use crate::exit::Failure;
use crate::logs;
use crate::place::{Place, c1z_config, dataset_config};
use crate::progress::Progress;
use crate::settings::{Settings, SinkSetting};
use crate::spans;
use crate::summary::{Origin, Run};
use crate::sync::{report, runtime, sinks};
use crate::system::stop_wanted;

/// Reads the file and prints what came of it.
pub(crate) fn run(settings: &Settings, chosen: &ArgMatches) -> Result<(), Failure> {
    let wanted = settings.sinks()?;
    refuse_c1z(&wanted)?;
    into_sinks(settings, chosen, &sinks(settings, wanted)?)
}

/// Reads the file into sinks and prints what came of it.
pub(crate) fn into_sinks(
    settings: &Settings,
    chosen: &ArgMatches,
    sinks: &[Arc<dyn AccessSink>],
) -> Result<(), Failure> {
    let begin = Instant::now();
    let display = MultiProgress::new();
    let _telemetry = logs::start(settings, &display)?;
    let output = settings.output()?;
    let scope = settings.scope()?;
    let guard = settings.shrink_guard()?;
    let progress = Progress::new(display, settings.progress()?);
    let from = chosen.get_one::<String>("from").cloned().unwrap_or_default();
    let path = PathBuf::from(&from);
    let place = Place::named(&from)?;
    let runtime = runtime()?;
    let ran = runtime.block_on(async {
        let Reading { source, sync } = open(&place, settings, chosen).await?;
        let times = TimesOfSync::of(&sync);
        let pipeline = SyncPipeline {
            source: source.as_ref(),
            sinks,
            clock: &times,
            ids: &times,
            observer: &progress,
        };
        let request = SyncRequest {
            sync_type: (scope == SyncScope::default()).then_some(sync.run.sync_type),
            scope,
            guard,
        };
        let tenant = source.tenant();
        let outcome = spans::sync(&tenant, pipeline.run(&request, stop_wanted())).await?;
        Ok::<_, Failure>((outcome, tenant))
    });
    runtime.shutdown_background();
    progress.finish();
    let (outcome, tenant) = ran?;
    let run = Run {
        tenant: &tenant,
        origin: Origin::File(&path),
        took: begin.elapsed(),
        phases: progress.phases(),
    };
    report(&run, &outcome, output);
    Ok(())
}

/// A copy of a c1z is a file copy; through the domain it would lose what only the file knows.
fn refuse_c1z(sinks: &[SinkSetting]) -> Result<(), Failure> {
    if sinks.iter().any(|sink| matches!(sink, SinkSetting::C1z(_))) {
        return Err(Failure::found(
            "an export needs sinks other than a c1z".to_owned(),
            Some(
                "name the sinks, e.g. --sink parquet=out/access; to have the file elsewhere, copy it"
                    .to_owned(),
            ),
            StatusCode::InvalidArgument,
        ));
    }
    Ok(())
}

/// A finished sync that is going to be read.
struct Reading {
    source: Box<dyn AccessSource>,
    sync: FinishedSync,
}

async fn open(place: &Place, settings: &Settings, chosen: &ArgMatches) -> Result<Reading, Failure> {
    let text = |name: &str| chosen.get_one::<String>(name).cloned();
    let sync = text("sync");
    match place {
        Place::File(path) => {
            let config = c1z_config(path, settings, sync.as_deref())?;
            let tenant = text("tenant").unwrap_or_else(|| config.tenant.clone());
            let source = unpack(C1zSourceConfig { tenant, ..config }).await?;
            Ok(Reading {
                sync: finished(&source),
                source: Box::new(source),
            })
        }
        Place::Dataset(location) => {
            if text("tenant").is_some() {
                return Err(Failure::found(
                    "--tenant goes with a file; a dataset says itself which tenant it is of".to_owned(),
                    None,
                    StatusCode::InvalidArgument,
                ));
            }
            let config = dataset_config(location, settings, sync.as_deref())?;
            let source = tokio::select! {
                source = DatasetSource::open(config) => source?,
                () = stop_wanted() => return Err(stopped()),
            };
            Ok(Reading {
                sync: source.opened().sync().clone(),
                source: Box::new(source),
            })
        }
    }
}

/// The sync of a file that a source reads.
pub(crate) fn finished(source: &C1zSource) -> FinishedSync {
    FinishedSync {
        run: SyncRun {
            id: source.sync_id(),
            sync_type: source.sync_type(),
            tenant: source.tenant(),
            started_at: source.started_at(),
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
    let mut opening = tokio::task::spawn_blocking(move || C1zSource::open_unless(config, &stopping));
    let opened = tokio::select! {
        opened = &mut opening => opened,
        () = stop_wanted() => {
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
pub(crate) struct TimesOfSync {
    id: SyncId,
    started_at: OffsetDateTime,
    ended_at: OffsetDateTime,
    begun: AtomicBool,
}

impl TimesOfSync {
    pub(crate) fn of(sync: &FinishedSync) -> Self {
        Self {
            id: sync.run.id,
            started_at: sync.run.started_at,
            ended_at: sync.ended_at,
            begun: AtomicBool::new(false),
        }
    }
}

impl Clock for TimesOfSync {
    /// The begin when asked first, then the end: the pipeline asks once for each.
    fn now(&self) -> OffsetDateTime {
        if self.begun.swap(true, Ordering::Relaxed) {
            self.ended_at
        } else {
            self.started_at
        }
    }
}

impl SyncIds for TimesOfSync {
    fn next_id(&self, _started_at: OffsetDateTime) -> SyncId {
        self.id
    }
}
