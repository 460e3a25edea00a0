//! Blocking work that a signal ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use access_core::StatusCode;

use crate::exit::Failure;
use crate::sync::runtime;
use crate::system::stop_wanted;

/// Does blocking work beside the signals, on a thread of a runtime's, and waits until it has tidied up. The work is told by a flag
/// that somebody wants it to stop.
pub(crate) fn until_stopped<T: Send + 'static>(
    work: impl FnOnce(&Arc<AtomicBool>) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let runtime = runtime()?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stop);
    let done = runtime.block_on(async {
        let mut working = tokio::task::spawn_blocking(move || work(&stopping));
        tokio::select! {
            done = &mut working => done,
            () = stop_wanted() => {
                stop.store(true, Ordering::Relaxed);
                // Waited for, so that what was unpacked is gone.
                let _ = working.await;
                Ok(Err(Failure::found("stopped on request".to_owned(), None, StatusCode::Cancelled)))
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
