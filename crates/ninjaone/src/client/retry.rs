//! How long to wait before the next try.

use std::time::Duration;

use rand::RngExt;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::RetryBudget;

/// What is left of one request's budget.
#[derive(Debug)]
pub(crate) struct Patience {
    budget: RetryBudget,
    pub(crate) tries: u32,
    pub(crate) waited: Duration,
}

impl Patience {
    pub(crate) fn new(budget: RetryBudget) -> Self {
        Self {
            budget,
            tries: 1,
            waited: Duration::ZERO,
        }
    }

    /// How long to wait before the next try; `None` if there is none. A server's own wish is followed or, where it is
    /// longer than the budget, ends the trying; otherwise a random part of a doubling back-off is waited, so that many
    /// clients do not come back at the same moment.
    pub(crate) fn next_wait(&mut self, wish: Option<Duration>) -> Option<Duration> {
        if self.tries >= self.budget.attempts {
            return None;
        }
        let wait = match wish {
            Some(wish) if wish > self.budget.longest_wait => return None,
            Some(wish) => wish,
            None => {
                let doubled = self
                    .budget
                    .first_backoff
                    .saturating_mul(1 << (self.tries - 1).min(16));
                doubled
                    .min(self.budget.longest_wait)
                    .mul_f64(rand::rng().random_range(0.0..=1.0))
            }
        };
        if self.waited + wait > self.budget.total_wait {
            return None;
        }
        self.tries += 1;
        self.waited += wait;
        Some(wait)
    }
}

/// Reads a `Retry-After` header: seconds, or a date.
pub(crate) fn retry_after(header: &str, now: OffsetDateTime) -> Option<Duration> {
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
    fn retry_after_in_both_forms() {
        let now = datetime!(2026-11-24 12:00:00 UTC);
        assert_eq!(retry_after(" 7 ", now), Some(Duration::from_secs(7)));
        assert_eq!(
            retry_after("Tue, 24 Nov 2026 12:00:30 GMT", now),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            retry_after("Tue, 24 Nov 2026 11:00:00 GMT", now),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("-1", now), None);
    }

    #[test]
    fn waits_stay_within_the_budget() {
        for _ in 0..200 {
            let mut patience = Patience::new(RetryBudget::default());
            let mut waits = Vec::new();
            while let Some(wait) = patience.next_wait(None) {
                waits.push(wait);
            }
            assert_eq!(waits.len(), 5);
            for (wait, limit) in waits.iter().zip([1, 2, 4, 8, 16]) {
                assert!(*wait <= Duration::from_secs(limit));
            }
            assert_eq!(patience.waited, waits.iter().sum::<Duration>());
        }
    }

    #[test]
    fn a_wish_beyond_the_budget_ends_the_trying() {
        let mut patience = Patience::new(RetryBudget::default());
        assert_eq!(
            patience.next_wait(Some(Duration::from_secs(30))),
            Some(Duration::from_secs(30))
        );
        assert_eq!(patience.next_wait(Some(Duration::from_secs(61))), None);
        let mut short = Patience::new(RetryBudget {
            total_wait: Duration::from_secs(40),
            ..RetryBudget::default()
        });
        assert!(short.next_wait(Some(Duration::from_secs(30))).is_some());
        assert_eq!(short.next_wait(Some(Duration::from_secs(30))), None);
    }
}
