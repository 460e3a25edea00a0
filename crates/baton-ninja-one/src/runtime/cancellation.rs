//! Blocking work that a signal ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use access_core::StatusCode;
use tokio::runtime::Handle;

use crate::failure::Failure;
use crate::runtime;
use crate::runtime::system::shutdown_signal;

/// How long a run that was asked to stop may tidy up: the answers of a store that hangs are not waited for.
const TIDYING_TIMEOUT: Duration = Duration::from_millis(500);

/// Waits for a run that tidies up after itself when somebody wants it to stop, but not for long.
pub(crate) async fn with_cleanup_timeout<T, E>(run: impl Future<Output = Result<T, E>>) -> Result<T, Failure>
where
    Failure: From<E>,
{
    let broken_off = async {
        shutdown_signal().await;
        tokio::time::sleep(TIDYING_TIMEOUT).await;
    };
    tokio::select! {
        done = run => Ok(done?),
        () = broken_off => Err(Failure::found(
            "stopped on request while something did not answer, e.g. a store".to_owned(),
            Some("run again: the sync that was being published may or may not be complete; the next run removes leftovers".to_owned()),
            StatusCode::Cancelled,
        )),
    }
}

/// Waits for a future on a thread that may block, unless somebody wants to stop.
pub(crate) fn wait_cancellable<T, E>(
    stop: &AtomicBool,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure>
where
    Failure: From<E>,
{
    let stopped = async {
        while !stop.load(Ordering::Relaxed) {
            tokio::time::sleep(POLLING_INTERVAL).await;
        }
    };
    Handle::current().block_on(async {
        tokio::select! {
            done = work => Ok(done?),
            () = stopped => Err(stopped_on_request()),
        }
    })
}

/// Runs what blocks for as long as a person thinks, on a thread of its own. `None` if somebody wants the program to stop first; the
/// thread is left behind then.
pub(crate) fn prompt_cancellable<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (stopped, first) = mpsc::channel();
    let answered = stopped.clone();
    std::thread::spawn(move || {
        let _ = answered.send(Some(ask()));
    });
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime {
            runtime.block_on(shutdown_signal());
            let _ = stopped.send(None);
        }
    });
    first.recv().ok().flatten()
}

/// How often a thread looks whether it is to stop.
const POLLING_INTERVAL: Duration = Duration::from_millis(50);

fn stopped_on_request() -> Failure {
    Failure::found("stopped on request".to_owned(), None, StatusCode::Cancelled)
}

/// Does blocking work beside the signals, on a thread of a runtime's, and waits until it has tidied up. The work is told by a flag
/// that somebody wants it to stop.
pub(crate) fn cancel_on_signal<T: Send + 'static>(
    work: impl FnOnce(&Arc<AtomicBool>) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let runtime = runtime::start()?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stop);
    let done = runtime.block_on(async {
        let mut working = tokio::task::spawn_blocking(move || work(&stopping));
        tokio::select! {
            done = &mut working => done,
            () = shutdown_signal() => {
                stop.store(true, Ordering::Relaxed);
                // Waited for, so that what was unpacked is gone; but not for a store that hangs.
                let _ = tokio::time::timeout(TIDYING_TIMEOUT, working).await;
                Ok(Err(stopped_on_request()))
            }
        }
    });
    runtime.shutdown_background();
    done.unwrap_or_else(|_| {
        Err(Failure::found(
            "the thread that reads ended unexpectedly".to_owned(),
            None,
            StatusCode::Internal,
        ))
    })
}
