//! Watches a sync: its time limit and its progress.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use access_core::model::{ResourceTypeId, RowKind};
use access_core::ports::{AccessSource, Phase, SyncObserver, Warning};
use access_core::sync::{SyncError, SyncOutcome, SyncPipeline, SyncRequest};

/// Interval of log lines about a running sync.
const LINE_INTERVAL: Duration = Duration::from_mins(1);
/// Interval of polling the activity of the source.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(200);
/// A sync without progress for this time is stalled.
const STALLED_AFTER: Duration = Duration::from_mins(5);

/// Records what an observer sees, with times.
pub(crate) struct WatchedSync<'a> {
    observer: &'a dyn SyncObserver,
    rows: AtomicU64,
    phase: Mutex<Phase>,
}

impl<'a> WatchedSync<'a> {
    pub(crate) fn new(observer: &'a dyn SyncObserver) -> Self {
        Self {
            observer,
            rows: AtomicU64::new(0),
            phase: Mutex::new(Phase::Reading),
        }
    }

    /// Runs a sync. After the time limit it is cancelled, unless its outputs are being published.
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
            () = self.show_activity(pipeline.source) => Err(SyncError::Cancelled),
        };
        match (ended, limit) {
            (Err(SyncError::Cancelled), Some(limit)) if too_long.load(Ordering::Relaxed) => {
                Err(SyncError::TooLong { limit })
            }
            (ended, _) => ended,
        }
    }

    /// Shows the activity of the source. Never ends.
    async fn show_activity(&self, source: &dyn AccessSource) {
        loop {
            self.observer.progress(&source.usage(), &source.activity());
            tokio::time::sleep(FOLLOW_INTERVAL).await;
        }
    }

    /// Logs the progress of the sync periodically. Never ends.
    async fn log(&self, source: &dyn AccessSource) {
        let mut seen = (0, 0, 0);
        let mut last = Instant::now();
        loop {
            tokio::time::sleep(LINE_INTERVAL).await;
            let phase = *self.phase.lock().unwrap_or_else(PoisonError::into_inner);
            let phase = match phase {
                Phase::Reading => "reading",
                Phase::Comparing => "comparing",
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

impl SyncObserver for WatchedSync<'_> {
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

#[cfg(test)]
mod tests {
    use access_core::model::{ResourceType, SyncScope};
    use access_core::ports::{ApiUsage, CheckReport, NoopObserver, SourceError, SourceEvent};
    use access_core::{Diagnostic, StatusCode};
    use async_trait::async_trait;
    use futures::StreamExt;
    use futures::stream::BoxStream;

    use super::*;
    use crate::runtime::system::KsuidGenerator;
    use crate::runtime::system::SystemClock;

    /// A tenant that never responds.
    struct Nothing;

    #[async_trait]
    impl AccessSource for Nothing {
        async fn check(&self) -> Result<CheckReport, SourceError> {
            std::future::pending().await
        }

        fn tenant(&self) -> String {
            "https://tenant.example".to_owned()
        }

        fn resource_types(&self) -> Vec<ResourceType> {
            Vec::new()
        }

        fn read(&self, _: &SyncScope) -> BoxStream<'_, Result<SourceEvent, SourceError>> {
            futures::stream::pending().boxed()
        }

        fn usage(&self) -> ApiUsage {
            ApiUsage::default()
        }
    }

    #[tokio::test]
    async fn endless_sync_is_cancelled() {
        let watched = WatchedSync::new(&NoopObserver);
        let pipeline = SyncPipeline {
            source: &Nothing,
            sinks: &[],
            clock: &SystemClock,
            ids: &KsuidGenerator,
            observer: &watched,
        };
        let request = SyncRequest::default();
        let limit = Some(Duration::from_millis(300));
        let begin = Instant::now();
        let running = watched.run(&pipeline, &request, limit, std::future::pending());
        let error = running.await.unwrap_err();
        assert_eq!(error.status(), StatusCode::DeadlineExceeded);
        assert_eq!(
            error.to_string(),
            "the sync was not complete after 0 min; nothing was published"
        );
        assert!(begin.elapsed() >= Duration::from_millis(300));
        // An earlier cancellation wins.
        let stop = tokio::time::sleep(Duration::from_millis(1));
        let error = watched.run(&pipeline, &request, limit, stop).await.unwrap_err();
        assert_eq!(error.status(), StatusCode::Cancelled);
    }
}
