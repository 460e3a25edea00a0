//! The steps of a review, for the tests of its parts.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use sink_html::ReportGrant;

use crate::harness::{RunOutput, TestContext};
use crate::review_sheets::{exported, json, report, reported, revoking, save, sum_up};

pub(super) const PLAN: &str = "role;organization;person;reviewer;due\n\
                    Service Desk;;;Rhea <rhea@example.com>;2020-01-31\n\
                    ;;user:3;Bo;\n\
                    Network Engineering;;;Bo;2099-01-31\n";

/// Plans give one reviewer one day.
const GOOD_PLAN: &str = "role;organization;person;reviewer;due\n\
                         Service Desk;;;Rhea <rhea@example.com>;2020-01-31\n\
                         Network Engineering;;;Bo;2099-01-31\n";

fn started(context: &TestContext, more: &[&str]) -> Value {
    reported(context, "report.html");
    fs::write(context.path("plan.csv"), GOOD_PLAN).unwrap();
    let ran = context.run(
        &[
            &[
                "review",
                "start",
                "--report",
                "report.html",
                "--coordinator",
                "Margaret",
                "--due",
                "2099-02-28",
                "-o",
                "q4",
                "--output",
                "json",
            ],
            more,
        ]
        .concat(),
    );
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    json(&ran)
}

pub(super) fn with_plan(context: &TestContext) -> Value {
    started(context, &["--plan", "plan.csv", "--title", "Q4"])
}

pub(super) fn returned(context: &TestContext, name: &str, sheet: &access_review::Sheet) {
    save(context, &format!("q4/sheets/{name}"), sheet);
}

pub(super) fn close(context: &TestContext, more: &[&str]) -> RunOutput {
    context.run(&[&["review", "close", "q4", "--output", "json"], more].concat())
}

pub(super) const REVOKED: &[&str] = &["role:1:assigned user:7", "role:1:assigned user:8"];

/// Every reviewer returns a sheet with all their lines decided.
pub(super) fn all_returned(context: &TestContext) {
    let file = |name: &str| context.path(&format!("q4/{name}"));
    let rhea = exported(
        &file("reviewer-01-rhea.html"),
        "Rhea <rhea@example.com>",
        revoking(REVOKED),
    );
    let bo = exported(&file("reviewer-02-bo.html"), "Bo", revoking(&[]));
    returned(context, "rhea.csv", &rhea);
    returned(context, "bo.csv", &bo);
    // The coordinator decides the rest.
    let mine = report(&file("coordinator.html"));
    let review = mine.review.clone().unwrap();
    let mut assigned = review
        .assigned
        .iter()
        .flat_map(|(reviewer, count)| std::iter::repeat_n(*reviewer, usize::try_from(*count).unwrap()));
    let unassigned: Vec<bool> = mine.grants.iter().map(|_| assigned.next().unwrap() < 0).collect();
    let mut rest = exported(&file("coordinator.html"), "Margaret", revoking(&[]));
    for (row, own) in rest.rows.iter_mut().zip(unassigned) {
        if !own {
            row.statement = None;
        }
    }
    rest.header
        .set("sign_off_reason", "the rest is assigned to others");
    sum_up(&mut rest);
    returned(context, "margaret.csv", &rest);
}

pub(super) fn subject(grant: &ReportGrant) -> String {
    format!(
        "{} {}:{}",
        grant.entitlement_id, grant.principal_type, grant.principal_id
    )
}

pub(super) fn held(report: &sink_html::ReviewedReport) -> BTreeSet<String> {
    report.grants.iter().map(subject).collect()
}
