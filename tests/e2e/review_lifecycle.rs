//! A review from its start to its evidence: who reviews what, who is late, what is closed, and what is noticed when the evidence
//! is altered.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use access_review::Decision;
use ninjaone_sim::{Fault, FaultSchedule, SimConfig, Tenant, When};
use proptest::prelude::*;
use serde_json::Value;
use sink_html::ReportGrant;

use crate::harness::{Ran, TestContext, words, workspace};
use crate::provisioning::writes;
use crate::review_sheets::{csv, exported, json, report, reported, revoking, save, sum_up};

const PLAN: &str = "role;organization;person;reviewer;due\n\
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

fn with_plan(context: &TestContext) -> Value {
    started(context, &["--plan", "plan.csv", "--title", "Q4"])
}

fn returned(context: &TestContext, name: &str, sheet: &access_review::Sheet) {
    save(context, &format!("q4/sheets/{name}"), sheet);
}

fn close(context: &TestContext, more: &[&str]) -> Ran {
    context.run(&[&["review", "close", "q4", "--output", "json"], more].concat())
}

const REVOKED: &[&str] = &["role:1:assigned user:7", "role:1:assigned user:8"];

/// Everybody decides everything that is theirs.
fn all_returned(context: &TestContext) {
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
        .flat_map(|(place, count)| std::iter::repeat_n(*place, usize::try_from(*count).unwrap()));
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

#[test]
fn a_review_is_split_sealed_and_never_replaced() {
    let context = TestContext::msp();
    let made = with_plan(&context);
    let whole = report(&context.path("report.html"));
    let lines = whole
        .grants
        .iter()
        .filter(|grant| ["role", "app"].contains(&grant.trait_kind.as_str()))
        .count();
    assert_eq!(made["lines"], lines);
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
            made["review_id"].as_str().unwrap().to_owned()
        )
    );
    assert_eq!(own.report_sha256, whole.verification.fingerprint);
    let sha256 = made["sha256"].as_str().unwrap();
    let ran = context.run(&["verify", "q4", "--sha256", sha256]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains(sha256), "{}", ran.stdout);
    let ran = context.run(&["verify", "q4", "--sha256", &"0".repeat(64)]);
    assert_eq!(ran.code, Some(15), "{}", ran.stderr);
    // The files of a review are reports that `verify` takes, and no whole reports.
    let ran = context.run(&["verify", "q4/reviewer-01-rhea.html"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ran = context.run(&["apply-review", "plan.csv", "--report", "q4/reviewer-01-rhea.html"]);
    assert_ne!(ran.code, Some(0));
    // A reviewer sees nobody else's data.
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
    context.only_holds(&["plan.csv", "q4", "report.html"]);
}

fn access_names(path: &Path) -> BTreeSet<String> {
    report(path)
        .grants
        .into_iter()
        .map(|grant| grant.principal_name)
        .collect()
}

#[test]
fn a_review_is_started_from_a_c1z_or_a_dataset_too() {
    let context = TestContext::msp();
    let ran = context.run(&["--sink", "c1z", "--sink", "parquet=lake"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let mut seals = Vec::new();
    for (place, folder) in [("sync.c1z", "a"), ("lake", "b")] {
        let ran = context.run(&[
            "review",
            "start",
            "--from",
            place,
            "--reviewer",
            "Rhea",
            "-o",
            folder,
            "--output",
            "json",
        ]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let made = json(&ran);
        assert_eq!(made["reviewers"][0]["lines"], made["lines"]);
        seals.push(made["lines"].clone());
    }
    assert_eq!(seals[0], seals[1]);
}

#[test]
fn status_says_who_is_late_and_what_contradicts() {
    let context = TestContext::msp();
    with_plan(&context);
    let status = |more: &[&str]| {
        let ran = context.run(&[&["review", "status", "q4"], more].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran
    };
    let shown = status(&[]);
    assert!(
        shown
            .stdout
            .contains("Rhea <rhea@example.com> (due 2020-01-31, LATE)"),
        "{}",
        shown.stdout
    );
    assert!(shown.stdout.contains("Bo (due 2099-01-31)"), "{}", shown.stdout);
    all_returned(&context);
    let found = json(&status(&["--output", "json"]));
    assert_eq!(
        (&found["open"], &found["revoke"], &found["sheets"]),
        (&Value::from(0), &Value::from(2), &Value::from(3))
    );
    assert_eq!(found["findings"], Value::Array(Vec::new()), "{found}");
    // The coordinator decides otherwise than Rhea.
    let other = exported(
        &context.path("q4/coordinator.html"),
        "Margaret",
        revoking(&REVOKED[..1]),
    );
    save(&context, "late.csv", &other);
    let found = json(&status(&["late.csv", "--output", "json"]));
    let findings = found["findings"].as_array().unwrap();
    assert!(
        findings
            .iter()
            .any(|finding| finding.as_str().unwrap().contains("conflicting decisions")),
        "{found}"
    );
    assert_eq!(found["reviewers"][0]["conflicts"], 1, "{found}");
    // What was altered in the folder is noticed.
    for name in [
        "review.json",
        "report.html",
        "coordinator.html",
        "reviewer-01-rhea.html",
    ] {
        let path = context.path(&format!("q4/{name}"));
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let altered = if name == "review.json" {
            text.replacen("\"can_be_revoked\": true", "\"can_be_revoked\": false", 1)
        } else {
            text.replacen("Access review", "Access  eview", 1)
        };
        assert_ne!(altered, text);
        fs::write(&path, altered).unwrap();
        let ran = context.run(&["review", "status", "q4"]);
        assert_eq!(ran.code, Some(15), "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains(name), "{}", ran.stderr);
        fs::write(&path, bytes).unwrap();
    }
}

#[test]
fn a_review_is_closed_with_evidence_and_only_when_all_is_accounted_for() {
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
        verified.stdout.contains("everything is as it was written"),
        "{}",
        verified.stdout
    );
    let verified = context.run(&["verify", "q4.zip", "--sha256", &"0".repeat(64)]);
    assert_eq!(verified.code, Some(15));
    // Evidence is never replaced.
    let again = close(&context, &["-p"]);
    assert_eq!(again.code, Some(6), "{}", again.stderr);
    // Under another name the result is the same: what was done stays done.
    let again = close(&context, &["-p", "--to", "again.zip"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(json(&again)["counts"]["revoked"], 2);
    assert_eq!(writes(&context).len(), 2);
}

/// Carried out by one person, closed by another.
#[test]
fn a_review_is_closed_with_what_apply_review_did() {
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
    // Results of something else are no results of this review.
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
fn undecided_lines_are_revoked_only_when_that_is_said() {
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

/// What failed is tried again before the review is closed, unless it is said that it may stay.
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

/// What only NinjaOne's console can take away keeps the review open until a report shows that it is gone.
#[test]
fn what_is_done_by_hand_is_seen_in_the_report_after() {
    let context = TestContext::msp();
    with_plan(&context);
    all_returned(&context);
    let admin = "tenant:ninja-one:system-administrator user:3";
    let whole = report(&context.path("q4/coordinator.html"));
    assert!(whole.grants.iter().any(|grant| subject(grant) == admin));
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

/// Somebody who is no reviewer of a line, or forges one, is refused here too.
#[test]
fn a_review_takes_decisions_of_its_reviewers_only() {
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    /// Random decisions of three people, and access that is gone already when the review is closed: exactly what signed
    /// decisions ask for, and what is possible, is gone afterwards, and the evidence says which is which.
    #[test]
    fn nothing_is_revoked_unasked_and_nothing_asked_is_left(seed in any::<u64>(), gone in 0_usize..4, means_revoke in any::<bool>()) {
        let context = TestContext::msp();
        with_plan(&context);
        let mut random = seed;
        let mut next = |below: u64| {
            // An LCG of Knuth's; the high bits are the random ones.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let before = held(&report(&context.path("report.html")));
        let coordinator = report(&context.path("q4/coordinator.html"));
        let mut decisions: BTreeMap<String, Option<Decision>> = BTreeMap::new();
        for grant in &coordinator.grants {
            let decision = match next(10) {
                0..=1 => Some(Decision::Revoke),
                2..=7 => Some(Decision::Keep),
                _ => None,
            };
            decisions.insert(subject(grant), decision);
        }
        for (file, name) in [("reviewer-01-rhea.html", "Rhea <rhea@example.com>"), ("reviewer-02-bo.html", "Bo"), ("coordinator.html", "Margaret")] {
            let path = context.path(&format!("q4/{file}"));
            let mut sheet = exported(&path, name, |grant| decisions[&subject(grant)]);
            sheet.header.set("sign_off_reason", "some are open");
            sum_up(&mut sheet);
            returned(&context, &format!("{name}.csv").replace(['<', '>'], ""), &sheet);
        }
        // Somebody takes access away before the review is closed.
        let roles = coordinator.grants.iter().filter(|grant| grant.can_be_revoked && grant.trait_kind == "role");
        let mut taken = BTreeSet::new();
        for grant in roles.step_by(7).take(gone) {
            let ran = context.run(&["revoke", &grant.entitlement_id, "--from", &format!("user:{}", grant.principal_id), "-p"]);
            prop_assert_eq!(ran.code, Some(0), "{}", ran.stderr);
            taken.insert(subject(grant));
        }
        let word = if means_revoke { "revoke" } else { "open" };
        let ran = close(&context, &["-p", "--open-means", word, "--max-revocations", "999", "--accept-failures", "--accept-drop", "role,tenant,user,organization"]);
        prop_assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        reported(&context, "after.html");
        let after = held(&report(&context.path("after.html")));
        let mut left = 0;
        for grant in &coordinator.grants {
            let key = subject(grant);
            let asked = match decisions[&key] {
                Some(decision) => decision == Decision::Revoke,
                None => means_revoke,
            };
            let possible = grant.can_be_revoked && grant.trait_kind == "role";
            let is_gone = taken.contains(&key) || asked && possible;
            left += usize::from(asked && !possible);
            prop_assert_eq!(after.contains(&key), !is_gone, "{}", key);
        }
        // Nothing outside of the review was touched.
        let reviewed: BTreeSet<String> = coordinator.grants.iter().map(subject).collect();
        for key in before.difference(&reviewed) {
            prop_assert!(after.contains(key), "{}", key);
        }
        let closed = json(&ran);
        prop_assert_eq!(&closed["counts"]["by_hand"], left, "{}", closed);
        let verified = context.run(&["verify", "q4.zip"]);
        prop_assert_eq!(verified.code, Some(0), "{}", verified.stdout);
    }
}

fn subject(grant: &ReportGrant) -> String {
    format!(
        "{} {}:{}",
        grant.entitlement_id, grant.principal_type, grant.principal_id
    )
}

fn held(report: &sink_html::ReviewedReport) -> BTreeSet<String> {
    report.grants.iter().map(subject).collect()
}

/// The quarterly review of docs/guides/access-reviews.md, word for word, on a tenant of 1,000 people.
#[test]
fn the_quarterly_review_of_the_documents() {
    let size = ninjaone_sim::GeneratedSize {
        seed: 7,
        technicians: 200,
        end_users: 800,
        roles: 20,
        grants: 1500,
        organizations: 25,
        devices: 0,
        role_of_everyone: false,
    };
    let context = TestContext::with(&SimConfig::new(Tenant::generated(size).unwrap()));
    let text = fs::read_to_string(workspace().join("docs/guides/access-reviews.md")).unwrap();
    let plan = text
        .split("```csv\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    fs::write(context.path("reviewers.csv"), plan).unwrap();
    let blocks = text.split("```bash\n").skip(1);
    let commands: Vec<String> = blocks
        .map(|block| block.split("```").next().unwrap().trim().to_owned())
        .collect();
    assert_eq!(commands.len(), 6, "{commands:?}");
    for command in &commands {
        let words = words(command);
        let words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        if words[..2] == ["review", "status"] {
            decided_by_all(&context);
        }
        let ran = context.run(&words);
        assert_eq!(ran.code, Some(0), "`{command}`: {}{}", ran.stdout, ran.stderr);
    }
    let pack = fs::read(context.path("review-2026-q4.zip")).unwrap();
    let revoked = writes(&context).len();
    assert!(revoked > 20, "{revoked}");
    every_altered_byte_is_named(&context, &pack);
}

/// Everybody returns a sheet; three lines stay open.
fn decided_by_all(context: &TestContext) {
    let folder = context.path("review-2026-q4");
    let review: Value = serde_json::from_slice(&fs::read(folder.join("review.json")).unwrap()).unwrap();
    let mut n = 0;
    let decide = |grant: &ReportGrant| {
        let number: usize = grant.principal_id.parse().unwrap_or(0);
        Some(if number.is_multiple_of(25) && grant.can_be_revoked {
            Decision::Revoke
        } else {
            Decision::Keep
        })
    };
    for reviewer in review["reviewers"].as_array().unwrap() {
        n += 1;
        let file = reviewer["file"].as_str().unwrap();
        let mut sheet = exported(&folder.join(file), reviewer["name"].as_str().unwrap(), decide);
        if sheet.rows.len() > 100 {
            for row in &mut sheet.rows[..3] {
                row.statement = None;
            }
            sheet.header.set("sign_off_reason", "nobody knows them");
        }
        sum_up(&mut sheet);
        fs::write(folder.join(format!("sheets/{n}.csv")), csv(&sheet)).unwrap();
    }
}

/// The file that each byte of a pack belongs to: what stands before a member and its contents, entries of the directory.
fn owners(pack: &[u8]) -> Vec<(std::ops::Range<usize>, String)> {
    let small = |at: usize| usize::from(u16::from_le_bytes(pack[at..at + 2].try_into().unwrap()));
    let large =
        |at: usize| usize::try_from(u32::from_le_bytes(pack[at..at + 4].try_into().unwrap())).unwrap();
    let name = |at: usize, length: usize| String::from_utf8(pack[at..at + length].to_vec()).unwrap();
    let mut owners = Vec::new();
    let mut at = 0;
    while pack[at..at + 4] == *b"PK\x03\x04" {
        let end = at + 30 + small(at + 26) + large(at + 18);
        owners.push((at..end, name(at + 30, small(at + 26))));
        at = end;
    }
    while pack[at..at + 4] == *b"PK\x01\x02" {
        let end = at + 46 + small(at + 28);
        owners.push((at..end, name(at + 46, small(at + 28))));
        at = end;
    }
    owners.push((at..pack.len(), "the archive".to_owned()));
    owners
}

/// Bytes at the begin, the end and within of every part of a pack.
fn every_altered_byte_is_named(context: &TestContext, pack: &[u8]) {
    let names: BTreeSet<String> = owners(pack).into_iter().map(|(_, name)| name).collect();
    for name in [
        "SUMMARY.html",
        "review.json",
        "reports/before.html",
        "reports/after.html",
        "decisions.jsonl",
        "revocations.jsonl",
        "pack.json",
    ] {
        assert!(names.contains(name), "{name}");
    }
    for (range, owner) in owners(pack) {
        let middle = range.start + range.len() / 2;
        for at in [range.start, middle, range.end - 1] {
            let mut altered = pack.to_vec();
            altered[at] ^= 0x01;
            fs::write(context.path("altered.zip"), &altered).unwrap();
            let ran = context.run(&["verify", "altered.zip"]);
            assert_eq!(
                ran.code,
                Some(15),
                "byte {at} of {owner}: {}{}",
                ran.stdout,
                ran.stderr
            );
            assert!(
                ran.stdout.contains(&format!("  {owner}: ")),
                "byte {at} of {owner}: {}",
                ran.stdout
            );
        }
    }
}

/// Somebody who makes the zip again with one file exchanged: what does not follow from the rest is named.
#[test]
fn evidence_that_was_made_again_is_noticed() {
    let context = TestContext::msp();
    with_plan(&context);
    all_returned(&context);
    let ran = close(&context, &["-p"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let pack = fs::read(context.path("q4.zip")).unwrap();
    // A byte of a decision, with the sums of the zip made to fit: the seal names the file.
    let owners = owners(&pack);
    let (range, _) = owners.iter().find(|(_, name)| name == "decisions.jsonl").unwrap();
    let begin = range.start + 30 + "decisions.jsonl".len();
    let mut altered = pack.clone();
    let text = String::from_utf8_lossy(&altered[begin..range.end]).into_owned();
    let at = begin + text.find("\"keep\"").unwrap() + 1;
    altered[at..at + 4].copy_from_slice(b"kept");
    let mut crc = flate2::Crc::new();
    crc.update(&altered[begin..range.end]);
    let sum = crc.sum().to_le_bytes();
    altered[range.start + 14..range.start + 18].copy_from_slice(&sum);
    let (entry, _) = owners
        .iter()
        .rev()
        .find(|(_, name)| name == "decisions.jsonl")
        .unwrap();
    altered[entry.start + 16..entry.start + 20].copy_from_slice(&sum);
    fs::write(context.path("altered.zip"), &altered).unwrap();
    let ran = context.run(&["verify", "altered.zip", "--output", "json"]);
    assert_eq!(ran.code, Some(15), "{}", ran.stderr);
    let found = json(&ran);
    assert_eq!(found["findings"][0]["file"], "decisions.jsonl", "{found}");
    // Cut off, added to, empty, something else.
    for bytes in [
        &pack[..pack.len() / 2],
        &[&pack[..], b"x"].concat(),
        b"",
        b"hello",
    ] {
        fs::write(context.path("altered.zip"), bytes).unwrap();
        let ran = context.run(&["verify", "altered.zip"]);
        assert_eq!(ran.code, Some(15), "{}{}", ran.stdout, ran.stderr);
    }
}
