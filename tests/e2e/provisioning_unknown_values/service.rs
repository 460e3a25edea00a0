//! Unknown values in tasks of ConductorOne, and actions that take resources.

use baton_proto::connector_v2 as v2;
use baton_proto::connectorapi_baton_v1::task::{self as wire, TaskType};
use baton_proto::prost_types::value::Kind;
use baton_proto::prost_types::{Struct, Value as ProtoValue};
use c1_sim::C1SimConfig;
use insta::assert_snapshot;
use ninjaone_sim::{Fault, FaultRule, Rows, SimConfig, Tenant, To, When};
use serde_json::json;

use super::faults::{ROLES, edit, holds};
use crate::provisioning::writes;

use crate::support::service::{Served, contradicting_revoke, invoke, object, render_finish, revoke, text};

#[test]
fn unknown_grants_are_never_reported_as_already_revoked() {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.behavior.writes.empty_role_answer = true;
    let mut served = Served::new(&config, C1SimConfig::default(), &["--provisioning"]);
    let rule = edit("GET", ROLES, Rows::Every, "members", To::Absent);
    served.context.sim().faults().add(rule);
    for (case, task) in [
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
        let finish = render_finish(&served.finished(&id));
        assert!(finish.contains("Grant"), "{case}: {finish}");
        assert!(!finish.contains("Already"), "{case}: {finish}");
        assert_eq!(writes(&served.context).len(), sent + 1, "{case}: it is asked for");
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
fn actions_need_no_resource_type_and_accept_resources() {
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
    let mut finishes = Vec::new();
    for (case, task, sent) in [
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
        finishes.push(format!("{case:28} {}", render_finish(&served.finished(&id))));
        assert_eq!(writes(&served.context).len(), sent, "{case}");
    }
    assert_snapshot!(finishes.join("\n"));
    assert_eq!(
        served.context.sim().state()["users"]["903"]["organizationId"],
        json!(3)
    );
    assert_eq!(served.stop(), Some(0));
}

/// A task that names two different grants must not end one of them.
#[test]
fn contradicting_tasks_change_nothing() {
    let config = SimConfig::new(Tenant::fixture("msp").unwrap());
    let mut served = Served::new(&config, C1SimConfig::default(), &["--provisioning"]);
    let other_resource = contradicting_revoke("role:1:assigned", "7", "role:3:assigned", "");
    let other_grant = contradicting_revoke(
        "role:1:assigned",
        "7",
        "role:1:assigned",
        "role:1:assigned:user:8",
    );
    for task in [other_resource, other_grant] {
        let id = served.push(task);
        let finish = render_finish(&served.finished(&id));
        assert!(
            finish.contains("InvalidArgument") && finish.contains("contradicts itself"),
            "{finish}"
        );
    }
    assert!(writes(&served.context).is_empty());
    assert!(holds(&served.context, "1", 7));
    assert_eq!(served.stop(), Some(0));
}

/// A change that the shutdown cuts off leaves both of its lines in the audit log, and ConductorOne may give it out again.
#[test]
fn a_change_that_is_cut_off_by_the_shutdown_is_unknown() {
    let config = SimConfig::new(Tenant::fixture("msp").unwrap());
    let arguments = [
        "--provisioning",
        "--audit-log",
        "audit.jsonl",
        "--shutdown-grace-seconds",
        "1",
    ];
    let mut served = Served::new(&config, C1SimConfig::default(), &arguments);
    let never = std::time::Duration::from_mins(10);
    served.context.sim().faults().add(FaultRule {
        method: Some("PATCH".to_owned()),
        path: "/v2/user/role/*".to_owned(),
        when: When::Always,
        fault: Fault::SlowBody {
            first: never,
            pause: never,
            piece: 1,
        },
    });
    let id = served.push(revoke("role:1:assigned", "7"));
    while writes(&served.context).is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    served.signal(rustix::process::Signal::TERM);
    let finish = render_finish(&served.finished(&id));
    assert!(
        finish.contains("Cancelled") && finish.contains("the outcome is unknown"),
        "{finish}"
    );
    assert_eq!(served.ended(), Some(0));
    let log = std::fs::read_to_string(served.context.path("audit.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let events: Vec<_> = lines.iter().map(|line| &line["event"]).collect();
    assert_eq!(events, ["started", "finished"]);
    assert_eq!(lines[1]["result"]["outcome"], "unknown");
}
