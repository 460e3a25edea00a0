//! Compares sheets with their review.

use std::collections::BTreeMap;

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::assessment::{Assessment, Decided, LineState};
use crate::line::Line;
use crate::problem::{Finding, Problem};
use crate::review::Review;
use crate::reviewer::{is_same_person, normalize_text};
use crate::scope::Scope;
use crate::sheet::{Row, Sheet};
use crate::statement::Statement;

/// A sheet and its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetFile {
    /// The file name.
    pub name: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// The content.
    pub sheet: Sheet,
}

/// The conditions of an assessment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conditions {
    /// The current time.
    pub now: OffsetDateTime,
    /// Maximum age of the sync; `None` for any age.
    pub max_age: Option<Duration>,
}

/// Maximum clock skew of reviewers.
const MAX_CLOCK_SKEW: Duration = Duration::minutes(10);

/// Compares sheets with the review that they claim to belong to.
#[must_use]
pub fn assess(review: &Review, sheets: &[SheetFile], conditions: Conditions) -> Assessment {
    let mut assessor = Assessor {
        review,
        conditions,
        sync_started_at: OffsetDateTime::parse(&review.sync_started_at, &Rfc3339).ok(),
        statements: vec![Vec::new(); review.lines.len()],
        superseded: vec![Vec::new(); review.lines.len()],
        listed: vec![false; review.lines.len()],
        findings: Vec::new(),
    };
    assessor.check_age();
    let line_index = review.line_index();
    for (index, file) in sheets.iter().enumerate() {
        assessor.check_header(file);
        let mut seen: BTreeMap<usize, &Row> = BTreeMap::new();
        for row in &file.sheet.rows {
            let finding = |problem| Finding {
                sheet: Some(file.name.clone()),
                row: Some(row.row),
                problem,
            };
            let Some(line) = line_index.get(&row.subject).copied() else {
                assessor
                    .findings
                    .push(finding(Problem::Added(row.subject.to_string())));
                continue;
            };
            for problem in assessor.check_row(&file.sheet, row, &review.lines[line]) {
                assessor.findings.push(finding(problem));
            }
            assessor.listed[line] = true;
            if let Some(earlier) = seen.get(&line) {
                let decision = |row: &Row| row.statement.as_ref().map(|statement| statement.decision);
                let alike = decision(row) == decision(earlier);
                let problem = Problem::Twice {
                    earlier: earlier.row,
                    alike,
                };
                assessor.findings.push(finding(problem));
                continue;
            }
            seen.insert(line, row);
            assessor.superseded[line].extend(row.superseded.iter().cloned());
            if let Some(statement) = &row.statement {
                assessor.statements[line].push(Decided {
                    statement: statement.clone(),
                    sheet: index,
                    row: row.row,
                });
            }
        }
        assessor.check_counts(file);
    }
    assessor.finish(sheets)
}

struct Assessor<'a> {
    review: &'a Review,
    conditions: Conditions,
    /// Start of the sync.
    sync_started_at: Option<OffsetDateTime>,
    statements: Vec<Vec<Decided>>,
    superseded: Vec<Vec<Statement>>,
    listed: Vec<bool>,
    findings: Vec<Finding>,
}

