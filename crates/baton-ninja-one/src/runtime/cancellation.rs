//! Stopping on request: SIGINT and SIGTERM end what runs.

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

/// The message where nothing more is to be said of a run that was stopped.
pub(crate) const STOPPED: &str = "stopped on request";

/// How long a run may clean up after a signal; a store that hangs is not waited for.
const CLEANUP_TIMEOUT: Duration = Duration::from_millis(500);

/// A request to stop. Async code waits for its token, blocking code looks at its flag.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cancellation {
    token: CancellationToken,
    flag: Arc<AtomicBool>,
}

impl Cancellation {
    /// A request that the next signal makes. From its return on a signal no longer ends the process.
    pub(crate) async fn on_signal() -> Self {
        let cancellation = Self::default();
        let mut signal = Box::pin(shutdown_signal());
        // The first poll installs the handler.
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

    /// Whether the run is to stop.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits until the run is to stop.
    pub(crate) async fn cancelled(&self) {
        self.token.cancelled().await;
    }

    /// A flag that is set when the run is to stop, for code that blocks.
    pub(crate) fn flag(&self) -> &Arc<AtomicBool> {
        &self.flag
    }

    /// Waits for a future on a thread that may block.
    ///
    /// # Errors
    /// That of the future, or [`StatusCode::Cancelled`].
    pub(crate) fn block_on<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, Failure>
    where
        Failure: From<E>,
    {
        Handle::current().block_on(async {
            tokio::select! {
                done = work => Ok(done?),
                () = self.cancelled() => Err(stopped(STOPPED)),
            }
        })
    }
}

/// The failure of a run that was stopped.
fn stopped(message: &str) -> Failure {
    Failure::new(message.to_owned(), None, StatusCode::Cancelled)
}

/// Waits for a future, or for a signal, which is a failure with this message.
pub(crate) async fn cancel_on_signal<T, E>(
    work: impl Future<Output = Result<T, E>>,
    message: &str,
) -> Result<T, Failure>
where
    Failure: From<E>,
{
    tokio::select! {
        done = work => Ok(done?),
        () = shutdown_signal() => Err(stopped(message)),
    }
}

/// Runs a future on a runtime of its own, until it is done or a signal comes.
pub(crate) fn run_cancellable<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, Failure>
where
    Failure: From<E>,
{
    let runtime = runtime::start()?;
    let done = runtime.block_on(cancel_on_signal(work, STOPPED));
    runtime.shutdown_background();
    done
}

/// Runs blocking work on a thread of a runtime. After a signal the work has a moment to clean up.
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
                // Until what was unpacked is removed; but not for a store that hangs.
                let _ = tokio::time::timeout(CLEANUP_TIMEOUT, working).await;
                Ok(Err(stopped(STOPPED)))
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

/// Waits for a run that handles signals itself, and after a signal only for [`CLEANUP_TIMEOUT`].
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

/// Runs a prompt on a thread of its own. `None` if a signal comes first; the thread is left behind then.
pub(crate) fn prompt_cancellable<T: Send + 'static>(
    prompt: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (stopped, first) = mpsc::channel();
    let answered = stopped.clone();
    std::thread::spawn(move || {
        let _ = answered.send(Some(prompt()));
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
