//! The scope of a review, fixed when it starts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::Date;
use time::format_description::well_known::Iso8601;

use crate::hash::sha256_of_texts;
use crate::line::{Line, LineId, Subject};
use crate::reviewer::plain;
use crate::scope::Scope;

/// Says that a file is a review.
pub const FORMAT: &str = "baton-ninja-one review";
/// The version of the file that is written here.
pub const VERSION: u64 = 1;

/// A review: what is decided, by whom, until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u64,
    /// What made it.
    pub program: String,
    /// A hash over everything that decides which line is reviewed by whom; sheets repeat it.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// When it was started, RFC 3339.
    pub started_at: String,
    /// The tenant.
    pub tenant: String,
    /// The sync whose grants are reviewed.
    pub sync_id: String,
    /// When that sync began, RFC 3339.
    pub sync_started_at: String,
    /// The seal of the report.
    pub report_sha256: String,
    /// Which grants of it.
    pub scope: Scope,
    /// The last day for decisions, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Who decides what nobody else does, and settles conflicts.
    pub coordinator: String,
    /// Who reviews.
    pub reviewers: Vec<Assignee>,
    /// The files that belong to it.
    pub files: Vec<ReviewFile>,
    /// Every line of the scope, in the order of the report.
    pub lines: Vec<Line>,
}

/// Somebody who reviews some of the lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignee {
    /// The name, an address, or `Name <address>`.
    pub name: String,
    /// The last day for this reviewer, if it is another than the review's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// How many lines.
    pub lines: usize,
    /// The reviewer's file.
    pub file: String,
}

/// A file of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewFile {
    /// Its name, without a folder.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// A review contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// It is something else, or of a newer program.
    #[error("it is not a review of version {VERSION}")]
    Foreign,
    /// Its contents give another id.
    #[error("its contents have the id {found}, but it states {said}")]
    Altered {
        /// What it says.
        said: String,
        /// What the contents give.
        found: String,
    },
    /// A line has an id that is not its own.
    #[error("line {id} is not the id of {subject}")]
    Line {
        /// The id.
        id: LineId,
        /// Whose it should be.
        subject: Subject,
    },
}

impl Review {
    /// The id that the contents give.
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
                    .map_or_else(|| "-".to_owned(), |place| place.to_string())
            })
            .collect();
        for (line, assigned) in self.lines.iter().zip(&assigned) {
            texts.extend([line.id.as_str(), assigned]);
        }
        format!("R{}", &sha256_of_texts(&texts)[..32])
    }

    /// Whether the review is of this version and its ids follow from its contents.
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
                said: self.id.clone(),
                found,
            })
        }
    }

    /// Lines by who holds what.
    pub(crate) fn places(&self) -> BTreeMap<&Subject, usize> {
        (0..)
            .zip(&self.lines)
            .map(|(place, line)| (&line.subject, place))
            .collect()
    }

    /// Whether somebody may decide a line: its reviewer or the coordinator. In a review without named reviewers, anybody.
    #[must_use]
    pub fn may_decide(&self, reviewer: &str, line: &Line) -> bool {
        if self.reviewers.is_empty() {
            return true;
        }
        let is = |name: &str| same_name(name, reviewer);
        is(&self.coordinator)
            || line
                .assigned
                .and_then(|place| self.reviewers.get(place))
                .is_some_and(|assignee| is(&assignee.name))
    }

    /// The last day for a line.
    #[must_use]
    pub fn due_of(&self, line: &Line) -> Option<&str> {
        let own = line.assigned.and_then(|place| self.reviewers.get(place));
        own.and_then(|assignee| assignee.due.as_deref())
            .or(self.due.as_deref())
    }
}

/// Whether two ways to write a reviewer mean the same one: the same text, or the same address.
fn same_name(one: &str, other: &str) -> bool {
    let parts = |text: &str| {
        let text = plain(text);
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

/// Reads a day, `YYYY-MM-DD`.
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
            assert!(same_name(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("Priya", "Priya R."),
            ("Priya <p@example.com>", "Priya <q@example.com>"),
            ("", ""),
            ("p@example.com", "Priya"),
        ] {
            assert!(!same_name(one, other), "{one} {other}");
        }
    }

    #[test]
    fn days() {
        assert!(parse_due("2026-12-15").is_some());
        for text in ["15.12.2026", "2026-13-01", "", "2026-12-15T00:00:00Z"] {
            assert!(parse_due(text).is_none(), "{text}");
        }
    }
}
