//! Checks whether the connector works, as rarely as possible: frequent probes must not cost API calls.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access_core::StatusCode;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::failure::Failure;

/// A running validation. Probes see the class of its failure, only the log has the message.
pub(crate) type ValidationFuture = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Intervals and timeouts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CheckIntervals {
    /// Validity of a result.
    pub(crate) every: Duration,
    /// Timeout of a validation (docs/reference/conductorone.md §6.2).
    pub(crate) limit: Duration,
    /// Maximum wait of a probe; probes themselves time out after a few seconds.
    pub(crate) patience: Duration,
}

impl Default for CheckIntervals {
    fn default() -> Self {
        Self {
            every: Duration::from_mins(1),
            limit: Duration::from_secs(30),
            patience: Duration::from_secs(2),
        }
    }
}

/// The answer to a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProbeResult {
    /// The last validation succeeded.
    Working,
    /// The last validation failed.
    Failing(StatusCode),
    /// There is no recent validation.
    Pending,
}

/// Validates on demand and caches the result.
#[derive(Clone)]
pub(crate) struct Checker(Arc<Inner>);

struct Inner {
    pace: CheckIntervals,
    validate: Box<dyn Fn() -> ValidationFuture + Send + Sync>,
    known: watch::Sender<CachedResult>,
}

#[derive(Debug, Clone, Copy, Default)]
struct CachedResult {
    running: bool,
    last: Option<ValidationResult>,
}

#[derive(Debug, Clone, Copy)]
struct ValidationResult {
    at: Instant,
    verdict: ProbeResult,
}

impl Checker {
    /// Creates a checker; the first probe starts the first validation.
    pub(crate) fn new(
        pace: CheckIntervals,
        validate: impl Fn() -> ValidationFuture + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            pace,
            validate: Box::new(validate),
            known: watch::Sender::default(),
        }))
    }

    /// The current state, after a short wait for a running validation.
    pub(crate) async fn verdict(&self) -> ProbeResult {
        let CheckIntervals { every, patience, .. } = self.0.pace;
        self.refresh();
        let mut known = self.0.known.subscribe();
        let _ = timeout(patience, known.wait_for(|known| !known.running)).await;
        let known = *self.0.known.borrow();
        match known.last {
            // A slow tenant must not turn every refresh into an outage, so the last result stays valid a little longer.
            Some(found) if !known.running || found.at.elapsed() < every * 2 => found.verdict,
            _ => ProbeResult::Pending,
        }
    }

    /// Starts a validation unless one is running or the last result is still valid.
    fn refresh(&self) {
        let every = self.0.pace.every;
        let begins = self.0.known.send_if_modified(|known| {
            let due = !known.running && known.last.is_none_or(|found| found.at.elapsed() >= every);
            known.running |= due;
            due
        });
        if begins {
            let inner = Arc::clone(&self.0);
            tokio::spawn(async move {
                let verdict = validated(&inner).await;
                inner.known.send_replace(CachedResult {
                    running: false,
                    last: Some(ValidationResult {
                        at: Instant::now(),
                        verdict,
                    }),
                });
            });
        }
    }
}

async fn validated(inner: &Arc<Inner>) -> ProbeResult {
    let limit = inner.pace.limit;
    // On a task of its own, so that a panic is a failed validation and not an endless one.
    let for_task = Arc::clone(inner);
    let task = tokio::spawn(async move { timeout(limit, (for_task.validate)()).await });
    let failed = |error: &str, status: StatusCode| {
        tracing::warn!(error, status = status.name(), "connector validation failed");
        ProbeResult::Failing(status)
    };
    match task.await {
        Ok(Ok(Ok(()))) => ProbeResult::Working,
        Ok(Ok(Err(failure))) => failed(failure.message(), failure.status()),
        Ok(Err(_)) => failed("no result in time", StatusCode::DeadlineExceeded),
        Err(error) => failed(&error.to_string(), StatusCode::Internal),
    }
}
