//! Sheets against their review: one state a line, and everything that speaks against believing the sheets.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::line::Line;
use crate::review::{Review, parse_due};
use crate::reviewer::{is_same_person, plain};
use crate::scope::Scope;
use crate::sheet::{Row, Sheet};
use crate::statement::{Decision, Statement};

/// A sheet with the file that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetFile {
    /// What people call the file.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// What it says.
    pub sheet: Sheet,
}

/// What sheets are judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conditions {
    /// Now.
    pub now: OffsetDateTime,
    /// How long ago the sync may have begun; `None` for any age.
    pub max_age: Option<Duration>,
}

/// Clocks of reviewers may be ahead by so much.
const MAX_CLOCK_SKEW: Duration = Duration::minutes(10);

/// A problem, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, if it is about one.
    pub sheet: Option<String>,
    /// The spreadsheet's row number, if it is about one.
    pub row: Option<u64>,
    /// What is wrong.
    pub problem: Problem,
}

/// What accepts a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiver {
    /// Open, missing and self-reviewed lines, no sign-off, no header.
    Incomplete,
    /// An old sync.
    Age,
    /// A header that contradicts the rows.
    Edited,
    /// A reviewer who is not named in the review.
    Reviewer,
}

/// Why a sheet is not to be believed, or not to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It is of another tenant, sync, report or review.
    Other {
        /// `tenant`, `sync`, `report` or `review`.
        what: &'static str,
        /// What the sheet says.
        said: String,
        /// What it should say.
        expected: String,
    },
    /// It says nothing of itself.
    NoHeader,
    /// The header says something else than the rows.
    HeaderContradicts {
        /// The header's field.
        field: &'static str,
        /// What it says.
        said: String,
        /// What the rows say.
        found: String,
    },
    /// The scope is not one, or another than the review's.
    Scope {
        /// What the sheet says.
        said: String,
        /// The review's.
        expected: String,
    },
    /// A row is about access that is not in the review.
    Added(String),
    /// A row's line id is not that of its ids.
    LineId {
        /// What the row says.
        said: String,
        /// The id of its ids.
        expected: String,
    },
    /// A row's name is not that of its ids.
    Name {
        /// The column.
        column: &'static str,
        /// What the row says.
        said: String,
        /// The report's name.
        expected: String,
        /// The id.
        id: String,
    },
    /// Two rows of one sheet are about the same line.
    Twice {
        /// The earlier row.
        earlier: u64,
        /// Whether they decide alike.
        alike: bool,
    },
    /// A time of a decision is missing, unreadable, before the sync or in the future.
    DecidedAt(String),
    /// The sheet was exported or signed off at an impossible time.
    Time(String),
    /// Somebody decided who does not review the line.
    Reviewer(String),
    /// Two statements contradict each other, and nobody settled it.
    Conflict {
        /// The line.
        line: String,
        /// The statements, with file and row.
        statements: Vec<String>,
    },
    /// Lines that no sheet has.
    Missing(usize),
    /// Lines without a decision.
    Open(usize),
    /// A decision on the reviewer's own access.
    SelfReview {
        /// The line.
        line: String,
        /// The reviewer.
        reviewer: String,
    },
    /// Nobody signed the sheet off.
    NotSignedOff,
    /// It was signed off with open lines and without a reason.
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
    /// What accepts it; nothing accepts a contradiction.
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
            Self::Other { what, said, expected } if said.is_empty() => {
                write!(f, "the {what} is not named, and should be {expected}")
            }
            Self::Other { what, said, expected } => {
                write!(f, "of another {what}: {said}, and this one is {expected}")
            }
            Self::NoHeader => f.write_str("no header: the sheet does not say what it covers"),
            Self::HeaderContradicts { field, said, found } => {
                write!(
                    f,
                    "the header says {field} {said}, and the rows say {found}: edited after the export"
                )
            }
            Self::Scope { said, expected } => {
                write!(f, "the scope is `{said}`, and the review's is `{expected}`")
            }
            Self::Added(subject) => write!(f, "{subject} is not in the scope of the review"),
            Self::LineId { said, expected } if said.is_empty() => {
                write!(f, "line_id is empty, and should be {expected}")
            }
            Self::LineId { said, expected } => {
                write!(
                    f,
                    "line_id {said} does not belong to the ids of the row, whose id is {expected}"
                )
            }
            Self::Name {
                column,
                said,
                expected,
                id,
            } => write!(f, "{column} is `{said}`, and {id} is `{expected}`"),
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
                write!(f, "{line}: contrary decisions: {}", statements.join("; "))
            }
            Self::Missing(lines) => write!(f, "{lines} lines of the review are in no sheet"),
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

