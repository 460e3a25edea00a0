//! Review plans: which reviewer decides on which role, organization or person.

use access_core::{Diagnostic, StatusCode};

use crate::line::Line;
use crate::review::{Assignee, parse_due};
use crate::reviewer::{is_same_person, normalize_text};
use crate::sheet::Record;

/// A row of a plan. An empty selector matches everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRow {
    /// The row number in the spreadsheet.
    pub row: u64,
    /// Entitlement id, or the name of the role or entitlement.
    pub role: String,
    /// Id or name of the principal's organization.
    pub organization: String,
    /// Name, login, e-mail address or `type:id` of the principal.
    pub person: String,
    /// The reviewer.
    pub reviewer: String,
    /// The due date of this reviewer.
    pub due: Option<String>,
}

/// A plan: the most specific row that matches a line determines its reviewer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The rows.
    pub rows: Vec<PlanRow>,
}

/// Why a file is not a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The file has another format.
    #[error("not a plan: it has no column {0}")]
    NoColumn(&'static str),
    /// A row is invalid.
    #[error("row {row}: {reason}")]
    Row {
        /// The row number in the spreadsheet.
        row: u64,
        /// The reason.
        reason: String,
    },
}

impl Diagnostic for PlanError {
    fn status(&self) -> StatusCode {
        StatusCode::InvalidArgument
    }

    fn hint(&self) -> Option<String> {
        Some("a plan is a CSV file with the columns reviewer and due, and at least one of role, organization and person".to_owned())
    }
}

impl Plan {
    /// Parses records: column names in any order, then rows.
    ///
    /// # Errors
    /// [`PlanError`] if a column or a reviewer is missing, a date is invalid, or a reviewer has two due dates.
    pub fn parse(records: &[Record]) -> Result<Self, PlanError> {
        let is_blank = |record: &&Record| record.cells.iter().all(|cell| cell.trim().is_empty());
        let mut records = records
            .iter()
            .filter(|record| !is_blank(record) && !record.cells[0].trim_start().starts_with('#'));
        let columns: Vec<String> = records
            .next()
            .map(|record| record.cells.iter().map(|cell| normalize_text(cell)).collect())
            .unwrap_or_default();
        let index = |name: &str| columns.iter().position(|column| column == name);
        let reviewer = index("reviewer").ok_or(PlanError::NoColumn("reviewer"))?;
        let selectors = [index("role"), index("organization"), index("person")];
        if selectors.iter().all(Option::is_none) {
            return Err(PlanError::NoColumn("role"));
        }
        let due = index("due");
        let mut plan = Self::default();
        for record in records {
            let text = |index: Option<usize>| {
                let cell = index.and_then(|index| record.cells.get(index));
                cell.map_or("", |cell| cell.trim()).to_owned()
            };
            let row_error = |reason: String| PlanError::Row {
                row: record.row,
                reason,
            };
            let [role, organization, person] = selectors.map(text);
            let row = PlanRow {
                row: record.row,
                role,
                organization,
                person,
                reviewer: text(Some(reviewer)),
                due: Some(text(due)).filter(|due| !due.is_empty()),
            };
            if row.reviewer.is_empty() {
                return Err(row_error("reviewer is empty".to_owned()));
            }
            if let Some(due) = row.due.as_ref().filter(|due| parse_due(due).is_none()) {
                return Err(row_error(format!("`{due}` is not a date, e.g. 2026-12-15")));
            }
            let same = |other: &&PlanRow| normalize_text(&other.reviewer) == normalize_text(&row.reviewer);
            if let Some(other) = plan.rows.iter().find(same)
                && other.due != row.due
            {
                return Err(row_error(format!(
                    "{} is due on another day in row {}",
                    row.reviewer, other.row
                )));
            }
            plan.rows.push(row);
        }
        Ok(plan)
    }

    /// Assigns reviewers to lines. Reviewers are never assigned their own access: the next matching row is used.
    /// Returns the reviewers with lines, without files, and the rows that matched no line.
    pub fn assign(&self, lines: &mut [Line]) -> (Vec<Assignee>, Vec<&PlanRow>) {
        let mut order: Vec<&PlanRow> = self.rows.iter().collect();
        order.sort_by_key(|row| row.rank());
        let mut reviewers: Vec<Assignee> = Vec::new();
        for row in &self.rows {
            if !reviewers
                .iter()
                .any(|reviewer| normalize_text(&reviewer.name) == normalize_text(&row.reviewer))
            {
                reviewers.push(Assignee {
                    name: row.reviewer.clone(),
                    due: row.due.clone(),
                    lines: 0,
                    file: String::new(),
                });
            }
        }
        let mut used = vec![false; self.rows.len()];
        for line in lines.iter_mut() {
            let mut matching = order.iter().filter(|row| row.selects(line));
            let row = matching.find(|row| !is_same_person(&row.reviewer, &line.principal));
            line.assigned = row.and_then(|row| {
                if let Some(index) = self.rows.iter().position(|other| *other == **row) {
                    used[index] = true;
                }
                let mut names = reviewers.iter();
                names.position(|reviewer| normalize_text(&reviewer.name) == normalize_text(&row.reviewer))
            });
            if let Some(index) = line.assigned {
                reviewers[index].lines += 1;
            }
        }
        // Reviewers without lines are not part of the review.
        let mut new_index = Vec::with_capacity(reviewers.len());
        let mut next = 0;
        for reviewer in &reviewers {
            new_index.push(next);
            next += usize::from(reviewer.lines > 0);
        }
        for line in lines {
            line.assigned = line.assigned.map(|index| new_index[index]);
        }
        reviewers.retain(|reviewer| reviewer.lines > 0);
        let unused = self.rows.iter().zip(used).filter(|(_, used)| !used);
        (reviewers, unused.map(|(row, _)| row).collect())
    }
}

