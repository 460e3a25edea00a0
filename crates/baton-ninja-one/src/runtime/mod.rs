//! The process: cancellation, signals, clock, ids, limits of the machine.

pub(crate) mod cancellation;
pub(crate) mod machine;
pub(crate) mod memory_probe;
pub(crate) mod panics;
pub(crate) mod system;
pub(crate) mod watch;

use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use machine::MachineError;

/// Worker threads: one for the socket and the pipeline, and a spare one. Parsers and writers have threads of their own.
pub(crate) fn start() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_keep_alive(KEEP_ALIVE)
        .enable_all()
        .build();
    let runtime = runtime.map_err(MachineError::Runtime)?;
    start_threads(&runtime)?;
    Ok(runtime)
}

/// Blocking threads that are started in advance.
const BLOCKING_THREADS: usize = 6;
/// Exceeds every run.
const KEEP_ALIVE: Duration = Duration::from_hours(24 * 365);
/// Timeout for starting the threads, which takes milliseconds.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Starts blocking threads that stay. If no more can be started later, work waits for one of them. Without any it would
/// wait forever, because the runtime assumes that a thread is busy.
fn start_threads(runtime: &tokio::runtime::Runtime) -> Result<(), MachineError> {
    let (arrive, arrived) = mpsc::channel();
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    for _ in 0..BLOCKING_THREADS {
        let (arrive, gate) = (arrive.clone(), Arc::clone(&gate));
        runtime.spawn_blocking(move || {
            let _ = arrive.send(());
            let (open, changed) = &*gate;
            let waiting = open.lock().unwrap_or_else(PoisonError::into_inner);
            drop(changed.wait_while(waiting, |open| !*open));
        });
    }
    let begin = Instant::now();
    let started = (0..BLOCKING_THREADS)
        .take_while(|_| {
            let left = START_TIMEOUT.saturating_sub(begin.elapsed());
            arrived.recv_timeout(left).is_ok()
        })
        .count();
    let (open, changed) = &*gate;
    *open.lock().unwrap_or_else(PoisonError::into_inner) = true;
    changed.notify_all();
    if started == BLOCKING_THREADS {
        return Ok(());
    }
    Err(MachineError::Threads {
        started,
        required: BLOCKING_THREADS,
        source: std::io::ErrorKind::WouldBlock.into(),
    })
}
