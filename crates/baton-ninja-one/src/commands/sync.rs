//! `sync`: reads the tenant into the configured sinks.

use std::time::Instant;

use access_core::ports::AccessSource;
use access_core::sync::{SyncPipeline, SyncRequest};
use ninjaone::{NinjaOneClient, NinjaOneSource};

use crate::commands::context::CommandContext;
use crate::failure::Failure;
use crate::observability::spans;
use crate::output::outcome;
use crate::output::progress::Progress;
use crate::output::summary::Run;
use crate::output::summary::RunInput;
use crate::runtime;
use crate::runtime::cancellation::with_cleanup_timeout;
use crate::runtime::system::KsuidGenerator;
use crate::runtime::system::SystemClock;
use crate::runtime::system::shutdown_signal;
use crate::runtime::watch::WatchedSync;
use crate::settings::Settings;

/// Runs a sync and prints its result.
pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    let begin = Instant::now();
    let context = CommandContext::new(settings)?;
    let output = settings.output()?;
    let request = SyncRequest {
        scope: settings.scope()?,
        sync_type: None,
        identity: None,
        guard: settings.shrink_guard()?,
        provenance: settings.provenance()?,
    };
    let sinks = settings.build_sinks(&settings.sinks()?)?;
    let client = NinjaOneClient::new(settings.client()?)?;
    let tenant = client.tenant();
    let source = NinjaOneSource::new(client, settings.source_options()?);
    let progress = Progress::new(context.display.clone(), settings.progress()?);
    let limit = settings.sync_timeout()?;
    let watched = WatchedSync::new(&progress);

    let pipeline = SyncPipeline {
        source: &source,
        sinks: &sinks,
        clock: &SystemClock,
        ids: &KsuidGenerator,
        observer: &watched,
    };
    let runtime = runtime::start()?;
    let running = watched.run(&pipeline, &request, limit, shutdown_signal());
    let outcome = runtime.block_on(with_cleanup_timeout(Box::pin(spans::sync(&tenant, running))));
    // Parser threads may still wait for a response that is not needed any more.
    runtime.shutdown_background();
    progress.finish();
    let outcome = outcome?;
    let run = Run {
        tenant: &tenant,
        origin: RunInput::Tenant(source.usage()),
        took: begin.elapsed(),
        phases: progress.phases(),
    };
    outcome::report(&run, &outcome, output);
    Ok(())
}
