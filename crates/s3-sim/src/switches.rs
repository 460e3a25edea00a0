//! Differences from S3, on demand.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use s3s::dto::ETagCondition;
use s3s::{S3Result, s3_error};

use crate::precondition::Precondition;

/// How the store treats `If-Match` and `If-None-Match` of a write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum S3Conditions {
    /// They are honoured.
    #[default]
    Honoured,
    /// They are ignored, as old and small servers do.
    Ignored,
    /// `If-None-Match` is honoured, `If-Match` is ignored.
    ReplaceIgnored,
    /// They are refused with 501.
    NotImplemented,
    /// They are refused with 400.
    InvalidArgument,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Switches {
    conditions: Arc<Mutex<S3Conditions>>,
    no_e_tags: Arc<AtomicBool>,
}

impl Switches {
    pub(crate) fn set_conditions(&self, conditions: S3Conditions) {
        *self.conditions.lock().unwrap_or_else(PoisonError::into_inner) = conditions;
    }

    pub(crate) fn leave_out_e_tags(&self) {
        self.no_e_tags.store(true, Ordering::Relaxed);
    }

    pub(crate) fn leaves_out_e_tags(&self) -> bool {
        self.no_e_tags.load(Ordering::Relaxed)
    }

    /// The precondition of a write, as far as the store knows of it.
    pub(crate) fn write_precondition(
        &self,
        if_match: Option<ETagCondition>,
        if_none_match: Option<ETagCondition>,
    ) -> S3Result<Precondition> {
        let conditions = *self.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        let is_conditional = if_match.is_some() || if_none_match.is_some();
        match conditions {
            S3Conditions::NotImplemented if is_conditional => Err(s3_error!(
                NotImplemented,
                "A header you provided implies functionality that is not implemented"
            )),
            S3Conditions::InvalidArgument if is_conditional => {
                Err(s3_error!(InvalidArgument, "Invalid Argument"))
            }
            S3Conditions::Ignored => Ok(Precondition {
                if_match: None,
                if_none_match: None,
            }),
            S3Conditions::ReplaceIgnored => Ok(Precondition {
                if_match: None,
                if_none_match,
            }),
            _ => Ok(Precondition {
                if_match,
                if_none_match,
            }),
        }
    }
}
