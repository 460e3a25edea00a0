//! `If-Match` and `If-None-Match`, which mean different things to a read and to a write.

use s3s::dto::{ETag, ETagCondition};
use s3s::{S3Error, S3Result, s3_error};

/// The condition of a request on the existing object.
pub(crate) struct Precondition {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
}

impl Precondition {
    /// Checks the precondition of a read of an object with this `ETag`.
    pub(crate) fn check_read(&self, current: &ETag) -> S3Result<()> {
        if self
            .if_match
            .as_ref()
            .is_some_and(|expected| !matches(expected, current))
        {
            return Err(failed());
        }
        match &self.if_none_match {
            Some(excluded) if matches(excluded, current) => Err(s3_error!(NotModified)),
            _ => Ok(()),
        }
    }

    /// Checks the precondition of a write over an object with this `ETag`, if there is one.
    pub(crate) fn check_write(&self, current: Option<&ETag>) -> S3Result<()> {
        match (&self.if_match, current) {
            (None, _) => {}
            // S3 does not answer 412 here.
            (Some(_), None) => return Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
            (Some(expected), Some(current)) if matches(expected, current) => {}
            (Some(_), Some(_)) => return Err(failed()),
        }
        match &self.if_none_match {
            Some(ETagCondition::Any) if current.is_some() => Err(failed()),
            Some(ETagCondition::ETag(_)) => Err(s3_error!(
                NotImplemented,
                "A write takes no If-None-Match other than *."
            )),
            _ => Ok(()),
        }
    }
}

fn matches(condition: &ETagCondition, current: &ETag) -> bool {
    condition
        .as_etag()
        .is_none_or(|expected| expected.weak_cmp(current))
}

fn failed() -> S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold"
    )
}
