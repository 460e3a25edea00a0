//! Accounts whose existence or rights are unknown.

use insta::assert_snapshot;
use ninjaone_sim::{Edit, Fault, FaultRule, Rows, To};
use serde_json::{Value, json};

use super::faults::{END_USERS, ROLES, TECHNICIANS, USERS, answer, edit};
use crate::harness::TestContext;
use crate::provisioning::writes;

/// A list with unreadable rows does not prove that a role or account is missing.
#[test]
fn missing_beside_unreadable_rows_is_unknown() {
    let mut shown = Vec::new();
    let lost = |path, rows| edit("GET", path, rows, "id", To::Value(json!({})));
    let no_row = |path| FaultRule {
        fault: Fault::Edit(Edit {
            list: "",
            rows: Rows::Nth(0),
            field: String::new(),
            to: To::Value(json!(7)),
        }),
        ..lost(path, Rows::Nth(0))
    };
    for (arguments, rule) in [
        (
            &["grant", "Onboarding", "--to", "user:16", "-p"][..],
            lost(ROLES, Rows::Nth(3)),
        ),
        (
            &["grant", "Onboarding", "--to", "user:16", "-p"],
            edit("GET", ROLES, Rows::Nth(3), "name", To::Value(json!([]))),
        ),
        (
            &["grant", "role:4", "--to", "nobody@example.com", "-p"],
            no_row(TECHNICIANS),
        ),
        (
            &["revoke", "role:1", "--from", "nobody@example.com", "-p"],
            no_row(USERS),
        ),
        (
            &["update-account", "user:903", "--organization", "Nowhere", "-p"],
            lost("/v2/organizations", Rows::Nth(0)),
        ),
        (
            &["delete-account", "user:77777", "-p"],
            lost(END_USERS, Rows::Nth(0)),
        ),
    ] {
        let context = TestContext::msp();
        context.sim().faults().add(rule);
        let ran = context.run(arguments);
        assert_eq!(ran.code, Some(15), "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        assert!(writes(&context).is_empty());
        shown.push(format!(
            "$ {}\n{}",
            arguments.join(" "),
            context.error_snapshot(&ran)
        ));
    }
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn accounts_with_contradicting_sources_are_not_deleted() {
    let flag = |path, rows, to: Value| edit("GET", path, rows, "administrator", To::Value(to));
    let one = |path, to| flag(path, Rows::Every, to);
    let detail = |user: u64| format!("/v2/user/technician/{user}");
    let mut shown = Vec::new();
    let cases: [(&str, &str, Vec<FaultRule>, i32); 10] = [
        // User 3 is an administrator, and 12 is none.
        (
            "detail no, lists yes",
            "3",
            vec![one(&detail(3), json!(false))],
            9,
        ),
        (
            "detail yes, list no",
            "3",
            vec![flag(TECHNICIANS, Rows::Nth(1), json!(false))],
            9,
        ),
        (
            "list yes, detail no",
            "12",
            vec![flag(TECHNICIANS, Rows::Nth(6), json!(true))],
            9,
        ),
        (
            "common list yes",
            "12",
            vec![flag(USERS, Rows::Every, json!(true))],
            9,
        ),
        (
            "nobody says",
            "12",
            vec![
                one(&detail(12), json!("false")),
                one(TECHNICIANS, json!(null)),
                one(USERS, json!(0)),
            ],
            9,
        ),
        ("not found by id", "12", vec![answer(&detail(12), 404, "{}")], 15),
        ("an empty answer", "12", vec![answer(&detail(12), 200, "{}")], 15),
        ("null", "12", vec![answer(&detail(12), 200, "null")], 15),
        (
            "somebody else",
            "12",
            vec![answer(&detail(12), 200, r#"{"id":3}"#)],
            15,
        ),
        (
            "an end user who is listed",
            "903",
            vec![answer("/v2/user/end-user/903", 404, "{}")],
            15,
        ),
    ];
    for (case, user, rules, code) in cases {
        let context = TestContext::msp();
        for rule in rules {
            context.sim().faults().add(rule);
        }
        let before = context.sim().state();
        let account = format!("user:{user}");
        let ran = context.run(&["delete-account", &account, "-p"]);
        assert_eq!(ran.code, Some(code), "{case}: {}{}", ran.stdout, ran.stderr);
        assert!(writes(&context).is_empty(), "{case}");
        let flags = ["--delete-resource", user, "--delete-resource-type", "user"];
        assert_eq!(context.run(&flags).code, Some(code), "{case}");
        assert_eq!(context.sim().state(), before, "{case}");
        shown.push(format!("{case}\n{}", context.error_snapshot(&ran)));
    }
    assert_snapshot!(shown.join("\n"));
    // A login is looked up in the lists, and then by its id.
    let another = edit(
        "GET",
        &detail(12),
        Rows::Every,
        "email",
        To::Value(json!("x@example.com")),
    );
    for rule in [answer(&detail(12), 404, "{}"), another] {
        let context = TestContext::msp();
        context.sim().faults().add(rule);
        let ran = context.run(&["delete-account", "wei.li@example.com", "-p"]);
        let sent = writes(&context).len();
        assert_eq!((ran.code, sent), (Some(15), 0), "{}", ran.stdout);
    }
    // Who is in a list alone does not exist already.
    let context = TestContext::msp();
    context.sim().faults().add(answer(&detail(12), 404, "{}"));
    let names = [
        "--first-name",
        "Wei",
        "--last-name",
        "Li",
        "--email",
        "wei.li@example.com",
    ];
    let ran = context.run(&[&["create-account", "--kind", "technician", "-p"], &names[..]].concat());
    let sent = writes(&context).len();
    assert_eq!((ran.code, sent), (Some(15), 0), "{}", ran.stdout);
}
