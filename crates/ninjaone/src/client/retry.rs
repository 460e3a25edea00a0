//! Waits between the attempts of a request.

use std::time::{Duration, SystemTime};

use rand::RngExt;
use reqwest::header::{HeaderMap, RETRY_AFTER};
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

/// The longest wait that `Retry-After` headers ask for.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let values = headers.get_all(RETRY_AFTER).iter();
    values
        .filter_map(|value| parse_retry_after(value.to_str().ok()?, now))
        .max()
}

/// Parses a `Retry-After` header: seconds, or a date in one of HTTP's three forms. Numbers beyond all limits are the longest wait,
/// and a fraction of a second counts as a second.
fn parse_retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    let (seconds, fraction) = header.split_once('.').unwrap_or((header, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !seconds.is_empty() && is_number(seconds) && is_number(fraction) {
        // Only too many digits fail.
        let seconds: u64 = seconds.parse().unwrap_or(u64::MAX);
        let has_fraction = fraction.bytes().any(|digit| digit != b'0');
        return Some(Duration::from_secs(seconds.saturating_add(has_fraction.into())));
    }
    // The second parser accepts a wrong day of the week.
    let date = httpdate::parse_http_date(header).ok().or_else(|| {
        let date = OffsetDateTime::parse(&header.replace("GMT", "+0000"), &Rfc2822);
        date.ok().map(SystemTime::from)
    });
    Some(date?.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn every_form_of_retry_after_is_parsed() {
        let now = SystemTime::from(datetime!(2026-11-24 12:00:00 UTC));
        for (header, seconds) in [
            (" 7 ", Some(7)),
            ("0", Some(0)),
            ("1.5", Some(2)),
            ("3.000", Some(3)),
            ("99999999999999999999", Some(u64::MAX)),
            ("Tue, 24 Nov 2026 12:00:30 GMT", Some(30)),
            ("Tuesday, 24-Nov-26 12:00:30 GMT", Some(30)),
            ("Tue Nov 24 12:00:30 2026", Some(30)),
            ("Mon, 24 Nov 2026 12:00:30 GMT", Some(30)),
            ("Tue, 24 Nov 2026 11:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            (".5", None),
            ("", None),
        ] {
            let wait = parse_retry_after(header, now);
            assert_eq!(wait.map(|wait| wait.as_secs()), seconds, "{header}");
        }
    }

    #[test]
    fn the_longest_of_several_waits_counts() {
        let mut headers = HeaderMap::new();
        for value in ["5", "90", "soon", "7"] {
            headers.append(RETRY_AFTER, value.parse().unwrap());
        }
        let wait = retry_after(&headers, SystemTime::now());
        assert_eq!(wait, Some(Duration::from_secs(90)));
        assert_eq!(retry_after(&HeaderMap::new(), SystemTime::now()), None);
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
