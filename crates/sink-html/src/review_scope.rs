//! The review that a report file belongs to, as the page reads it.

use serde::{Deserialize, Serialize};

/// The role of a file in a review. The page reads it from the head of the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewScope {
    /// The review's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The seal of the complete report.
    pub report_sha256: String,
    /// The last day for decisions in this file.
    pub due: Option<String>,
    /// Whom the file is for.
    pub role: ReviewRole,
    /// The reviewer of a reviewer's file.
    pub reviewer: Option<String>,
    /// Which grants of the report are reviewed, as in the header of a sheet.
    pub scope: String,
    /// Grants in this file.
    pub lines: u64,
    /// The reviewers.
    pub reviewers: Vec<ReviewReviewer>,
    /// The reviewer of each grant: runs over the grants of this file, each an index in `reviewers`, or -1 without a reviewer, and a
    /// count.
    pub assigned: Vec<(i64, u64)>,
}

/// Whom a file of a review is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewRole {
    /// One of the reviewers: only the reviewer's lines are in it.
    Reviewer,
    /// The coordinator, who merges the sheets: all lines of the review are in it.
    Coordinator,
}

/// A reviewer, as the page shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewReviewer {
    /// The name.
    pub name: String,
    /// The last day.
    pub due: Option<String>,
    /// How many lines.
    pub lines: u64,
    /// The file.
    pub file: String,
}
