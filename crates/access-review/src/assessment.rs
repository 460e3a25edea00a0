//! The result of assessing sheets: a state for each line, revocations, and the progress of reviewers.

use serde::Serialize;
use time::OffsetDateTime;

use crate::problem::Finding;
use crate::review::{Review, parse_due};
use crate::statement::{Decision, Statement};

/// A statement and its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The statement.
    pub statement: Statement,
    /// Index of the sheet.
    pub sheet: usize,
    /// The row number in the spreadsheet.
    pub row: u64,
}

/// The state of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineState {
    /// Undecided.
    Open {
        /// A decision on the reviewer's own access; it does not count.
        self_review: Option<Decided>,
    },
    /// Decided.
    Decided(Decided),
    /// Contradicting decisions.
    Conflict(Vec<Decided>),
}

/// The result of an assessment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// The state of each line, in the order of the review.
    pub states: Vec<LineState>,
    /// Superseded statements of each line, oldest first.
    pub superseded: Vec<Vec<Statement>>,
    /// All problems.
    pub findings: Vec<Finding>,
}

/// How undecided lines are treated when a review is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenMeans {
    /// They stay undecided.
    Open,
    /// They are revoked.
    Revoke,
}

/// A requested revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Index of the line.
    pub line: usize,
    /// The decision; `None` for open lines that are revoked.
    pub decided: Option<Decided>,
}

/// Progress of a reviewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// The reviewer; `None` for unassigned lines.
    pub reviewer: Option<String>,
    /// The due date.
    pub due: Option<String>,
    /// Assigned lines.
    pub lines: usize,
    /// Decided lines.
    pub decided: usize,
    /// Lines with contradicting decisions.
    pub conflicts: usize,
    /// Whether the due date has passed with open lines.
    pub late: bool,
}

impl Assessment {
    /// Number of lines with this decision.
    #[must_use]
    pub fn count(&self, decision: Decision) -> usize {
        let decided = |state: &&LineState| matches!(state, LineState::Decided(decided) if decided.statement.decision == decision);
        self.states.iter().filter(decided).count()
    }

    /// Number of lines without a decision.
    #[must_use]
    pub fn open(&self) -> usize {
        let open = |state: &&LineState| !matches!(state, LineState::Decided(_));
        self.states.iter().filter(open).count()
    }

    /// The revocations. Lines with contradicting decisions are never revoked.
    #[must_use]
    pub fn revocations(&self, open_means: OpenMeans) -> Vec<Revocation> {
        let revocation = |(line, state): (usize, &LineState)| match state {
            LineState::Decided(decided) if decided.statement.decision == Decision::Revoke => {
                Some(Revocation {
                    line,
                    decided: Some(decided.clone()),
                })
            }
            LineState::Open { .. } if open_means == OpenMeans::Revoke => {
                Some(Revocation { line, decided: None })
            }
            _ => None,
        };
        self.states.iter().enumerate().filter_map(revocation).collect()
    }

    /// The progress of each reviewer; unassigned lines last.
    #[must_use]
    pub fn progress(&self, review: &Review, now: OffsetDateTime) -> Vec<Progress> {
        let mut rows: Vec<Progress> = review
            .reviewers
            .iter()
            .map(|reviewer| (Some(reviewer.name.clone()), reviewer.due.clone()))
            .chain([(None, None)])
            .map(|(reviewer, due)| Progress {
                reviewer,
                due: due.or_else(|| review.due.clone()),
                lines: 0,
                decided: 0,
                conflicts: 0,
                late: false,
            })
            .collect();
        let nobody = rows.len() - 1;
        for (line, state) in review.lines.iter().zip(&self.states) {
            let row = &mut rows[line.assigned.unwrap_or(nobody).min(nobody)];
            row.lines += 1;
            row.decided += usize::from(matches!(state, LineState::Decided(_)));
            row.conflicts += usize::from(matches!(state, LineState::Conflict(_)));
        }
        for row in &mut rows {
            let due = row.due.as_deref().and_then(parse_due);
            row.late = row.decided < row.lines && due.is_some_and(|due| now.date() > due);
        }
        rows.retain(|row| row.lines > 0 || row.reviewer.is_some());
        rows
    }
}
