//! Lists that are missing, empty, cut short, doubled, or contradict each other.

use std::collections::BTreeSet;

use access_core::model::SyncScope;
use access_core::sync::{ShrinkGuard, SyncError};
use ninjaone_sim::{Fault, FaultRule, FaultSchedule, Reshape, Rows, Tenant, To, When};
use serde_json::{Value, json};

use super::sync::{config, edit, incomplete_types, sync, unreported_loss};
use super::{END_USERS, ORGANIZATIONS, ROLES, TECHNICIANS, USERS};
use crate::fixture;
use crate::tenant::{TestTenant, json_response};

fn roles(body: &Value) -> Vec<(&'static str, Fault)> {
    vec![(ROLES, json_response(body.to_string()))]
}

/// Missing data that is never normal makes even a first sync incomplete.
#[test]
fn first_sync_with_implausible_gaps_is_incomplete() {
    let tenant = Tenant::fixture("msp").unwrap();
    let role = |members: Value| json!([{"id": 1, "name": "R", "type": "TECHNICIAN", "members": members}]);
    let cases = [
        (
            "a role without the key",
            json!([{"id": 1, "name": "R", "type": "TECHNICIAN"}]),
        ),
        ("null", role(json!(null))),
        ("an object", role(json!({}))),
        ("a text", role(json!("x"))),
        ("bare ids", role(json!([7]))),
        ("another key", role(json!([{"userId": 7}]))),
        ("no role", json!([])),
    ];
    for (name, body) in cases {
        let synced = sync(
            &TestTenant::new(&config(&tenant, roles(&body))),
            None,
            ShrinkGuard::default(),
        );
        assert_eq!(incomplete_types(&synced), ["role".to_owned()].into(), "{name}");
    }
    for to in [To::Absent, To::Value(json!(null))] {
        let faults = [TECHNICIANS, USERS].map(|list| (list, edit(Rows::Every, "/administrator", to.clone())));
        let synced = sync(
            &TestTenant::new(&config(&tenant, faults.into())),
            None,
            ShrinkGuard::default(),
        );
        assert_eq!(incomplete_types(&synced), ["tenant".to_owned()].into());
    }
    let faults = [TECHNICIANS, USERS].map(|list| {
        (
            list,
            edit(Rows::Every, "/administrator", To::Value(json!("true"))),
        )
    });
    let synced = sync(
        &TestTenant::new(&config(&tenant, faults.into())),
        None,
        ShrinkGuard::default(),
    );
    let error = synced.outcome.unwrap_err();
    assert!(error.to_string().contains("System Administrators"), "{error}");
}

/// An empty list of roles is stated, so the guard decides, by ids.
#[test]
fn guard_holds_back_an_empty_list_of_roles() {
    let tenant = Tenant::fixture("msp").unwrap();
    let before = sync(&TestTenant::healthy(), None, ShrinkGuard::default()).ids;
    let test_tenant = TestTenant::new(&config(&tenant, roles(&json!([]))));
    let error = sync(&test_tenant, before, ShrinkGuard::default())
        .outcome
        .unwrap_err();
    assert!(matches!(error, SyncError::Shrunk { .. }), "{error}");
}

#[test]
fn technicians_missing_from_users_make_tenant_incomplete() {
    let tenant = Tenant::fixture("msp").unwrap();
    let end_users: Vec<Value> = fixture::rows("end-users.json")
        .into_iter()
        .map(|mut row| {
            row["userType"] = json!("END_USER");
            row
        })
        .collect();
    let test_tenant = TestTenant::new(&config(
        &tenant,
        vec![(USERS, json_response(json!(end_users).to_string()))],
    ));
    let synced = sync(&test_tenant, None, ShrinkGuard::default());
    assert!(incomplete_types(&synced).contains("tenant"));
    let warnings = &synced.outcome.as_ref().unwrap().warnings;
    assert!(
        warnings
            .iter()
            .any(|warning| warning.code == "contradicting_lists"),
        "{warnings:?}"
    );
}

