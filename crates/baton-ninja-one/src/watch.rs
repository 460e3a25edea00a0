//! A sync that is watched: how long it may take, and whether it goes on.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use access_core::model::{ResourceTypeId, RowKind};
use access_core::ports::{AccessSource, Phase, SyncObserver, Warning};
use access_core::sync::{SyncError, SyncOutcome, SyncPipeline, SyncRequest};

/// Between two lines of the log about a sync that is under way.
const LINE_INTERVAL: Duration = Duration::from_mins(1);
/// After so long without anything new, a sync is said to be stalled.
const STALLED_AFTER: Duration = Duration::from_mins(5);

/// Sees what an observer sees, and when.
pub(crate) struct Watched<'a> {
    observer: &'a dyn SyncObserver,
    rows: AtomicU64,
    phase: Mutex<Phase>,
}

impl<'a> Watched<'a> {
    pub(crate) fn new(observer: &'a dyn SyncObserver) -> Self {
        Self {
            observer,
            rows: AtomicU64::new(0),
            phase: Mutex::new(Phase::Reading),
        }
    }

    /// Runs a sync. After the time limit it ends as if somebody stopped it, unless its outputs are being published.
    ///
    /// # Errors
    /// [`SyncError`]; [`SyncError::TooLong`] after the limit.
    pub(crate) async fn run(
        &self,
        pipeline: &SyncPipeline<'_>,
        request: &SyncRequest,
        limit: Option<Duration>,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<SyncOutcome, SyncError> {
        let too_long = AtomicBool::new(false);
        let stop = async {
            let limit = async {
                match limit {
                    Some(limit) => tokio::time::sleep(limit).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop => {}
                () = limit => too_long.store(true, Ordering::Relaxed),
            }
        };
        let running = pipeline.run(request, stop);
        let ended = tokio::select! {
            ended = running => ended,
            () = self.log(pipeline.source) => Err(SyncError::Cancelled),
        };
        match (ended, limit) {
            (Err(SyncError::Cancelled), Some(limit)) if too_long.load(Ordering::Relaxed) => {
                Err(SyncError::TooLong { limit })
            }
            (ended, _) => ended,
        }
    }

    /// Says again and again how far the sync is. Never ends.
    async fn log(&self, source: &dyn AccessSource) {
        let mut seen = (0, 0, 0);
        let mut last = Instant::now();
        loop {
            tokio::time::sleep(LINE_INTERVAL).await;
            let phase = *self.phase.lock().unwrap_or_else(PoisonError::into_inner);
            let phase = match phase {
                Phase::Reading => "reading",
                Phase::Preparing => "preparing",
                Phase::Publishing => "publishing",
            };
            let usage = source.usage();
            let rows = self.rows.load(Ordering::Relaxed);
            if seen != (rows, usage.bytes, phase.len()) {
                seen = (rows, usage.bytes, phase.len());
                last = Instant::now();
            }
            let quiet = last.elapsed();
            if quiet >= STALLED_AFTER {
                let seconds = quiet.as_secs();
                tracing::warn!(
                    phase,
                    rows,
                    calls = usage.calls,
                    seconds,
                    "sync stalled: nothing new"
                );
            } else {
                tracing::info!(
                    phase,
                    rows,
                    calls = usage.calls,
                    bytes = usage.bytes,
                    "sync under way"
                );
            }
        }
    }
}

impl SyncObserver for Watched<'_> {
    fn phase(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
        self.observer.phase(phase);
    }

    fn rows(&self, kind: RowKind, resource_type: &ResourceTypeId, count: u64) {
        self.rows.fetch_add(count, Ordering::Relaxed);
        self.observer.rows(kind, resource_type, count);
    }

    fn warning(&self, warning: &Warning) {
        self.observer.warning(warning);
    }
}
