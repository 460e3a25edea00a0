//! Every call that a simulated tenant has received, for tests to look at.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tonic::Code;

use crate::endpoint::Endpoint;
use crate::tasks::TaskId;
use crate::watch_cell::WatchCell;

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    /// What was called.
    pub endpoint: Endpoint,
    /// When it came.
    pub at: Instant,
    /// The other end of the connection: calls with the same one shared a connection.
    pub peer: SocketAddr,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The host id in the request, where it was looked at.
    pub host_id: Option<String>,
    /// The task that it was about, where it was about one.
    pub task: Option<TaskId>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was refused, in words.
    pub refusal: Option<String>,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Not yet.
    Pending,
    /// With this gRPC code.
    Code(Code),
    /// With this HTTP status.
    Http(u16),
    /// Without an answer: a fault closed the connection, or the caller went away.
    Dropped,
}

/// All calls so far.
#[derive(Debug, Clone, Default)]
pub struct CallLedger(WatchCell<Vec<Call>>);

impl CallLedger {
    /// A copy of all calls in the order of their arrival.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.0.read().clone()
    }

    /// A copy of the calls of one endpoint.
    #[must_use]
    pub fn of(&self, endpoint: Endpoint) -> Vec<Call> {
        let mut calls = self.calls();
        calls.retain(|call| call.endpoint == endpoint);
        calls
    }

    /// How many calls of an endpoint came.
    #[must_use]
    pub fn count(&self, endpoint: Endpoint) -> usize {
        self.0
            .read()
            .iter()
            .filter(|call| call.endpoint == endpoint)
            .count()
    }

    /// Blocks until the calls are as wished, or says `false` when the time is over.
    #[must_use]
    pub fn wait_until(&self, timeout: Duration, wish: impl Fn(&[Call]) -> bool) -> bool {
        self.0
            .wait_for(timeout, |calls| wish(calls).then_some(()))
            .is_some()
    }

    pub(crate) fn begin(
        &self,
        endpoint: Endpoint,
        peer: SocketAddr,
        user_agent: Option<String>,
    ) -> Arc<InFlight> {
        let call = Call {
            endpoint,
            at: Instant::now(),
            peer,
            user_agent,
            host_id: None,
            task: None,
            outcome: Outcome::Pending,
            refusal: None,
        };
        let position = self.0.change(|calls| {
            calls.push(call);
            calls.len() - 1
        });
        Arc::new(InFlight {
            ledger: self.clone(),
            position,
        })
    }
}

/// A call that is being answered.
#[derive(Debug)]
pub(crate) struct InFlight {
    ledger: CallLedger,
    position: usize,
}

impl InFlight {
    pub(crate) fn about(&self, host_id: &str, task: Option<TaskId>) {
        self.change(|call| {
            call.host_id = Some(host_id.to_owned());
            call.task = task;
        });
    }

    pub(crate) fn refused(&self, reason: String) {
        self.change(|call| call.refusal = Some(reason));
    }

    pub(crate) fn ended(&self, outcome: Outcome) {
        self.change(|call| call.outcome = outcome);
    }

    fn change(&self, change: impl FnOnce(&mut Call)) {
        self.ledger.0.change(|calls| {
            if let Some(call) = calls.get_mut(self.position) {
                change(call);
            }
        });
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.change(|call| {
            if call.outcome == Outcome::Pending {
                call.outcome = Outcome::Dropped;
            }
        });
    }
}
