//! Cancellation by SIGINT and SIGTERM.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use access_core::StatusCode;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::runtime;
use crate::runtime::system::shutdown_signal;

/// The default message of a cancelled run.
pub(crate) const STOPPED: &str = "stopped on request";

/// Timeout for cleaning up after a signal, for stores that hang.
const CLEANUP_TIMEOUT: Duration = Duration::from_millis(500);

/// A cancellation. Async code waits for its token, blocking code checks its flag.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cancellation {
    token: CancellationToken,
    flag: Arc<AtomicBool>,
}

impl Cancellation {
    /// A cancellation by the next signal. After this returns, a signal no longer ends the process.
    pub(crate) async fn on_signal() -> Self {
        let cancellation = Self::default();
        let mut signal = Box::pin(shutdown_signal());
        // The first poll installs the signal handler.
        if poll_fn(|context| Poll::Ready(signal.as_mut().poll(context)))
            .await
            .is_ready()
        {
            cancellation.cancel();
            return cancellation;
        }
        let on_signal = cancellation.clone();
        tokio::spawn(async move {
            signal.await;
            on_signal.cancel();
        });
        cancellation
    }

    fn cancel(&self) {
        self.flag.store(true, Ordering::Relaxed);
        self.token.cancel();
    }

    /// Whether the run is cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits for the cancellation.
    pub(crate) async fn cancelled(&self) {
        self.token.cancelled().await;
    }

    /// A flag that is set on cancellation, for blocking code.
    pub(crate) fn flag(&self) -> &Arc<AtomicBool> {
        &self.flag
    }

    /// Waits for a future on a blocking thread.
    ///
    /// # Errors
    /// The error of the future, or [`StatusCode::Cancelled`].
    pub(crate) fn block_on<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, Failure>
    where
        Failure: From<E>,
    {
        Handle::current().block_on(async {
            tokio::select! {
                done = work => Ok(done?),
                () = self.cancelled() => Err(cancelled_failure(STOPPED)),
            }
        })
    }
}

/// The failure of a cancelled run.
fn cancelled_failure(message: &str) -> Failure {
    Failure::new(message.to_owned(), None, StatusCode::Cancelled)
}

/// Waits for a future; a signal is a failure with this message.
pub(crate) async fn cancel_on_signal<T, E>(
    work: impl Future<Output = Result<T, E>>,
    message: &str,
) -> Result<T, Failure>
where
    Failure: From<E>,
{
    tokio::select! {
        done = work => Ok(done?),
        () = shutdown_signal() => Err(cancelled_failure(message)),
    }
}

/// Runs a future on a new runtime until it completes or a signal arrives.
pub(crate) fn run_cancellable<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, Failure>
where
    Failure: From<E>,
{
    let runtime = runtime::start()?;
    let done = runtime.block_on(cancel_on_signal(work, STOPPED));
    runtime.shutdown_background();
    done
}

/// Runs blocking work on a thread of a runtime. After a signal the work has [`CLEANUP_TIMEOUT`] to end.
pub(crate) fn run_blocking_cancellable<T: Send + 'static>(
    work: impl FnOnce(&Cancellation) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let runtime = runtime::start()?;
    let done = runtime.block_on(async {
        let cancellation = Cancellation::on_signal().await;
        let own = cancellation.clone();
        let mut working = tokio::task::spawn_blocking(move || work(&own));
        tokio::select! {
            done = &mut working => done,
            () = cancellation.cancelled() => {
                // Waits until unpacked files are removed, but not for a store that hangs.
                let _ = tokio::time::timeout(CLEANUP_TIMEOUT, working).await;
                Ok(Err(cancelled_failure(STOPPED)))
            }
        }
    });
    runtime.shutdown_background();
    done.unwrap_or_else(|_| {
        Err(Failure::new(
            "the thread that reads ended unexpectedly".to_owned(),
            None,
            StatusCode::Internal,
        ))
    })
}

/// Waits for a run that handles signals itself, but at most [`CLEANUP_TIMEOUT`] after a signal.
pub(crate) async fn with_cleanup_timeout<T, E>(run: impl Future<Output = Result<T, E>>) -> Result<T, Failure>
where
    Failure: From<E>,
{
    let too_late = async {
        shutdown_signal().await;
        tokio::time::sleep(CLEANUP_TIMEOUT).await;
    };
    tokio::select! {
        done = run => Ok(done?),
        () = too_late => Err(Failure::new(
            "stopped on request while waiting for an answer, e.g. of a store".to_owned(),
            Some("run again: the sync that was being published may or may not be complete; the next run removes leftovers".to_owned()),
            StatusCode::Cancelled,
        )),
    }
}

/// Runs a prompt on a thread of its own. `None` if a signal arrives first; the thread is abandoned.
pub(crate) fn prompt_cancellable<T: Send + 'static>(
    prompt: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (cancelled_failure, first) = mpsc::channel();
    let answered = cancelled_failure.clone();
    std::thread::spawn(move || {
        let _ = answered.send(Some(prompt()));
    });
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime {
            runtime.block_on(shutdown_signal());
            let _ = cancelled_failure.send(None);
        }
    });
    first.recv().ok().flatten()
}
