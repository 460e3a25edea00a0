//! Decisions of reviewers.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::reviewer::normalize_text;

/// The decision on a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Keep the grant.
    Keep,
    /// Revoke the grant.
    Revoke,
}

impl Decision {
    /// The name in sheets.
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

/// A decision and its reviewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The decision.
    pub decision: Decision,
    /// The reviewer.
    pub reviewer: String,
    /// The time in the sheet, RFC 3339.
    #[serde(default)]
    pub decided_at: String,
    /// The note.
    #[serde(default)]
    pub note: String,
}

impl Statement {
    /// The parsed time, if valid.
    #[must_use]
    pub fn time(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::parse(self.decided_at.trim(), &Rfc3339).ok()
    }

    /// Whether both are the same statement, ignoring the note: sheets that supersede a statement need not repeat it.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let same_time = match (self.time(), other.time()) {
            (Some(own), Some(other)) => own == other,
            _ => self.decided_at == other.decided_at,
        };
        self.decision == other.decision && same_time && self.is_by_same_reviewer(other)
    }

    pub(crate) fn is_by_same_reviewer(&self, other: &Self) -> bool {
        normalize_text(&self.reviewer) == normalize_text(&other.reviewer)
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
