//! Who decided what, when and why.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::reviewer::plain;

/// What is to become of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It stays.
    Keep,
    /// It is taken away.
    Revoke,
}

impl Decision {
    /// The word in sheets.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Revoke => "revoke",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A decision with the person who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// What was decided.
    pub decision: Decision,
    /// By whom.
    pub reviewer: String,
    /// When, as the sheet has it: RFC 3339.
    #[serde(default)]
    pub decided_at: String,
    /// Why.
    #[serde(default)]
    pub note: String,
}

impl Statement {
    /// When it was made, if the text is a time.
    #[must_use]
    pub fn time(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::parse(self.decided_at.trim(), &Rfc3339).ok()
    }

    /// Whether it is the same statement, whatever its note: a sheet that names what it supersedes need not repeat that.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let same_time = match (self.time(), other.time()) {
            (Some(own), Some(other)) => own == other,
            _ => self.decided_at == other.decided_at,
        };
        self.decision == other.decision && same_time && self.is_by_same_reviewer(other)
    }

    pub(crate) fn is_by_same_reviewer(&self, other: &Self) -> bool {
        plain(&self.reviewer) == plain(&other.reviewer)
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.decision, self.reviewer)?;
        if !self.decided_at.is_empty() {
            write!(f, " at {}", self.decided_at)?;
        }
        Ok(())
    }
}
