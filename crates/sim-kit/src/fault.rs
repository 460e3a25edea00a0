use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::mix::mix;

/// Which of the calls that match a rule fail, counted from 1 since the rule was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Every one.
    Always,
    /// The first N calls.
    First(u64),
    /// Only the one with this number.
    Nth(u64),
    /// All calls after the first N.
    After(u64),
    /// A pseudo-random share. The same seed selects the same calls.
    Percent {
        /// 0 to 100.
        percent: u64,
        /// Seed of the selection.
        seed: u64,
    },
}

impl When {
    /// Whether the call with this number, counted from 1, is one of them.
    #[must_use]
    pub const fn includes(self, call: u64) -> bool {
        match self {
            Self::Always => true,
            Self::First(count) => call <= count,
            Self::Nth(number) => call == number,
            Self::After(count) => call > count,
            Self::Percent { percent, seed } => mix(seed, call) % 100 < percent,
        }
    }
}

/// A rule and how often it was met.
#[derive(Debug, Clone)]
pub struct CountedRule<R> {
    /// The rule.
    pub rule: R,
    /// Calls that matched it.
    pub calls: u64,
    /// Faults of it that had an effect ([`FaultRules::count_effect`]).
    pub effects: u64,
}

/// Rules that decide which call fails. Clones share the rules, so a test can add some while the server runs.
#[derive(Debug)]
pub struct FaultRules<R>(Arc<Mutex<Vec<CountedRule<R>>>>);

impl<R> Default for FaultRules<R> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<R> Clone for FaultRules<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: Clone> FaultRules<R> {
    fn lock(&self) -> MutexGuard<'_, Vec<CountedRule<R>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule behind the others. Its calls are counted from now on.
    pub fn add(&self, rule: R) {
        self.lock().push(CountedRule::new(rule));
    }

    /// Adds a rule before the others. Its calls are counted from now on.
    pub fn add_first(&self, rule: R) {
        self.lock().insert(0, CountedRule::new(rule));
    }

    /// Removes the rules that are not to be kept.
    pub fn retain(&self, keep: impl Fn(&R) -> bool) {
        self.lock().retain(|counted| keep(&counted.rule));
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// A copy of the rules with their counts.
    #[must_use]
    pub fn counted(&self) -> Vec<CountedRule<R>> {
        self.lock().clone()
    }

    /// Counts a call against every rule that matches it, and returns the first rule that makes it fail, with its position.
    pub fn next_fault(&self, matches: impl Fn(&R) -> bool, when: impl Fn(&R) -> When) -> Option<(usize, R)> {
        let mut hit = None;
        for (position, counted) in self.lock().iter_mut().enumerate() {
            if matches(&counted.rule) {
                counted.calls += 1;
                if hit.is_none() && when(&counted.rule).includes(counted.calls) {
                    hit = Some((position, counted.rule.clone()));
                }
            }
        }
        hit
    }

    /// Records that the rule at this position had an effect.
    pub fn count_effect(&self, position: usize) {
        if let Some(counted) = self.lock().get_mut(position) {
            counted.effects += 1;
        }
    }
}

impl<R> CountedRule<R> {
    const fn new(rule: R) -> Self {
        Self {
            rule,
            calls: 0,
            effects: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_matching_rule_decides_and_all_count() {
        let rules = FaultRules::default();
        rules.add(("/a", When::Nth(2)));
        rules.add(("/a", When::Always));
        rules.add(("/b", When::After(1)));
        let next = |path: &str| {
            rules
                .next_fault(|rule| rule.0 == path, |rule| rule.1)
                .map(|(position, _)| position)
        };
        assert_eq!([next("/a"), next("/a"), next("/a")], [Some(1), Some(0), Some(1)]);
        assert_eq!([next("/b"), next("/b"), next("/c")], [None, Some(2), None]);
        let calls: Vec<u64> = rules.counted().iter().map(|counted| counted.calls).collect();
        assert_eq!(calls, [3, 3, 2]);
    }

    #[test]
    fn a_percentage_selects_the_same_calls_for_a_seed() {
        let when = When::Percent { percent: 25, seed: 7 };
        let hits: Vec<u64> = (1..=1000).filter(|call| when.includes(*call)).collect();
        assert!((200..300).contains(&hits.len()), "{}", hits.len());
        assert_eq!(
            hits,
            (1..=1000).filter(|call| when.includes(*call)).collect::<Vec<_>>()
        );
    }
}
