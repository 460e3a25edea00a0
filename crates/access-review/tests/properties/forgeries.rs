//! One change of a sheet that nobody may make, and the problem that it must cause.

use access_review::{Decision, Problem, Sheet, Waiver, assess};
use proptest::prelude::*;

use crate::fixtures::{
    LINES, answers, complete_header, conditions, review, sheet, sheet_file, statement, unwaivable_problems,
};

proptest! {
    /// One forged cell, row or header field in one sheet.
    #[test]
    fn every_forgery_is_refused_with_its_reason(answers in answers(), index in 0..LINES, forgery in 0..FORGERIES.len()) {
        let review = review(LINES);
        let mut forged = sheet(&review, 2, &answers);
        // Ensures that there is something to forge.
        forged.rows[index].statement = Some(statement(2, true, 5));
        let mut forged = complete_header(&review, forged);
        let clean = assess(&review, &[sheet_file(0, &forged)], conditions());
        prop_assert_eq!(unwaivable_problems(&clean), Vec::<&Problem>::new());
        let (name, forge, is_expected) = FORGERIES[forgery];
        forge(&mut forged, index);
        let assessment = assess(&review, &[sheet_file(0, &forged)], conditions());
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
        |sheet, row| "Zoë Berg".clone_into(&mut sheet.rows[row].principal_name),
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
        |sheet, row| "z@example.com".clone_into(&mut sheet.rows[row].principal_login),
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
        |sheet, row| "Backup role".clone_into(&mut sheet.rows[row].entitlement_name),
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
        |sheet, row| "Backup".clone_into(&mut sheet.rows[row].resource_name),
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
        |sheet, row| {
            let other = sheet.rows[(row + 3) % LINES].subject.clone();
            sheet.rows[row].subject = other;
        },
        is_refused,
    ),
    (
        "unknown principal",
        |sheet, row| "4242".clone_into(&mut sheet.rows[row].subject.principal_id),
        |problem| matches!(problem, Problem::Added(_)),
    ),
    (
        "unknown type",
        |sheet, row| "group".clone_into(&mut sheet.rows[row].subject.principal_type),
        |problem| matches!(problem, Problem::Added(_)),
    ),
    (
        "unknown role",
        |sheet, row| "role:77:assigned".clone_into(&mut sheet.rows[row].subject.entitlement_id),
        |problem| matches!(problem, Problem::Added(_)),
    ),
    (
        "line id",
        |sheet, row| "L0123456789abcdef".clone_into(&mut sheet.rows[row].line_id),
        |problem| matches!(problem, Problem::LineId { .. }),
    ),
    (
        "no line id",
        |sheet, row| sheet.rows[row].line_id.clear(),
        |problem| matches!(problem, Problem::LineId { .. }),
    ),
    (
        "row tenant",
        |sheet, row| "https://us.example.com".clone_into(&mut sheet.rows[row].tenant),
        |problem| matches!(problem, Problem::Other { what: "tenant", .. }),
    ),
    (
        "row sync",
        |sheet, row| "3Mp".clone_into(&mut sheet.rows[row].sync_id),
        |problem| matches!(problem, Problem::Other { what: "sync", .. }),
    ),
    (
        "row hash",
        |sheet, row| sheet.rows[row].report_sha256 = "0".repeat(64),
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
        |sheet, row| set_decided_at(sheet, row, "2020-01-01T00:00:00Z"),
        |problem| matches!(problem, Problem::DecidedAt(_)),
    ),
    (
        "decided in the future",
        |sheet, row| set_decided_at(sheet, row, "2027-01-01T00:00:00Z"),
        |problem| matches!(problem, Problem::DecidedAt(_)),
    ),
    (
        "decided at no time",
        |sheet, row| set_decided_at(sheet, row, "yesterday"),
        |problem| matches!(problem, Problem::DecidedAt(_)),
    ),
    (
        "exported in the future",
        |sheet, _| sheet.header.set("exported_at", "2027-01-01T00:00:00Z"),
        |problem| matches!(problem, Problem::Time(_)),
    ),
    (
        "reviewer",
        |sheet, row| "Mallory".clone_into(&mut sheet.rows[row].statement.as_mut().unwrap().reviewer),
        is_edited,
    ),
    (
        "row removed",
        |sheet, row| {
            sheet.rows.remove(row);
        },
        is_edited,
    ),
    (
        "row removed and header adjusted",
        |sheet, row| {
            let open = sheet.rows[row].statement.is_none();
            sheet.rows.remove(row);
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
        |sheet, row| {
            let row = sheet.rows[row].clone();
            sheet.rows.push(row);
        },
        is_edited,
    ),
    (
        "row added that decides otherwise",
        |sheet, row| {
            let mut row = sheet.rows[row].clone();
            row.statement.as_mut().unwrap().decision = Decision::Keep;
            sheet.rows.push(row);
        },
        |problem| matches!(problem, Problem::Twice { alike: false, .. }),
    ),
];

fn set_decided_at(sheet: &mut Sheet, row: usize, text: &str) {
    text.clone_into(&mut sheet.rows[row].statement.as_mut().unwrap().decided_at);
}
