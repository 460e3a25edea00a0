//! A tenant whose report was reviewed, and the sheet of the reviewer.

use access_review::{Sheet, Statement};

use crate::harness::{RunOutput, TestContext};
use crate::review_sheets::{exported, reported, revoking};

pub(super) const REVOKED: &[&str] = &["role:1:assigned user:7", "role:1:assigned user:8"];

pub(super) fn apply(context: &TestContext, arguments: &[&str]) -> RunOutput {
    context.run(
        &[
            &["apply-review", "review.csv", "--report", "report.html"],
            arguments,
        ]
        .concat(),
    )
}

pub(super) fn reviewed() -> (TestContext, Sheet) {
    let context = TestContext::msp();
    reported(&context, "report.html");
    let sheet = exported(&context.path("report.html"), "Rhea", revoking(REVOKED));
    (context, sheet)
}

pub(super) fn row(sheet: &mut Sheet, subject: &str) -> usize {
    let is = |row: &access_review::Row| {
        format!(
            "{} {}:{}",
            row.subject.entitlement_id, row.subject.principal_type, row.subject.principal_id
        ) == subject
    };
    sheet.rows.iter().position(is).unwrap()
}

pub(super) fn statement_mut(sheet: &mut Sheet, at: usize) -> &mut Statement {
    sheet.rows[at].statement.as_mut().unwrap()
}
