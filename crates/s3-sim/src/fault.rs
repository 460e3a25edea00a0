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
    /// Nothing is done and nothing is answered, ever.
    Hang,
    /// Nothing is done and somebody on the way answers with an HTML page and this HTTP status.
    Page(u16),
    /// The request is carried out and the connection closed in the middle of the answer.
    Half,
    /// Nothing is done and the store refuses for a reason that waiting does not remove.
    Refusal(S3Refusal),
}

/// Reasons of S3 for which no repetition helps, in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum S3Refusal {
    /// 301 without `Location`: the bucket is in `eu-central-1`, as a header says.
    PermanentRedirect,
    /// 400: the signature is for another region than `eu-central-1`.
    AuthorizationHeaderMalformed,
    /// 400: a bucket with Object Lock takes no upload without a checksum. Reads are answered.
    ChecksumRequired,
    /// 403: the clocks differ by too much.
    RequestTimeTooSkewed,
    /// 404, as Azure words it: the container is not there.
    ContainerNotFound,
    /// 403, as Azure words a wrong key.
    AuthorizationFailure,
}

impl S3Refusal {
    /// Status, code, message.
    pub(crate) fn words(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::PermanentRedirect => (
                301,
                "PermanentRedirect",
                "The bucket you are attempting to access must be addressed using the specified endpoint.",
            ),
            Self::AuthorizationHeaderMalformed => (
                400,
                "AuthorizationHeaderMalformed",
                "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-central-1'",
            ),
            Self::ChecksumRequired => (
                400,
                "InvalidRequest",
                "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
            ),
            Self::RequestTimeTooSkewed => (
                403,
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            ),
            Self::ContainerNotFound => (
                404,
                "ContainerNotFound",
                "The specified container does not exist.",
            ),
            Self::AuthorizationFailure => (
                403,
                "AuthorizationFailure",
                "This request is not authorized to perform this operation.",
            ),
        }
    }
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
