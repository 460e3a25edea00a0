//! Every field of roles and users, absent or of another type, for every change.

use std::collections::BTreeSet;

use access_core::provisioning::{ChangeResult, Outcome, ProvisioningError};
use ninjaone::WritePolicy;
use ninjaone_sim::{FaultRule, Rows, Sim, SimConfig, Tenant, To};
use serde_json::{Value, json};

use super::faults::{END_USERS, ROLES, TECHNICIANS, USERS, edit};
use crate::fault_injection::dto_keys;
use crate::provisioning_properties::{Request, change, expected_state, make, provisioner, state};

/// The fields of users in all three lists, and an unknown one.
fn user_fields() -> BTreeSet<&'static str> {
    let lists = ["User", "Technician", "EndUser"];
    let known = lists.into_iter().flat_map(dto_keys).copied();
    known.chain(["new"]).collect()
}

/// Replacements for a field's value.
fn replacements() -> Vec<To> {
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
    request: Request,
    rule: FaultRule,
    /// The deciding value is broken, so nothing may count as already applied.
    is_unknown: bool,
}

fn cases() -> Vec<Case> {
    let memberships = [
        (Request::Grant(3, 16), 2),
        (Request::Grant(1, 7), 0),
        (Request::Revoke(1, 7), 0),
        (Request::Revoke(3, 16), 2),
    ];
    let deletions = [
        (12, "/v2/user/technician/12", 6),
        (2, "/v2/user/technician/2", 0),
        (903, "/v2/user/end-user/903", 2),
    ];
    let mut cases = Vec::new();
    for to in replacements() {
        for (request, row) in &memberships {
            for &field in dto_keys("UserRole") {
                for rows in [Rows::Every, Rows::Nth(*row)] {
                    // An empty list means that nobody is in the role.
                    let is_empty_list = field == "members" && to == To::Value(json!([]));
                    let is_same = field == "id" && to == To::Value(json!(1)) && *row == 0;
                    let is_unknown = matches!(field, "id" | "members") && !is_empty_list && !is_same;
                    if is_empty_list && matches!(request, Request::Revoke(..)) {
                        continue;
                    }
                    cases.push(Case {
                        request: request.clone(),
                        rule: edit("GET", ROLES, rows, field, to.clone()),
                        is_unknown,
                    });
                }
            }
        }
        for (user, path, row) in deletions {
            for field in user_fields() {
                for (path, rows) in [
                    (path, Rows::Every),
                    (TECHNICIANS, Rows::Every),
                    (TECHNICIANS, Rows::Nth(row)),
                    (END_USERS, Rows::Nth(row)),
                    (USERS, Rows::Every),
                ] {
                    // A single row matters where rows are distinguished or somebody is an administrator.
                    let decides = matches!(field, "id" | "administrator" | "enabled" | "email" | "userType");
                    if rows != Rows::Every && !decides {
                        continue;
                    }
                    cases.push(Case {
                        request: Request::Delete(user),
                        rule: edit("GET", path, rows, field, to.clone()),
                        is_unknown: true,
                    });
                }
            }
        }
    }
    cases
}

/// The result must be true, and "already applied" must not follow from an unknown value.
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
    let expected_state = expected_state(before, &case.request);
    if expected_state.as_ref() != Some(now) {
        return Err(format!("{:?}, and it is not so", outcome.result));
    }
    match outcome.result {
        ChangeResult::AlreadyApplied if case.is_unknown => Err("already, on silence".to_owned()),
        ChangeResult::AlreadyApplied if now != before => Err("already, and it is changed".to_owned()),
        _ => Ok(()),
    }
}

#[test]
fn unknown_fields_never_count_as_already_applied() {
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
        let ended = runtime.block_on(make(&tenant, &change(&case.request)));
        sim.faults().clear();
        let now = state(&sim, &before);
        if let Err(problem) = judge(&case, &ended, &before, &now) {
            wrong.push(format!("{:?} {:?}: {problem}", case.request, case.rule.fault));
        }
        if now != before {
            sim = start();
            tenant = provisioner(&sim, WritePolicy::Enabled);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
