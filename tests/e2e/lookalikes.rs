//! Names that look alike are never confused, and a match that differs from the argument is shown.

use ninjaone_sim::{SimConfig, Tenant};

use crate::harness::{RunOutput, TestContext};
use crate::security::renamed;

/// `Network Engineering`, role 3 of the tenant, in letters that are other ones.
const SIMILAR: [&str; 7] = [
    "N\u{435}twork Engineering",
    "Network\u{a0}Engineering",
    "Net\u{200b}work Engineering",
    "\u{ff2e}etwork Engineering",
    "Networ\u{212a} Engineering",
    "Network E\u{301}ngineering",
    "Network Engineer\u{131}ng",
];

fn revoke(context: &TestContext, role: &str) -> RunOutput {
    context.run(&["revoke", role, "--from", "user:16", "-p", "--yes"])
}

fn writes(context: &TestContext) -> usize {
    let calls = context.sim().ledger().calls();
    calls
        .iter()
        .filter(|call| call.method != "GET" && call.path != "/ws/oauth/token")
        .count()
}

#[test]
fn a_role_with_a_lookalike_name_is_not_used() {
    for similar in SIMILAR {
        let context = TestContext::msp();
        let ran = revoke(&context, similar);
        assert_eq!(ran.code, Some(5), "{similar}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("close to it: role:3 (Network Engineering)"),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains("(spelled "), "{}", ran.stderr);
        assert_eq!(writes(&context), 0);
    }
}

#[test]
fn a_plain_name_does_not_match_a_lookalike_role() {
    for similar in SIMILAR {
        let context = renamed("Network Engineering", similar);
        let ran = revoke(&context, "Network Engineering");
        assert_eq!(ran.code, Some(5), "{similar}: {}", ran.stderr);
        assert!(ran.stderr.contains("(spelled "), "{}", ran.stderr);
        assert_eq!(writes(&context), 0);
    }
}

#[test]
fn a_name_in_another_case_is_shown_as_stored() {
    let context = TestContext::msp();
    let ran = context.run(&["grant", "network engineering", "--to", "user:16", "--dry-run"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let shown = ran.stdout + &ran.stderr;
    assert!(
        shown.contains("`Network Engineering` was found for `network engineering`: role:3"),
        "{shown}"
    );
    let ran = context.run(&["grant", "Network Engineering", "--to", "user:16", "--dry-run"]);
    assert!(!(ran.stdout + &ran.stderr).contains("was found for"));
}

#[test]
fn a_lookalike_address_matches_no_account() {
    let context = TestContext::with(&SimConfig::new(Tenant::fixture("msp").unwrap()));
    for similar in [
        "s\u{43e}fia.marchetti@example.com",
        "sofia.marchett\u{131}@example.com",
        "sofia.marchetti@ex\u{200b}ample.com",
    ] {
        for arguments in [
            &["revoke", "role:3", "--from", similar, "-p", "--yes"][..],
            &["delete", similar, "-p", "--yes"],
        ] {
            let ran = context.run(arguments);
            assert!(
                !matches!(ran.code, Some(0)),
                "{similar}: {} {}",
                ran.stdout,
                ran.stderr
            );
        }
    }
    assert_eq!(writes(&context), 0);
}
