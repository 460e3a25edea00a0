//! Members of roles that are unknown.

use std::fs;

use insta::assert_snapshot;
use ninjaone_sim::{Fault, FaultRule, To, When};
use serde_json::{Value, json};

use super::faults::{ROLES, answer, holds, tenant};
use crate::harness::TestContext;
use crate::provisioning::{printed, writes};

#[test]
fn a_role_with_unknown_members_is_changed() {
    for silence in [To::Absent, To::Value(Value::Null)] {
        for (arguments, role, user, held) in [
            (
                &["revoke", "role:1", "--from", "user:7", "--yes", "-p"][..],
                "1",
                7,
                false,
            ),
            (
                &["revoke", "Service Desk", "--from", "user:7", "-p"],
                "1",
                7,
                false,
            ),
            (&["--revoke-grant", "role:1:assigned:user:7"], "1", 7, false),
            (&["grant", "role:1", "--to", "user:14", "-p"], "1", 14, true),
        ] {
            for answers in [true, false] {
                let context = tenant(&silence, answers);
                // The name that technicians and end users have in common is that of two roles.
                let ran = context.run(arguments);
                if arguments[1] == "Service Desk" {
                    assert_eq!((ran.code, writes(&context).len()), (Some(3), 0));
                    continue;
                }
                assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
                assert_eq!(writes(&context).len(), 1, "{arguments:?}");
                assert_eq!(holds(&context, role, user), held, "{arguments:?}");
                assert!(!ran.stdout.contains("nothing was changed"), "{}", ran.stdout);
                let verification = if answers {
                    "by NinjaOne's answer"
                } else {
                    "not verifiable"
                };
                assert!(ran.stdout.contains(verification), "{}", ran.stdout);
            }
        }
    }
}

#[test]
fn accepted_but_unconfirmed_changes_are_reported_as_accepted() {
    let mut text = String::new();
    for arguments in [
        &["revoke", "role:1", "--from", "user:7", "--dry-run"][..],
        &["revoke", "role:1", "--from", "user:7", "-p"],
        &["grant", "role:1", "--to", "user:14", "-p"],
    ] {
        let context = tenant(&To::Value(Value::Null), false);
        let ran = context.run(arguments);
        let shown = [
            &arguments.join(" "),
            "
",
            &printed(&context, &ran),
            "

",
        ]
        .concat();
        text.push_str("$ ");
        text.push_str(&shown);
    }
    let context = tenant(&To::Absent, false);
    let arguments = ["--audit-log", "audit.jsonl", "--output", "json"];
    let ran = context.run(&[&["revoke", "role:1", "--from", "user:7", "-p"], &arguments[..]].concat());
    let outcome: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(outcome["result"], "accepted");
    assert_eq!(outcome["steps"][0]["verified"], "not_verifiable");
    assert_eq!(outcome["warnings"][1]["code"], "not_verifiable");
    let audit = fs::read_to_string(context.path("audit.jsonl")).unwrap();
    let last: Value = serde_json::from_str(audit.lines().last().unwrap()).unwrap();
    assert_eq!(last["result"]["outcome"], "accepted");
    assert_eq!(last["before"]["holds_role"], "unknown");
    assert_snapshot!(text);
}

/// A refusal is an error; it does not prove that the user is not a member.
#[test]
fn a_refusal_by_a_role_with_unknown_members_is_an_error() {
    for (status, code) in [(400, 3), (404, 5), (409, 6)] {
        let context = tenant(&To::Absent, true);
        context.sim().faults().add(FaultRule {
            method: Some("PATCH".to_owned()),
            path: "/v2/user/role/*".to_owned(),
            when: When::Always,
            fault: Fault::Status(status),
        });
        let ran = context.run(&["revoke", "role:1", "--from", "user:7", "-p"]);
        assert_eq!(ran.code, Some(code), "{status}: {}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn unreadable_members_are_refused_before_anything_is_sent() {
    for members in [
        json!({}),
        json!("x"),
        json!(1),
        json!(true),
        json!([7]),
        json!([{"userId": 7}]),
        json!({"items": [{"id": 7}]}),
        json!([{"id": 3}, {}]),
    ] {
        for arguments in [
            &["revoke", "role:1", "--from", "user:7", "-p"][..],
            &["--revoke-grant", "role:1:assigned:user:7"],
            &["grant", "role:1", "--to", "user:14", "-p"],
        ] {
            let context = tenant(&To::Value(members.clone()), true);
            let ran = context.run(arguments);
            assert_eq!(ran.code, Some(15), "{members} {arguments:?}: {}", ran.stdout);
            assert!(writes(&context).is_empty());
        }
    }
}

/// A list without the role does not prevent the write: the role may be missing in the list only.
#[test]
fn a_role_missing_in_the_list_proves_nothing() {
    let context = TestContext::msp();
    context.sim().faults().add(answer(ROLES, 200, "[]"));
    let ran = context.run(&["revoke", "role:1", "--from", "user:7", "-p"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!holds(&context, "1", 7));
    assert!(ran.stdout.starts_with("Revoked"), "{}", ran.stdout);
    // If the write is refused because the role does not exist, and no list has it, nothing was changed.
    let context = TestContext::msp();
    let ran = context.run(&["revoke", "role:999", "--from", "user:7", "-p"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(writes(&context).len(), 1);
    assert!(ran.stdout.contains("nothing was changed"), "{}", ran.stdout);
}

#[test]
fn contradicting_rows_decide_nothing() {
    let twice = r#"[{"id":1,"name":"Desk","type":"TECHNICIAN","members":[]},
        {"id":1,"name":"Desk","type":"TECHNICIAN","members":[{"id":7}]}]"#;
    let revoke = |rows: &str| {
        let context = TestContext::msp();
        context.sim().faults().add(answer(ROLES, 200, rows));
        let ran = context.run(&["revoke", "desk", "--from", "user:7", "-p"]);
        (context, ran)
    };
    let (context, ran) = revoke(twice);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!holds(&context, "1", 7), "{}", ran.stdout);
    assert!(ran.stdout.starts_with("Revoked"), "{}", ran.stdout);
    // Nobody knows which of two roles with one id a change would reach.
    let (context, ran) = revoke(&twice.replacen("Desk", "Other", 1));
    assert_eq!(ran.code, Some(15), "{}", ran.stdout);
    assert!(writes(&context).is_empty());
}