/// A statement with the row that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The statement.
    pub statement: Statement,
    /// The place of its sheet among those that were assessed.
    pub sheet: usize,
    /// The spreadsheet's row number.
    pub row: u64,
}

/// What is known of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineState {
    /// Nobody decided who may.
    Open {
        /// A decision on one's own access, which does not count.
        self_review: Option<Decided>,
    },
    /// Decided.
    Decided(Decided),
    /// Decided in contrary ways.
    Conflict(Vec<Decided>),
}

/// What came of sheets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// A state for each line of the review, in its order.
    pub states: Vec<LineState>,
    /// Statements on each line that no longer count, the oldest first.
    pub superseded: Vec<Vec<Statement>>,
    /// Everything that speaks against the sheets.
    pub findings: Vec<Finding>,
}

/// What undecided lines mean when a review is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenMeans {
    /// They stay as they are, and undecided.
    Open,
    /// They are revoked.
    Revoke,
}

/// A revocation that a decision asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The place of the line in the review.
    pub line: usize,
    /// The decision; `None` if the line is open and open lines are revoked.
    pub decided: Option<Decided>,
}

/// How far a reviewer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Who; `None` for lines that nobody is assigned to.
    pub reviewer: Option<String>,
    /// The last day.
    pub due: Option<String>,
    /// Lines assigned.
    pub lines: usize,
    /// Lines decided.
    pub decided: usize,
    /// Lines with contrary decisions.
    pub conflicts: usize,
    /// Whether the last day is over and lines are open.
    pub late: bool,
}

impl Assessment {
    /// How many lines are decided, and for what.
    #[must_use]
    pub fn count(&self, decision: Decision) -> usize {
        let decided = |state: &&LineState| matches!(state, LineState::Decided(decided) if decided.statement.decision == decision);
        self.states.iter().filter(decided).count()
    }

    /// How many lines are not decided.
    #[must_use]
    pub fn open(&self) -> usize {
        let open = |state: &&LineState| !matches!(state, LineState::Decided(_));
        self.states.iter().filter(open).count()
    }

    /// Exactly what is to be revoked. Lines with contrary decisions never are.
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

    /// How far each reviewer is, lines of nobody last.
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

/// Compares sheets with the review that they are said to belong to.
#[must_use]
pub fn assess(review: &Review, sheets: &[SheetFile], conditions: Conditions) -> Assessment {
    let mut assessing = Assessing {
        review,
        conditions,
        began: OffsetDateTime::parse(&review.sync_started_at, &Rfc3339).ok(),
        statements: vec![Vec::new(); review.lines.len()],
        superseded: vec![Vec::new(); review.lines.len()],
        listed: vec![false; review.lines.len()],
        findings: Vec::new(),
    };
    assessing.age();
    let places = review.places();
    for (place, file) in sheets.iter().enumerate() {
        assessing.header(file);
        let mut seen: BTreeMap<usize, &Row> = BTreeMap::new();
        for row in &file.sheet.rows {
            let finding = |problem| Finding {
                sheet: Some(file.name.clone()),
                row: Some(row.row),
                problem,
            };
            let Some(line) = places.get(&row.subject).copied() else {
                assessing
                    .findings
                    .push(finding(Problem::Added(row.subject.to_string())));
                continue;
            };
            for problem in assessing.row(&file.sheet, row, &review.lines[line]) {
                assessing.findings.push(finding(problem));
            }
            assessing.listed[line] = true;
            if let Some(earlier) = seen.get(&line) {
                let decision = |row: &Row| row.statement.as_ref().map(|statement| statement.decision);
                let alike = decision(row) == decision(earlier);
                let problem = Problem::Twice {
                    earlier: earlier.row,
                    alike,
                };
                assessing.findings.push(finding(problem));
                continue;
            }
            seen.insert(line, row);
            assessing.superseded[line].extend(row.superseded.iter().cloned());
            if let Some(statement) = &row.statement {
                assessing.statements[line].push(Decided {
                    statement: statement.clone(),
                    sheet: place,
                    row: row.row,
                });
            }
        }
        assessing.counts(file);
    }
    assessing.finish(sheets)
}

struct Assessing<'a> {
    review: &'a Review,
    conditions: Conditions,
    /// When the sync began.
    began: Option<OffsetDateTime>,
    statements: Vec<Vec<Decided>>,
    superseded: Vec<Vec<Statement>>,
    listed: Vec<bool>,
    findings: Vec<Finding>,
}

