//! Sheets as a report's page exports them.

use std::fs;
use std::path::Path;

use access_review::{Decision, LineId, Row, SHEET_FORMAT, Sheet, Statement, Subject, is_same_person, render};
use sink_html::{ReportGrant, ReviewedReport, read_reviewed};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::harness::{RunOutput, TestContext};

const PROGRAM: &str = concat!("baton-ninja-one ", env!("CARGO_PKG_VERSION"));

/// Now, as a browser writes it.
pub(crate) fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap()
}

/// A report, or a file of a review.
pub(crate) fn report(path: &Path) -> ReviewedReport {
    let report = read_reviewed(path, PROGRAM, ninjaone::REPORT_SCHEMA).unwrap();
    assert_eq!(report.verification.problems, [] as [String; 0]);
    report
}

/// The exported sheet of a reviewer who decided every line of a file and signed it off.
pub(crate) fn exported(
    path: &Path,
    reviewer: &str,
    decide: impl Fn(&ReportGrant) -> Option<Decision>,
) -> Sheet {
    let report = report(path);
    let seal = &report.verification.seal;
    let (file_sha256, review) = (&report.verification.fingerprint, report.review.as_ref());
    let report_sha256 = review.map_or(file_sha256, |review| &review.report_sha256);
    let mut sheet = Sheet::default();
    for grant in &report.grants {
        if review.is_none() && !["role", "app"].contains(&grant.trait_kind.as_str()) {
            continue;
        }
        let subject = Subject {
            entitlement_id: grant.entitlement_id.clone(),
            principal_type: grant.principal_type.clone(),
            principal_id: grant.principal_id.clone(),
        };
        let statement = decide(grant).map(|decision| Statement {
            decision,
            reviewer: reviewer.to_owned(),
            decided_at: now(),
            note: if decision == Decision::Revoke {
                "left the team".to_owned()
            } else {
                String::new()
            },
        });
        sheet.rows.push(Row {
            row: 0,
            note: statement
                .as_ref()
                .map(|statement| statement.note.clone())
                .unwrap_or_default(),
            statement,
            line_id: LineId::new(report_sha256, &subject).to_string(),
            subject,
            entitlement_name: grant.entitlement_name.clone(),
            resource_name: grant.resource_name.clone(),
            principal_name: grant.principal_name.clone(),
            principal_login: grant.principal_login.clone().unwrap_or_default(),
            tenant: seal.tenant.clone(),
            sync_id: seal.sync_id.clone(),
            report_sha256: report_sha256.clone(),
            superseded: Vec::new(),
        });
    }
    for (key, value) in [
        ("sheet", SHEET_FORMAT.to_owned()),
        ("program", PROGRAM.to_owned()),
        ("tenant", seal.tenant.clone()),
        ("sync_id", seal.sync_id.clone()),
        ("sync_started_at", seal.started_at.clone()),
        ("report_sha256", report_sha256.clone()),
        ("file_sha256", file_sha256.clone()),
        (
            "review_id",
            review.map(|review| review.id.clone()).unwrap_or_default(),
        ),
        (
            "scope",
            review.map_or_else(|| "role,app".to_owned(), |review| review.scope.clone()),
        ),
        ("exported_at", now()),
        ("signed_off_by", reviewer.to_owned()),
        ("signed_off_at", now()),
    ] {
        sheet.header.set(key, value);
    }
    sum_up(&mut sheet);
    sheet
}

/// Updates the header's counts to match the rows.
pub(crate) fn sum_up(sheet: &mut Sheet) {
    let is_counted = |row: &&Row| {
        row.statement.as_ref().is_some_and(|statement| {
            let person = access_review::PersonNames {
                name: row.principal_name.clone(),
                login: Some(row.principal_login.clone()),
                email: None,
            };
            !is_same_person(&statement.reviewer, &person)
        })
    };
    let decided = sheet.rows.iter().filter(is_counted).count();
    let mut reviewers: Vec<String> = Vec::new();
    for row in &sheet.rows {
        let reviewer = row.statement.as_ref().map(|statement| statement.reviewer.clone());
        reviewers.extend(reviewer.filter(|reviewer| !reviewers.contains(reviewer)));
    }
    let lines = sheet.rows.len();
    sheet.header.set("lines", lines.to_string());
    sheet.header.set("decided", decided.to_string());
    sheet.header.set("open", (lines - decided).to_string());
    sheet.header.set("reviewers", reviewers.join("; "));
}

/// The bytes of a sheet: CSV with a byte order mark, every cell quoted.
pub(crate) fn csv(sheet: &Sheet) -> Vec<u8> {
    let mut text = String::from("\u{feff}");
    for record in render(sheet) {
        let cells = record
            .iter()
            .map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
        text.push_str(&cells.collect::<Vec<_>>().join(","));
        text.push_str("\r\n");
    }
    text.into_bytes()
}

/// Saves a sheet in the folder of a test.
pub(crate) fn save(context: &TestContext, name: &str, sheet: &Sheet) {
    fs::write(context.path(name), csv(sheet)).unwrap();
}

/// Writes a new report of the tenant.
pub(crate) fn reported(context: &TestContext, name: &str) {
    let ran = context.run(&["--sink", &format!("html={name}")]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

/// Decides to revoke grants with one of these ids, e.g. `role:1:assigned user:7`, and to keep the rest.
pub(crate) fn revoking(subjects: &'static [&'static str]) -> impl Fn(&ReportGrant) -> Option<Decision> {
    move |grant| {
        let subject = format!(
            "{} {}:{}",
            grant.entitlement_id, grant.principal_type, grant.principal_id
        );
        Some(if subjects.contains(&subject.as_str()) {
            Decision::Revoke
        } else {
            Decision::Keep
        })
    }
}

/// The program's output as JSON.
pub(crate) fn json(ran: &RunOutput) -> serde_json::Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}
