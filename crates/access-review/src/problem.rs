//! Findings: everything that speaks against accepting or applying sheets, and what waives it.

use std::fmt;

use serde::Serialize;

/// A problem and its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, if applicable.
    pub sheet: Option<String>,
    /// The row number in the spreadsheet, if applicable.
    pub row: Option<u64>,
    /// The problem.
    pub problem: Problem,
}

/// The option that accepts a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiver {
    /// Open, missing and self-reviewed lines, missing sign-off or header.
    Incomplete,
    /// A sync that is too old.
    Age,
    /// A header that contradicts the rows.
    Edited,
    /// A reviewer who is not part of the review.
    Reviewer,
}

/// Why a sheet cannot be trusted or applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The sheet belongs to another tenant, sync, report or review.
    Other {
        /// `tenant`, `sync`, `report` or `review`.
        what: &'static str,
        /// The value in the sheet.
        actual: String,
        /// The expected value.
        expected: String,
    },
    /// The sheet has no header.
    NoHeader,
    /// The header contradicts the rows.
    HeaderContradicts {
        /// The header field.
        field: &'static str,
        /// The value of the header.
        declared: String,
        /// The value derived from the rows.
        found: String,
    },
    /// The scope is invalid or differs from the review.
    Scope {
        /// The value in the sheet.
        actual: String,
        /// The scope of the review.
        expected: String,
    },
    /// A row is not part of the review.
    Added(String),
    /// The line id of a row does not match its ids.
    LineId {
        /// The value in the row.
        actual: String,
        /// The expected line id.
        expected: String,
    },
    /// A name in a row does not match its id.
    Name {
        /// The column.
        column: &'static str,
        /// The value in the row.
        actual: String,
        /// The name in the report.
        expected: String,
        /// The id.
        id: String,
    },
    /// Two rows of a sheet are about the same line.
    Twice {
        /// Row number of the first one.
        earlier: u64,
        /// Whether both have the same decision.
        alike: bool,
    },
    /// A decision time is missing, invalid, before the sync or in the future.
    DecidedAt(String),
    /// An invalid export or sign-off time.
    Time(String),
    /// A decision by somebody who does not review the line.
    Reviewer(String),
    /// Contradicting statements that nobody resolved.
    Conflict {
        /// The line.
        line: String,
        /// The statements with file and row.
        statements: Vec<String>,
    },
    /// Lines missing in all sheets.
    Missing(usize),
    /// Undecided lines.
    Open(usize),
    /// A decision on the reviewer's own access.
    SelfReview {
        /// The line.
        line: String,
        /// The reviewer.
        reviewer: String,
    },
    /// The sheet is not signed off.
    NotSignedOff,
    /// Signed off with open lines and without a reason.
    NoSignOffReason,
    /// The sync is too old.
    Stale {
        /// Its age in days.
        days: i64,
        /// The limit in days.
        max_days: i64,
    },
}

impl Problem {
    /// The option that accepts it; contradictions cannot be accepted.
    #[must_use]
    pub fn waiver(&self) -> Option<Waiver> {
        match self {
            Self::NoHeader
            | Self::Missing(_)
            | Self::Open(_)
            | Self::SelfReview { .. }
            | Self::NotSignedOff
            | Self::NoSignOffReason => Some(Waiver::Incomplete),
            Self::Stale { .. } => Some(Waiver::Age),
            Self::HeaderContradicts { .. } | Self::Twice { alike: true, .. } => Some(Waiver::Edited),
            Self::Reviewer(_) => Some(Waiver::Reviewer),
            Self::Other { .. }
            | Self::Scope { .. }
            | Self::Added(_)
            | Self::LineId { .. }
            | Self::Name { .. }
            | Self::Twice { alike: false, .. }
            | Self::DecidedAt(_)
            | Self::Time(_)
            | Self::Conflict { .. } => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other {
                what,
                actual,
                expected,
            } if actual.is_empty() => {
                write!(f, "the {what} is missing; it should be {expected}")
            }
            Self::Other {
                what,
                actual,
                expected,
            } => {
                write!(f, "of another {what}: {actual}, and this one is {expected}")
            }
            Self::NoHeader => f.write_str("no header: the sheet does not say what it covers"),
            Self::HeaderContradicts {
                field,
                declared,
                found,
            } => {
                write!(
                    f,
                    "the header says {field} {declared}, and the rows say {found}: edited after the export"
                )
            }
            Self::Scope { actual, expected } => {
                write!(f, "the scope is `{actual}`, and the review's is `{expected}`")
            }
            Self::Added(subject) => write!(f, "{subject} is not in the scope of the review"),
            Self::LineId { actual, expected } if actual.is_empty() => {
                write!(f, "line_id is empty; it should be {expected}")
            }
            Self::LineId { actual, expected } => {
                write!(
                    f,
                    "line_id {actual} does not belong to the ids of the row, whose id is {expected}"
                )
            }
            Self::Name {
                column,
                actual,
                expected,
                id,
            } => write!(f, "{column} is `{actual}`, and {id} is `{expected}`"),
            Self::Twice { earlier, alike: true } => write!(f, "the same line as row {earlier}"),
            Self::Twice {
                earlier,
                alike: false,
            } => {
                write!(f, "decides the line of row {earlier} differently")
            }
            Self::DecidedAt(reason) | Self::Time(reason) => f.write_str(reason),
            Self::Reviewer(name) => write!(f, "{name} is not a reviewer of this line"),
            Self::Conflict { line, statements } => {
                write!(f, "{line}: conflicting decisions: {}", statements.join("; "))
            }
            Self::Missing(1) => f.write_str("1 line of the review is in no sheet"),
            Self::Missing(lines) => write!(f, "{lines} lines of the review are in no sheet"),
            Self::Open(1) => f.write_str("1 line is undecided"),
            Self::Open(lines) => write!(f, "{lines} lines are undecided"),
            Self::SelfReview { line, reviewer } => {
                write!(
                    f,
                    "{line}: {reviewer} decided on their own access; another reviewer must decide"
                )
            }
            Self::NotSignedOff => f.write_str("not signed off"),
            Self::NoSignOffReason => f.write_str("signed off with undecided lines and without a reason"),
            Self::Stale { days, max_days } => {
                write!(f, "the sync began {days} days ago, more than {max_days}")
            }
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.sheet, self.row) {
            (Some(sheet), Some(row)) => write!(f, "{sheet}, row {row}: {}", self.problem),
            (Some(sheet), None) => write!(f, "{sheet}: {}", self.problem),
            (None, _) => fmt::Display::fmt(&self.problem, f),
        }
    }
}
