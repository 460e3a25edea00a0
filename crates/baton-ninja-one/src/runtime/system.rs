//! The machine's clock, its randomness, its signals.

use access_core::model::SyncId;
use access_core::ports::{Clock, SyncIdGenerator};
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
pub(crate) struct KsuidGenerator;

impl SyncIdGenerator for KsuidGenerator {
    fn next_id(&self, started_at: OffsetDateTime) -> SyncId {
        SyncId::from_parts(started_at, rand::random())
    }
}

/// Keeps the memory of this process, which holds secrets, from core dumps and from other processes of the same user. Where
/// the system refuses, the program runs without.
#[cfg(target_os = "linux")]
pub(crate) fn forbid_core_dumps() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Nothing to do where core dumps are not Linux's.
#[cfg(not(target_os = "linux"))]
pub(crate) fn forbid_core_dumps() {}

/// Waits until somebody wants the program to stop.
#[cfg(unix)]
pub(crate) async fn shutdown_signal() {
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
pub(crate) async fn shutdown_signal() {
    let _ = tokio::signal::ctrl_c().await;
}
