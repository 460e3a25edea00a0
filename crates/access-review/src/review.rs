//! The scope of a review, fixed at its start.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::Date;
use time::format_description::well_known::Iso8601;

use crate::hash::sha256_of_texts;
use crate::line::{Line, LineId, Subject};
use crate::reviewer::normalize_text;
use crate::scope::Scope;

/// The format of review files.
pub const FORMAT: &str = "baton-ninja-one review";
/// The version of review files.
pub const VERSION: u64 = 1;

/// A review: its lines, reviewers and due dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u64,
    /// The program that created it.
    pub program: String,
    /// A hash over everything that determines who reviews which line; sheets repeat it.
    pub id: String,
    /// The title.
    pub title: String,
    /// Start of the review, RFC 3339.
    pub started_at: String,
    /// The tenant.
    pub tenant: String,
    /// The reviewed sync.
    pub sync_id: String,
    /// Start of the sync, RFC 3339.
    pub sync_started_at: String,
    /// The seal of the report.
    pub report_sha256: String,
    /// The reviewed grants.
    pub scope: Scope,
    /// The due date, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// The coordinator: decides unassigned lines and resolves conflicts.
    pub coordinator: String,
    /// The reviewers.
    pub reviewers: Vec<Assignee>,
    /// The files of the review.
    pub files: Vec<ReviewFile>,
    /// All lines, in the order of the report.
    pub lines: Vec<Line>,
}

/// A reviewer of some lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignee {
    /// A name, an e-mail address, or `Name <address>`.
    pub name: String,
    /// The due date of this reviewer, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Number of lines.
    pub lines: usize,
    /// File name of the sheet.
    pub file: String,
}

/// A file of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewFile {
    /// The file name without a folder.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// An invalid review.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// Another format, or a newer version.
    #[error("it is not a review of version {VERSION}")]
    Foreign,
    /// The id does not match the contents.
    #[error("its contents have the id {found}, but it states {declared}")]
    Altered {
        /// The id in the file.
        declared: String,
        /// The id of the contents.
        found: String,
    },
    /// The id of a line does not match.
    #[error("line {id} is not the id of {subject}")]
    Line {
        /// The id.
        id: LineId,
        /// The subject.
        subject: Subject,
    },
}

impl Review {
    /// The id derived from the contents.
    #[must_use]
    pub fn expected_id(&self) -> String {
        let scope = self.scope.to_string();
        let mut texts = vec![
            self.report_sha256.as_str(),
            &self.tenant,
            &self.sync_id,
            &scope,
            self.due.as_deref().unwrap_or_default(),
            &self.title,
            &self.coordinator,
        ];
        for reviewer in &self.reviewers {
            texts.extend([
                reviewer.name.as_str(),
                reviewer.due.as_deref().unwrap_or_default(),
            ]);
        }
        let assigned: Vec<String> = self
            .lines
            .iter()
            .map(|line| {
                line.assigned
                    .map_or_else(|| "-".to_owned(), |index| index.to_string())
            })
            .collect();
        for (line, assigned) in self.lines.iter().zip(&assigned) {
            texts.extend([line.id.as_str(), assigned]);
        }
        format!("R{}", &sha256_of_texts(&texts)[..32])
    }

    /// Validates version and ids.
    ///
    /// # Errors
    /// [`ReviewError`] with the first contradiction.
    pub fn check(&self) -> Result<(), ReviewError> {
        if self.format != FORMAT || self.version != VERSION {
            return Err(ReviewError::Foreign);
        }
        for line in &self.lines {
            if line.id != LineId::new(&self.report_sha256, &line.subject) {
                return Err(ReviewError::Line {
                    id: line.id.clone(),
                    subject: line.subject.clone(),
                });
            }
        }
        let found = self.expected_id();
        if found == self.id {
            Ok(())
        } else {
            Err(ReviewError::Altered {
                declared: self.id.clone(),
                found,
            })
        }
    }

    /// Index of the lines by subject.
    pub(crate) fn line_index(&self) -> BTreeMap<&Subject, usize> {
        (0..)
            .zip(&self.lines)
            .map(|(index, line)| (&line.subject, index))
            .collect()
    }

    /// Whether somebody may decide a line: its reviewer or the coordinator. Without reviewers, anybody.
    #[must_use]
    pub fn may_decide(&self, reviewer: &str, line: &Line) -> bool {
        if self.reviewers.is_empty() {
            return true;
        }
        let is = |name: &str| is_same_reviewer(name, reviewer);
        is(&self.coordinator)
            || line
                .assigned
                .and_then(|index| self.reviewers.get(index))
                .is_some_and(|assignee| is(&assignee.name))
    }

    /// The due date of a line.
    #[must_use]
    pub fn due_of(&self, line: &Line) -> Option<&str> {
        let own = line.assigned.and_then(|index| self.reviewers.get(index));
        own.and_then(|assignee| assignee.due.as_deref())
            .or(self.due.as_deref())
    }
}

/// Whether two texts denote the same reviewer: equal addresses, or equal names.
fn is_same_reviewer(one: &str, other: &str) -> bool {
    let parts = |text: &str| {
        let text = normalize_text(text);
        match text.rsplit_once('<') {
            Some((name, rest)) => (
                name.trim().to_owned(),
                rest.trim_end_matches('>').trim().to_owned(),
            ),
            None if text.contains('@') => (String::new(), text),
            None => (text, String::new()),
        }
    };
    let ((name, address), (other_name, other_address)) = (parts(one), parts(other));
    if !address.is_empty() && !other_address.is_empty() {
        return address == other_address;
    }
    !name.is_empty() && name == other_name
}

/// Parses a date, `YYYY-MM-DD`.
#[must_use]
pub fn parse_due(text: &str) -> Option<Date> {
    let day = text.trim();
    let is_day = day.len() == "2026-12-15".len();
    Date::parse(day, &Iso8601::DATE).ok().filter(|_| is_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviewers_are_the_same_by_address_or_name() {
        for (one, other) in [
            ("Priya R.", " priya  r. "),
            ("Priya <p@example.com>", "P@example.com"),
            ("Priya <p@example.com>", "Priya"),
        ] {
            assert!(is_same_reviewer(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("Priya", "Priya R."),
            ("Priya <p@example.com>", "Priya <q@example.com>"),
            ("", ""),
            ("p@example.com", "Priya"),
        ] {
            assert!(!is_same_reviewer(one, other), "{one} {other}");
        }
    }

    #[test]
    fn due_dates_are_plain_dates() {
        assert!(parse_due("2026-12-15").is_some());
        for text in ["15.12.2026", "2026-13-01", "", "2026-12-15T00:00:00Z"] {
            assert!(parse_due(text).is_none(), "{text}");
        }
    }
}
