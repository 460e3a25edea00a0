//! Reviews whose sheet or tenant leaves something unknown.

use std::fs;

use insta::assert_snapshot;
use ninjaone_sim::To;

use super::faults::{holds, tenant};
use crate::harness::{RunOutput, TestContext};
use crate::provisioning::writes;

const HEAD: &str = "decision,reviewer,note,entitlement_id,principal_type,principal_id,principal_name,entitlement_name,tenant,sync_id";

fn sheet(context: &TestContext, rows: &[&str]) {
    let tenant = context.base_url.as_deref().unwrap();
    let rows: Vec<String> = rows.iter().map(|row| format!("{row},{tenant},3Mc\r\n")).collect();
    fs::write(context.path("review.csv"), format!("{HEAD}\r\n{}", rows.concat())).unwrap();
}

fn reviewed(context: &TestContext, arguments: &[&str]) -> RunOutput {
    let sheet = [
        "apply-review",
        "review.csv",
        "--without-report",
        "--incomplete-review",
    ];
    context.run(&[&sheet, arguments].concat())
}

/// A spreadsheet that was sorted by one column has names that are not those of its ids.
#[test]
fn sheets_whose_names_contradict_their_ids_are_refused() {
    let right = "revoke,Rhea,,role:1:assigned,user,8,Daniel Kowalski,Service Desk role";
    for (wrong, own) in [
        (
            "revoke,Rhea,,role:1:assigned,user,7,Zoë Berg,Service Desk role",
            "Ada Nyström",
        ),
        (
            "revoke,Rhea,,role:1:assigned,user,7,Ada Nyström,Backup role",
            "Service Desk role",
        ),
        (
            "revoke,Rhea,,role:1:assigned,user,7,\"Ada\u{1b}[31m\nNyström Berg\",x",
            "Ada Nyström",
        ),
    ] {
        for mode in [&["--dry-run"][..], &["-p"], &["-p", "--output", "json"]] {
            let context = TestContext::msp();
            sheet(&context, &[right, wrong]);
            let before = context.sim().state();
            let ran = reviewed(&context, mode);
            assert_eq!(ran.code, Some(9), "{wrong}: {}{}", ran.stdout, ran.stderr);
            assert!(ran.stdout.contains(own), "{}", ran.stdout);
            assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'));
            assert!(writes(&context).is_empty());
            assert_eq!(context.sim().state(), before);
        }
    }
    let context = TestContext::msp();
    let wrong = "revoke,Rhea,,role:1:assigned,user,7,Zoë Berg,Backup role";
    sheet(&context, &[right, wrong]);
    let ran = reviewed(&context, &["-p"]);
    assert_snapshot!(format!("{}{}", context.error_snapshot(&ran), ran.stdout));
}

#[test]
fn a_review_shows_the_names_of_the_tenant() {
    let context = TestContext::msp();
    sheet(
        &context,
        &[
            "revoke,Rhea,,role:1:assigned,user,7, ada  NYSTRÖM,service desk",
            "revoke,Rhea,,role:3:assigned,user,7,,",
            "revoke,Rhea,,role:9:assigned,user,4242,Long Gone,Ticket Viewers role",
            "revoke,Rhea,,role:999:assigned,user,8,Daniel Kowalski,Old role",
            "keep,Rhea,,role:1:assigned,user,3,Somebody Else,Backup role",
        ],
    );
    let dry = reviewed(&context, &["--dry-run"]);
    assert!(writes(&context).is_empty());
    let ran = reviewed(&context, &["-p"]);
    assert_eq!(
        (dry.code, ran.code),
        (Some(0), Some(0)),
        "{}{}",
        dry.stderr,
        ran.stderr
    );
    assert_snapshot!(format!("{}\n{}", dry.stdout, ran.stdout));
}

#[test]
fn unknown_members_are_not_reported_as_already_gone() {
    for answers in [true, false] {
        let context = tenant(&To::Absent, answers);
        sheet(
            &context,
            &["revoke,Rhea,,role:1:assigned,user,7,Ada Nyström,Service Desk role"],
        );
        let ran = reviewed(&context, &["-p"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(!holds(&context, "1", 7));
        let word = if answers { "revoked  " } else { "not verified" };
        assert!(ran.stdout.contains(word), "{}", ran.stdout);
        assert!(!ran.stdout.contains("already"), "{}", ran.stdout);
    }
}
