//! Faults on demand.

use sim_kit::{FaultRules, When};

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
    /// Nothing is done and a proxy answers with an HTML page and this HTTP status.
    Page(u16),
    /// The request is carried out and the connection closed in the middle of the answer.
    Half,
    /// Nothing is done and the store refuses for a reason that waiting does not remove.
    Refusal(S3Refusal),
}

/// Reasons of S3 for which no repetition helps, in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum S3Refusal {
    /// 301 without `Location`; a header names the bucket's region `eu-central-1`.
    PermanentRedirect,
    /// 400: the signature is for another region than `eu-central-1`.
    AuthorizationHeaderMalformed,
    /// 400: a bucket with Object Lock refuses uploads without a checksum. Reads are answered.
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
    pub(crate) fn error_parts(self) -> (u16, &'static str, &'static str) {
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

/// Which requests fail, and how.
#[derive(Debug, Clone)]
struct FaultRule {
    when: When,
    fault: S3Fault,
}

/// The requests that will fail.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults(FaultRules<FaultRule>);

impl Faults {
    pub(crate) fn fail_from(&self, n: Option<u64>, fault: S3Fault) {
        match n {
            None => self.0.clear(),
            Some(n) => {
                self.0.retain(|rule| matches!(rule.when, When::Nth(_)));
                let when = When::After(n);
                self.0.add(FaultRule { when, fault });
            }
        }
    }

    pub(crate) fn fail_once(&self, n: u64, fault: S3Fault) {
        let when = When::Nth(n.saturating_add(1));
        self.0.add_first(FaultRule { when, fault });
    }

    /// Counts a request and returns its fault.
    pub(crate) fn next_fault(&self) -> Option<S3Fault> {
        let hit = self.0.next_fault(|_| true, |rule| rule.when);
        hit.map(|(_, rule)| rule.fault)
    }
}
