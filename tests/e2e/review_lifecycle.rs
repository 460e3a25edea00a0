//! A review from its start to its evidence: reviewers, due dates, closing, and alterations of the
//! evidence.

mod close;
mod decisions;
mod evidence;
mod start;
mod steps;

use std::fs;

use serde_json::Value;

use steps::{REVOKED, all_returned, with_plan};

use crate::harness::TestContext;
use crate::review_sheets::{exported, json, revoking, save};

#[test]
fn status_names_late_reviewers_and_contradictions() {
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
    // Alterations in the folder are noticed.
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
