//! Sheets with one alteration each: every one is refused with its reason, and no flag accepts it.

use access_review::{Decision, Sheet};

use super::reviewed::{REVOKED, apply, reviewed, row, statement_mut};
use crate::provisioning::writes;
use crate::review_sheets::{save, sum_up};

type Forgery = (&'static str, fn(&mut Sheet, usize));

/// An alteration and the expected message.
const FORGERIES: [Forgery; 22] = [
    (
        "principal_name is `Zoë Berg`, and user:7 is `Ada Nyström`",
        |sheet, at| "Zoë Berg".clone_into(&mut sheet.rows[at].principal_name),
    ),
    ("principal_login is `eve@example.com`", |sheet, at| {
        "eve@example.com".clone_into(&mut sheet.rows[at].principal_login);
    }),
    ("entitlement_name is `Backup role`", |sheet, at| {
        "Backup role".clone_into(&mut sheet.rows[at].entitlement_name);
    }),
    ("resource_name is `Backup`", |sheet, at| {
        "Backup".clone_into(&mut sheet.rows[at].resource_name);
    }),
    (
        "role:1:assigned held by user:4242 is not in the scope of the review",
        |sheet, at| "4242".clone_into(&mut sheet.rows[at].subject.principal_id),
    ),
    (
        "role:77:assigned held by user:7 is not in the scope of the review",
        |sheet, at| "role:77:assigned".clone_into(&mut sheet.rows[at].subject.entitlement_id),
    ),
    (
        "role:1:assigned held by group:7 is not in the scope of the review",
        |sheet, at| "group".clone_into(&mut sheet.rows[at].subject.principal_type),
    ),
    (
        "line_id L0000000000000000 does not belong to the ids of the row",
        |sheet, at| "L0000000000000000".clone_into(&mut sheet.rows[at].line_id),
    ),
    ("line_id is empty", |sheet, at| sheet.rows[at].line_id.clear()),
    ("of another tenant: https://elsewhere", |sheet, at| {
        "https://elsewhere".clone_into(&mut sheet.rows[at].tenant);
    }),
    ("of another sync: 3Mc", |sheet, at| {
        "3Mc".clone_into(&mut sheet.rows[at].sync_id);
    }),
    ("of another report: 0000", |sheet, at| {
        sheet.rows[at].report_sha256 = "0".repeat(64);
    }),
    ("of another report: 0000", |sheet, _| {
        sheet.header.set("report_sha256", "0".repeat(64));
    }),
    ("of another tenant: https://elsewhere", |sheet, _| {
        sheet.header.set("tenant", "https://elsewhere");
    }),
    ("the scope is `everything`", |sheet, _| {
        sheet.header.set("scope", "everything");
    }),
    ("of another review: R1", |sheet, _| {
        sheet.header.set("review_id", "R1");
    }),
    (
        "decided_at: 2019-01-01T00:00:00Z is before the sync",
        |sheet, at| "2019-01-01T00:00:00Z".clone_into(&mut statement_mut(sheet, at).decided_at),
    ),
    (
        "decided_at: 2090-01-01T00:00:00Z is in the future",
        |sheet, at| "2090-01-01T00:00:00Z".clone_into(&mut statement_mut(sheet, at).decided_at),
    ),
    ("the header says reviewers", |sheet, at| {
        "Mallory".clone_into(&mut statement_mut(sheet, at).reviewer);
    }),
    ("1 line of the review is in no sheet", |sheet, at| {
        sheet.rows.remove(at);
        sum_up(sheet);
    }),
    ("1 line is undecided", |sheet, at| {
        sheet.rows[at].statement = None;
        sum_up(sheet);
    }),
    ("decides the line of row", |sheet, at| {
        let mut row = sheet.rows[at].clone();
        row.statement.as_mut().unwrap().decision = Decision::Keep;
        sheet.rows.push(row);
        sum_up(sheet);
    }),
];

#[test]
fn every_forged_sheet_is_refused_with_its_reason() {
    let (context, sheet) = reviewed();
    let before = context.sim().state();
    for (reason, forge) in FORGERIES {
        let mut forged = sheet.clone();
        let at = row(&mut forged, REVOKED[0]);
        forge(&mut forged, at);
        save(&context, "review.csv", &forged);
        for mode in ["-p", "--dry-run"] {
            let ran = apply(&context, &[mode]);
            assert_eq!(ran.code, Some(9), "{reason}: {}{}", ran.stdout, ran.stderr);
            assert!(ran.stderr.contains(reason), "{reason}: {}", ran.stderr);
            assert!(
                ran.stderr.contains("nothing was changed") && ran.stderr.contains("hint:"),
                "{}",
                ran.stderr
            );
        }
    }
    assert!(writes(&context).is_empty());
    assert_eq!(context.sim().state(), before);
}

/// No flag accepts a forged sheet.
#[test]
fn no_flag_accepts_a_forgery() {
    let (context, sheet) = reviewed();
    for (reason, forge) in &FORGERIES[..18] {
        let mut forged = sheet.clone();
        let at = row(&mut forged, REVOKED[0]);
        forge(&mut forged, at);
        save(&context, "review.csv", &forged);
        let ran = apply(
            &context,
            &[
                "-p",
                "--incomplete-review",
                "--edited-sheet",
                "--max-age",
                "9999d",
                "--accept-reviewer",
                "Rhea",
            ],
        );
        assert_eq!(ran.code, Some(9), "{reason}: {}{}", ran.stdout, ran.stderr);
    }
    assert!(writes(&context).is_empty());
}