#[test]
fn truncated_organization_list_is_incomplete() {
    let tenant = Tenant::fixture("msp").unwrap();
    let page: Vec<Value> = (1..=1000)
        .map(|id| json!({"id": id, "name": format!("O{id}")}))
        .collect();
    let mut config = config(
        &tenant,
        vec![(
            END_USERS,
            edit(Rows::Nth(0), "/organizationId", To::Value(json!(1001))),
        )],
    );
    config.faults = FaultSchedule::new(
        [
            (
                ORGANIZATIONS,
                When::First(1),
                json_response(json!(page).to_string()),
            ),
            (ORGANIZATIONS, When::After(1), Fault::EmptyList),
            (
                USERS,
                When::Always,
                edit(Rows::Every, "/organizationId", To::Value(json!(1001))),
            ),
        ]
        .map(|(path, when, fault)| FaultRule {
            method: None,
            path: path.to_owned(),
            when,
            fault,
        }),
    );
    let synced = sync(&TestTenant::new(&config), None, ShrinkGuard::default());
    assert!(incomplete_types(&synced).contains("organization"));
}

#[test]
fn end_user_is_member_of_several_organizations() {
    let both = To::Value(json!([2, 3]));
    let fault = || edit(Rows::Every, "/organizationId", both.clone());
    let test_tenant =
        TestTenant::with_faults([(END_USERS, When::Always, fault()), (USERS, When::Always, fault())]);
    let output = test_tenant.read_all();
    for organization in [2, 3] {
        let member = (format!("organization:{organization}:member"), "901".to_owned());
        assert!(output.grant_set().contains(&member), "{organization}");
    }
}

#[test]
fn two_users_with_one_id_make_types_incomplete() {
    let id = fixture::rows("technicians.json")[0]["id"].clone();
    let test_tenant =
        TestTenant::with_fault(END_USERS, When::Always, edit(Rows::Nth(0), "/id", To::Value(id)));
    let output = test_tenant.read_all();
    for resource_type in ["user", "tenant", "organization", "role", "device"] {
        let named = output.reasons.iter().any(|reason| {
            reason.starts_with(&format!("{resource_type}:")) && reason.contains("somebody else")
        });
        assert!(named, "{resource_type}: {:?}", output.reasons);
    }
}

#[test]
fn contradicting_lists_keep_access_visible() {
    let test_tenant = TestTenant::with_fault(
        USERS,
        When::Always,
        edit(Rows::Every, "/administrator", To::Value(json!(false))),
    );
    let all = TestTenant::healthy().read_all();
    let output = test_tenant.read_all();
    let administrators = |output: &crate::tenant::SourceOutput| -> BTreeSet<String> {
        let grants = output.grants.iter();
        grants
            .filter(|(entitlement, _)| entitlement == "tenant:ninja-one:system-administrator")
            .map(|(_, user)| user.clone())
            .collect()
    };
    assert_eq!(administrators(&output), administrators(&all));
    assert!(
        output
            .remarks
            .iter()
            .any(|remark| remark.starts_with("contradicting_lists")),
        "{:?}",
        output.remarks
    );
}

/// The devices of technicians are only in their own list.
#[test]
fn unreadable_devices_matter_only_if_devices_are_read() {
    for list in [TECHNICIANS, END_USERS] {
        let fault = edit(Rows::Nth(0), "/assignedDeviceIds", To::Value(json!("x")));
        let test_tenant = TestTenant::with_fault(list, When::Always, fault);
        let reason = format!("device: assignedDeviceIds cannot be read in 1 row of {list}, e.g. ");
        let output = test_tenant.read_all();
        let [found] = output.reasons.as_slice() else {
            panic!("{:?}", output.reasons);
        };
        assert!(found.starts_with(&reason), "{found}");
        let output = test_tenant.read(false, &SyncScope::default());
        assert_eq!(output.reasons, [""; 0]);
    }
}

#[test]
fn doubled_lists_lose_nothing() {
    let tenant = Tenant::fixture("msp").unwrap();
    let before = sync(&TestTenant::healthy(), None, ShrinkGuard::off()).ids;
    for list in [TECHNICIANS, END_USERS, USERS, ROLES] {
        let test_tenant = TestTenant::new(&config(&tenant, vec![(list, Fault::Reshape(Reshape::Doubled))]));
        let synced = sync(&test_tenant, before.clone(), ShrinkGuard::off());
        assert_eq!(unreported_loss(&synced), None, "{list}");
        assert_eq!(incomplete_types(&synced), BTreeSet::new(), "{list}");
    }
}
