//! Prometheus metrics: results of syncs, tasks and changes, and their API usage.

mod definitions;
mod last_sync;
mod sync_progress;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use access_core::StatusCode;
use access_core::ports::ApiUsage;
use access_core::provisioning::ChangeResult;
use access_core::sync::SyncOutcome;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use definitions::Described;
use last_sync::LastSync;
use sync_progress::TimestampGauge;

pub(crate) use definitions::document;
pub(crate) use sync_progress::SyncProgress;

/// From seconds for a small tenant to hours for a large one.
const DURATIONS: [f64; 11] = [
    1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0,
];
/// The `result` label of successes; that of failures is their class.
const OK: &str = "ok";

/// The metrics. Clones share the values.
#[derive(Debug, Clone)]
pub(crate) struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    syncs: Family<ResultLabel, Counter>,
    sync_duration: Histogram,
    last_sync: LastSync,
    api_calls: Counter,
    api_retries: Counter,
    api_throttled: Counter,
    api_wait: Counter<f64, AtomicU64>,
    api_received: Counter,
    tasks: Family<KindLabels, Counter>,
    changes: Family<KindLabels, Counter>,
    uploaded: Counter,
    syncs_running: Gauge,
    sync_progress: TimestampGauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
    result: String,
}

impl Metrics {
    /// The metrics as `OpenMetrics` text.
    pub(crate) fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = text::encode(&mut text, &self.0.registry);
        text
    }
}

impl Metrics {
    /// Creates metrics with the value 0.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix(definitions::PREFIX);
        let mut inner = Inner {
            syncs: registered(&mut registry, &definitions::SYNCS, Family::default()),
            sync_duration: registered(
                &mut registry,
                &definitions::SYNC_DURATION,
                Histogram::new(DURATIONS),
            ),
            last_sync: LastSync::default(),
            api_calls: registered(&mut registry, &definitions::API_CALLS, Counter::default()),
            api_retries: registered(&mut registry, &definitions::API_RETRIES, Counter::default()),
            api_throttled: registered(&mut registry, &definitions::API_THROTTLED, Counter::default()),
            api_wait: registered(&mut registry, &definitions::API_WAIT, Counter::default()),
            api_received: registered(&mut registry, &definitions::API_RECEIVED, Counter::default()),
            tasks: registered(&mut registry, &definitions::TASKS, Family::default()),
            changes: registered(&mut registry, &definitions::CHANGES, Family::default()),
            uploaded: registered(&mut registry, &definitions::UPLOADED, Counter::default()),
            syncs_running: registered(&mut registry, &definitions::SYNCS_RUNNING, Gauge::default()),
            sync_progress: registered(
                &mut registry,
                &definitions::SYNC_PROGRESS,
                TimestampGauge::default(),
            ),
            registry,
        };
        inner
            .registry
            .register_collector(Box::new(inner.last_sync.clone()));
        // A rate needs the 0 before the first 1.
        drop(inner.syncs.get_or_create(&result_label(OK.to_owned())));
        Self(Arc::new(inner))
    }

    /// Records the start of a sync. It counts as running until the observer is dropped.
    pub(crate) fn sync_started(&self) -> SyncProgress {
        SyncProgress::start(self.0.syncs_running.clone(), self.0.sync_progress.clone())
    }

    /// Records a published sync with its own API usage.
    pub(crate) fn sync_finished(&self, outcome: &SyncOutcome, usage: &ApiUsage, took: Duration) {
        self.0.syncs.get_or_create(&result_label(OK.to_owned())).inc();
        self.0.sync_duration.observe(took.as_secs_f64());
        self.0.last_sync.set(&outcome.summary.ledger);
        self.api_used(usage);
    }

    /// Records a failed sync. Its API usage is recorded by [`api_used`](Self::api_used).
    pub(crate) fn sync_failed(&self, status: StatusCode) {
        self.0
            .syncs
            .get_or_create(&result_label(class_label(status)))
            .inc();
    }

    /// Records the API usage of a failed sync, a change or a validation.
    pub(crate) fn api_used(&self, usage: &ApiUsage) {
        self.0.api_calls.inc_by(usage.calls);
        self.0.api_retries.inc_by(usage.retries);
        self.0.api_throttled.inc_by(usage.throttled);
        self.0.api_wait.inc_by(usage.waited.as_secs_f64());
        self.0.api_received.inc_by(usage.bytes);
    }

    /// Records the end of a task.
    pub(crate) fn task_finished(&self, kind: &'static str, result: Result<(), StatusCode>) {
        let result = result.map_or_else(class_label, |()| OK.to_owned());
        self.0.tasks.get_or_create(&KindLabels { kind, result }).inc();
    }

    /// Records a requested change with its result.
    pub(crate) fn provisioning(&self, kind: &'static str, result: Result<ChangeResult, StatusCode>) {
        let result = match result {
            Ok(ChangeResult::Changed) => "changed".to_owned(),
            Ok(ChangeResult::AlreadyApplied) => "already".to_owned(),
            Ok(ChangeResult::Accepted) => "accepted".to_owned(),
            Err(status) => class_label(status),
        };
        self.0.changes.get_or_create(&KindLabels { kind, result }).inc();
    }

    /// Records the progress of an upload.
    pub(crate) fn uploaded(&self, bytes: u64) {
        self.0.uploaded.inc_by(bytes);
    }
}

fn registered<M: Metric + Clone>(registry: &mut Registry, described: &Described, metric: M) -> M {
    registry.register(described.name, described.help, metric.clone());
    metric
}

fn result_label(result: String) -> ResultLabel {
    ResultLabel { result }
}

/// The class as a label value, e.g. `permission_denied`.
fn class_label(status: StatusCode) -> String {
    status.name().replace(' ', "_")
}