impl PlanRow {
    /// The precedence of a row, lowest first: person, role in an organization, role, organization, everything.
    fn rank(&self) -> u8 {
        let given = |text: &str| u8::from(!text.is_empty());
        7 - (given(&self.person) * 4 + given(&self.role) * 2 + given(&self.organization))
    }

    fn selects(&self, line: &Line) -> bool {
        let subject = &line.subject;
        let is = |selector: &str, names: &[&str]| {
            let selector = normalize_text(selector);
            selector.is_empty() || names.iter().any(|name| normalize_text(name) == selector)
        };
        let own_id = format!("{}:{}", subject.principal_type, subject.principal_id);
        let role_id = subject
            .entitlement_id
            .rsplit_once(':')
            .map_or("", |(resource, _)| resource);
        let organizations: Vec<&str> = line.organization.iter().map(String::as_str).collect();
        let person = &line.principal;
        let person_names = [
            own_id.as_str(),
            &person.name,
            person.login.as_deref().unwrap_or_default(),
            person.email.as_deref().unwrap_or_default(),
        ];
        is(
            &self.role,
            &[
                &subject.entitlement_id,
                role_id,
                &line.entitlement_name,
                &line.resource_name,
            ],
        ) && (self.organization.is_empty() || is(&self.organization, &organizations))
            && is(&self.person, &person_names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::{LineId, PersonNames, Subject};

    fn line(role: u8, person: &str, organization: &str) -> Line {
        let subject = Subject {
            entitlement_id: format!("role:{role}:assigned"),
            principal_type: "user".to_owned(),
            principal_id: person.to_owned(),
        };
        Line {
            id: LineId::new("00", &subject),
            subject,
            entitlement_name: format!("Role {role} assigned"),
            resource_name: format!("Role {role}"),
            trait_kind: "role".to_owned(),
            principal: PersonNames {
                name: format!("Person {person}"),
                login: Some(format!("{person}@example.com")),
                email: None,
            },
            organization: vec![organization.to_owned()],
            can_be_revoked: true,
            assigned: None,
        }
    }

    fn records(text: &str) -> Vec<Record> {
        let cells = |line: &str| line.split(',').map(str::to_owned).collect();
        (1..)
            .zip(text.lines())
            .map(|(row, line)| Record {
                row,
                cells: cells(line),
            })
            .collect()
    }

    #[test]
    fn the_most_specific_row_wins_and_nobody_reviews_oneself() {
        let plan = Plan::parse(&records(
            "due,reviewer,role,organization,person\n\
             ,Everybody,,,\n\
             2026-12-15,Priya,Role 1,,\n\
             2026-12-20,a@example.com,Role 1,Acme,\n\
             ,Bo,,,b@example.com\n\
             ,Nobody,Role 9,,\n",
        ))
        .unwrap();
        let mut lines = [
            line(1, "x", "Globex"),
            line(1, "x", "acme"),
            line(2, "x", "Acme"),
            line(1, "b", "Acme"),
            line(1, "a", "Acme"),
        ];
        let (reviewers, unused) = plan.assign(&mut lines);
        let names = lines.map(|line| reviewers[line.assigned.unwrap()].name.clone());
        assert_eq!(names, ["Priya", "a@example.com", "Everybody", "Bo", "Priya"]);
        assert_eq!(unused.iter().map(|row| row.row).collect::<Vec<_>>(), [6]);
        assert_eq!(reviewers.iter().map(|reviewer| reviewer.lines).sum::<usize>(), 5);
    }

    #[test]
    fn invalid_plans_are_refused() {
        let texts = [
            "role,due\n",
            "reviewer\nAda\n",
            "role,reviewer\nDesk,\n",
            "role,reviewer,due\nDesk,Ada,15.12.2026\n",
            "role,reviewer,due\nDesk,Ada,2026-12-15\nOps,ada,2026-12-16\n",
            "",
        ];
        let shown = texts.map(|text| Plan::parse(&records(text)).unwrap_err().to_string());
        insta::assert_snapshot!(shown.join("\n"));
    }
}
