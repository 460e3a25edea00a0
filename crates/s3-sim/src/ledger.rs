//! Every request that came, for tests to look at.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Request {
    /// Method, e.g. `PUT`.
    pub method: String,
    /// Path and query as sent, e.g. `/lake?list-type=2`.
    pub path_and_query: String,
    /// What it was answered with; none while it is not, and where a fault closed the connection.
    pub status: Option<u16>,
}

/// All requests, in the order of their arrival.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    next: u64,
    /// By number, so that a request that is answered after the others were forgotten finds nothing to change.
    requests: BTreeMap<u64, S3Request>,
}

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Books a request and gives its number.
    pub(crate) fn begin(&self, method: &str, path_and_query: &str) -> u64 {
        let mut entries = self.entries();
        let number = entries.next;
        entries.next += 1;
        let request = S3Request {
            method: method.to_owned(),
            path_and_query: path_and_query.to_owned(),
            status: None,
        };
        entries.requests.insert(number, request);
        number
    }

    pub(crate) fn answered(&self, number: u64, status: u16) {
        if let Some(request) = self.entries().requests.get_mut(&number) {
            request.status = Some(status);
        }
    }

    pub(crate) fn requests(&self) -> Vec<S3Request> {
        self.entries().requests.values().cloned().collect()
    }

    pub(crate) fn forget(&self) {
        self.entries().requests.clear();
    }
}
