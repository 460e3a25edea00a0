//! Every call that a simulated tenant has received, for tests to look at.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;

/// One request.
#[derive(Debug, Clone)]
pub struct Call {
    /// Method, e.g. `GET`.
    pub method: String,
    /// Path without the query, as sent.
    pub path: String,
    /// Query parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
    /// There was an `Authorization` header.
    pub authorized: bool,
    /// The `Accept-Encoding` header.
    pub accept_encoding: Option<String>,
    /// When it came.
    pub at: Instant,
    /// What it was answered with; 0 while it is not, and for connections that were dropped.
    pub status: u16,
    /// What it was answered with, if that was a whole body and the tenant keeps answers.
    pub answer: Option<Bytes>,
}

/// All calls so far.
#[derive(Debug, Clone, Default)]
pub struct CallLedger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    calls: Vec<Call>,
    in_flight: usize,
    most_in_flight: usize,
}

/// A call that is being answered.
#[derive(Debug)]
pub(crate) struct InFlight {
    ledger: CallLedger,
    position: usize,
}

impl CallLedger {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self, call: Call) -> InFlight {
        let mut entries = self.entries();
        entries.calls.push(call);
        entries.in_flight += 1;
        entries.most_in_flight = entries.most_in_flight.max(entries.in_flight);
        InFlight {
            ledger: self.clone(),
            position: entries.calls.len() - 1,
        }
    }

    /// A copy of all calls in the order of their arrival.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.entries().calls.clone()
    }

    /// Forgets all calls.
    pub fn clear(&self) {
        let mut entries = self.entries();
        entries.calls.clear();
        entries.most_in_flight = entries.in_flight;
    }

    /// How many calls of this method and path came.
    #[must_use]
    pub fn count(&self, method: &str, path: &str) -> usize {
        self.entries()
            .calls
            .iter()
            .filter(|call| call.method == method && call.path == path)
            .count()
    }

    /// How many calls came.
    pub(crate) fn len(&self) -> usize {
        self.entries().calls.len()
    }

    /// The largest number of calls that were answered at the same time, bodies not counted.
    #[must_use]
    pub fn most_in_flight(&self) -> usize {
        self.entries().most_in_flight
    }
}

impl InFlight {
    pub(crate) fn answered(&self, status: u16, answer: Option<Bytes>) {
        if let Some(call) = self.ledger.entries().calls.get_mut(self.position) {
            call.status = status;
            call.answer = answer;
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.ledger.entries().in_flight -= 1;
    }
}
