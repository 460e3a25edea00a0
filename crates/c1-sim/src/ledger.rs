//! Every call that a simulated tenant has received, for tests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sim_kit::Ledger;
use tonic::Code;

use crate::endpoint::Endpoint;
use crate::tasks::TaskId;

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    /// The called endpoint.
    pub endpoint: Endpoint,
    /// Time of arrival.
    pub at: Instant,
    /// The client's address: calls with the same one shared a connection.
    pub peer: SocketAddr,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The host id in the request, if it was read.
    pub host_id: Option<String>,
    /// The task in the request, if any.
    pub task: Option<TaskId>,
    /// The outcome.
    pub outcome: Outcome,
    /// The reason of a refusal.
    pub refusal: Option<String>,
}

/// The outcome of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Not answered yet.
    Pending,
    /// Answered with this gRPC code.
    Code(Code),
    /// Answered with this HTTP status.
    Http(u16),
    /// Not answered: a fault or the client closed the connection.
    Dropped,
}

/// All calls so far.
#[derive(Debug, Clone, Default)]
pub struct CallLedger(Ledger<Call>);

impl CallLedger {
    /// A copy of all calls in the order of their arrival.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.0.calls()
    }

    /// A copy of the calls of one endpoint.
    #[must_use]
    pub fn calls_of(&self, endpoint: Endpoint) -> Vec<Call> {
        let mut calls = self.calls();
        calls.retain(|call| call.endpoint == endpoint);
        calls
    }

    /// The number of calls of an endpoint.
    #[must_use]
    pub fn count(&self, endpoint: Endpoint) -> usize {
        self.0.count(|call| call.endpoint == endpoint)
    }

    /// Blocks until the calls satisfy a condition; `false` after the timeout.
    #[must_use]
    pub fn wait_until(&self, timeout: Duration, condition: impl Fn(&[Call]) -> bool) -> bool {
        self.0.wait_until(timeout, condition)
    }

    pub(crate) fn begin(
        &self,
        endpoint: Endpoint,
        peer: SocketAddr,
        user_agent: Option<String>,
    ) -> Arc<InFlight> {
        Arc::new(InFlight(self.0.begin(Call {
            endpoint,
            at: Instant::now(),
            peer,
            user_agent,
            host_id: None,
            task: None,
            outcome: Outcome::Pending,
            refusal: None,
        })))
    }
}

/// A call that is being answered.
#[derive(Debug)]
pub(crate) struct InFlight(sim_kit::InFlight<Call>);

impl InFlight {
    pub(crate) fn set_subject(&self, host_id: &str, task: Option<TaskId>) {
        self.0.update(|call| {
            call.host_id = Some(host_id.to_owned());
            call.task = task;
        });
    }

    pub(crate) fn set_refusal(&self, reason: String) {
        self.0.update(|call| call.refusal = Some(reason));
    }

    pub(crate) fn set_outcome(&self, outcome: Outcome) {
        self.0.update(|call| call.outcome = outcome);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.update(|call| {
            if call.outcome == Outcome::Pending {
                call.outcome = Outcome::Dropped;
            }
        });
    }
}
