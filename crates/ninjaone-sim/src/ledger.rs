//! Every call that a simulated tenant has received, for tests.

use std::time::Instant;

use bytes::Bytes;
use sim_kit::{InFlight, Ledger};

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
    /// Whether there was an `Authorization` header.
    pub authorized: bool,
    /// The `Accept-Encoding` header.
    pub accept_encoding: Option<String>,
    /// Time of arrival.
    pub at: Instant,
    /// Status of the answer; 0 before it, and for connections that were dropped.
    pub status: u16,
    /// Body of the answer, if it was complete and the tenant keeps answers.
    pub answer: Option<Bytes>,
}

/// All calls so far.
#[derive(Debug, Clone, Default)]
pub struct CallLedger(Ledger<Call>);

impl CallLedger {
    pub(crate) fn begin(&self, call: Call) -> InFlight<Call> {
        self.0.begin(call)
    }

    /// A copy of all calls in the order of their arrival.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.0.calls()
    }

    /// Removes all calls.
    pub fn clear(&self) {
        self.0.clear();
    }

    /// The number of calls of this method and path.
    #[must_use]
    pub fn count(&self, method: &str, path: &str) -> usize {
        self.0.count(|call| call.method == method && call.path == path)
    }

    /// The number of calls.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The largest number of calls that were answered at the same time, bodies not counted.
    #[must_use]
    pub fn max_in_flight(&self) -> usize {
        self.0.max_in_flight()
    }
}
