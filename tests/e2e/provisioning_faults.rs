//! Every change under every fault. Afterwards the tenant has the requested state, or it is unchanged and the
//! program reports that. No unneeded request is sent.

use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use insta::assert_snapshot;
use ninjaone_sim::{
    AppRegistration, Behavior, Fault, FaultRule, Repeated, Scopes, SimConfig, TechnicianWrites, Tenant,
    UnsupportedFields, When,
};
use serde_json::{Value, json};

use crate::harness::{RunOutput, TestContext, workspace};
use crate::provisioning::writes;

/// An unknown behavior of NinjaOne, and a possible setting of it.
type Position<T> = (&'static str, fn(&mut T));
/// Changes the members of a role.
type MemberChange = fn(&mut Vec<Value>);

/// A change, its request, and the expected state of the tenant.
struct Operation {
    name: &'static str,
    arguments: &'static [&'static str],
    method: &'static str,
    path: &'static str,
    /// Turns the state before into the expected state.
    expected: fn(&mut Value),
}

fn set_members(state: &mut Value, role: &str, change: impl FnOnce(&mut Vec<Value>)) {
    let mut list = state["roles"][role]["members"].as_array().unwrap().clone();
    change(&mut list);
    list.sort_by_key(Value::as_i64);
    state["roles"][role]["members"] = Value::Array(list);
}

const OPERATIONS: [Operation; 7] = [
    Operation {
        name: "grant",
        arguments: &[
            "--grant-entitlement",
            "role:3:assigned",
            "--grant-principal",
            "16",
            "--grant-principal-type",
            "user",
        ],
        method: "PATCH",
        path: "/v2/user/role/3/add-members",
        expected: |state| set_members(state, "3", |members| members.push(json!(16))),
    },
    Operation {
        name: "revoke",
        arguments: &["--revoke-grant", "role:1:assigned:user:7"],
        method: "PATCH",
        path: "/v2/user/role/1/remove-members",
        expected: |state| set_members(state, "1", |members| members.retain(|id| *id != json!(7))),
    },
    Operation {
        name: "create technician",
        arguments: &[
            "create-account",
            "--kind",
            "technician",
            "--first-name",
            "Nia",
            "--last-name",
            "Okoro",
            "--email",
            "nia@example.com",
            "--role",
            "role:4",
            "-p",
        ],
        method: "POST",
        path: "/v2/user/technicians",
        expected: |state| {
            state["users"]["4243"] = json!("Nia");
            set_members(state, "4", |members| members.push(json!(4243)));
        },
    },
    Operation {
        name: "create end user",
        arguments: &[
            "create-account",
            "--kind",
            "end-user",
            "--first-name",
            "Nia",
            "--last-name",
            "Okoro",
            "--email",
            "nia@example.net",
            "--organization",
            "2",
            "-p",
        ],
        method: "POST",
        path: "/v2/user/end-users",
        expected: |state| state["users"]["4243"] = json!("Nia"),
    },
    Operation {
        name: "update end user",
        arguments: &["update-account", "user:903", "--organization", "3", "-p"],
        method: "PATCH",
        path: "/v2/user/end-user/903",
        expected: |state| state["users"]["903"]["organizationId"] = json!(3),
    },
    Operation {
        name: "update technician",
        arguments: &["update-account", "user:7", "--first-name", "Adah", "-p"],
        method: "PATCH",
        path: "/v2/user/technician/7",
        expected: |state| state["users"]["7"]["firstName"] = json!("Adah"),
    },
    Operation {
        name: "delete",
        arguments: &["--delete-resource", "12", "--delete-resource-type", "user"],
        method: "DELETE",
        path: "/v2/user/technician/12",
        expected: |state| {
            state["users"].as_object_mut().unwrap().remove("12");
            set_members(state, "1", |members| members.retain(|id| *id != json!(12)));
        },
    },
];

/// The state, with new accounts by their first name alone.
fn state(context: &TestContext) -> Value {
    let mut state = context.sim().state();
    if let Some(created) = state["users"].get_mut("4243") {
        *created = created["firstName"].clone();
    }
    state
}

fn context(change: impl FnOnce(&mut SimConfig)) -> TestContext {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    change(&mut config);
    TestContext::with(&config)
}

impl Operation {
    fn expected(&self, before: &Value) -> Value {
        let mut expected = before.clone();
        (self.expected)(&mut expected);
        expected
    }

