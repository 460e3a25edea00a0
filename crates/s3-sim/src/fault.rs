//! What goes wrong, and at which request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A way for a request to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum S3Fault {
    /// Nothing is done and an S3 error with this HTTP status is answered, e.g. 500, 503, 403.
    Status(u16),
    /// Nothing is done and the connection is closed without an answer.
    Reset,
    /// The request is carried out, then the connection is closed without an answer.
    AfterEffect,
}

/// The requests that will fail.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    /// How many requests came so far; the numbers below count like it.
    seen: u64,
    once: BTreeMap<u64, S3Fault>,
    from: Option<(u64, S3Fault)>,
}

impl Faults {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn fail_from(&self, n: Option<u64>, how: S3Fault) {
        let mut plan = self.plan();
        plan.from = n.map(|n| (plan.seen.saturating_add(n), how));
        if n.is_none() {
            plan.once.clear();
        }
    }

    pub(crate) fn fail_once(&self, n: u64, how: S3Fault) {
        let mut plan = self.plan();
        let number = plan.seen.saturating_add(n);
        plan.once.insert(number, how);
    }

    /// Counts one request and says how it must fail.
    pub(crate) fn strike(&self) -> Option<S3Fault> {
        let mut plan = self.plan();
        let number = plan.seen;
        plan.seen += 1;
        let from = plan.from.filter(|(from, _)| number >= *from);
        plan.once.remove(&number).or(from.map(|(_, how)| how))
    }
}