impl Assessor<'_> {
    fn check_age(&mut self) {
        let (Some(sync_started_at), Some(max)) = (self.sync_started_at, self.conditions.max_age) else {
            return;
        };
        let age = self.conditions.now - sync_started_at;
        if age > max {
            self.findings.push(Finding {
                sheet: None,
                row: None,
                problem: Problem::Stale {
                    days: age.whole_days(),
                    max_days: max.whole_days(),
                },
            });
        }
    }

    /// Checks a header against the review.
    fn check_header(&mut self, file: &SheetFile) {
        let (review, header) = (self.review, &file.sheet.header);
        let mut problems = Vec::new();
        if !header.is_present() {
            problems.push(Problem::NoHeader);
            self.add_findings(file, problems);
            return;
        }
        let is_of_review = !review.id.is_empty();
        for (what, key, expected) in [
            ("tenant", "tenant", &review.tenant),
            ("sync", "sync_id", &review.sync_id),
            ("report", "report_sha256", &review.report_sha256),
            ("review", "review_id", &review.id),
        ] {
            let actual = header.get(key).unwrap_or_default();
            if what == "review" && !is_of_review && actual.is_empty() {
                continue;
            }
            if !actual.eq_ignore_ascii_case(expected) {
                problems.push(Problem::Other {
                    what,
                    actual: actual.to_owned(),
                    expected: if expected.is_empty() {
                        "a report that no review was started for".to_owned()
                    } else {
                        expected.clone()
                    },
                });
            }
        }
        let actual = header.get("scope").unwrap_or_default();
        if actual.parse::<Scope>().ok().as_ref() != Some(&review.scope) {
            problems.push(Problem::Scope {
                actual: actual.to_owned(),
                expected: review.scope.to_string(),
            });
        }
        for key in ["exported_at", "signed_off_at"] {
            let Some(actual) = header.get(key) else { continue };
            if let Some(reason) = self.invalid_time_reason(actual) {
                problems.push(Problem::Time(format!("{key}: {reason}")));
            }
        }
        if header.get("signed_off_by").is_none() {
            problems.push(Problem::NotSignedOff);
        } else if header.count("open") != Some(0) && header.get("sign_off_reason").is_none() {
            problems.push(Problem::NoSignOffReason);
        }
        self.add_findings(file, problems);
    }

    /// Checks the counts and reviewers of a header against the rows.
    fn check_counts(&mut self, file: &SheetFile) {
        let (header, rows) = (&file.sheet.header, &file.sheet.rows);
        if !header.is_present() {
            return;
        }
        let line_index = self.review.line_index();
        let is_decided = |row: &&Row| {
            let line = line_index
                .get(&row.subject)
                .map(|index| &self.review.lines[*index]);
            let statement = row.statement.as_ref();
            statement.is_some_and(|statement| {
                !line.is_some_and(|line| is_same_person(&statement.reviewer, &line.principal))
            })
        };
        let decided = rows.iter().filter(is_decided).count();
        let mut problems = Vec::new();
        for (field, found) in [
            ("lines", rows.len()),
            ("decided", decided),
            ("open", rows.len() - decided),
        ] {
            let actual = header.get(field).unwrap_or_default();
            if actual != found.to_string() {
                problems.push(Problem::HeaderContradicts {
                    field,
                    declared: format!("`{actual}`"),
                    found: found.to_string(),
                });
            }
        }
        let actual: Vec<String> = header.reviewers().into_iter().map(normalize_text).collect();
        let statements = || rows.iter().filter_map(|row| row.statement.as_ref());
        let found: Vec<String> = statements()
            .map(|statement| normalize_text(&statement.reviewer))
            .collect();
        // A name that contains the separator is searched in the complete text.
        let all = normalize_text(header.get("reviewers").unwrap_or_default());
        let is_named = |name: &str| {
            actual.iter().any(|actual| actual == name) || name.contains(';') && all.contains(name)
        };
        let unnamed = statements().find(|statement| !is_named(&normalize_text(&statement.reviewer)));
        if let Some(statement) = unnamed {
            problems.push(Problem::HeaderContradicts {
                field: "reviewers",
                declared: format!("`{}`", header.get("reviewers").unwrap_or_default()),
                found: format!("`{}`", statement.reviewer),
            });
        } else if let Some(unused) = actual.iter().find(|name| {
            let is_part = |found: &&String| found.contains(';') && found.contains(name.as_str());
            !found.contains(name) && !found.iter().any(|found| is_part(&found))
        }) {
            problems.push(Problem::HeaderContradicts {
                field: "reviewers",
                declared: format!("`{unused}`"),
                found: "nobody of that name".to_owned(),
            });
        }
        self.add_findings(file, problems);
    }

    fn add_findings(&mut self, file: &SheetFile, problems: Vec<Problem>) {
        let finding = |problem| Finding {
            sheet: Some(file.name.clone()),
            row: None,
            problem,
        };
        self.findings.extend(problems.into_iter().map(finding));
    }

    /// Checks a row against the line that its ids denote.
    fn check_row(&self, sheet: &Sheet, row: &Row, line: &Line) -> Vec<Problem> {
        let review = self.review;
        let mut problems = Vec::new();
        for (what, actual, expected) in [
            ("tenant", &row.tenant, &review.tenant),
            ("sync", &row.sync_id, &review.sync_id),
            ("report", &row.report_sha256, &review.report_sha256),
        ] {
            // Sheets of the first version need not contain the report.
            let is_unset = what == "report" && actual.is_empty() && !sheet.header.is_present();
            if !is_unset && !actual.eq_ignore_ascii_case(expected) {
                problems.push(Problem::Other {
                    what,
                    actual: actual.clone(),
                    expected: expected.clone(),
                });
            }
        }
        let is_old = row.line_id.is_empty() && !sheet.header.is_present();
        if !is_old && row.line_id != line.id.as_str() {
            problems.push(Problem::LineId {
                actual: row.line_id.clone(),
                expected: line.id.to_string(),
            });
        }
        let subject = &line.subject;
        let principal_id = format!("{}:{}", subject.principal_type, subject.principal_id);
        let person = &line.principal;
        let (login, email) = (
            person.login.as_deref().unwrap_or_default(),
            person.email.as_deref().unwrap_or_default(),
        );
        let (entitlement, resource) = (line.entitlement_name.as_str(), line.resource_name.as_str());
        for (column, actual, known, id) in [
            (
                "entitlement_name",
                &row.entitlement_name,
                vec![entitlement, resource],
                &subject.entitlement_id,
            ),
            (
                "resource_name",
                &row.resource_name,
                vec![resource, entitlement],
                &subject.entitlement_id,
            ),
            (
                "principal_name",
                &row.principal_name,
                vec![person.name.as_str(), login, email],
                &principal_id,
            ),
            (
                "principal_login",
                &row.principal_login,
                vec![login, email],
                &principal_id,
            ),
        ] {
            // Empty names are not checked.
            if !actual.is_empty()
                && !known
                    .iter()
                    .any(|known| normalize_text(known) == normalize_text(actual))
            {
                problems.push(Problem::Name {
                    column,
                    actual: actual.clone(),
                    expected: known[0].to_owned(),
                    id: id.clone(),
                });
            }
        }
        if let Some(statement) = &row.statement {
            let is_needed = sheet.header.is_present();
            if (is_needed || !statement.decided_at.is_empty())
                && let Some(reason) = self.invalid_time_reason(&statement.decided_at)
            {
                problems.push(Problem::DecidedAt(format!("decided_at: {reason}")));
            }
            if !review.may_decide(&statement.reviewer, line) {
                problems.push(Problem::Reviewer(statement.reviewer.clone()));
            }
        }
        problems
    }

    /// Why a text is not a valid decision time.
    fn invalid_time_reason(&self, text: &str) -> Option<String> {
        let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) else {
            return Some(format!("`{text}` is not a time like 2026-11-30T09:30:00Z"));
        };
        if time > self.conditions.now + MAX_CLOCK_SKEW {
            return Some(format!("{text} is in the future"));
        }
        // Browser times have milliseconds, and the clock may be behind.
        let sync_started_at = self.sync_started_at? - MAX_CLOCK_SKEW;
        (time < sync_started_at).then(|| format!("{text} is before the sync of the report began"))
    }

    fn finish(mut self, sheets: &[SheetFile]) -> Assessment {
        let review = self.review;
        let mut states = Vec::with_capacity(review.lines.len());
        for (index, line) in review.lines.iter().enumerate() {
            let statements = std::mem::take(&mut self.statements[index]);
            let state = resolve_line(line, statements, &mut self.superseded[index]);
            let title = || format!("{} ({})", line.id, line.subject);
            match &state {
                LineState::Conflict(decided) => {
                    let statements = decided.iter().map(|decided| {
                        let file = sheets.get(decided.sheet).map_or("", |file| &file.name);
                        format!("{} ({file}, row {})", decided.statement, decided.row)
                    });
                    self.findings.push(Finding {
                        sheet: None,
                        row: None,
                        problem: Problem::Conflict {
                            line: title(),
                            statements: statements.collect(),
                        },
                    });
                }
                LineState::Open {
                    self_review: Some(decided),
                } => self.findings.push(Finding {
                    sheet: sheets.get(decided.sheet).map(|file| file.name.clone()),
                    row: Some(decided.row),
                    problem: Problem::SelfReview {
                        line: title(),
                        reviewer: decided.statement.reviewer.clone(),
                    },
                }),
                _ => {}
            }
            states.push(state);
        }
        let missing = self.listed.iter().filter(|listed| !**listed).count();
        let is_open = |state: &&LineState| matches!(state, LineState::Open { .. });
        let open = states.iter().filter(is_open).count() - missing;
        for problem in [
            (missing > 0).then_some(Problem::Missing(missing)),
            (open > 0).then_some(Problem::Open(open)),
        ] {
            self.findings.extend(problem.map(|problem| Finding {
                sheet: None,
                row: None,
                problem,
            }));
        }
        Assessment {
            states,
            superseded: self.superseded,
            findings: self.findings,
        }
    }
}

