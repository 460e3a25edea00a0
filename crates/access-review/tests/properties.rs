//! Arbitrary sheets against a review and a tenant: exactly the signed decisions are applied, as far as possible, and
//! every forgery is refused with its reason.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use access_review::{
    Assessment, Assignee, Conditions, Decision, FORMAT, Line, LineId, LineState, OpenMeans, PersonNames,
    Problem, Record, Review, SHEET_FORMAT, Scope, Sheet, SheetFile, Statement, Subject, VERSION, Waiver,
    assess, decision_log, is_same_person, render, verify_decision_log,
};
use proptest::prelude::*;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

const REVIEWERS: [&str; 4] = ["Priya <priya@example.com>", "Bo", "Cleo", "Margaret"];
const SYNC_BEGAN: &str = "2026-11-01T00:00:00Z";

fn now() -> OffsetDateTime {
    OffsetDateTime::parse("2026-11-30T00:00:00Z", &Rfc3339).unwrap()
}

fn conditions() -> Conditions {
    Conditions {
        now: now(),
        max_age: Some(Duration::days(60)),
    }
}

fn line(n: usize) -> Line {
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

fn review(lines: usize) -> Review {
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
type Said = Option<(bool, i64)>;

fn statement(reviewer: usize, revoke: bool, minute: i64) -> Statement {
    let at = now() - Duration::days(1) + Duration::minutes(minute);
    Statement {
        decision: if revoke { Decision::Revoke } else { Decision::Keep },
        reviewer: REVIEWERS[reviewer].to_owned(),
        decided_at: at.format(&Rfc3339).unwrap(),
        note: "note".to_owned(),
    }
}

/// A sheet as exported by the report page.
fn sheet(review: &Review, reviewer: usize, actual: &[Said]) -> Sheet {
    let mut sheet = Sheet::default();
    for (line, actual) in review.lines.iter().zip(actual) {
        let statement = actual.map(|(revoke, minute)| statement(reviewer, revoke, minute));
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
    summed_up(review, sheet)
}

/// Completes the header from the rows.
fn summed_up(review: &Review, mut sheet: Sheet) -> Sheet {
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
fn file(n: usize, sheet: &Sheet) -> SheetFile {
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

/// The rules in a second implementation: one decision of authorized reviewers, without contradictions.
fn expected(review: &Review, sheets: &[Vec<Said>]) -> Vec<&'static str> {
    let decide = |place: usize, line: &Line| {
        let actual: Vec<bool> = sheets
            .iter()
            .enumerate()
            .filter_map(|(reviewer, actual)| Some((reviewer, actual[place]?.0)))
            .filter(|(reviewer, _)| !is_same_person(REVIEWERS[*reviewer], &line.principal))
            .map(|(_, revoke)| revoke)
            .collect();
        match actual[..] {
            [] => "open",
            ref actual if actual.iter().all(|revoke| *revoke) => "revoke",
            ref actual if actual.iter().all(|revoke| !revoke) => "keep",
            _ => "conflict",
        }
    };
    review
        .lines
        .iter()
        .enumerate()
        .map(|(place, line)| decide(place, line))
        .collect()
}

fn word(state: &LineState) -> &'static str {
    match state {
        LineState::Open { .. } => "open",
        LineState::Decided(decided) => decided.statement.decision.as_str(),
        LineState::Conflict(_) => "conflict",
    }
}

fn unwaivable(assessment: &Assessment) -> Vec<&Problem> {
    let problems = assessment.findings.iter().map(|finding| &finding.problem);
    problems.filter(|problem| problem.waiver().is_none()).collect()
}

const LINES: usize = 8;

fn actual() -> impl Strategy<Value = Vec<Said>> {
    let one = prop::option::weighted(0.8, (prop::bool::weighted(0.4), 0_i64..60));
    prop::collection::vec(one, LINES)
}

fn sheets() -> impl Strategy<Value = Vec<Vec<Said>>> {
    prop::collection::vec(actual(), 1..=3)
}

/// Applies revocations to a tenant that is a set of grants.
fn carried_out(
    review: &Review,
    assessment: &Assessment,
    open_means: OpenMeans,
    held: &BTreeSet<Subject>,
) -> BTreeSet<Subject> {
    let mut held = held.clone();
    for revocation in assessment.revocations(open_means) {
        let line = &review.lines[revocation.line];
        if line.can_be_revoked {
            held.remove(&line.subject);
        }
    }
    held
}

proptest! {
    /// Exactly the signed decisions are revoked, as far as possible.
    #[test]
    fn exactly_the_signed_decisions_are_applied(
        sheets in sheets(),
        gone in prop::collection::btree_set(0..LINES, 0..4),
        means_revoke in any::<bool>(),
    ) {
        let review = review(LINES);
        let files: Vec<SheetFile> = sheets.iter().enumerate().map(|(n, actual)| file(n, &sheet(&review, n, actual))).collect();
        let assessment = assess(&review, &files, conditions());
        let expected = expected(&review, &sheets);
        let found: Vec<&str> = assessment.states.iter().map(word).collect();
        prop_assert_eq!(&found, &expected);
        // Unaltered sheets have no problems but contradictions.
        let contradictions = unwaivable(&assessment).iter().all(|problem| matches!(problem, Problem::Conflict { .. }));
        prop_assert!(contradictions, "{:?}", assessment.findings);

        let open_means = if means_revoke { OpenMeans::Revoke } else { OpenMeans::Open };
        let before: BTreeSet<Subject> = review.lines.iter().enumerate()
            .filter(|(place, _)| !gone.contains(place))
            .map(|(_, line)| line.subject.clone())
            .collect();
        let after = carried_out(&review, &assessment, open_means, &before);
        for (line, expected) in review.lines.iter().zip(&expected) {
            let asked = *expected == "revoke" || (*expected == "open" && means_revoke);
            let stays = before.contains(&line.subject) && !(asked && line.can_be_revoked);
            prop_assert_eq!(after.contains(&line.subject), stays, "{}", line.subject);
        }
        // The log records all decisions, chained to the report; no line can be altered.
        let log = decision_log(&review, &files, &assessment, open_means);
        let entries = verify_decision_log(&log.text, &review.report_sha256, &log.head).unwrap();
        let logged: Vec<&str> = entries.iter().map(|entry| entry.decision.as_str()).collect();
        prop_assert_eq!(logged, expected);
        for entry in &entries {
            let statement = entry.statement.as_ref();
            prop_assert_eq!(statement.is_some(), matches!(entry.decision.as_str(), "keep" | "revoke"));
        }
    }

    #[test]
    fn a_log_that_was_altered_is_noticed(sheets in sheets(), at in any::<prop::sample::Index>(), bit in 0_u8..7) {
        let review = review(LINES);
        let files: Vec<SheetFile> = sheets.iter().enumerate().map(|(n, actual)| file(n, &sheet(&review, n, actual))).collect();
        let assessment = assess(&review, &files, conditions());
        let log = decision_log(&review, &files, &assessment, OpenMeans::Open);
        let mut bytes = log.text.clone().into_bytes();
        let place = at.index(bytes.len() - 1);
        bytes[place] ^= 1 << bit;
        if let Ok(text) = String::from_utf8(bytes) {
            // The last line break is not hashed, but then the next line is invalid.
            prop_assert!(verify_decision_log(&text, &review.report_sha256, &log.head).is_err(), "{place}");
        }
    }

    /// A merged sheet resolves the conflicts that it names, and no others.
    #[test]
    fn merged_sheets_resolve_named_conflicts(sheets in prop::collection::vec(actual(), 2..=3)) {
        let review = review(LINES);
        let mut files: Vec<SheetFile> = sheets.iter().enumerate().map(|(n, actual)| file(n, &sheet(&review, n, actual))).collect();
        let first = assess(&review, &files, conditions());
        let mut merged = sheet(&review, 3, &[None; LINES]);
        for (row, state) in merged.rows.iter_mut().zip(&first.states) {
            if let LineState::Conflict(statements) = state {
                row.statement = Some(Statement { note: "settled".to_owned(), ..statement(3, true, 90) });
                row.superseded = statements.iter().map(|decided| decided.statement.clone()).collect();
            }
        }
        files.push(file(9, &summed_up(&review, merged)));
        let second = assess(&review, &files, conditions());
        prop_assert_eq!(unwaivable(&second), Vec::<&Problem>::new());
        for (before, after) in first.states.iter().zip(&second.states) {
            match before {
                LineState::Conflict(_) => prop_assert_eq!(word(after), "revoke"),
                other => prop_assert_eq!(word(other), word(after)),
            }
        }
        // Without the superseded statements it is one more opinion.
        for row in &mut files.last_mut().unwrap().sheet.rows {
            row.superseded.clear();
        }
        let third = assess(&review, &files, conditions());
        for (before, after) in first.states.iter().zip(&third.states) {
            if matches!(before, LineState::Conflict(_)) {
                prop_assert_eq!(word(after), "conflict");
            }
        }
    }

    /// One forged cell, row or header field in one sheet.
    #[test]
    fn every_forgery_is_refused_with_its_reason(actual in actual(), place in 0..LINES, forgery in 0..FORGERIES.len()) {
        let review = review(LINES);
        let mut forged = sheet(&review, 2, &actual);
        // Ensures that there is something to forge.
        forged.rows[place].statement = Some(statement(2, true, 5));
        let mut forged = summed_up(&review, forged);
        let clean = assess(&review, &[file(0, &forged)], conditions());
        prop_assert_eq!(unwaivable(&clean), Vec::<&Problem>::new());
        let (name, forge, is_expected) = FORGERIES[forgery];
        forge(&mut forged, place);
        let assessment = assess(&review, &[file(0, &forged)], conditions());
        let is_refused = assessment.findings.iter().any(|finding| is_expected(&finding.problem));
        prop_assert!(is_refused, "{name}: {:?}", assessment.findings);
    }
}

type Forgery = (&'static str, fn(&mut Sheet, usize), fn(&Problem) -> bool);

fn is_refused(problem: &Problem) -> bool {
    problem.waiver().is_none()
}

fn is_edited(problem: &Problem) -> bool {
    problem.waiver() == Some(Waiver::Edited)
}

const FORGERIES: [Forgery; 27] = [
    (
        "name",
        |sheet, at| "Zoë Berg".clone_into(&mut sheet.rows[at].principal_name),
        |problem| {
            matches!(
                problem,
                Problem::Name {
                    column: "principal_name",
                    ..
                }
            )
        },
    ),
    (
        "login",
        |sheet, at| "z@example.com".clone_into(&mut sheet.rows[at].principal_login),
        |problem| {
            matches!(
                problem,
                Problem::Name {
                    column: "principal_login",
                    ..
                }
            )
        },
    ),
    (
        "role name",
        |sheet, at| "Backup role".clone_into(&mut sheet.rows[at].entitlement_name),
        |problem| {
            matches!(
                problem,
                Problem::Name {
                    column: "entitlement_name",
                    ..
                }
            )
        },
    ),
    (
        "resource name",
        |sheet, at| "Backup".clone_into(&mut sheet.rows[at].resource_name),
        |problem| {
            matches!(
                problem,
                Problem::Name {
                    column: "resource_name",
                    ..
                }
            )
        },
    ),
    (
        "principal id of another line",
        |sheet, at| {
            let other = sheet.rows[(at + 3) % LINES].subject.clone();
            sheet.rows[at].subject = other;
        },
        is_refused,
    ),
    (
        "unknown principal",
        |sheet, at| "4242".clone_into(&mut sheet.rows[at].subject.principal_id),
        |problem| matches!(problem, Problem::Added(_)),
    ),
    (
        "unknown type",
        |sheet, at| "group".clone_into(&mut sheet.rows[at].subject.principal_type),
        |problem| matches!(problem, Problem::Added(_)),
    ),
    (
        "unknown role",
        |sheet, at| "role:77:assigned".clone_into(&mut sheet.rows[at].subject.entitlement_id),
        |problem| matches!(problem, Problem::Added(_)),
    ),
    (
        "line id",
        |sheet, at| "L0123456789abcdef".clone_into(&mut sheet.rows[at].line_id),
        |problem| matches!(problem, Problem::LineId { .. }),
    ),
    (
        "no line id",
        |sheet, at| sheet.rows[at].line_id.clear(),
        |problem| matches!(problem, Problem::LineId { .. }),
    ),
    (
        "row tenant",
        |sheet, at| "https://us.example.com".clone_into(&mut sheet.rows[at].tenant),
        |problem| matches!(problem, Problem::Other { what: "tenant", .. }),
    ),
    (
        "row sync",
        |sheet, at| "3Mp".clone_into(&mut sheet.rows[at].sync_id),
        |problem| matches!(problem, Problem::Other { what: "sync", .. }),
    ),
    (
        "row hash",
        |sheet, at| sheet.rows[at].report_sha256 = "0".repeat(64),
        |problem| matches!(problem, Problem::Other { what: "report", .. }),
    ),
    (
        "header tenant",
        |sheet, _| sheet.header.set("tenant", "https://us.example.com"),
        |problem| matches!(problem, Problem::Other { what: "tenant", .. }),
    ),
    (
        "header sync",
        |sheet, _| sheet.header.set("sync_id", "3Mp"),
        |problem| matches!(problem, Problem::Other { what: "sync", .. }),
    ),
    (
        "header hash",
        |sheet, _| sheet.header.set("report_sha256", "0".repeat(64)),
        |problem| matches!(problem, Problem::Other { what: "report", .. }),
    ),
    (
        "header review",
        |sheet, _| sheet.header.set("review_id", "R00"),
        |problem| matches!(problem, Problem::Other { what: "review", .. }),
    ),
    (
        "header scope",
        |sheet, _| sheet.header.set("scope", "role"),
        |problem| matches!(problem, Problem::Scope { .. }),
    ),
    (
        "decided before the sync",
        |sheet, at| decided_at(sheet, at, "2020-01-01T00:00:00Z"),
        |problem| matches!(problem, Problem::DecidedAt(_)),
    ),
    (
        "decided in the future",
        |sheet, at| decided_at(sheet, at, "2027-01-01T00:00:00Z"),
        |problem| matches!(problem, Problem::DecidedAt(_)),
    ),
    (
        "decided at no time",
        |sheet, at| decided_at(sheet, at, "yesterday"),
        |problem| matches!(problem, Problem::DecidedAt(_)),
    ),
    (
        "exported in the future",
        |sheet, _| sheet.header.set("exported_at", "2027-01-01T00:00:00Z"),
        |problem| matches!(problem, Problem::Time(_)),
    ),
    (
        "reviewer",
        |sheet, at| "Mallory".clone_into(&mut sheet.rows[at].statement.as_mut().unwrap().reviewer),
        is_edited,
    ),
    (
        "row removed",
        |sheet, at| {
            sheet.rows.remove(at);
        },
        is_edited,
    ),
    (
        "row removed and header made to fit",
        |sheet, at| {
            let open = sheet.rows[at].statement.is_none();
            sheet.rows.remove(at);
            for (key, less) in [
                ("lines", 1),
                ("decided", u64::from(!open)),
                ("open", u64::from(open)),
            ] {
                let count = sheet.header.count(key).unwrap();
                sheet.header.set(key, (count.saturating_sub(less)).to_string());
            }
        },
        |problem| matches!(problem, Problem::Missing(1)),
    ),
    (
        "row added",
        |sheet, at| {
            let row = sheet.rows[at].clone();
            sheet.rows.push(row);
        },
        is_edited,
    ),
    (
        "row added that decides otherwise",
        |sheet, at| {
            let mut row = sheet.rows[at].clone();
            row.statement.as_mut().unwrap().decision = Decision::Keep;
            sheet.rows.push(row);
        },
        |problem| matches!(problem, Problem::Twice { alike: false, .. }),
    ),
];

fn decided_at(sheet: &mut Sheet, at: usize, text: &str) {
    text.clone_into(&mut sheet.rows[at].statement.as_mut().unwrap().decided_at);
}

/// A decision on the reviewer's own access leaves the line open until somebody else decides.
#[test]
fn nobody_reviews_their_own_access() {
    let review = review(LINES);
    let all = [Some((true, 1)); LINES];
    let own = file(0, &sheet(&review, 0, &all));
    let assessment = assess(&review, std::slice::from_ref(&own), conditions());
    assert_eq!(word(&assessment.states[1]), "open");
    assert_eq!(assessment.revocations(OpenMeans::Open).len(), LINES - 1);
    let found = assessment
        .findings
        .iter()
        .any(|finding| matches!(finding.problem, Problem::SelfReview { .. }));
    assert!(found, "{:?}", assessment.findings);
    let other = file(2, &sheet(&review, 2, &all));
    let assessment = assess(&review, &[own, other], conditions());
    assert_eq!(word(&assessment.states[1]), "revoke");
    assert_eq!(assessment.findings, []);
}

#[test]
fn later_decision_of_a_reviewer_counts() {
    let review = review(LINES);
    let first = file(0, &sheet(&review, 2, &[Some((true, 1)); LINES]));
    let second = file(1, &sheet(&review, 2, &[Some((false, 2)); LINES]));
    for files in [[first.clone(), second.clone()], [second, first.clone()]] {
        let assessment = assess(&review, &files, conditions());
        assert!(assessment.states.iter().all(|state| word(state) == "keep"));
        assert!(
            assessment
                .superseded
                .iter()
                .all(|superseded| superseded.len() == 1)
        );
    }
    // With equal times the order is unknown.
    let third = file(1, &sheet(&review, 2, &[Some((false, 1)); LINES]));
    let assessment = assess(&review, &[first, third], conditions());
    assert!(assessment.states.iter().all(|state| word(state) == "conflict"));
}

#[test]
fn a_review_names_who_may_decide() {
    let mut review = review(LINES);
    review.reviewers = vec![Assignee {
        name: "Cleo".to_owned(),
        due: Some("2026-11-29".to_owned()),
        lines: LINES / 2,
        file: String::new(),
    }];
    for line in review.lines.iter_mut().step_by(2) {
        line.assigned = Some(0);
    }
    assert!(review.check().is_err(), "another plan is another review");
    review.id = review.expected_id();
    review.check().unwrap();
    let by = |reviewer: usize| {
        let files = [file(0, &sheet(&review, reviewer, &[Some((true, 1)); LINES]))];
        assess(&review, &files, conditions())
    };
    let strangers = |assessment: &Assessment| {
        let is = |finding: &&access_review::Finding| finding.problem.waiver() == Some(Waiver::Reviewer);
        assessment.findings.iter().filter(is).count()
    };
    assert_eq!(
        (strangers(&by(1)), strangers(&by(2)), strangers(&by(3))),
        (LINES, LINES / 2, 0)
    );
    let files = [file(0, &sheet(&review, 2, &[None; LINES]))];
    let progress = assess(&review, &files, conditions()).progress(&review, now());
    let shown: Vec<_> = progress
        .iter()
        .map(|row| (row.lines, row.decided, row.late))
        .collect();
    assert_eq!(shown, [(LINES / 2, 0, true), (LINES / 2, 0, false)]);
}

#[test]
fn old_syncs_are_stale() {
    let review = review(LINES);
    let files = [file(0, &sheet(&review, 2, &[Some((true, 1)); LINES]))];
    let stale = |days: i64| {
        let conditions = Conditions {
            now: now(),
            max_age: Some(Duration::days(days)),
        };
        let assessment = assess(&review, &files, conditions);
        assessment
            .findings
            .iter()
            .any(|finding| finding.problem.waiver() == Some(Waiver::Age))
    };
    assert!(stale(28) && !stale(29));
}
