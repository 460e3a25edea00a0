//! What NinjaOne does not say, says unreadably, or says in two ways, is never "already": not at the command line, not in a
//! review, not to ConductorOne.

use std::fs;

use access_core::provisioning::{ChangeResult, Outcome, ProvisioningError};
use baton_proto::connector_v2 as v2;
use baton_proto::connectorapi_baton_v1::task::{self as wire, TaskType};
use baton_proto::prost_types::value::Kind;
use baton_proto::prost_types::{Struct, Value as ProtoValue};
use c1_sim::C1SimConfig;
use insta::assert_snapshot;
use ninjaone::WritePolicy;
use ninjaone_sim::{Edit, Fault, FaultRule, Rows, Sim, SimConfig, Tenant, To, When};
use serde_json::{Value, json};

use crate::harness::{Ran, TestContext};
use crate::provisioning::writes;
use crate::provisioning_properties::{Wish, change, make, provisioner, state, wanted};
use crate::support::service::{Served, invoke, object, revoke, shown, text};

const ROLES: &str = "/v2/user/roles";
const TECHNICIANS: &str = "/v2/user/technicians";
const END_USERS: &str = "/v2/user/end-users";
const USERS: &str = "/v2/users";

fn edit(method: &str, path: &str, rows: Rows, field: &str, to: To) -> FaultRule {
    FaultRule {
        method: Some(method.to_owned()),
        path: path.to_owned(),
        when: When::Always,
        fault: Fault::Edit(Edit {
            list: "",
            rows,
            field: format!("/{field}"),
            to,
        }),
    }
}

fn answer(path: &str, status: u16, body: &str) -> FaultRule {
    FaultRule {
        method: Some("GET".to_owned()),
        path: path.to_owned(),
        when: When::Always,
        fault: Fault::Answer {
            status,
            content_type: "application/json",
            body: body.as_bytes().to_vec(),
        },
    }
}

/// A tenant whose role 1, held by user 7, has this for members in the list; with or without an answer to writes.
fn tenant(members: &To, answers: bool) -> TestContext {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.behavior.writes.empty_role_answer = !answers;
    let context = TestContext::with(&config);
    let rule = edit("GET", ROLES, Rows::Nth(0), "members", members.clone());
    context.sim().faults().add(rule);
    context
}

fn printed(context: &TestContext, ran: &Ran) -> String {
    let text = ran
        .stdout
        .replace(context.base_url.as_deref().unwrap(), "[TENANT]");
    let lines = text.lines().map(|line| match line.trim_start().split_once("  ") {
        Some(("change", _)) => "  change    [ID]".to_owned(),
        Some(("request", _)) => "  request   [ID]".to_owned(),
        _ => line.to_owned(),
    });
    format!("{}{}", context.shown(ran), lines.collect::<Vec<_>>().join("\n"))
}

fn holds(context: &TestContext, role: &str, user: u64) -> bool {
    let state = context.sim().state();
    state["roles"][role]["members"]
        .as_array()
        .unwrap()
        .contains(&json!(user))
}

#[test]
fn a_role_that_does_not_say_its_members_is_changed_all_the_same() {
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
                let how = if answers {
                    "by NinjaOne's answer"
                } else {
                    "not verifiable"
                };
                assert!(ran.stdout.contains(how), "{}", ran.stdout);
            }
        }
    }
}

