//! `export`: a finished sync of a c1z file, from any connector, into the configured sinks.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use access_core::StatusCode;
use access_core::model::{SyncId, SyncScope};
use access_core::ports::{AccessSource, Clock, SyncIds};
use access_core::sync::{SyncPipeline, SyncRequest};
use clap::ArgMatches;
use indicatif::MultiProgress;
use source_c1z::{C1zSource, C1zSourceConfig};
use time::OffsetDateTime;

use crate::exit::Failure;
use crate::logs;
use crate::progress::Progress;
use crate::settings::{Settings, SinkSetting};
use crate::spans;
use crate::summary::{Origin, Run};
use crate::sync::{report, runtime, sinks};
use crate::system::stop_wanted;

/// Reads the file and prints what came of it.
pub(crate) fn run(settings: &Settings, chosen: &ArgMatches) -> Result<(), Failure> {
    let begin = Instant::now();
    let display = MultiProgress::new();
    let _telemetry = logs::start(settings, &display)?;
    let output = settings.output()?;
    let scope = settings.scope()?;
    let guard = settings.shrink_guard()?;
    let wanted = settings.sinks()?;
    refuse_c1z(&wanted)?;
    let sinks = sinks(settings, wanted)?;
    let progress = Progress::new(display, settings.progress()?);
    let config = config(settings, chosen)?;
    let path = config.path.clone();
    let runtime = runtime()?;
    let ran = runtime.block_on(async {
        let source = open(config).await?;
        let times = TimesOfFile::of(&source);
        let pipeline = SyncPipeline {
            source: &source,
            sinks: &sinks,
            clock: &times,
            ids: &times,
            observer: &progress,
        };
        let request = SyncRequest {
            sync_type: (scope == SyncScope::default()).then(|| source.sync_type()),
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

fn config(settings: &Settings, chosen: &ArgMatches) -> Result<C1zSourceConfig, Failure> {
    let path = chosen.get_one::<PathBuf>("from").cloned().unwrap_or_default();
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok(C1zSourceConfig {
        temp_folder: settings.temp_folder()?,
        limits: settings.limits()?,
        sync: chosen.get_one::<String>("sync").cloned(),
        tenant: chosen.get_one::<String>("tenant").cloned().unwrap_or(stem),
        path,
    })
}

/// Unpacks the file away from the async threads; a signal stops that too.
async fn open(config: C1zSourceConfig) -> Result<C1zSource, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stop);
    let mut opening = tokio::task::spawn_blocking(move || C1zSource::open_unless(config, &stopping));
    let opened = tokio::select! {
        opened = &mut opening => opened,
        () = stop_wanted() => {
            stop.store(true, Ordering::Relaxed);
            // Waited for, so that what was unpacked is gone.
            let _ = opening.await;
            return Err(Failure::found("stopped on request; nothing was published".to_owned(), None, StatusCode::Cancelled));
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

/// The sync is the file's own: its id and its times, so that exporting it twice is the same.
pub(crate) struct TimesOfFile {
    id: SyncId,
    started_at: OffsetDateTime,
    ended_at: OffsetDateTime,
    begun: AtomicBool,
}

impl TimesOfFile {
    pub(crate) fn of(source: &C1zSource) -> Self {
        Self {
            id: source.sync_id(),
            started_at: source.started_at(),
            ended_at: source.ended_at(),
            begun: AtomicBool::new(false),
        }
    }
}

impl Clock for TimesOfFile {
    /// The begin when asked first, then the end: the pipeline asks once for each.
    fn now(&self) -> OffsetDateTime {
        if self.begun.swap(true, Ordering::Relaxed) {
            self.ended_at
        } else {
            self.started_at
        }
    }
}

impl SyncIds for TimesOfFile {
    fn next_id(&self, _started_at: OffsetDateTime) -> SyncId {
        self.id
    }
}
