//! A review is closed when every line is accounted for.

use std::fs;

use access_review::Decision;
use ninjaone_sim::{Fault, FaultSchedule, SimConfig, Tenant, When};

use serde_json::Value;

use super::steps::{REVOKED, all_returned, close, returned, subject, with_plan};
use crate::harness::TestContext;
use crate::provisioning::writes;
use crate::review_sheets::{exported, json, report, reported, revoking, sum_up};

/// A sheet that is not read would turn its decisions into open ones.
#[cfg(unix)]
#[test]
fn a_sheet_that_cannot_be_read_stops_the_review() {
    let context = TestContext::msp();
    with_plan(&context);
    all_returned(&context);
    std::os::unix::fs::symlink("loop.csv", context.path("q4/sheets/loop.csv")).unwrap();
    for arguments in [&["review", "status", "q4"][..], &["review", "close", "q4"]] {
        let ran = context.run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("loop.csv"), "{}", ran.stderr);
    }
}

#[test]
fn a_review_closes_with_evidence_when_all_lines_are_decided() {
    let context = TestContext::msp();
    with_plan(&context);
    let refused = |more: &[&str], reason: &str| {
        let ran = close(&context, more);
        assert_eq!(ran.code, Some(9), "{reason}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(reason), "{reason}: {}", ran.stderr);
        assert!(writes(&context).is_empty() && !context.path("q4.zip").exists());
    };
    refused(&["-p"], "no sheet was returned");
    let rhea = exported(
        &context.path("q4/reviewer-01-rhea.html"),
        "Rhea <rhea@example.com>",
        revoking(REVOKED),
    );
    returned(&context, "rhea.csv", &rhea);
    refused(&["-p"], "lines are undecided");
    all_returned(&context);
    refused(&[], "the decided revocations were not carried out");
    refused(
        &["-p", "--max-revocations", "1"],
        "2 revocations are more than the 1",
    );
    let dry = context.run(&["review", "close", "q4", "--dry-run"]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert!(
        dry.stdout.contains("would revoke") && !context.path("q4.zip").exists(),
        "{}",
        dry.stdout
    );

    let ran = close(&context, &["-p", "--requested-by", "CHG-7"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let closed = json(&ran);
    assert_eq!(
        (
            &closed["counts"]["revoked"],
            &closed["counts"]["still_held"],
            &closed["closed_by"]
        ),
        (&Value::from(2), &Value::from(0), &Value::from("CHG-7"))
    );
    assert_eq!(writes(&context).len(), 2);
    let sha256 = closed["sha256"].as_str().unwrap();
    let verified = context.run(&["verify", "q4.zip", "--sha256", sha256]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
    assert!(
        verified.stdout.contains("unaltered since it was written"),
        "{}",
        verified.stdout
    );
    let verified = context.run(&["verify", "q4.zip", "--sha256", &"0".repeat(64)]);
    assert_eq!(verified.code, Some(15));
    // Evidence is never replaced.
    let again = close(&context, &["-p"]);
    assert_eq!(again.code, Some(6), "{}", again.stderr);
    // Under another name the result is the same: completed revocations stay completed.
    let again = close(&context, &["-p", "--to", "again.zip"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(json(&again)["counts"]["revoked"], 2);
    assert_eq!(writes(&context).len(), 2);
}

/// One person applies the review, another closes it.
#[test]
fn a_review_closes_with_the_results_of_apply_review() {
    let context = TestContext::msp();
    with_plan(&context);
    all_returned(&context);
    let sheets = ["q4/sheets/rhea.csv", "q4/sheets/bo.csv", "q4/sheets/margaret.csv"];
    let ran = context.run(
        &[
            &["apply-review"],
            &sheets[..],
            &["--review", "q4", "-p", "--result", "result.jsonl"],
        ]
        .concat(),
    );
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let after = close(&context, &["--applied", "result.jsonl"]);
    assert_eq!(after.code, Some(9), "{}", after.stderr);
    assert!(
        after.stderr.contains("no report shows the tenant after"),
        "{}",
        after.stderr
    );
    // The report before is not one of a sync after.
    let stale = close(&context, &["--applied", "result.jsonl", "--after", "report.html"]);
    assert_eq!(stale.code, Some(9), "{}", stale.stderr);
    reported(&context, "after.html");
    let ran = close(&context, &["--applied", "result.jsonl", "--after", "after.html"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(json(&ran)["counts"]["revoked"], 2);
    assert_eq!(context.run(&["verify", "q4.zip"]).code, Some(0));
    // Results of something else are refused.
    let results = fs::read_to_string(context.path("result.jsonl")).unwrap();
    let line = results.lines().next().unwrap();
    let id = serde_json::from_str::<Value>(line).unwrap()["line_id"]
        .as_str()
        .unwrap()
        .to_owned();
    fs::write(
        context.path("forged.jsonl"),
        results.replace(&id, "L0000000000000000"),
    )
    .unwrap();
    let ran = close(
        &context,
        &[
            "--applied",
            "forged.jsonl",
            "--after",
            "after.html",
            "--to",
            "forged.zip",
        ],
    );
    assert_eq!(ran.code, Some(9), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("no decision of this review asks for"),
        "{}",
        ran.stderr
    );
}

#[test]
fn undecided_lines_are_revoked_only_on_request() {
    let context = TestContext::msp();
    with_plan(&context);
    all_returned(&context);
    let mut rhea = exported(
        &context.path("q4/reviewer-01-rhea.html"),
        "Rhea <rhea@example.com>",
        revoking(&[]),
    );
    rhea.rows[0].statement = None;
    rhea.header.set("sign_off_reason", "nobody knows");
    sum_up(&mut rhea);
    returned(&context, "rhea.csv", &rhea);
    let ran = close(&context, &["-p", "--open-means", "open", "--to", "open.zip"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(writes(&context).is_empty());
    let ran = close(
        &context,
        &[
            "-p",
            "--open-means",
            "revoke",
            "--to",
            "revoke.zip",
            "--requested-by",
            "Margaret",
        ],
    );
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(writes(&context).len(), 1);
    for name in ["open.zip", "revoke.zip"] {
        let ran = context.run(&["verify", name]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    }
}

/// Failed revocations are retried before a review closes, unless failures are accepted.
#[test]
fn failures_keep_a_review_open() {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    let refusal = Fault::Status(503);
    config.faults = FaultSchedule::at("/v2/user/role/1/remove-members", When::Always, refusal);
    let context = TestContext::with(&config);
    with_plan(&context);
    all_returned(&context);
    let ran = close(&context, &["-p"]);
    assert_eq!(ran.code, Some(9), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("--accept-failures"), "{}", ran.stderr);
    assert!(!context.path("q4.zip").exists());
    let ran = close(&context, &["-p", "--accept-failures"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let closed = json(&ran);
    assert_eq!(
        (
            &closed["counts"]["not_carried_out"],
            &closed["counts"]["still_held"]
        ),
        (&Value::from(2), &Value::from(2)),
        "{closed}"
    );
    assert_eq!(context.run(&["verify", "q4.zip"]).code, Some(0));
}

/// A revocation that only NinjaOne's console can do keeps the review open until a report shows it done.
#[test]
fn manual_revocations_are_seen_in_the_report_after() {
    let context = TestContext::msp();
    with_plan(&context);
    all_returned(&context);
    let admin = "tenant:ninja-one:system-administrator user:3";
    let everything = report(&context.path("q4/coordinator.html"));
    assert!(everything.grants.iter().any(|grant| subject(grant) == admin));
    let mut rest = exported(&context.path("q4/coordinator.html"), "Margaret", |grant| {
        (subject(grant) == admin).then_some(Decision::Revoke)
    });
    rest.header
        .set("sign_off_reason", "the rest is in the other sheets");
    sum_up(&mut rest);
    // Margaret's own sheet decided to keep it; she changed her mind.
    returned(&context, "zz.csv", &rest);
    let ran = close(&context, &["-p"]);
    assert_eq!(ran.code, Some(9), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr.contains("of 3 revocations 1 are left to do"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stdout.contains("by hand       ") && !context.path("q4.zip").exists(),
        "{}",
        ran.stdout
    );
    let ran = close(&context, &["-p", "--accept-failures"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let counts = &json(&ran)["counts"];
    assert_eq!(
        (&counts["by_hand"], &counts["still_held"], &counts["revoked"]),
        (&Value::from(1), &Value::from(1), &Value::from(2))
    );
}

/// Decisions by people who are not reviewers of the line are refused.
#[test]
fn a_review_accepts_decisions_of_its_reviewers_only() {
    let context = TestContext::msp();
    with_plan(&context);
    all_returned(&context);
    for (file, reviewer, reason) in [
        (
            "reviewer-01-rhea.html",
            "Mallory",
            "Mallory is not a reviewer of this line",
        ),
        ("reviewer-01-rhea.html", "Bo", "Bo is not a reviewer of this line"),
        (
            "reviewer-01-rhea.html",
            "Rhea <other@example.com>",
            "is not a reviewer of this line",
        ),
    ] {
        let sheet = exported(&context.path(&format!("q4/{file}")), reviewer, revoking(REVOKED));
        returned(&context, "rhea.csv", &sheet);
        let ran = close(&context, &["-p"]);
        assert_eq!(ran.code, Some(9), "{}{}", ran.stdout, ran.stderr);
        assert!(
            ran.stderr.contains(reason) || ran.stderr.contains("listed above"),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains(reason), "{}", ran.stderr);
        assert!(writes(&context).is_empty());
    }
    let deputy = exported(
        &context.path("q4/reviewer-01-rhea.html"),
        "Dee",
        revoking(REVOKED),
    );
    returned(&context, "rhea.csv", &deputy);
    let ran = close(&context, &["-p", "--accept-reviewer", "Dee"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(context.run(&["verify", "q4.zip"]).code, Some(0));
    // A sheet of the plain report is none of the review.
    let plain = exported(&context.path("report.html"), "Margaret", revoking(REVOKED));
    returned(&context, "plain.csv", &plain);
    let ran = close(&context, &["-p", "--to", "other.zip"]);
    assert_eq!(ran.code, Some(9), "{}", ran.stderr);
}