#[test]
fn what_is_accepted_and_not_shown_is_told_as_that() {
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

/// A tenant that refuses is believed; that somebody has no role is not read out of the refusal.
#[test]
fn a_refusal_by_a_role_that_does_not_say_its_members_is_an_error() {
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
fn members_that_cannot_be_read_are_refused_before_anything_is_sent() {
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

/// A list that does not have the role is asked again by the write: the role may be missing there alone.
#[test]
fn a_role_that_is_not_listed_is_no_proof() {
    let context = TestContext::msp();
    context.sim().faults().add(answer(ROLES, 200, "[]"));
    let ran = context.run(&["revoke", "role:1", "--from", "user:7", "-p"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!holds(&context, "1", 7));
    assert!(ran.stdout.starts_with("Revoked"), "{}", ran.stdout);
    // Where the write is refused because there is no such role, and no list has it, that is said.
    let context = TestContext::msp();
    let ran = context.run(&["revoke", "role:999", "--from", "user:7", "-p"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(writes(&context).len(), 1);
    assert!(ran.stdout.contains("nothing was changed"), "{}", ran.stdout);
}

#[test]
fn rows_that_contradict_each_other_decide_nothing() {
    let twice = r#"[{"id":1,"name":"Desk","type":"TECHNICIAN","members":[]},
        {"id":1,"name":"Desk","type":"TECHNICIAN","members":[{"id":7}]}]"#;
    for rows in [twice.to_owned(), twice.replacen("Desk", "Other", 1)] {
        let context = TestContext::msp();
        context.sim().faults().add(answer(ROLES, 200, &rows));
        let ran = context.run(&["revoke", "desk", "--from", "user:7", "-p"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(!holds(&context, "1", 7), "{}", ran.stdout);
        assert!(ran.stdout.starts_with("Revoked"), "{}", ran.stdout);
    }
}

/// Nobody is said to be missing, or to have no account, by a list with rows that may be it.
#[test]
fn what_is_not_found_beside_unreadable_rows_is_not_known() {
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
        shown.push(format!("$ {}\n{}", arguments.join(" "), context.shown(&ran)));
    }
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn an_account_of_which_sources_disagree_is_not_deleted() {
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
    for (what, user, rules, code) in cases {
        let context = TestContext::msp();
        for rule in rules {
            context.sim().faults().add(rule);
        }
        let before = context.sim().state();
        let account = format!("user:{user}");
        let ran = context.run(&["delete-account", &account, "-p"]);
        assert_eq!(ran.code, Some(code), "{what}: {}{}", ran.stdout, ran.stderr);
        assert!(writes(&context).is_empty(), "{what}");
        let flags = ["--delete-resource", user, "--delete-resource-type", "user"];
        assert_eq!(context.run(&flags).code, Some(code), "{what}");
        assert_eq!(context.sim().state(), before, "{what}");
        shown.push(format!("{what}\n{}", context.shown(&ran)));
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

#[test]
fn conductorone_is_not_told_that_a_grant_was_revoked_before() {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.behavior.writes.empty_role_answer = true;
    let mut served = Served::new(&config, C1SimConfig::default(), &["--provisioning"]);
    let rule = edit("GET", ROLES, Rows::Every, "members", To::Absent);
    served.context.sim().faults().add(rule);
    for (what, task) in [
        ("who holds it", revoke("role:1:assigned", "7")),
        ("who does not", revoke("role:1:assigned", "16")),
        (
            "who is to hold it",
            crate::support::service::grant("role:3:assigned", "16"),
        ),
        (
            "who holds it already",
            crate::support::service::grant("role:3:assigned", "14"),
        ),
    ] {
        let sent = writes(&served.context).len();
        let id = served.push(task);
        let finish = shown(&served.finished(&id));
        assert!(finish.contains("Grant"), "{what}: {finish}");
        assert!(!finish.contains("Already"), "{what}: {finish}");
        assert_eq!(writes(&served.context).len(), sent + 1, "{what}: it is asked for");
    }
    assert!(!holds(&served.context, "1", 7) && holds(&served.context, "3", 16));
    assert_eq!(served.stop(), Some(0));
}

fn struct_of(fields: &[(&str, Kind)]) -> Kind {
    Kind::StructValue(object(fields))
}

fn list_of(values: Vec<Kind>) -> Kind {
    Kind::ListValue(baton_proto::prost_types::ListValue {
        values: values
            .into_iter()
            .map(|kind| ProtoValue { kind: Some(kind) })
            .collect(),
    })
}

#[test]
fn actions_are_bound_to_no_resource_type_and_take_resources() {
    let mut served = Served::msp(&["--provisioning"]);
    let list = |resource_type: &str| {
        TaskType::ActionListSchemas(wire::ActionListSchemasTask {
            resource_type_id: resource_type.to_owned(),
            ..wire::ActionListSchemasTask::default()
        })
    };
    for (resource_type, actions) in [("", 1), ("role", 0), ("organization", 0), ("none", 0)] {
        let id = served.push(list(resource_type));
        let response: v2::ListActionSchemasResponse = served.finished(&id).response().unwrap().unwrap();
        assert_eq!(response.schemas.len(), actions, "{resource_type}");
    }
    let user = |resource_type: &str, id: &str| {
        struct_of(&[
            ("resource_type_id", text(resource_type)),
            ("resource_id", text(id)),
        ])
    };
    let arguments = |user: Kind| object(&[("user_id", user), ("full_portal_access", Kind::BoolValue(true))]);
    let of_type = |resource_type: &str| {
        let TaskType::ActionInvoke(task) = invoke("update-account", arguments(text("903"))) else {
            unreachable!()
        };
        TaskType::ActionInvoke(wire::ActionInvokeTask {
            resource_type_id: resource_type.to_owned(),
            ..task
        })
    };
    let invoked = |args: Struct| invoke("update-account", args);
    let mut told = Vec::new();
    for (what, task, sent) in [
        ("for roles", of_type("role"), 0),
        ("for what is unknown", of_type("none"), 0),
        ("a role", invoked(arguments(user("role", "903"))), 0),
        ("an unknown type", invoked(arguments(user("none", "903"))), 0),
        ("no id", invoked(arguments(user("user", ""))), 0),
        (
            "half a resource",
            invoked(arguments(struct_of(&[("resource_id", text("903"))]))),
            0,
        ),
        (
            "several",
            invoked(arguments(list_of(vec![user("user", "903")]))),
            0,
        ),
        (
            "a resource for a name",
            invoked(object(&[
                ("user_id", text("903")),
                ("first_name", user("user", "903")),
            ])),
            0,
        ),
        ("a user", invoked(arguments(user("user", "903"))), 1),
        (
            "other keys",
            invoked(arguments(struct_of(&[
                ("resource_type", text("user")),
                ("resource", text("904")),
            ]))),
            2,
        ),
        (
            "an organization",
            invoked(object(&[
                ("user_id", text("903")),
                ("organization_id", user("organization", "3")),
            ])),
            3,
        ),
        (
            "a user for an organization",
            invoked(object(&[
                ("user_id", text("903")),
                ("organization_id", user("user", "2")),
            ])),
            3,
        ),
    ] {
        let id = served.push(task);
        told.push(format!("{what:28} {}", shown(&served.finished(&id))));
        assert_eq!(writes(&served.context).len(), sent, "{what}");
    }
    assert_snapshot!(told.join("\n"));
    assert_eq!(
        served.context.sim().state()["users"]["903"]["organizationId"],
        json!(3)
    );
    assert_eq!(served.stop(), Some(0));
}

const HEAD: &str = "decision,reviewer,note,entitlement_id,principal_type,principal_id,principal_name,entitlement_name,tenant,sync_id";

fn sheet(context: &TestContext, rows: &[&str]) {
    let tenant = context.base_url.as_deref().unwrap();
    let rows: Vec<String> = rows.iter().map(|row| format!("{row},{tenant},3Mc\r\n")).collect();
    fs::write(context.path("review.csv"), format!("{HEAD}\r\n{}", rows.concat())).unwrap();
}

fn reviewed(context: &TestContext, arguments: &[&str]) -> Ran {
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
fn a_sheet_whose_names_contradict_its_ids_is_refused_whole() {
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
    assert_snapshot!(format!("{}{}", context.shown(&ran), ran.stdout));
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
fn a_review_does_not_take_silence_for_gone() {
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

const ROLE_FIELDS: [&str; 5] = ["id", "name", "type", "description", "members"];
const USER_FIELDS: [&str; 23] = [
    "id",
    "uid",
    "firstName",
    "lastName",
    "email",
    "phone",
    "enabled",
    "administrator",
    "permitAllClients",
    "notifyAllClients",
    "fullPortalAccess",
    "mustChangePw",
    "mfaConfigured",
    "scimUser",
    "authType",
    "userType",
    "invitationStatus",
    "organizationId",
    "roles",
    "deviceIds",
    "accessibleDeviceIds",
    "assignedDeviceIds",
    "new",
];

/// What a field is instead of what it should be.
fn instead() -> Vec<To> {
    let values = [
        json!(null),
        json!({}),
        json!([]),
        json!("x"),
        json!(1),
        json!(true),
        json!([7]),
        json!([{"userId": 7}]),
    ];
    std::iter::once(To::Absent).chain(values.map(To::Value)).collect()
}

struct Case {
    wish: Wish,
    rule: FaultRule,
    /// What is decided on is broken, so that nothing is known to be so already.
    is_unsaid: bool,
}

fn cases() -> Vec<Case> {
    let memberships = [
        (Wish::Grant(3, 16), 2),
        (Wish::Grant(1, 7), 0),
        (Wish::Revoke(1, 7), 0),
        (Wish::Revoke(3, 16), 2),
    ];
    let deletions = [
        (12, "/v2/user/technician/12", 6),
        (2, "/v2/user/technician/2", 0),
        (903, "/v2/user/end-user/903", 2),
    ];
    let mut cases = Vec::new();
    for to in instead() {
        for (wish, row) in &memberships {
            for field in ROLE_FIELDS {
                for rows in [Rows::Every, Rows::Nth(*row)] {
                    // An empty list says that nobody is in the role.
                    let says_none = field == "members" && to == To::Value(json!([]));
                    let is_same = field == "id" && to == To::Value(json!(1)) && *row == 0;
                    let is_unsaid = matches!(field, "id" | "members") && !says_none && !is_same;
                    if says_none && matches!(wish, Wish::Revoke(..)) {
                        continue;
                    }
                    cases.push(Case {
                        wish: wish.clone(),
                        rule: edit("GET", ROLES, rows, field, to.clone()),
                        is_unsaid,
                    });
                }
            }
        }
        for (user, path, row) in deletions {
            for field in USER_FIELDS {
                for (path, rows) in [
                    (path, Rows::Every),
                    (TECHNICIANS, Rows::Every),
                    (TECHNICIANS, Rows::Nth(row)),
                    (END_USERS, Rows::Nth(row)),
                    (USERS, Rows::Every),
                ] {
                    // A row alone matters where rows are told apart or somebody is an administrator.
                    let decides = matches!(field, "id" | "administrator" | "enabled" | "email" | "userType");
                    if rows != Rows::Every && !decides {
                        continue;
                    }
                    cases.push(Case {
                        wish: Wish::Delete(user),
                        rule: edit("GET", path, rows, field, to.clone()),
                        is_unsaid: true,
                    });
                }
            }
        }
    }
    cases
}

/// What is said is true, and "already" is said of nothing that is not said.
fn judge(
    case: &Case,
    ended: &Result<Outcome, ProvisioningError>,
    before: &Value,
    now: &Value,
) -> Result<(), String> {
    let Ok(outcome) = ended else {
        return if now == before {
            Ok(())
        } else {
            Err(format!("{ended:?}, and it is changed"))
        };
    };
    let wanted = wanted(before, &case.wish);
    if wanted.as_ref() != Some(now) {
        return Err(format!("{:?}, and it is not so", outcome.result));
    }
    match outcome.result {
        ChangeResult::AlreadyApplied if case.is_unsaid => Err("already, on silence".to_owned()),
        ChangeResult::AlreadyApplied if now != before => Err("already, and it is changed".to_owned()),
        _ => Ok(()),
    }
}

#[test]
fn nothing_is_already_so_whatever_field_is_not_said_or_not_readable() {
    let start = || Sim::start(&SimConfig::new(Tenant::fixture("msp").unwrap())).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let mut wrong = Vec::new();
    let mut sim = start();
    let mut tenant = provisioner(&sim, WritePolicy::Enabled);
    for case in cases() {
        let before = sim.state();
        sim.faults().add(case.rule.clone());
        let ended = runtime.block_on(make(&tenant, &change(&case.wish)));
        sim.faults().clear();
        let now = state(&sim, &before);
        if let Err(problem) = judge(&case, &ended, &before, &now) {
            wrong.push(format!("{:?} {:?}: {problem}", case.wish, case.rule.fault));
        }
        if now != before {
            sim = start();
            tenant = provisioner(&sim, WritePolicy::Enabled);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
