//! A review is started: split among reviewers, sealed, and never replaced.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::steps::{PLAN, with_plan};
use crate::harness::TestContext;
use crate::review_sheets::{json, report};

#[test]
fn a_review_is_split_sealed_and_never_replaced() {
    let context = TestContext::msp();
    let started = with_plan(&context);
    let full_report = report(&context.path("report.html"));
    let lines = full_report
        .grants
        .iter()
        .filter(|grant| ["role", "app"].contains(&grant.trait_kind.as_str()))
        .count();
    assert_eq!(started["lines"], lines);
    let rhea = report(&context.path("q4/reviewer-01-rhea.html"));
    let bo = report(&context.path("q4/reviewer-02-bo.html"));
    let coordinator = report(&context.path("q4/coordinator.html"));
    assert_eq!(coordinator.grants.len(), lines);
    assert!(
        !rhea.grants.is_empty()
            && rhea
                .grants
                .iter()
                .all(|grant| grant.resource_name == "Service Desk")
    );
    assert!(
        !bo.grants.is_empty()
            && bo
                .grants
                .iter()
                .all(|grant| grant.resource_name == "Network Engineering")
    );
    let own = rhea.review.unwrap();
    assert_eq!(own.reviewer.as_deref(), Some("Rhea <rhea@example.com>"));
    assert_eq!(own.due.as_deref(), Some("2020-01-31"));
    assert_eq!(
        (own.lines, own.id),
        (
            rhea.grants.len() as u64,
            started["review_id"].as_str().unwrap().to_owned()
        )
    );
    assert_eq!(own.report_sha256, full_report.verification.fingerprint);
    let sha256 = started["sha256"].as_str().unwrap();
    let ran = context.run(&["verify", "q4", "--sha256", sha256]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains(sha256), "{}", ran.stdout);
    let ran = context.run(&["verify", "q4", "--sha256", &"0".repeat(64)]);
    assert_eq!(ran.code, Some(15), "{}", ran.stderr);
    // The files of a review pass `verify`, but are not full reports.
    let ran = context.run(&["verify", "q4/reviewer-01-rhea.html"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ran = context.run(&["apply-review", "plan.csv", "--report", "q4/reviewer-01-rhea.html"]);
    assert_ne!(ran.code, Some(0));
    // A reviewer sees only their own lines.
    let data = access_names(&context.path("q4/reviewer-02-bo.html"));
    assert!(bo.grants.iter().all(|grant| data.contains(&grant.principal_name)));
    assert_eq!(data.len(), bo.grants.len());

    let again = context.run(&["review", "start", "--report", "report.html", "-o", "q4"]);
    assert_eq!(again.code, Some(6), "{}", again.stderr);
    fs::write(context.path("plan.csv"), PLAN).unwrap();
    let ran = context.run(&[
        "review",
        "start",
        "--report",
        "report.html",
        "--plan",
        "plan.csv",
        "-o",
        "q5",
    ]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("Bo is due on another day in row 3"),
        "{}",
        ran.stderr
    );
    for (more, reason) in [
        (&["--due", "31.12.2026"][..], "is not a date"),
        (&["--scope", "everything"], "is not a scope"),
        (&["--plan", "report.html"], "reviewer"),
        (&["--report", "plan.csv"], "plan.csv"),
    ] {
        let report = if more[0] == "--report" {
            &[][..]
        } else {
            &["--report", "report.html"]
        };
        let ran = context.run(&[&["review", "start", "-o", "q5"], report, more].concat());
        assert_ne!(ran.code, Some(0), "{more:?}");
        assert!(ran.stderr.contains(reason), "{}", ran.stderr);
    }
    context.assert_only_files(&["plan.csv", "q4", "report.html"]);
}

fn access_names(path: &Path) -> BTreeSet<String> {
    report(path)
        .grants
        .into_iter()
        .map(|grant| grant.principal_name)
        .collect()
}

#[test]
fn a_review_can_start_from_a_c1z_or_a_dataset() {
    let context = TestContext::msp();
    let ran = context.run(&["--sink", "c1z", "--sink", "parquet=lake"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let mut seals = Vec::new();
    for (location, folder) in [("sync.c1z", "a"), ("lake", "b")] {
        let ran = context.run(&[
            "review",
            "start",
            "--from",
            location,
            "--reviewer",
            "Rhea",
            "-o",
            folder,
            "--output",
            "json",
        ]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let started = json(&ran);
        assert_eq!(started["reviewers"][0]["lines"], started["lines"]);
        seals.push(started["lines"].clone());
    }
    assert_eq!(seals[0], seals[1]);
}
