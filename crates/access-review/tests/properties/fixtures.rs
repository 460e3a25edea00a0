//! A review, and the sheets that reviewers fill in.

use std::collections::{BTreeMap, BTreeSet};

use access_review::{
    Assessment, Conditions, Decision, FORMAT, Line, LineId, LineState, PersonNames, Problem, Record, Review,
    SHEET_FORMAT, Scope, Sheet, SheetFile, Statement, Subject, VERSION, is_same_person, render,
};
use proptest::prelude::*;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

pub(crate) const REVIEWERS: [&str; 4] = ["Priya <priya@example.com>", "Bo", "Cleo", "Margaret"];
pub(crate) const SYNC_BEGAN: &str = "2026-11-01T00:00:00Z";

pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::parse("2026-11-30T00:00:00Z", &Rfc3339).unwrap()
}

pub(crate) fn conditions() -> Conditions {
    Conditions {
        now: now(),
        max_age: Some(Duration::days(60)),
    }
}

pub(crate) fn line(n: usize) -> Line {
    let subject = Subject {
        entitlement_id: format!("role:{}:assigned", n % 3),
        principal_type: "user".to_owned(),
        principal_id: n.to_string(),
    };
    // Some lines are the reviewers' own access.
    let (name, login) = match n {
        1 => ("Priya R.".to_owned(), "priya@example.com".to_owned()),
        4 => ("Bo".to_owned(), "bo".to_owned()),
        _ => (format!("Person {n}"), format!("p{n}@example.com")),
    };
    Line {
        id: LineId::new(&"a1".repeat(32), &subject),
        subject,
        entitlement_name: format!("Role {} assigned", n % 3),
        resource_name: format!("Role {}", n % 3),
        trait_kind: "role".to_owned(),
        principal: PersonNames {
            name,
            login: Some(login),
            email: None,
        },
        organization: Vec::new(),
        can_be_revoked: !n.is_multiple_of(5),
        assigned: None,
    }
}

pub(crate) fn review(lines: usize) -> Review {
    let mut review = Review {
        format: FORMAT.to_owned(),
        version: VERSION,
        program: "test".to_owned(),
        id: String::new(),
        title: "Q4".to_owned(),
        started_at: SYNC_BEGAN.to_owned(),
        tenant: "https://eu.example.com".to_owned(),
        sync_id: "3Mo".to_owned(),
        sync_started_at: SYNC_BEGAN.to_owned(),
        report_sha256: "a1".repeat(32),
        scope: Scope::default(),
        due: Some("2026-12-15".to_owned()),
        coordinator: "Margaret".to_owned(),
        reviewers: Vec::new(),
        files: Vec::new(),
        lines: (0..lines).map(line).collect(),
    };
    review.id = review.expected_id();
    review
}

/// A statement of a reviewer about a line.
pub(crate) type Answer = Option<(bool, i64)>;

pub(crate) fn statement(reviewer: usize, revoke: bool, minute: i64) -> Statement {
    let at = now() - Duration::days(1) + Duration::minutes(minute);
    Statement {
        decision: if revoke { Decision::Revoke } else { Decision::Keep },
        reviewer: REVIEWERS[reviewer].to_owned(),
        decided_at: at.format(&Rfc3339).unwrap(),
        note: "note".to_owned(),
    }
}

/// A sheet as exported by the report page.
pub(crate) fn sheet(review: &Review, reviewer: usize, answers: &[Answer]) -> Sheet {
    let mut sheet = Sheet::default();
    for (line, answers) in review.lines.iter().zip(answers) {
        let statement = answers.map(|(revoke, minute)| statement(reviewer, revoke, minute));
        sheet.rows.push(access_review::Row {
            row: 0,
            note: statement
                .as_ref()
                .map(|statement| statement.note.clone())
                .unwrap_or_default(),
            statement,
            subject: line.subject.clone(),
            entitlement_name: line.entitlement_name.clone(),
            resource_name: line.resource_name.clone(),
            principal_name: line.principal.name.clone(),
            principal_login: line.principal.login.clone().unwrap_or_default(),
            tenant: review.tenant.clone(),
            sync_id: review.sync_id.clone(),
            report_sha256: review.report_sha256.clone(),
            line_id: line.id.to_string(),
            superseded: Vec::new(),
        });
    }
    complete_header(review, sheet)
}

/// Completes the header from the rows.
pub(crate) fn complete_header(review: &Review, mut sheet: Sheet) -> Sheet {
    let people: BTreeMap<&Subject, &PersonNames> = review
        .lines
        .iter()
        .map(|line| (&line.subject, &line.principal))
        .collect();
    let counts = |row: &&access_review::Row| {
        let person = people.get(&row.subject);
        let statement = row.statement.as_ref();
        statement.is_some_and(|statement| {
            !person.is_some_and(|person| is_same_person(&statement.reviewer, person))
        })
    };
    let decided = sheet.rows.iter().filter(counts).count();
    let reviewers: BTreeSet<&str> = sheet
        .rows
        .iter()
        .filter_map(|row| Some(row.statement.as_ref()?.reviewer.as_str()))
        .collect();
    let reviewers = reviewers.into_iter().collect::<Vec<_>>().join("; ");
    let fields = [
        ("sheet", SHEET_FORMAT.to_owned()),
        ("tenant", review.tenant.clone()),
        ("sync_id", review.sync_id.clone()),
        ("report_sha256", review.report_sha256.clone()),
        ("review_id", review.id.clone()),
        ("scope", review.scope.to_string()),
        ("lines", sheet.rows.len().to_string()),
        ("decided", decided.to_string()),
        ("open", (sheet.rows.len() - decided).to_string()),
        ("reviewers", reviewers),
        ("exported_at", now().format(&Rfc3339).unwrap()),
        ("signed_off_by", "somebody".to_owned()),
        ("signed_off_at", now().format(&Rfc3339).unwrap()),
        ("sign_off_reason", "on leave".to_owned()),
    ];
    for (key, value) in fields {
        sheet.header.set(key, value);
    }
    sheet
}

/// Renders and parses the sheet.
pub(crate) fn sheet_file(n: usize, sheet: &Sheet) -> SheetFile {
    let records: Vec<Record> = (1..)
        .zip(render(sheet))
        .map(|(row, cells)| Record { row, cells })
        .collect();
    SheetFile {
        name: format!("{n}.csv"),
        sha256: format!("{n}").repeat(64),
        sheet: Sheet::parse(&records).unwrap(),
    }
}

pub(crate) fn decision_word(state: &LineState) -> &'static str {
    match state {
        LineState::Open { .. } => "open",
        LineState::Decided(decided) => decided.statement.decision.as_str(),
        LineState::Conflict(_) => "conflict",
    }
}

pub(crate) fn unwaivable_problems(assessment: &Assessment) -> Vec<&Problem> {
    let problems = assessment.findings.iter().map(|finding| &finding.problem);
    problems.filter(|problem| problem.waiver().is_none()).collect()
}

pub(crate) const LINES: usize = 8;

pub(crate) fn answers() -> impl Strategy<Value = Vec<Answer>> {
    let one = prop::option::weighted(0.8, (prop::bool::weighted(0.4), 0_i64..60));
    prop::collection::vec(one, LINES)
}
