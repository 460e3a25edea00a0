//! Changes to a tenant whose objects have broken fields: in the state read before a change, in its answer, and in
//! the state read after it. The report is true nevertheless, and no other account or role is touched.

use access_core::Diagnostic;
use access_core::provisioning::{ChangeExtent, ChangeResult, Outcome, ProvisioningError};
use ninjaone::{NinjaOneProvisioner, WritePolicy};
use ninjaone_sim::{Edit, Fault, FaultRule, Rows, Sim, When};
use serde_json::Value;

use super::fields::{dto_keys, replacements};
use super::in_process_run::{Stage, client, config, runtime};
use super::model::{END_USERS, ROLES, TECHNICIANS, USERS};
use super::sweep::{Picks, exhaustive, seed, sweep};
use crate::provisioning_properties::{Request, change, expected_state, make, state};

/// A change, its request, and the read state: method, path, object and its row in a list.
struct Operation {
    request: Request,
    method: &'static str,
    path: &'static str,
    looks_at: &'static [(&'static str, &'static str, &'static str, usize)],
}

const NEW: &str = "new@example.com";
const KNOWN: &str = "ada.nystrom@example.com";

fn operations() -> [Operation; 7] {
    let operation = |request, method, path, looks_at| Operation {
        request,
        method,
        path,
        looks_at,
    };
    let lists: &[_] = &[
        ("GET", TECHNICIANS, "Technician", 2),
        ("GET", END_USERS, "EndUser", 2),
        ("GET", USERS, "User", 2),
        ("POST", TECHNICIANS, "Technician", 0),
    ];
    let end_users: &[_] = &[
        ("GET", TECHNICIANS, "Technician", 2),
        ("GET", END_USERS, "EndUser", 2),
        ("GET", USERS, "User", 2),
        ("POST", END_USERS, "EndUser", 0),
    ];
    [
        operation(
            Request::Grant(3, 16),
            "PATCH",
            "/v2/user/role/3/add-members",
            &[
                ("GET", ROLES, "UserRole", 2),
                ("GET", "/v2/user/technician/16", "Technician", 0),
                ("PATCH", "/v2/user/role/3/add-members", "UserRole", 0),
            ],
        ),
        operation(
            Request::Revoke(1, 7),
            "PATCH",
            "/v2/user/role/1/remove-members",
            &[
                ("GET", ROLES, "UserRole", 0),
                ("GET", "/v2/user/technician/7", "Technician", 0),
                ("PATCH", "/v2/user/role/1/remove-members", "UserRole", 0),
            ],
        ),
        operation(Request::Create(true, NEW), "POST", TECHNICIANS, lists),
        operation(Request::Create(true, KNOWN), "POST", TECHNICIANS, lists),
        operation(Request::Create(false, NEW), "POST", END_USERS, end_users),
        operation(
            Request::Delete(12),
            "DELETE",
            "/v2/user/technician/12",
            &[
                ("GET", "/v2/user/technician/12", "Technician", 0),
                ("GET", TECHNICIANS, "Technician", 6),
                ("GET", USERS, "User", 6),
            ],
        ),
        operation(
            Request::Delete(2),
            "DELETE",
            "/v2/user/technician/2",
            &[
                ("GET", "/v2/user/technician/2", "Technician", 0),
                ("GET", TECHNICIANS, "Technician", 0),
                ("GET", USERS, "User", 0),
            ],
        ),
    ]
}

struct Case {
    operation: usize,
    rule: FaultRule,
}

