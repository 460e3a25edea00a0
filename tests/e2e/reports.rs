//! Review reports: their chain, files they do not replace, detected alterations, and reviews carried out.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use serde_json::Value;
use sink_html::{Verification, verify};

use crate::harness::{TestContext, without_counters};
use crate::provisioning::writes;

const PROGRAM: &str = concat!("baton-ninja-one ", env!("CARGO_PKG_VERSION"));

fn synced(context: &TestContext, arguments: &[&str]) {
    let ran = context.run(&[&["--sink", "html=report.html"], arguments].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

fn verified(path: &Path) -> Verification {
    verify(path, PROGRAM, ninjaone::REPORT_SCHEMA).unwrap()
}

fn changed(context: &TestContext, words: &[&str]) {
    let ran = context.run(&[words, &["-p"]].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn each_report_names_the_one_before() {
    let context = TestContext::msp();
    let path = context.path("report.html");
    let mut before: Option<Verification> = None;
    for n in 0..3 {
        if n > 0 {
            changed(
                &context,
                &["revoke", "role:1", "--from", ["user:7", "user:8"][n - 1]],
            );
        }
        synced(&context, &[]);
        let found = verified(&path);
        assert_eq!(found.problems, [] as [String; 0]);
        let changes = found
            .seal
            .sections
            .iter()
            .find(|section| section.name == "changes")
            .unwrap();
        match &before {
            Some(before) => {
                assert_eq!(before.precedes(&found), None);
                assert_eq!(changes.rows, 1, "one grant less");
            }
            None => assert_eq!((&found.seal.previous, changes.rows), (&None, 0)),
        }
        if let Some(first) = before.replace(found) {
            assert!(
                before.as_ref().unwrap().precedes(&first).is_some(),
                "not the other way round"
            );
        }
    }
    context.assert_only_files(&["report.html"]);
}

#[test]
fn every_alteration_is_noticed() {
    let context = TestContext::msp();
    synced(&context, &[]);
    let path = context.path("report.html");
    let text = fs::read_to_string(&path).unwrap();
    let altered = context.path("altered.html");
    let problems = |text: &str| {
        fs::write(&altered, text).unwrap();
        verify(&altered, PROGRAM, ninjaone::REPORT_SCHEMA).map(|found| found.problems)
    };
    assert_eq!(problems(&text).unwrap(), [] as [String; 0]);

    // Every part of the file: its head, its style, each section, its code.
    for mark in [
        "<title>",
        "--ground:",
        "data-head\">",
        "data-people\">",
        "data-access\">",
        "data-grants\">",
        "data-changes\">",
        "\"use strict\"",
    ] {
        let at = text.find(mark).unwrap() + mark.len();
        let other = if text[at..].starts_with('A') { "B" } else { "A" };
        let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
        let found = problems(&changed).unwrap();
        assert!(
            found[0].contains("the page differs from its seal"),
            "{mark}: {found:?}"
        );
        if let Some(section) = mark.strip_prefix("data-") {
            let name = section.trim_end_matches("\">");
            assert!(found[1].contains(&format!("section {name}")), "{mark}: {found:?}");
        }
    }
    // The seal has other row counts, or names another previous report.
    for (from, to) in [
        ("\"rows\":57", "\"rows\":58"),
        (
            "\"previous\":null",
            "\"previous\":{\"sync_id\":\"x\",\"started_at\":\"y\",\"seal_sha256\":\"z\"}",
        ),
    ] {
        let found = problems(&text.replacen(from, to, 1)).unwrap();
        assert!(!found.is_empty(), "{from}");
    }
    // Code that was changed together with the hash of the page.
    let evil = text.replacen("\"use strict\"", "\"use sloppy\"", 1);
    let (seal, hash) = (verified(&path).seal, rehashed(&evil));
    let found = problems(&evil.replacen(&seal.page_sha256, &hash, 1)).unwrap();
    assert_eq!(
        found,
        ["the page is not the one that this version of the program writes"]
    );

    // An altered report is not continued and stays unchanged.
    fs::write(&path, &evil).unwrap();
    let ran = context.run(&["--sink", "html=report.html"]);
    assert_eq!(ran.code, Some(15), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(&path).unwrap(), evil);
    synced(&context, &["--replace-existing"]);
    assert_eq!(verified(&path).problems, [] as [String; 0]);
}

/// The hash of everything but the seal.
fn rehashed(text: &str) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;

    let begin = "<script type=\"application/json\" id=\"seal\">";
    let at = text.rfind(begin).unwrap() + begin.len();
    let end = at + text[at..].find("</script>").unwrap();
    let hash = Sha256::digest([&text[..at], &text[end..]].concat().as_bytes());
    hash.iter().fold(String::new(), |mut shown, byte| {
        let _ = write!(shown, "{byte:02x}");
        shown
    })
}

#[test]
fn a_report_is_the_same_from_every_source() {
    let context = TestContext::msp();
    let ran = context.run(&[
        "--sink",
        "c1z",
        "--sink",
        "html=report.html",
        "--sink",
        "parquet=access",
        "--sink",
        "csv=csv",
    ]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let tenant = context.base_url.clone().unwrap();
    for (from, more) in [
        ("sync.c1z", &["--tenant", &tenant][..]),
        ("access", &[]),
        ("csv", &[]),
    ] {
        let ran = context.run(&[&["report", "--from", from, "-o", "other.html"], more].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let sections = |name: &str| {
            let seal = verified(&context.path(name)).seal;
            let data = seal.sections.into_iter().filter(|section| section.name != "head");
            data.map(|section| (section.name, section.rows, section.sha256))
                .collect::<Vec<_>>()
        };
        assert_eq!(sections("other.html"), sections("report.html"), "{from}");
        fs::remove_file(context.path("other.html")).unwrap();
    }
    // Once more over itself, it does not change.
    let write = || {
        let ran = context.run(&["report", "--from", "access", "-o", "again.html"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        fs::read(context.path("again.html")).unwrap()
    };
    assert_eq!(write(), write());
}

#[test]
fn files_a_report_does_not_replace() {
    let context = TestContext::msp();
    synced(&context, &[]);
    let before = fs::read(context.path("report.html")).unwrap();
    let mut shown = String::new();
    let mut refused = |arguments: &[&str]| {
        let ran = context.run(arguments);
        shown.extend([
            "$ ",
            &arguments.join(" "),
            "\n",
            &context.error_snapshot(&ran),
            "\n",
        ]);
        assert_eq!(fs::read(context.path("report.html")).unwrap(), before);
    };
    fs::write(context.path("notes.html"), "<!doctype html><p>mine").unwrap();
    let other = TestContext::msp();
    let ran = other.run(&["--file", context.path("other.c1z").to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    refused(&["report", "--from", "other.c1z", "-o", "report.html"]);
    refused(&["report", "--from", "other.c1z", "-o", "notes.html"]);
    refused(&["report", "--from", "other.c1z", "-o", "tmp"]);
    refused(&["report", "--from", "other.c1z", "-o", "none/report.html"]);
    refused(&[
        "report",
        "--from",
        "other.c1z",
        "-o",
        "new.html",
        "--previous",
        "notes.html",
    ]);
    refused(&[
        "report",
        "--from",
        "other.c1z",
        "-o",
        "new.html",
        "--previous",
        "missing.html",
    ]);
    refused(&["--sink", "html"]);
    let shown = shown.replace(other.base_url.as_ref().unwrap(), "[OTHER]");
    assert_snapshot!(without_counters(&shown));

    // A partial report is written beside the full one.
    synced(&context, &["--sync-resource-types", "role"]);
    assert_eq!(fs::read(context.path("report.html")).unwrap(), before);
    let part = verified(&context.path("report.partial.html"));
    assert_eq!(
        (part.problems.len(), part.seal.sync_type.as_str()),
        (0, "partial")
    );
}

const HEAD: &str = "decision,reviewer,note,entitlement_id,principal_type,principal_id,principal_name,entitlement_name,tenant,sync_id";

fn sheet(context: &TestContext, rows: &[&str]) {
    let tenant = context.base_url.as_deref().unwrap();
    let rows: Vec<String> = rows.iter().map(|row| format!("{row},{tenant},3Mc")).collect();
    fs::write(
        context.path("review.csv"),
        format!("{HEAD}\r\n{}\r\n", rows.join("\r\n")),
    )
    .unwrap();
}

const ROWS: [&str; 6] = [
    "revoke,Rhea,left the team,role:1:assigned,user,7,Ada Nyström,Service Desk role",
    "keep,Rhea,,role:3:assigned,user,7,Ada Nyström,Network Engineering role",
    "revoke,Rhea,,role:9:assigned,user,4242,Nobody,Ticket Viewers role",
    "revoke,Rhea,,tenant:ninja-one:system-administrator,user,3,Zoë Larsen,System Administrator",
    ",,,role:1:assigned,user,3,Zoë Larsen,Service Desk role",
    "revoke,Bo,\"Evil \u{1b}[31m, Red\",role:1:assigned,user,8,Daniel  KOWALSKI,Service Desk",
];

fn normalized_output(context: &TestContext, arguments: &[&str]) -> String {
    let ran = context.run(
        &[
            &[
                "apply-review",
                "review.csv",
                "--without-report",
                "--incomplete-review",
            ],
            arguments,
        ]
        .concat(),
    );
    let out = ran
        .stdout
        .replace(context.base_url.as_deref().unwrap(), "[TENANT]");
    format!(
        "$ {}\n{}{}\n",
        arguments.join(" "),
        context.error_snapshot(&ran),
        without_counters(&out)
    )
}

#[test]
fn a_review_is_carried_out() {
    let context = TestContext::msp();
    sheet(&context, &ROWS);
    let mut text = normalized_output(&context, &[]);
    text.push_str(&normalized_output(&context, &["--dry-run"]));
    assert!(writes(&context).is_empty());
    text.push_str(&normalized_output(
        &context,
        &["-p", "--audit-log", "audit.jsonl", "--requested-by", "CHG-7"],
    ));
    let sent: Vec<_> = writes(&context)
        .into_iter()
        .map(|(request, body)| format!("{request} {body}"))
        .collect();
    text.push_str(&sent.join("\n"));
    text.push_str("\n\n");
    text.push_str(&normalized_output(&context, &["-p"]));
    assert_snapshot!(text);

    let audit = fs::read_to_string(context.path("audit.jsonl")).unwrap();
    let lines: Vec<Value> = audit
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        lines.iter().all(|line| line["requested_by"]
            .as_str()
            .unwrap()
            .starts_with("CHG-7, review by ")),
        "{audit}"
    );
    let finished = lines
        .iter()
        .filter(|line| line["result"]["outcome"] == "changed")
        .count();
    assert_eq!(finished, 3, "{audit}");
}

#[test]
fn an_invalid_sheet_changes_nothing() {
    let context = TestContext::msp();
    let mut text = String::new();
    for rows in [
        vec![ROWS[0], "keep,Rhea,,role:1:assigned,user,7,a,b"],
        vec![ROWS[0], "revoke, ,,role:1:assigned,user,8,a,b"],
        vec![ROWS[0], "maybe,Rhea,,role:1:assigned,user,8,a,b"],
    ] {
        sheet(&context, &rows);
        text.push_str(&normalized_output(&context, &["-p"]));
    }
    fs::write(
        context.path("review.csv"),
        format!("{HEAD}\r\n{},https://elsewhere,3Mc\r\n", ROWS[0]),
    )
    .unwrap();
    text.push_str(&normalized_output(&context, &["-p"]));
    fs::write(context.path("review.csv"), "a,b\r\n1,2\r\n").unwrap();
    text.push_str(&normalized_output(&context, &["-p"]));
    fs::remove_file(context.path("review.csv")).unwrap();
    text.push_str(&normalized_output(&context, &["-p"]));
    assert!(writes(&context).is_empty());
    assert_snapshot!(text);
}

#[test]
fn verify_names_what_was_altered_in_a_report() {
    let context = TestContext::msp();
    synced(&context, &[]);
    fs::copy(context.path("report.html"), context.path("first.html")).unwrap();
    changed(&context, &["revoke", "role:1", "--from", "user:7"]);
    synced(&context, &[]);
    let hashes = ["first.html", "report.html"].map(|name| verified(&context.path(name)).fingerprint);
    let run = |words: &[&str]| context.run(&[&["verify"], words].concat());
    for words in [
        &["report.html"][..],
        &["first.html", "report.html"],
        &["report.html", "--sha256", &hashes[0]],
        &["report.html", "--sha256", &hashes[1]],
    ] {
        let ran = run(words);
        assert_eq!(ran.code, Some(0), "{words:?}: {}", ran.stderr);
        assert!(ran.stdout.contains(&hashes[1]) && ran.stdout.contains("unaltered since it was written"));
    }
    // In the wrong order, and with a hash that none of them has.
    let turned = run(&["report.html", "first.html"]);
    assert_eq!(turned.code, Some(15));
    assert!(turned.stdout.contains("follows no other"), "{}", turned.stdout);
    let unknown = "0".repeat(64);
    let ran = run(&["first.html", "--sha256", &unknown, "--output", "json"]);
    assert_eq!(ran.code, Some(15));
    let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["reports"][0]["sha256"], hashes[0].as_str());
    assert_eq!(found["reports"][0]["findings"], serde_json::json!([]));
    assert!(found["findings"][0].as_str().unwrap().contains(&unknown));
    // A byte of the page.
    let path = context.path("report.html");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("Access review", "Access  eview", 1)).unwrap();
    let ran = run(&["report.html"]);
    assert_eq!(ran.code, Some(15), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("the page differs from its seal"),
        "{}",
        ran.stdout
    );
    // Other files are refused.
    fs::write(context.path("other.html"), "<!doctype html><p>hello").unwrap();
    let ran = run(&["other.html"]);
    assert_ne!(ran.code, Some(0));
    assert!(
        ran.stderr.contains("not a report written by this program"),
        "{}",
        ran.stderr
    );
}

/// A location with history shows the changes since the previous sync, and the chain can be rebuilt from it.
#[test]
fn a_report_from_history_compares_with_the_previous_sync() {
    let context = TestContext::msp();
    let sinks = ["--sink", "c1z", "--sink", "parquet=lake"];
    assert_eq!(context.run(&sinks).code, Some(0));
    changed(&context, &["revoke", "role:1", "--from", "user:7"]);
    assert_eq!(context.run(&sinks).code, Some(0));
    for from in ["sync.c1z", "lake"] {
        let report = |words: &[&str]| {
            let ran = context.run(&[&["report", "--from", from], words].concat());
            assert_eq!(ran.code, Some(0), "{from}: {}", ran.stderr);
        };
        report(&["-o", "new.html"]);
        let new = verified(&context.path("new.html"));
        let link = new.seal.previous.clone().unwrap();
        let changes = new
            .seal
            .sections
            .iter()
            .find(|section| section.name == "changes")
            .unwrap();
        assert_eq!(changes.rows, 1, "{from}");
        report(&["--sync", &link.sync_id, "-o", "old.html"]);
        let old = verified(&context.path("old.html"));
        assert_eq!(old.fingerprint, link.seal_sha256, "{from}");
        assert_eq!(old.seal.previous, None);
        for name in ["new.html", "old.html"] {
            fs::remove_file(context.path(name)).unwrap();
        }
    }
}
