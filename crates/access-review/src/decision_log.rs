//! The decision log: JSON lines, each with the hash of the previous one; the first has the seal of the report.

use serde::{Deserialize, Serialize};

use crate::assess::SheetFile;
use crate::assessment::{Assessment, LineState, OpenMeans};
use crate::hash::sha256_hex;
use crate::line::LineId;
use crate::review::Review;
use crate::statement::Statement;

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionEntry {
    /// Number of the entry, from 1.
    pub n: u64,
    /// SHA-256 of the previous line without its line break; for the first line, the seal of the report.
    pub previous: String,
    /// The review line.
    pub line_id: LineId,
    /// The entitlement.
    pub entitlement_id: String,
    /// Name of the entitlement.
    pub entitlement_name: String,
    /// The principal, as `type:id`.
    pub principal: String,
    /// Name of the principal.
    pub principal_name: String,
    /// `keep`, `revoke`, `open` or `conflict`.
    pub decision: String,
    /// `revoke` if the line is open and open lines are revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_means: Option<String>,
    /// The statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Statement>,
    /// File name of the sheet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// SHA-256 of the sheet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet_sha256: Option<String>,
    /// Row in the sheet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// Contradicting statements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contrary: Vec<Statement>,
    /// A decision on the reviewer's own access; it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_review: Option<Statement>,
    /// Superseded statements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub superseded: Vec<Statement>,
}

/// The decision log of a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionLog {
    /// JSON lines.
    pub text: String,
    /// SHA-256 of the last line; of an empty log, the report's seal.
    pub head: String,
    /// Number of entries.
    pub entries: u64,
}

/// The log was modified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// A line is not a valid entry.
    #[error("line {0} cannot be read")]
    Unreadable(u64),
    /// A line does not follow the previous one.
    #[error("line {0} does not follow the line before it")]
    Broken(u64),
    /// The last line does not match.
    #[error("the last line has the hash {found}, but the seal of the pack says {expected}")]
    Head {
        /// The hash of the last line.
        found: String,
        /// The sealed hash.
        expected: String,
    },
}

/// Writes one entry per line of the review.
#[must_use]
pub fn decision_log(
    review: &Review,
    sheets: &[SheetFile],
    assessment: &Assessment,
    open_means: OpenMeans,
) -> DecisionLog {
    let mut log = DecisionLog {
        text: String::new(),
        head: review.report_sha256.clone(),
        entries: 0,
    };
    let states = assessment.states.iter().zip(&assessment.superseded);
    for (line, (state, superseded)) in review.lines.iter().zip(states) {
        log.entries += 1;
        let subject = &line.subject;
        let mut entry = DecisionEntry {
            n: log.entries,
            previous: log.head.clone(),
            line_id: line.id.clone(),
            entitlement_id: subject.entitlement_id.clone(),
            entitlement_name: line.entitlement_name.clone(),
            principal: format!("{}:{}", subject.principal_type, subject.principal_id),
            principal_name: line.principal.name.clone(),
            decision: String::new(),
            open_means: None,
            statement: None,
            sheet: None,
            sheet_sha256: None,
            row: None,
            contrary: Vec::new(),
            self_review: None,
            superseded: superseded.clone(),
        };
        match state {
            LineState::Decided(decided) => {
                entry.decision = decided.statement.decision.to_string();
                entry.statement = Some(decided.statement.clone());
                let file = sheets.get(decided.sheet);
                entry.sheet = file.map(|file| file.name.clone());
                entry.sheet_sha256 = file.map(|file| file.sha256.clone());
                entry.row = Some(decided.row);
            }
            LineState::Open { self_review } => {
                "open".clone_into(&mut entry.decision);
                entry.open_means = (open_means == OpenMeans::Revoke).then(|| "revoke".to_owned());
                entry.self_review = self_review.as_ref().map(|decided| decided.statement.clone());
            }
            LineState::Conflict(statements) => {
                "conflict".clone_into(&mut entry.decision);
                let statements = statements.iter().map(|decided| decided.statement.clone());
                entry.contrary = statements.collect();
            }
        }
        // Serializing an entry cannot fail.
        let text = serde_json::to_string(&entry).unwrap_or_default();
        log.head = sha256_hex(text.as_bytes());
        log.text.push_str(&text);
        log.text.push('\n');
    }
    log
}

/// Parses and verifies a log.
///
/// # Errors
/// [`ChainError`] with the first invalid line.
pub fn verify_decision_log(
    text: &str,
    report_sha256: &str,
    head: &str,
) -> Result<Vec<DecisionEntry>, ChainError> {
    let mut entries = Vec::new();
    let mut previous = report_sha256.to_owned();
    for (n, line) in (1..).zip(text.lines()) {
        let entry: DecisionEntry = serde_json::from_str(line).map_err(|_| ChainError::Unreadable(n))?;
        if entry.previous != previous || entry.n != n {
            return Err(ChainError::Broken(n));
        }
        previous = sha256_hex(line.as_bytes());
        entries.push(entry);
    }
    if previous == head {
        Ok(entries)
    } else {
        Err(ChainError::Head {
            found: previous,
            expected: head.to_owned(),
        })
    }
}
