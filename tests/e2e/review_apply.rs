//! `apply-review` believes nothing: forged, foreign, stale, incomplete and contradicting sheets, each refused with its reason,
//! and what was granted again since stays.

mod forgeries;
mod reviewed;

use std::fs;

use serde_json::Value;

use reviewed::{REVOKED, apply, reviewed, row};

use crate::harness::TestContext;
use crate::provisioning::writes;
use crate::review_sheets::{csv, exported, json, report, reported, revoking, save, sum_up};

#[test]
fn a_signed_sheet_is_applied_and_audited() {
    let (context, sheet) = reviewed();
    save(&context, "review.csv", &sheet);
    let dry = apply(&context, &["--dry-run"]);
    assert_eq!(dry.code, Some(0), "{}{}", dry.stdout, dry.stderr);
    assert!(
        dry.stdout
            .contains("would revoke  Service Desk role (role:1:assigned) from Ada Nyström (user:7)"),
        "{}",
        dry.stdout
    );
    assert!(
        dry.stdout
            .contains("--history shows what was revoked and granted again after the sync"),
        "{}",
        dry.stdout
    );
    assert!(writes(&context).is_empty());
    let ran = apply(
        &context,
        &[
            "-p",
            "--audit-log",
            "audit.jsonl",
            "--requested-by",
            "CHG-7",
            "--result",
            "result.jsonl",
            "--output",
            "json",
        ],
    );
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(writes(&context).len(), 2);
    let found = json(&ran);
    let lines = sheet.rows.len();
    assert_eq!(
        (&found["lines"], &found["decided"], &found["kept"], &found["open"]),
        (
            &Value::from(lines),
            &Value::from(lines),
            &Value::from(lines - 2),
            &Value::from(0)
        )
    );
    let rows = found["revocations"].as_array().unwrap();
    assert!(
        rows.iter()
            .all(|row| row["result"] == "revoked" && row["verified"].is_string()),
        "{found}"
    );

    let audit = fs::read_to_string(context.path("audit.jsonl")).unwrap();
    let sha256 = access_review::sha256_hex(&csv(&sheet));
    let entries: Vec<Value> = audit
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), 4);
    for entry in &entries {
        let decision = &entry["decision"];
        assert_eq!(decision["sheet_sha256"], sha256.as_str());
        assert_eq!(
            (&decision["reviewer"], &decision["reason"]),
            (&Value::from("Rhea"), &Value::from("left the team"))
        );
        assert!(decision["line_id"].as_str().unwrap().starts_with('L'));
        assert!(
            decision["decided_at"].is_string()
                && decision["row"].is_number()
                && decision["report_sha256"].is_string()
        );
    }
    assert!(entries[1]["requests"][0]["request_id"].is_string(), "{audit}");
    let results = fs::read_to_string(context.path("result.jsonl")).unwrap();
    assert_eq!(results.lines().count(), 2);
    // Once more it finds nothing left to do.
    let again = apply(&context, &["-p", "--audit-log", "audit.jsonl"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(
        again.stdout.matches("already gone").count(),
        2,
        "{}",
        again.stdout
    );
    assert_eq!(writes(&context).len(), 2);
}

/// A sheet does not revoke access again that was granted after its revocation.
#[test]
fn a_replay_after_access_was_granted_again_is_refused() {
    let (context, sheet) = reviewed();
    save(&context, "review.csv", &sheet);
    let audit = ["-p", "--audit-log", "audit.jsonl"];
    assert_eq!(apply(&context, &audit).code, Some(0));
    let ran = context.run(&["grant", "role:1", "--to", "user:7", "-p"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let before = writes(&context).len();
    for arguments in [&audit[..], &["--dry-run", "--audit-log", "audit.jsonl"]] {
        let ran = apply(&context, arguments);
        assert_eq!(ran.code, Some(9), "{}{}", ran.stdout, ran.stderr);
        assert!(
            ran.stdout.contains("REFUSED") && ran.stdout.contains("granted again since"),
            "{}",
            ran.stdout
        );
        assert!(
            ran.stdout
                .contains("already gone  Service Desk role (role:1:assigned) from Daniel Kowalski"),
            "{}",
            ran.stdout
        );
        assert_eq!(writes(&context).len(), before);
    }
}

/// A dataset or c1z of later syncs shows changes made outside this program.
#[test]
fn history_shows_what_was_granted_again() {
    for (sink, location) in [("parquet=lake", "lake"), ("c1z", "sync.c1z")] {
        let context = TestContext::msp();
        let sync = |more: &[&str]| {
            let mut command = context.command(&[&["--sink", sink], more].concat());
            let ran = context.finish(command.env("BATON_KEEP_SYNC_COUNT", "9"));
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        };
        sync(&["--sink", "html=report.html"]);
        let sheet = exported(&context.path("report.html"), "Rhea", revoking(REVOKED));
        save(&context, "review.csv", &sheet);
        for (words, to) in [
            (["revoke", "role:1", "--from"], "user:7"),
            (["grant", "role:1", "--to"], "user:7"),
        ] {
            let ran = context.run(&[&words[..], &[to, "-p"]].concat());
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
            sync(&[]);
        }
        let ran = apply(&context, &["--dry-run", "--history", location]);
        assert_eq!(ran.code, Some(9), "{location}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("granted again since"), "{}", ran.stdout);
        assert!(
            ran.stdout
                .contains("would revoke  Service Desk role (role:1:assigned) from Daniel Kowalski"),
            "{}",
            ran.stdout
        );
        let ran = apply(&context, &["-p", "--history", location]);
        assert_eq!(ran.code, Some(9), "{}", ran.stderr);
        assert!(
            !ran.stdout
                .contains("revoked       Service Desk role (role:1:assigned) from Ada"),
            "{}",
            ran.stdout
        );
        // A location without the sync is an error.
        let other = TestContext::msp();
        assert_eq!(other.run(&["--sink", sink]).code, Some(0));
        let ran = apply(
            &context,
            &["--dry-run", "--history", other.path(location).to_str().unwrap()],
        );
        assert_eq!(ran.code, Some(5), "{}", ran.stderr);
    }
}

#[test]
fn sheets_of_other_tenants_and_reports_are_refused() {
    let (context, sheet) = reviewed();
    save(&context, "review.csv", &sheet);
    // A report of the same tenant, a moment later.
    reported(&context, "later.html");
    let ran = context.run(&["apply-review", "review.csv", "--report", "later.html", "-p"]);
    assert_eq!(ran.code, Some(9), "{}", ran.stderr);
    assert!(ran.stderr.contains("of another"), "{}", ran.stderr);
    // Another tenant with the same people: the sheet is of its report, and the program is pointed at this one.
    let other = TestContext::msp();
    reported(&other, "report.html");
    let foreign = exported(&other.path("report.html"), "Rhea", revoking(REVOKED));
    save(&context, "foreign.csv", &foreign);
    let theirs = other.path("report.html");
    let ran = context.run(&[
        "apply-review",
        "foreign.csv",
        "--report",
        theirs.to_str().unwrap(),
        "-p",
    ]);
    assert_eq!(ran.code, Some(9), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("the review is of the tenant"),
        "{}",
        ran.stderr
    );
    let ran = context.run(&["apply-review", "foreign.csv", "--report", "report.html", "-p"]);
    assert_eq!(ran.code, Some(9), "{}", ran.stderr);
    // An altered report is refused, and so is one of another program.
    let text = fs::read_to_string(context.path("report.html")).unwrap();
    fs::write(
        context.path("altered.html"),
        text.replacen("Access review", "Access  eview", 1),
    )
    .unwrap();
    fs::write(context.path("other.html"), "<!doctype html><p>hello").unwrap();
    for (name, code) in [("altered.html", 15), ("other.html", 9), ("missing.html", 5)] {
        let ran = context.run(&["apply-review", "review.csv", "--report", name, "-p"]);
        assert_ne!(ran.code, Some(0), "{name}");
        if name == "altered.html" {
            assert_eq!(ran.code, Some(code), "{}", ran.stderr);
        }
    }
    assert!(writes(&context).is_empty() && writes(&other).is_empty());
}

#[test]
fn incomplete_reviews_need_a_flag() {
    let (context, sheet) = reviewed();
    save(&context, "review.csv", &sheet);
    let refused = |arguments: &[&str], reason: &str, hint: &str| {
        let ran = context.run(&[&["apply-review", "review.csv"], arguments].concat());
        assert_ne!(ran.code, Some(0), "{reason}");
        assert!(ran.stderr.contains(reason), "{reason}: {}", ran.stderr);
        assert!(ran.stderr.contains(hint), "{hint}: {}", ran.stderr);
        assert!(writes(&context).is_empty());
    };
    let accepted = |arguments: &[&str]| {
        let ran = context.run(&[&["apply-review", "review.csv", "--dry-run"], arguments].concat());
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}{}", ran.stdout, ran.stderr);
    };
    let with = ["--report", "report.html"];
    refused(&["-p"], "the reviewed report is not named", "--report FILE");
    refused(
        &[&with[..], &["-p", "--max-revocations", "1"]].concat(),
        "2 revocations are more than the 1",
        "--max-revocations 2",
    );
    refused(
        &[&with[..], &["-p", "--max-age", "x"]].concat(),
        "is not a number of days",
        "",
    );
    accepted(&with);
    accepted(&["--without-report"]);

    // Nobody signed off; one line is open; a row was edited.
    let mut unsigned = sheet.clone();
    unsigned.header.set("signed_off_by", "");
    save(&context, "review.csv", &unsigned);
    refused(&with, "not signed off", "--incomplete-review");
    accepted(&[&with[..], &["--incomplete-review"]].concat());

    let mut open = sheet.clone();
    open.rows[0].statement = None;
    sum_up(&mut open);
    save(&context, "review.csv", &open);
    refused(&with, "1 line is undecided", "--incomplete-review");
    accepted(&[&with[..], &["--incomplete-review"]].concat());

    let mut edited = sheet.clone();
    edited.rows[0].statement = None;
    save(&context, "review.csv", &edited);
    refused(
        &[&with[..], &["--incomplete-review"]].concat(),
        "edited after the export",
        "--edited-sheet",
    );
    accepted(&[&with[..], &["--incomplete-review", "--edited-sheet"]].concat());

    // A sheet of the first version: no header, no line ids.
    let old = "decision,reviewer,note,entitlement_id,principal_type,principal_id,principal_name,entitlement_name,tenant,sync_id";
    let report = report(&context.path("report.html"));
    let seal = &report.verification.seal;
    let row = format!(
        "revoke,Rhea,,role:1:assigned,user,7,Ada Nyström,Service Desk role,{},{}",
        seal.tenant, seal.sync_id
    );
    fs::write(context.path("review.csv"), format!("{old}\r\n{row}\r\n")).unwrap();
    refused(&with, "no header", "hint:");
    refused(&["--without-report"], "no header", "--incomplete-review");
    accepted(&["--without-report", "--incomplete-review"]);
    accepted(&[&with[..], &["--incomplete-review"]].concat());
}

#[test]
fn nobody_decides_on_their_own_access() {
    let context = TestContext::msp();
    reported(&context, "report.html");
    let mut sheet = exported(&context.path("report.html"), "Ada Nyström", revoking(REVOKED));
    sheet.header.set("sign_off_reason", "on leave");
    save(&context, "review.csv", &sheet);
    let ran = apply(&context, &["-p"]);
    assert_eq!(ran.code, Some(9), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("Ada Nyström decided on their own access; another reviewer must decide"),
        "{}",
        ran.stderr
    );
    assert!(writes(&context).is_empty());
    // The rest may be carried out; the own line is open.
    let ran = apply(&context, &["-p", "--incomplete-review", "--output", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let found = json(&ran);
    assert_eq!(found["revocations"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["revocations"][0]["principal"], "user:8");
    // Another reviewer's sheet decides the line.
    let other = exported(&context.path("report.html"), "Bo", revoking(REVOKED));
    save(&context, "other.csv", &other);
    let ran = context.run(&[
        "apply-review",
        "review.csv",
        "other.csv",
        "--report",
        "report.html",
        "-p",
        "--output",
        "json",
    ]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let results: Vec<Value> = json(&ran)["revocations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["result"].clone())
        .collect();
    assert_eq!(results, ["revoked", "already"]);
}

#[test]
fn contradicting_sheets_are_refused_until_settled() {
    let (context, sheet) = reviewed();
    save(&context, "a.csv", &sheet);
    let contrary = exported(&context.path("report.html"), "Bo", revoking(&REVOKED[..1]));
    save(&context, "b.csv", &contrary);
    let run = |files: &[&str]| {
        let files = [
            &["apply-review"],
            files,
            &["--report", "report.html", "-p", "--output", "json"],
        ]
        .concat();
        context.run(&files)
    };
    let ran = run(&["a.csv", "b.csv"]);
    assert_eq!(ran.code, Some(9), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("conflicting decisions: revoke by Rhea") && ran.stderr.contains("keep by Bo"),
        "{}",
        ran.stderr
    );
    assert!(writes(&context).is_empty());
    // The merged sheet says which decision counts and which one it replaces.
    let mut merged = sheet.clone();
    let at = row(&mut merged, REVOKED[1]);
    let lost = sheet.rows[at].statement.clone().unwrap();
    merged.rows[at].statement.clone_from(&contrary.rows[at].statement);
    merged.rows[at].superseded = vec![lost];
    sum_up(&mut merged);
    save(&context, "merged.csv", &merged);
    let ran = run(&["a.csv", "b.csv", "merged.csv"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(json(&ran)["revocations"].as_array().unwrap().len(), 1);
    assert_eq!(writes(&context).len(), 1);
}

/// The id of a role that was deleted and created again means another role.
#[test]
fn a_renamed_person_is_matched_by_address() {
    let context = TestContext::msp();
    reported(&context, "report.html");
    let sheet = exported(&context.path("report.html"), "Rhea", revoking(REVOKED));
    save(&context, "review.csv", &sheet);
    let ran = context.run(&["update-account", "user:7", "--last-name", "Nyström-Berg", "-p"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    // A person with the same address was renamed.
    let ran = apply(&context, &["-p"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("Ada Nyström-Berg"), "{}", ran.stdout);
}

/// Sheets in every form that spreadsheets save.
#[test]
fn sheets_saved_by_spreadsheets_are_read() {
    let (context, sheet) = reviewed();
    let plain = String::from_utf8(csv(&sheet)).unwrap();
    let plain = plain.trim_start_matches('\u{feff}').to_owned();
    let semicolons = plain.replace("\",\"", "\";\"");
    let tabs = plain.replace("\",\"", "\"\t\"");
    let wide = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(bytes).collect()
    };
    let western = |text: &str| -> Vec<u8> {
        text.chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
            .collect()
    };
    let is_western = plain
        .chars()
        .all(|c| u32::from(c) < 0x80 || (0xa0..0x100).contains(&u32::from(c)));
    let mut files = vec![
        ("semicolons", format!("\u{feff}{semicolons}").into_bytes()),
        ("tabs", tabs.clone().into_bytes()),
        ("UTF-16 LE", wide(&tabs, u16::to_le_bytes)),
        ("UTF-16 BE", wide(&semicolons, u16::to_be_bytes)),
        ("sep", format!("sep=;\r\n{semicolons}").into_bytes()),
        (
            "blank rows",
            plain
                .replace("\r\n", "\r\n\r\n;;;\r\n")
                .replace(";;;", ",,,")
                .into_bytes(),
        ),
        ("unix", plain.replace("\r\n", "\n").into_bytes()),
        ("blanks", plain.replace("\",\"", " \",\" ").into_bytes()),
    ];
    if is_western {
        files.push(("Windows-1252", western(&semicolons)));
    }
    for (name, bytes) in files {
        fs::write(context.path("review.csv"), bytes).unwrap();
        let ran = apply(&context, &["--dry-run", "--output", "json"]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        assert_eq!(json(&ran)["revocations"].as_array().unwrap().len(), 2, "{name}");
    }
}

/// The log shows what was carried out already. One that cannot be read is not an empty one.
#[cfg(unix)]
#[test]
fn an_audit_log_that_cannot_be_read_stops_the_review() {
    let (context, sheet) = reviewed();
    save(&context, "review.csv", &sheet);
    std::os::unix::fs::symlink("loop.jsonl", context.path("loop.jsonl")).unwrap();
    let dry = apply(&context, &["--dry-run", "--audit-log", "loop.jsonl"]);
    assert_eq!(dry.code, Some(9), "{}{}", dry.stdout, dry.stderr);
    assert!(
        dry.stderr.contains("cannot read the audit log loop.jsonl"),
        "{}",
        dry.stderr
    );
    // Half a line of a killed writer stops nothing.
    fs::write(
        context.path("half.jsonl"),
        "{\"event\":\"fin\n{\"event\":\"started\"}\n",
    )
    .unwrap();
    let dry = apply(&context, &["--dry-run", "--audit-log", "half.jsonl"]);
    assert_eq!(dry.code, Some(0), "{}{}", dry.stdout, dry.stderr);
    assert!(
        dry.stderr
            .contains("lines of the audit log half.jsonl cannot be read"),
        "{}",
        dry.stderr
    );
}
