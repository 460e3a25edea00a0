//! The machine's clock, its randomness, its signals.

use access_core::model::SyncId;
use access_core::ports::{Clock, SyncIds};
use time::OffsetDateTime;

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// Ids from time and randomness.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RandomIds;

impl SyncIds for RandomIds {
    fn next_id(&self, started_at: OffsetDateTime) -> SyncId {
        SyncId::from_parts(started_at, rand::random())
    }
}

/// Waits until somebody wants the program to stop.
#[cfg(unix)]
pub(crate) async fn stop_wanted() {
    use tokio::signal::unix::{SignalKind, signal};

    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Waits until somebody wants the program to stop.
#[cfg(not(unix))]
pub(crate) async fn stop_wanted() {
    let _ = tokio::signal::ctrl_c().await;
}