/// Merges the statements of several sheets about a line. Statements that no longer count are added to `superseded`.
fn resolve_line(line: &Line, statements: Vec<Decided>, superseded: &mut Vec<Statement>) -> LineState {
    let own = |decided: &Decided| is_same_person(&decided.statement.reviewer, &line.principal);
    let (mut self_reviews, statements): (Vec<Decided>, Vec<Decided>) =
        statements.into_iter().partition(|decided| own(decided));
    let named = superseded.clone();
    let (named_as_superseded, mut active): (Vec<Decided>, Vec<Decided>) = statements
        .into_iter()
        .partition(|decided| named.iter().any(|other| other.is_same(&decided.statement)));
    // If two sheets supersede each other, the conflict remains.
    if active.is_empty() && !named_as_superseded.is_empty() {
        active = named_as_superseded;
    }
    // If a reviewer decided twice, the later decision counts; without times it is a conflict.
    active.sort_by_key(|decided| decided.statement.time());
    let mut counted: Vec<Decided> = Vec::new();
    for decided in active {
        let earlier = counted
            .iter()
            .position(|other| other.statement.is_by_same_reviewer(&decided.statement));
        match earlier {
            Some(index) if counted[index].statement.is_same(&decided.statement) => {}
            Some(index) if counted[index].statement.time() < decided.statement.time() => {
                superseded.push(counted[index].statement.clone());
                counted[index] = decided;
            }
            _ => counted.push(decided),
        }
    }
    let mut unique: Vec<Statement> = Vec::new();
    for statement in superseded.drain(..) {
        if !unique.iter().any(|other| other.is_same(&statement)) {
            unique.push(statement);
        }
    }
    *superseded = unique;
    let is_contrary = counted
        .windows(2)
        .any(|pair| pair[0].statement.decision != pair[1].statement.decision);
    if is_contrary {
        return LineState::Conflict(counted);
    }
    match counted.pop() {
        Some(last) => LineState::Decided(last),
        None => LineState::Open {
            self_review: self_reviews.pop(),
        },
    }
}