impl Assessing<'_> {
    fn age(&mut self) {
        let (Some(began), Some(max)) = (self.began, self.conditions.max_age) else {
            return;
        };
        let age = self.conditions.now - began;
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

    /// What a header says, against the review.
    fn header(&mut self, file: &SheetFile) {
        let (review, header) = (self.review, &file.sheet.header);
        let mut problems = Vec::new();
        if !header.is_present() {
            problems.push(Problem::NoHeader);
            self.add(file, problems);
            return;
        }
        let is_of_review = !review.id.is_empty();
        for (what, key, expected) in [
            ("tenant", "tenant", &review.tenant),
            ("sync", "sync_id", &review.sync_id),
            ("report", "report_sha256", &review.report_sha256),
            ("review", "review_id", &review.id),
        ] {
            let said = header.get(key).unwrap_or_default();
            if what == "review" && !is_of_review && said.is_empty() {
                continue;
            }
            if !said.eq_ignore_ascii_case(expected) {
                problems.push(Problem::Other {
                    what,
                    said: said.to_owned(),
                    expected: if expected.is_empty() {
                        "a report that no review was started for".to_owned()
                    } else {
                        expected.clone()
                    },
                });
            }
        }
        let said = header.get("scope").unwrap_or_default();
        if said.parse::<Scope>().ok().as_ref() != Some(&review.scope) {
            problems.push(Problem::Scope {
                said: said.to_owned(),
                expected: review.scope.to_string(),
            });
        }
        for key in ["exported_at", "signed_off_at"] {
            let Some(said) = header.get(key) else { continue };
            if let Some(reason) = self.wrong_time(said) {
                problems.push(Problem::Time(format!("{key}: {reason}")));
            }
        }
        if header.get("signed_off_by").is_none() {
            problems.push(Problem::NotSignedOff);
        } else if header.count("open") != Some(0) && header.get("sign_off_reason").is_none() {
            problems.push(Problem::NoSignOffReason);
        }
        self.add(file, problems);
    }

    /// What a header counts, against the rows.
    fn counts(&mut self, file: &SheetFile) {
        let (header, rows) = (&file.sheet.header, &file.sheet.rows);
        if !header.is_present() {
            return;
        }
        let places = self.review.places();
        let counts = |row: &&Row| {
            let line = places.get(&row.subject).map(|place| &self.review.lines[*place]);
            let statement = row.statement.as_ref();
            statement.is_some_and(|statement| {
                !line.is_some_and(|line| is_same_person(&statement.reviewer, &line.principal))
            })
        };
        let decided = rows.iter().filter(counts).count();
        let mut problems = Vec::new();
        for (field, found) in [
            ("lines", rows.len()),
            ("decided", decided),
            ("open", rows.len() - decided),
        ] {
            let said = header.get(field).unwrap_or_default();
            if said != found.to_string() {
                problems.push(Problem::HeaderContradicts {
                    field,
                    said: format!("`{said}`"),
                    found: found.to_string(),
                });
            }
        }
        let said: Vec<String> = header.reviewers().into_iter().map(plain).collect();
        let statements = || rows.iter().filter_map(|row| row.statement.as_ref());
        let found: Vec<String> = statements().map(|statement| plain(&statement.reviewer)).collect();
        // A name that has the separator in it is looked for in the whole text.
        let all = plain(header.get("reviewers").unwrap_or_default());
        let is_named =
            |name: &str| said.iter().any(|said| said == name) || name.contains(';') && all.contains(name);
        let unnamed = statements().find(|statement| !is_named(&plain(&statement.reviewer)));
        if let Some(statement) = unnamed {
            problems.push(Problem::HeaderContradicts {
                field: "reviewers",
                said: format!("`{}`", header.get("reviewers").unwrap_or_default()),
                found: format!("`{}`", statement.reviewer),
            });
        } else if let Some(idle) = said.iter().find(|name| {
            let is_part = |found: &&String| found.contains(';') && found.contains(name.as_str());
            !found.contains(name) && !found.iter().any(|found| is_part(&found))
        }) {
            problems.push(Problem::HeaderContradicts {
                field: "reviewers",
                said: format!("`{idle}`"),
                found: "nobody of that name".to_owned(),
            });
        }
        self.add(file, problems);
    }

    fn add(&mut self, file: &SheetFile, problems: Vec<Problem>) {
        let finding = |problem| Finding {
            sheet: Some(file.name.clone()),
            row: None,
            problem,
        };
        self.findings.extend(problems.into_iter().map(finding));
    }

    /// What a row says, against the line that its ids name.
    fn row(&self, sheet: &Sheet, row: &Row, line: &Line) -> Vec<Problem> {
        let review = self.review;
        let mut problems = Vec::new();
        for (what, said, expected) in [
            ("tenant", &row.tenant, &review.tenant),
            ("sync", &row.sync_id, &review.sync_id),
            ("report", &row.report_sha256, &review.report_sha256),
        ] {
            // Sheets of the first version need not name the report.
            let is_silent = what == "report" && said.is_empty() && !sheet.header.is_present();
            if !is_silent && !said.eq_ignore_ascii_case(expected) {
                problems.push(Problem::Other {
                    what,
                    said: said.clone(),
                    expected: expected.clone(),
                });
            }
        }
        let is_old = row.line_id.is_empty() && !sheet.header.is_present();
        if !is_old && row.line_id != line.id.as_str() {
            problems.push(Problem::LineId {
                said: row.line_id.clone(),
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
        for (column, said, known, id) in [
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
            // A name that is left empty says nothing.
            if !said.is_empty() && !known.iter().any(|known| plain(known) == plain(said)) {
                problems.push(Problem::Name {
                    column,
                    said: said.clone(),
                    expected: known[0].to_owned(),
                    id: id.clone(),
                });
            }
        }
        if let Some(statement) = &row.statement {
            let is_needed = sheet.header.is_present();
            if (is_needed || !statement.decided_at.is_empty())
                && let Some(reason) = self.wrong_time(&statement.decided_at)
            {
                problems.push(Problem::DecidedAt(format!("decided_at: {reason}")));
            }
            if !review.may_decide(&statement.reviewer, line) {
                problems.push(Problem::Reviewer(statement.reviewer.clone()));
            }
        }
        problems
    }

    /// Why a text cannot be the time of a decision.
    fn wrong_time(&self, text: &str) -> Option<String> {
        let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) else {
            return Some(format!("`{text}` is not a time like 2026-11-30T09:30:00Z"));
        };
        if time > self.conditions.now + MAX_CLOCK_SKEW {
            return Some(format!("{text} is in the future"));
        }
        // A browser's times have milliseconds, and its clock may be behind.
        let began = self.began? - MAX_CLOCK_SKEW;
        (time < began).then(|| format!("{text} is before the sync of the report began"))
    }

    fn finish(mut self, sheets: &[SheetFile]) -> Assessment {
        let review = self.review;
        let mut states = Vec::with_capacity(review.lines.len());
        for (place, line) in review.lines.iter().enumerate() {
            let statements = std::mem::take(&mut self.statements[place]);
            let settled = settle(line, statements, &mut self.superseded[place]);
            let title = || format!("{} ({})", line.id, line.subject);
            match &settled {
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
            states.push(settled);
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

/// The state of a line that several sheets may decide. What no longer counts goes to `superseded`.
fn settle(line: &Line, statements: Vec<Decided>, superseded: &mut Vec<Statement>) -> LineState {
    let own = |decided: &Decided| is_same_person(&decided.statement.reviewer, &line.principal);
    let (mut own_access, statements): (Vec<Decided>, Vec<Decided>) =
        statements.into_iter().partition(|decided| own(decided));
    let named = superseded.clone();
    let (gone, mut standing): (Vec<Decided>, Vec<Decided>) = statements
        .into_iter()
        .partition(|decided| named.iter().any(|other| other.is_same(&decided.statement)));
    // Two sheets that each supersede the other settle nothing.
    if standing.is_empty() && !gone.is_empty() {
        standing = gone;
    }
    // Somebody who decided twice changed their mind: the later one counts, unless nothing tells which that is.
    standing.sort_by_key(|decided| decided.statement.time());
    let mut counted: Vec<Decided> = Vec::new();
    for decided in standing {
        let earlier = counted
            .iter()
            .position(|other| other.statement.is_by_same_reviewer(&decided.statement));
        match earlier {
            Some(place) if counted[place].statement.is_same(&decided.statement) => {}
            Some(place) if counted[place].statement.time() < decided.statement.time() => {
                superseded.push(counted[place].statement.clone());
                counted[place] = decided;
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
            self_review: own_access.pop(),
        },
    }
}
