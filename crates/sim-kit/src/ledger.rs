use std::time::Duration;

use crate::watch_cell::WatchCell;

/// Every call that a server has received, in the order of arrival. Clones share the calls.
#[derive(Debug)]
pub struct Ledger<C>(WatchCell<Entries<C>>);

#[derive(Debug)]
struct Entries<C> {
    calls: Vec<C>,
    /// Calls that [`Ledger::clear`] has removed; the call with this number is the first of `calls`.
    removed: usize,
    in_flight: usize,
    max_in_flight: usize,
}

/// A call that is being answered.
#[derive(Debug)]
pub struct InFlight<C> {
    ledger: Ledger<C>,
    number: usize,
}

impl<C> Default for Ledger<C> {
    fn default() -> Self {
        Self(WatchCell::new(Entries {
            calls: Vec::new(),
            removed: 0,
            in_flight: 0,
            max_in_flight: 0,
        }))
    }
}

impl<C> Clone for Ledger<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C> Ledger<C> {
    /// Records a call. It counts as being answered until the result is dropped.
    pub fn begin(&self, call: C) -> InFlight<C> {
        let number = self.0.change(|entries| {
            entries.calls.push(call);
            entries.in_flight += 1;
            entries.max_in_flight = entries.max_in_flight.max(entries.in_flight);
            entries.removed + entries.calls.len() - 1
        });
        InFlight {
            ledger: self.clone(),
            number,
        }
    }

    /// Removes all calls.
    pub fn clear(&self) {
        self.0.change(|entries| {
            entries.removed += entries.calls.len();
            entries.calls.clear();
            entries.max_in_flight = entries.in_flight;
        });
    }

    /// How many calls there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.read().calls.len()
    }

    /// Whether there are no calls.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many calls satisfy a condition.
    #[must_use]
    pub fn count(&self, condition: impl Fn(&C) -> bool) -> usize {
        self.0.read().calls.iter().filter(|call| condition(call)).count()
    }

    /// The largest number of calls that were being answered at the same time.
    #[must_use]
    pub fn max_in_flight(&self) -> usize {
        self.0.read().max_in_flight
    }

    /// Blocks until the calls satisfy a condition; `false` after the timeout.
    #[must_use]
    pub fn wait_until(&self, timeout: Duration, condition: impl Fn(&[C]) -> bool) -> bool {
        self.0
            .wait_for(timeout, |entries| condition(&entries.calls).then_some(()))
            .is_some()
    }
}

impl<C: Clone> Ledger<C> {
    /// A copy of all calls.
    #[must_use]
    pub fn calls(&self) -> Vec<C> {
        self.0.read().calls.clone()
    }
}

impl<C> InFlight<C> {
    /// Changes the record of the call, unless it was removed.
    pub fn update(&self, update: impl FnOnce(&mut C)) {
        self.ledger.0.change(|entries| {
            let index = self.number.checked_sub(entries.removed);
            if let Some(call) = index.and_then(|index| entries.calls.get_mut(index)) {
                update(call);
            }
        });
    }
}

impl<C> Drop for InFlight<C> {
    fn drop(&mut self) {
        self.ledger.0.change(|entries| entries.in_flight -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_after_clear_changes_no_other_call() {
        let ledger = Ledger::default();
        let first = ledger.begin("first");
        ledger.clear();
        let second = ledger.begin("second");
        first.update(|call| *call = "answered");
        assert_eq!(ledger.calls(), ["second"]);
        second.update(|call| *call = "answered");
        assert_eq!(ledger.calls(), ["answered"]);
        assert_eq!(ledger.max_in_flight(), 2);
        drop((first, second));
        ledger.clear();
        assert_eq!(ledger.max_in_flight(), 0);
    }

    #[test]
    fn wait_until_blocks_for_a_call() {
        let ledger = Ledger::default();
        let other = ledger.clone();
        let thread = std::thread::spawn(move || drop(other.begin(1)));
        assert!(ledger.wait_until(Duration::from_secs(10), |calls| calls == [1]));
        assert!(!ledger.wait_until(Duration::ZERO, |calls| calls.len() == 2));
        thread.join().unwrap();
    }
}