    fn strike(&self, context: &TestContext, when: When, fault: Fault) {
        context.sim().faults().add(FaultRule {
            method: Some(self.method.to_owned()),
            path: self.path.to_owned(),
            when,
            fault,
        });
    }

    fn run(&self, context: &TestContext) -> RunOutput {
        context.run(self.arguments)
    }

    /// How often this change was requested.
    fn sent(&self, context: &TestContext) -> usize {
        context.sim().ledger().count(self.method, self.path)
    }

    fn start(&self, context: &TestContext) -> Child {
        let mut command = context.command(self.arguments);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

#[test]
fn repeating_a_change_is_idempotent() {
    for operation in OPERATIONS {
        let context = TestContext::msp();
        let expected = operation.expected(&state(&context));
        for sent in [1, 1] {
            let ran = operation.run(&context);
            assert_eq!(ran.code, Some(0), "{}: {}", operation.name, ran.stderr);
            assert_eq!(state(&context), expected, "{}", operation.name);
            assert_eq!(operation.sent(&context), sent, "{}", operation.name);
        }
    }
}

#[test]
fn transient_faults_are_retried_without_extra_writes() {
    let faults = [
        (Fault::LostWrite(500), 1),
        (Fault::LostWrite(504), 1),
        (Fault::LostWrite(0), 1),
        (Fault::Status(503), 2),
        (Fault::Status(500), 2),
        (Fault::Html(200), 2),
        (Fault::Html(403), 2),
        (Fault::Empty(500), 2),
        (Fault::Drop, 2),
        (Fault::RateLimit(Some("0".to_owned())), 2),
        (Fault::RateLimit(None), 2),
        (Fault::RevokeTokens, 2),
    ];
    for operation in &OPERATIONS {
        for (fault, sent) in &faults {
            let what = format!("{} under {fault:?}", operation.name);
            let context = TestContext::msp();
            let expected = operation.expected(&state(&context));
            operation.strike(&context, When::First(1), fault.clone());
            let ran = operation.run(&context);
            assert_eq!(ran.code, Some(0), "{what}: {}", ran.stderr);
            assert_eq!(state(&context), expected, "{what}");
            assert_eq!(operation.sent(&context), *sent, "{what}");
            // A write whose answer is lost counts as done only because the tenant shows it.
            assert!(
                *sent > 1 || ran.stdout.contains("by reading back"),
                "{what}: {}",
                ran.stdout
            );
        }
    }
}

#[test]
fn permanent_faults_are_reported_and_change_nothing() {
    let faults = [
        (Fault::Status(503), 14, 3),
        (Fault::Drop, 14, 3),
        (Fault::Status(501), 12, 1),
        (Fault::Status(400), 3, 1),
        (Fault::Status(403), 7, 1),
        (Fault::MissingScope, 7, 1),
        (Fault::Redirect("https://elsewhere.example/".to_owned()), 9, 3),
        (Fault::RateLimit(Some("3600".to_owned())), 14, 1),
        (Fault::RevokeTokens, 16, 2),
    ];
    let mut shown = Vec::new();
    for operation in &OPERATIONS {
        for (fault, code, max_sent) in &faults {
            let what = format!("{} under {fault:?}", operation.name);
            let context = TestContext::msp();
            let before = state(&context);
            operation.strike(&context, When::Always, fault.clone());
            let ran = context.run(&[operation.arguments, &["--ninja-one-retry-seconds=1"]].concat());
            assert_eq!(ran.code, Some(*code), "{what}: {}", ran.stderr);
            assert_eq!(state(&context), before, "{what}");
            assert!(
                operation.sent(&context) <= *max_sent,
                "{what}: {}",
                operation.sent(&context)
            );
            if operation.name == "grant" {
                shown.push(format!("{what}\n{}", context.error_snapshot(&ran)));
            }
        }
    }
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn unknown_outcomes_are_reported_as_unknown() {
    let mut shown = Vec::new();
    for operation in &OPERATIONS {
        let context = TestContext::msp();
        let expected = operation.expected(&state(&context));
        operation.strike(&context, When::Always, Fault::LostWrite(0));
        // All reads that would show the effect fail after the write.
        let reads = if operation.name.starts_with("create") {
            "/v2/user/technicians"
        } else if operation.path.contains("/role/") {
            "/v2/user/roles"
        } else {
            operation.path
        };
        context.sim().faults().add(FaultRule {
            method: Some("GET".to_owned()),
            path: reads.to_owned(),
            when: When::After(1),
            fault: Fault::Status(503),
        });
        let ran = context.run(&[operation.arguments, &["--ninja-one-retry-seconds=0"]].concat());
        assert_eq!(ran.code, Some(14), "{}: {}", operation.name, ran.stderr);
        if !operation.name.starts_with("create technician") {
            assert_eq!(state(&context), expected, "{}", operation.name);
        }
        assert_eq!(operation.sent(&context), 1, "{}", operation.name);
        shown.push(context.error_snapshot(&ran));
        // The advice is followed.
        context.sim().faults().clear();
        let ran = operation.run(&context);
        assert_eq!(ran.code, Some(0), "{}: {}", operation.name, ran.stderr);
        assert_eq!(operation.sent(&context), 1, "{}", operation.name);
    }
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn every_write_behavior_is_handled() {
    let positions: [Position<Behavior>; 8] = [
        ("repeats are refused with 400", |behavior| {
            behavior.writes.repeated_membership = Repeated::Refused(400);
        }),
        ("repeats are refused with 404", |behavior| {
            behavior.writes.repeated_membership = Repeated::Refused(404);
        }),
        ("role answers are empty", |behavior| {
            behavior.writes.empty_role_answer = true;
        }),
        ("wrong kinds are not found", |behavior| {
            behavior.writes.wrong_kind_status = 404;
        }),
        ("addresses stay taken", |behavior| {
            behavior.writes.deleted_email_stays_taken = true;
        }),
        ("odd fields are refused", |behavior| {
            behavior.writes.unsupported_fields = UnsupportedFields::Refused;
        }),
        ("user lists are paged", |behavior| {
            behavior.reads.paged_user_lists = true;
        }),
        ("roles are listed with users", |behavior| {
            behavior.reads.roles_key = ninjaone_sim::RolesKey::Null;
        }),
    ];
    for operation in &OPERATIONS {
        for (position, change) in positions {
            let what = format!("{} where {position}", operation.name);
            let context = context(|config| change(&mut config.behavior));
            let expected = operation.expected(&state(&context));
            for _ in 0..2 {
                let ran = operation.run(&context);
                assert_eq!(ran.code, Some(0), "{what}: {}", ran.stderr);
                assert_eq!(state(&context), expected, "{what}");
                assert_eq!(operation.sent(&context), 1, "{what}");
            }
        }
    }
}

#[test]
fn two_changes_at_once() {
    for operation in &OPERATIONS {
        for position in [
            Repeated::Unchanged,
            Repeated::Refused(400),
            Repeated::Refused(404),
        ] {
            let context = context(|config| config.behavior.writes.repeated_membership = position);
            let expected = operation.expected(&state(&context));
            let both = [operation.start(&context), operation.start(&context)];
            for child in both {
                let output = child.wait_with_output().unwrap();
                let stderr = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), Some(0), "{}: {stderr}", operation.name);
            }
            assert_eq!(state(&context), expected, "{}", operation.name);
        }
    }
}

#[test]
fn missing_permissions_are_named() {
    let monitoring = |config: &mut SimConfig| {
        config.app = AppRegistration {
            scopes: Scopes::parse("monitoring"),
            ..AppRegistration::default()
        };
    };
    let positions: [Position<SimConfig>; 4] = [
        ("monitoring only", monitoring),
        ("role changes need control", |config| {
            config.behavior.authorization.role_changes_need_control = true;
        }),
        ("technicians need a user", |config| {
            config.behavior.authorization.technician_writes = TechnicianWrites::UserContextRequired;
        }),
        ("technicians need an administrator", |config| {
            config.behavior.authorization.technician_writes = TechnicianWrites::SystemAdministratorRequired;
        }),
    ];
    let mut shown = Vec::new();
    for (position, change) in positions {
        for operation in &OPERATIONS {
            let context = context(change);
            let before = state(&context);
            let ran = operation.run(&context);
            let created = operation.name == "create technician" && position == "role changes need control";
            if ran.code == Some(0) {
                continue;
            }
            assert_eq!(ran.code, Some(7), "{position}: {}", ran.stderr);
            if !created {
                assert_eq!(state(&context), before, "{position}: {}", operation.name);
                assert_eq!(writes(&context).len(), 1, "{position}: {}", operation.name);
            }
            shown.push(format!(
                "{}, {position}\n{}",
                operation.name,
                context.error_snapshot(&ran)
            ));
        }
    }
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn protected_accounts_are_not_deleted() {
    let mut shown = Vec::new();
    for status in [400, 403] {
        let context = context(|config| config.behavior.writes.protected_delete_status = Some(status));
        let before = state(&context);
        let ran = context.run(&["delete-account", "user:14", "-p"]);
        assert_eq!(state(&context), before);
        shown.push(context.error_snapshot(&ran));
    }
    assert_snapshot!(shown.join("\n"));
    let context = TestContext::msp();
    assert_eq!(
        context
            .run(&["delete-account", "user:2", "-p", "--allow-admin-delete"])
            .code,
        Some(0)
    );
    assert!(context.sim().state()["users"].get("2").is_none());
}

#[test]
fn unknown_members_do_not_break_a_change() {
    let context = context(|config| config.behavior.writes.ghost_members = true);
    assert_eq!(context.run(&["delete-account", "user:12", "-p"]).code, Some(0));
    assert!(context.sim().state()["users"].get("12").is_none());
    assert_eq!(
        context.run(&["--revoke-grant", "role:1:assigned:user:12"]).code,
        Some(0)
    );
    assert!(
        !context.sim().state()["roles"]["1"]["members"]
            .as_array()
            .unwrap()
            .contains(&json!(12))
    );
}

#[test]
fn a_role_renamed_during_a_change_is_found_by_id() {
    let context = TestContext::msp();
    context.sim().faults().add(FaultRule {
        method: Some("GET".to_owned()),
        path: "/v2/user/technician/16".to_owned(),
        when: When::Always,
        fault: Fault::SlowBody {
            first: Duration::from_millis(500),
            pause: Duration::ZERO,
            piece: 4096,
        },
    });
    let mut command = context.command(&["grant", "Network Engineering", "--to", "user:16", "-p"]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while context.sim().ledger().count("GET", "/v2/user/technician/16") == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    context.sim().rename_role(3, "Network Operations");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(
        stdout.contains(
            "role:3 was called Network Engineering when the change was planned, and is Network Operations now"
        ),
        "{stdout}"
    );
    assert!(
        context.sim().state()["roles"]["3"]["members"]
            .as_array()
            .unwrap()
            .contains(&json!(16))
    );
}

#[test]
fn a_role_with_5000_members_keeps_all_others() {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(workspace().join("fixtures/msp")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let ids = 10_000..15_000;
    let edit = |file: &str, change: &dyn Fn(&mut Vec<Value>)| {
        let path = folder.path().join(file);
        let mut rows: Vec<Value> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut rows);
        fs::write(&path, serde_json::to_vec(&rows).unwrap()).unwrap();
    };
    edit("end-users.json", &|rows| {
        rows.extend(ids.clone().map(|id| json!({ "id": id, "firstName": "N", "lastName": "N", "email": format!("n{id}@example.net"), "enabled": true })));
    });
    edit("roles.json", &|rows| {
        let crowd: Vec<Value> = ids.clone().map(|id| json!({ "id": id })).collect();
        rows.push(json!({ "id": 50, "name": "Everybody", "type": "END_USER", "members": crowd }));
    });
    let context = TestContext::with(&SimConfig::new(Tenant::folder(folder.path()).unwrap()));
    let before = state(&context);
    let steps: [(&[&str], MemberChange); 3] = [
        (&["grant", "Everybody", "--to", "user:901", "-p"], |members| {
            members.push(json!(901));
        }),
        (
            &["revoke", "Everybody", "--from", "user:12345", "-p"],
            |members| members.retain(|id| *id != json!(12_345)),
        ),
        (&["revoke", "Everybody", "--from", "user:901", "-p"], |members| {
            members.retain(|id| *id != json!(901));
        }),
    ];
    let mut expected = before;
    for (arguments, change) in steps {
        let ran = context.run(arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        set_members(&mut expected, "50", change);
        assert!(state(&context) == expected, "another member was touched");
    }
    assert_eq!(writes(&context).len(), 3);
    assert!(
        writes(&context).iter().all(|(_, body)| body.len() < 16),
        "a body names others"
    );
}
