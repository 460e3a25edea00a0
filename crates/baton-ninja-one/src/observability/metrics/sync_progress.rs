//! Metrics of the running sync, for watchdogs: whether there is one, and the time of its last progress.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use access_core::model::{ResourceTypeId, RowKind};
use access_core::ports::{Activity, ApiUsage, Phase, SyncObserver};
use prometheus_client::metrics::gauge::Gauge;

/// Seconds since 1970.
pub(super) type TimestampGauge = Gauge<f64, AtomicU64>;

/// Observes one sync. Progress is a new phase, a row, or a byte from NinjaOne.
pub(crate) struct SyncProgress {
    pub(super) running: Gauge,
    pub(super) last_progress: TimestampGauge,
    rows: AtomicU64,
    /// Sum of the last rows and bytes. Both only grow.
    seen: AtomicU64,
}

impl SyncProgress {
    pub(super) fn start(running: Gauge, last_progress: TimestampGauge) -> Self {
        running.inc();
        let progress = Self {
            running,
            last_progress,
            rows: AtomicU64::new(0),
            seen: AtomicU64::new(0),
        };
        progress.record();
        progress
    }

    fn record(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.last_progress.set(now.unwrap_or_default().as_secs_f64());
    }
}

impl SyncObserver for SyncProgress {
    fn phase(&self, _phase: Phase) {
        self.record();
    }

    fn rows(&self, _kind: RowKind, _resource_type: &ResourceTypeId, count: u64) {
        self.rows.fetch_add(count, Ordering::Relaxed);
    }

    fn progress(&self, usage: &ApiUsage, _activity: &Activity) {
        let now = self.rows.load(Ordering::Relaxed).wrapping_add(usage.bytes);
        if self.seen.swap(now, Ordering::Relaxed) != now {
            self.record();
        }
    }
}

impl Drop for SyncProgress {
    fn drop(&mut self) {
        self.running.dec();
    }
}
