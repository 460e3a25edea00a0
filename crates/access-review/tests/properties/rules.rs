//! Rules of an assessment, case by case.

use access_review::{Assessment, Assignee, Conditions, OpenMeans, Problem, Waiver, assess};
use time::Duration;

use crate::fixtures::{LINES, conditions, decision_word, now, review, sheet, sheet_file};

/// A decision on the reviewer's own access leaves the line open until somebody else decides.
#[test]
fn nobody_reviews_their_own_access() {
    let review = review(LINES);
    let all = [Some((true, 1)); LINES];
    let own = sheet_file(0, &sheet(&review, 0, &all));
    let assessment = assess(&review, std::slice::from_ref(&own), conditions());
    assert_eq!(decision_word(&assessment.states[1]), "open");
    assert_eq!(assessment.revocations(OpenMeans::Open).len(), LINES - 1);
    let found = assessment
        .findings
        .iter()
        .any(|finding| matches!(finding.problem, Problem::SelfReview { .. }));
    assert!(found, "{:?}", assessment.findings);
    let other = sheet_file(2, &sheet(&review, 2, &all));
    let assessment = assess(&review, &[own, other], conditions());
    assert_eq!(decision_word(&assessment.states[1]), "revoke");
    assert_eq!(assessment.findings, []);
}

#[test]
fn later_decision_of_a_reviewer_counts() {
    let review = review(LINES);
    let first = sheet_file(0, &sheet(&review, 2, &[Some((true, 1)); LINES]));
    let second = sheet_file(1, &sheet(&review, 2, &[Some((false, 2)); LINES]));
    for files in [[first.clone(), second.clone()], [second, first.clone()]] {
        let assessment = assess(&review, &files, conditions());
        assert!(
            assessment
                .states
                .iter()
                .all(|state| decision_word(state) == "keep")
        );
        assert!(
            assessment
                .superseded
                .iter()
                .all(|superseded| superseded.len() == 1)
        );
    }
    // With equal times the order is unknown.
    let third = sheet_file(1, &sheet(&review, 2, &[Some((false, 1)); LINES]));
    let assessment = assess(&review, &[first, third], conditions());
    assert!(
        assessment
            .states
            .iter()
            .all(|state| decision_word(state) == "conflict")
    );
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
        let files = [sheet_file(
            0,
            &sheet(&review, reviewer, &[Some((true, 1)); LINES]),
        )];
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
    let files = [sheet_file(0, &sheet(&review, 2, &[None; LINES]))];
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
    let files = [sheet_file(0, &sheet(&review, 2, &[Some((true, 1)); LINES]))];
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
