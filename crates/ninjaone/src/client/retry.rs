//! Waits between the attempts of a request.

use std::time::Duration;

use rand::RngExt;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::RetryBudget;

/// Minimum `Retry-After`. A shorter one is replaced by a backoff, whose attempts are counted.
const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The rest of a request's retry budget.
#[derive(Debug)]
pub(crate) struct RetryState {
    budget: RetryBudget,
    pub(crate) tries: u32,
    /// Attempts after a backoff; those after a `Retry-After` are only bounded by time.
    own_tries: u32,
    pub(crate) waited: Duration,
}

impl RetryState {
    pub(crate) fn new(budget: RetryBudget) -> Self {
        Self {
            budget,
            tries: 1,
            own_tries: 1,
            waited: Duration::ZERO,
        }
    }

    /// Sets the number of previous attempts.
    pub(crate) fn at_attempt(budget: RetryBudget, tries: u32) -> Self {
        Self {
            tries,
            own_tries: tries,
            ..Self::new(budget)
        }
    }

    /// Whether a wait exceeds the rest of the budget.
    pub(crate) fn is_beyond(&self, retry_after: Duration) -> bool {
        self.waited
            .checked_add(retry_after)
            .is_none_or(|waited| waited > self.budget.total_wait)
    }

    /// Maximum total wait.
    pub(crate) fn total_wait(&self) -> Duration {
        self.budget.total_wait
    }

    /// The wait before the next attempt; `None` if there is none. A wait that the server requests is followed within the
    /// budget. Otherwise it is a random part of a doubling backoff, so that many clients do not return at the same moment.
    pub(crate) fn next_wait(&mut self, retry_after: Option<Duration>) -> Option<Duration> {
        let wait =
            if let Some(retry_after) = retry_after.filter(|retry_after| *retry_after >= MIN_RETRY_AFTER) {
                retry_after
            } else {
                if self.own_tries >= self.budget.attempts {
                    return None;
                }
                let doubled = self
                    .budget
                    .first_backoff
                    .saturating_mul(1 << (self.own_tries - 1).min(16));
                self.own_tries += 1;
                doubled
                    .min(self.budget.longest_wait)
                    .mul_f64(rand::rng().random_range(0.0..=1.0))
            };
        if self.is_beyond(wait) {
            return None;
        }
        self.tries += 1;
        self.waited += wait;
        Some(wait)
    }
}

/// Parses a `Retry-After` header: seconds or a date.
pub(crate) fn parse_retry_after(header: &str, now: OffsetDateTime) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = OffsetDateTime::parse(&header.replace("GMT", "+0000"), &Rfc2822).ok()?;
    Some((date - now).try_into().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn retry_after_is_parsed_in_both_forms() {
        let now = datetime!(2026-11-24 12:00:00 UTC);
        assert_eq!(parse_retry_after(" 7 ", now), Some(Duration::from_secs(7)));
        assert_eq!(
            parse_retry_after("Tue, 24 Nov 2026 12:00:30 GMT", now),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            parse_retry_after("Tue, 24 Nov 2026 11:00:00 GMT", now),
            Some(Duration::ZERO)
        );
        assert_eq!(parse_retry_after("soon", now), None);
        assert_eq!(parse_retry_after("-1", now), None);
    }

    #[test]
    fn waits_stay_within_the_budget() {
        for _ in 0..200 {
            let mut retry_state = RetryState::new(RetryBudget::default());
            let mut waits = Vec::new();
            while let Some(wait) = retry_state.next_wait(None) {
                waits.push(wait);
            }
            assert_eq!(waits.len(), 5);
            for (wait, limit) in waits.iter().zip([1, 2, 4, 8, 16]) {
                assert!(*wait <= Duration::from_secs(limit));
            }
            assert_eq!(retry_state.waited, waits.iter().sum::<Duration>());
        }
    }

    #[test]
    fn requested_waits_are_followed_within_the_budget() {
        let mut retry_state = RetryState::new(RetryBudget::default());
        for retry_after in [61, 30, 1, 200] {
            let retry_after = Duration::from_secs(retry_after);
            assert_eq!(retry_state.next_wait(Some(retry_after)), Some(retry_after));
        }
        assert_eq!(retry_state.next_wait(Some(Duration::from_secs(10))), None);
        assert_eq!(retry_state.next_wait(Some(Duration::MAX)), None);
        // The number of attempts is not the limit.
        let mut long = RetryState::new(RetryBudget {
            total_wait: Duration::from_hours(1),
            ..RetryBudget::default()
        });
        let minutes = std::iter::from_fn(|| long.next_wait(Some(Duration::from_mins(1)))).count();
        assert_eq!((minutes, long.tries), (60, 61));
    }

    #[test]
    fn zero_retry_after_does_not_retry_forever() {
        let mut retry_state = RetryState::new(RetryBudget::default());
        let tries = std::iter::from_fn(|| retry_state.next_wait(Some(Duration::ZERO))).count();
        assert_eq!(tries, 5);
    }
}
