//! Arbitrary sheets against a review and a tenant: exactly the signed decisions are applied, as far as possible, and
//! every forgery is refused with its reason.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod fixtures;
mod forgeries;
mod rules;

use std::collections::BTreeSet;

use access_review::{
    Assessment, Line, LineState, OpenMeans, Problem, Review, SheetFile, Statement, Subject, assess,
    decision_log, is_same_person, verify_decision_log,
};
use proptest::prelude::*;

use crate::fixtures::{
    Answer, LINES, REVIEWERS, answers, complete_header, conditions, decision_word, review, sheet, sheet_file,
    statement, unwaivable_problems,
};

/// The rules in a second implementation: one decision of authorized reviewers, without contradictions.
fn expected(review: &Review, sheets: &[Vec<Answer>]) -> Vec<&'static str> {
    let decide = |index: usize, line: &Line| {
        let answers: Vec<bool> = sheets
            .iter()
            .enumerate()
            .filter_map(|(reviewer, answers)| Some((reviewer, answers[index]?.0)))
            .filter(|(reviewer, _)| !is_same_person(REVIEWERS[*reviewer], &line.principal))
            .map(|(_, revoke)| revoke)
            .collect();
        match answers[..] {
            [] => "open",
            ref answers if answers.iter().all(|revoke| *revoke) => "revoke",
            ref answers if answers.iter().all(|revoke| !revoke) => "keep",
            _ => "conflict",
        }
    };
    review
        .lines
        .iter()
        .enumerate()
        .map(|(index, line)| decide(index, line))
        .collect()
}

fn sheets() -> impl Strategy<Value = Vec<Vec<Answer>>> {
    prop::collection::vec(answers(), 1..=3)
}

/// Applies revocations to a tenant that is a set of grants.
fn apply_revocations(
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
        removed in prop::collection::btree_set(0..LINES, 0..4),
        means_revoke in any::<bool>(),
    ) {
        let review = review(LINES);
        let files: Vec<SheetFile> = sheets.iter().enumerate().map(|(n, answers)| sheet_file(n, &sheet(&review, n, answers))).collect();
        let assessment = assess(&review, &files, conditions());
        let expected = expected(&review, &sheets);
        let found: Vec<&str> = assessment.states.iter().map(decision_word).collect();
        prop_assert_eq!(&found, &expected);
        // Unaltered sheets have no problems but contradictions.
        let contradictions = unwaivable_problems(&assessment).iter().all(|problem| matches!(problem, Problem::Conflict { .. }));
        prop_assert!(contradictions, "{:?}", assessment.findings);

        let open_means = if means_revoke { OpenMeans::Revoke } else { OpenMeans::Open };
        let before: BTreeSet<Subject> = review.lines.iter().enumerate()
            .filter(|(index, _)| !removed.contains(index))
            .map(|(_, line)| line.subject.clone())
            .collect();
        let after = apply_revocations(&review, &assessment, open_means, &before);
        for (line, expected) in review.lines.iter().zip(&expected) {
            let is_revoked = *expected == "revoke" || (*expected == "open" && means_revoke);
            let stays = before.contains(&line.subject) && !(is_revoked && line.can_be_revoked);
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
    fn an_altered_log_is_detected(sheets in sheets(), at in any::<prop::sample::Index>(), bit in 0_u8..7) {
        let review = review(LINES);
        let files: Vec<SheetFile> = sheets.iter().enumerate().map(|(n, answers)| sheet_file(n, &sheet(&review, n, answers))).collect();
        let assessment = assess(&review, &files, conditions());
        let log = decision_log(&review, &files, &assessment, OpenMeans::Open);
        let mut bytes = log.text.clone().into_bytes();
        let index = at.index(bytes.len() - 1);
        bytes[index] ^= 1 << bit;
        if let Ok(text) = String::from_utf8(bytes) {
            // The last line break is not hashed, but then the next line is invalid.
            prop_assert!(verify_decision_log(&text, &review.report_sha256, &log.head).is_err(), "{index}");
        }
    }

    /// A merged sheet resolves the conflicts that it names, and no others.
    #[test]
    fn merged_sheets_resolve_named_conflicts(sheets in prop::collection::vec(answers(), 2..=3)) {
        let review = review(LINES);
        let mut files: Vec<SheetFile> = sheets.iter().enumerate().map(|(n, answers)| sheet_file(n, &sheet(&review, n, answers))).collect();
        let first = assess(&review, &files, conditions());
        let mut merged = sheet(&review, 3, &[None; LINES]);
        for (row, state) in merged.rows.iter_mut().zip(&first.states) {
            if let LineState::Conflict(statements) = state {
                row.statement = Some(Statement { note: "settled".to_owned(), ..statement(3, true, 90) });
                row.superseded = statements.iter().map(|decided| decided.statement.clone()).collect();
            }
        }
        files.push(sheet_file(9, &complete_header(&review, merged)));
        let second = assess(&review, &files, conditions());
        prop_assert_eq!(unwaivable_problems(&second), Vec::<&Problem>::new());
        for (before, after) in first.states.iter().zip(&second.states) {
            match before {
                LineState::Conflict(_) => prop_assert_eq!(decision_word(after), "revoke"),
                other => prop_assert_eq!(decision_word(other), decision_word(after)),
            }
        }
        // Without the superseded statements it is one more opinion.
        for row in &mut files.last_mut().unwrap().sheet.rows {
            row.superseded.clear();
        }
        let third = assess(&review, &files, conditions());
        for (before, after) in first.states.iter().zip(&third.states) {
            if matches!(before, LineState::Conflict(_)) {
                prop_assert_eq!(decision_word(after), "conflict");
            }
        }
    }
}
