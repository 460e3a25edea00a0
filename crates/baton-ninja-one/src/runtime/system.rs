//! Clock, random ids and signals of the system.

use access_core::model::SyncId;
use access_core::ports::{Clock, SyncIdGenerator};
use time::OffsetDateTime;

/// The system clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// Generates ids from time and random bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KsuidGenerator;

impl SyncIdGenerator for KsuidGenerator {
    fn next_id(&self, started_at: OffsetDateTime) -> SyncId {
        SyncId::from_parts(started_at, rand::random())
    }
}

/// Excludes the memory of this process, which contains secrets, from core dumps and from other processes of the same user.
/// A failure is ignored.
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

/// Only implemented for Linux.
#[cfg(not(target_os = "linux"))]
pub(crate) fn forbid_core_dumps() {}

/// Waits for a signal to stop.
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

/// Waits for a signal to stop.
#[cfg(not(unix))]
pub(crate) async fn shutdown_signal() {
    let _ = tokio::signal::ctrl_c().await;
}
