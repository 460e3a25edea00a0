//! Faults that make values unknown, and the tenant they are used with.

use ninjaone_sim::{Edit, Fault, FaultRule, Rows, SimConfig, Tenant, To, When};
use serde_json::json;

use crate::harness::TestContext;

pub(super) const ROLES: &str = "/v2/user/roles";

pub(super) const TECHNICIANS: &str = "/v2/user/technicians";

pub(super) const END_USERS: &str = "/v2/user/end-users";

pub(super) const USERS: &str = "/v2/users";

pub(super) fn edit(method: &str, path: &str, rows: Rows, field: &str, to: To) -> FaultRule {
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

pub(super) fn answer(path: &str, status: u16, body: &str) -> FaultRule {
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

/// A tenant whose list shows these `members` for role 1, held by user 7; with or without an answer to writes.
pub(super) fn tenant(members: &To, answers: bool) -> TestContext {
    let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
    config.behavior.writes.empty_role_answer = !answers;
    let context = TestContext::with(&config);
    let rule = edit("GET", ROLES, Rows::Nth(0), "members", members.clone());
    context.sim().faults().add(rule);
    context
}

pub(super) fn holds(context: &TestContext, role: &str, user: u64) -> bool {
    let state = context.sim().state();
    state["roles"][role]["members"]
        .as_array()
        .unwrap()
        .contains(&json!(user))
}
