//! Rate limit of requests. NinjaOne publishes no limits (docs/reference/ninjaone-api.md §5.2), and other clients use the
//! tenant too.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Limits requests per second, with a burst of one second's requests after a pause. Clones share the limit, so that all clients of a
/// process together keep it.
#[derive(Debug, Clone)]
pub struct Pace(Arc<Schedule>);

#[derive(Debug)]
struct Schedule {
    /// Average time between two requests.
    interval: Duration,
    /// How far ahead of schedule requests may be.
    burst: Duration,
    /// When the next request is scheduled.
    due: Mutex<Option<Instant>>,
}

impl Pace {
    /// A limit of this many requests per second, on average.
    #[must_use]
    pub fn new(requests_per_second: NonZeroU32) -> Self {
        let interval = Duration::from_secs(1) / requests_per_second.get();
        Self(Arc::new(Schedule {
            interval,
            burst: interval * (requests_per_second.get() - 1),
            due: Mutex::default(),
        }))
    }

    /// Waits until the next request may be sent.
    pub(super) async fn wait(&self) {
        let begin = {
            let now = Instant::now();
            let mut due = self.0.due.lock().unwrap_or_else(PoisonError::into_inner);
            let own = due.map_or(now, |due| due.max(now));
            *due = Some(own + self.0.interval);
            own - self.0.burst.min(own - now)
        };
        tokio::time::sleep_until(begin).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn requests_are_spaced_after_a_burst() {
        let pace = Pace::new(NonZeroU32::new(10).unwrap());
        let begin = Instant::now();
        for _ in 0..10 {
            pace.wait().await;
        }
        assert_eq!(
            begin.elapsed(),
            Duration::ZERO,
            "a second's requests may go at once"
        );
        for _ in 0..30 {
            pace.wait().await;
        }
        let took = begin.elapsed();
        assert!((2990..3020).contains(&took.as_millis()), "{took:?}");
        tokio::time::sleep(Duration::from_mins(1)).await;
        let begin = Instant::now();
        for _ in 0..10 {
            pace.wait().await;
        }
        assert_eq!(begin.elapsed(), Duration::ZERO);
        pace.wait().await;
        assert!(begin.elapsed() >= Duration::from_millis(99));
    }

    #[tokio::test(start_paused = true)]
    async fn clones_share_the_limit() {
        let pace = Pace::new(NonZeroU32::MIN);
        let begin = Instant::now();
        for pace in [pace.clone(), pace.clone(), pace] {
            pace.wait().await;
        }
        assert_eq!(begin.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn rate_of_one_per_second_is_kept() {
        let pace = Pace::new(NonZeroU32::MIN);
        let begin = Instant::now();
        for _ in 0..3 {
            pace.wait().await;
        }
        assert_eq!(begin.elapsed().as_secs(), 2);
    }
}