fn cases(picks: &mut Picks) -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    for (number, operation) in operations().iter().enumerate() {
        for (method, path, object, row) in operation.looks_at {
            // The empty key is the row itself.
            for key in dto_keys(object).iter().chain(&[""]) {
                for (word, to) in replacements() {
                    // An empty list of members means none; a missing list means unknown.
                    if *key == "members" && word == "empty list" {
                        continue;
                    }
                    for rows in [Rows::Every, Rows::Nth(*row)] {
                        let edit = Edit {
                            list: "",
                            rows,
                            field: if key.is_empty() {
                                String::new()
                            } else {
                                format!("/{key}")
                            },
                            to: to.clone(),
                        };
                        let rule = FaultRule {
                            method: Some((*method).to_owned()),
                            path: (*path).to_owned(),
                            when: When::Always,
                            fault: Fault::Edit(edit),
                        };
                        let name = format!(
                            "{:?}: {method} {path} {key} is {word} in {rows:?}",
                            operation.request
                        );
                        cases.push((
                            name,
                            Case {
                                operation: number,
                                rule,
                            },
                        ));
                    }
                }
            }
        }
    }
    let expected_state = if exhaustive() { usize::MAX } else { 250 };
    while cases.len() > expected_state {
        cases.swap_remove(picks.below(cases.len()));
    }
    cases
}

fn changed(case: &Case) -> Result<String, String> {
    let operation = &operations()[case.operation];
    let stage = Stage::default();
    let sim = Sim::start(&config(&stage, std::slice::from_ref(&case.rule))).unwrap();
    let tenant = NinjaOneProvisioner::new(client(&sim.base_url(), stage.timeout, WritePolicy::Enabled));
    let before = sim.state();
    let expected_state = expected_state(&before, &operation.request);
    let runtime = runtime();
    let ended = runtime.block_on(make(&tenant, &change(&operation.request)));
    runtime.shutdown_background();
    let now = state(&sim, &before);
    let writes: Vec<(String, String)> = sim
        .ledger()
        .calls()
        .into_iter()
        .filter(|call| call.method != "GET" && !call.path.ends_with("/oauth/token"))
        .map(|call| (call.method, call.path))
        .collect();
    let own = (operation.method.to_owned(), operation.path.to_owned());
    if writes.iter().any(|write| *write != own) || writes.len() > 3 {
        return Err(format!("sent {writes:?}"));
    }
    if now != before && Some(&now) != expected_state.as_ref() {
        return Err("the tenant is neither as it was nor as it should be".to_owned());
    }
    // A fault in a state that is not read again, or only after a write, may have no effect.
    let struck = if sim.faults().unfired().is_empty() {
        ""
    } else {
        ", not looked at"
    };
    let verdict = judge(&ended, &before, &now, expected_state.as_ref(), &sim.base_url())?;
    Ok(format!("{verdict}{struck}"))
}

fn judge(
    ended: &Result<Outcome, ProvisioningError>,
    before: &Value,
    now: &Value,
    expected_state: Option<&Value>,
    base_url: &str,
) -> Result<String, String> {
    match ended {
        Ok(outcome) if Some(now) != expected_state => {
            Err(format!("it is told to be done: {:?}", outcome.result))
        }
        Ok(outcome) if outcome.result == ChangeResult::AlreadyApplied && now != before => {
            Err("it was changed".to_owned())
        }
        Ok(_) => Ok("done".to_owned()),
        Err(error) => {
            let text = error.to_string();
            // Names are in it as they are; the console makes their control characters visible.
            let short = !text.contains('\n') && text.len() < 3000;
            let extent = error.extent();
            match extent {
                ChangeExtent::Nothing if now != before => {
                    Err(format!("it is told that nothing was done: {text}"))
                }
                ChangeExtent::Part | ChangeExtent::All => Err(format!("{extent:?}: {text}")),
                _ if !short => Err(format!("no short line: {text}")),
                _ if error.status().number() == 15 && !access_core::error_chain(error).contains(base_url) => {
                    Err(format!("it does not say where: {text}"))
                }
                _ => Ok(format!("failed with {}", error.status().number())),
            }
        }
    }
}

#[test]
fn change_reports_are_true_whatever_field_is_broken() {
    let cases = cases(&mut Picks::new(seed().wrapping_add(3)));
    let test = "fault_injection::changes::change_reports_are_true_whatever_field_is_broken";
    sweep(test, &cases, || (), |(), case| changed(case));
}
