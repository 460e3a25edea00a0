//! Every request, for tests.

use sim_kit::Ledger;

/// One HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Request {
    /// Method, e.g. `PUT`.
    pub method: String,
    /// Path and query as sent, e.g. `/lake?list-type=2`.
    pub path_and_query: String,
    /// HTTP status of the answer; none before it, and where a fault closed the connection.
    pub status: Option<u16>,
}

/// All requests, in the order of their arrival.
pub(crate) type RequestLedger = Ledger<S3Request>;
