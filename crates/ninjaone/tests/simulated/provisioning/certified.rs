//! Only what the tenant itself says certifies a change: not a proxy, not an id that nothing confirms, not one of two contradictory
//! rows.

use access_core::ports::{Provisioner, WriteEffect};
use access_core::provisioning::{Selector, Step};
use ninjaone::TECHNICIAN;
use ninjaone_sim::{Fault, FaultRule, When};
use serde_json::json;

use super::id;
use super::steps::{membership, new_account};
use crate::tenant::{TestTenant, json_response, resource_id};

fn json_error(status: u16, body: &str) -> Fault {
    Fault::Answer {
        status,
        content_type: "application/json",
        body: body.as_bytes().to_vec(),
    }
}

/// Responses that do not come from NinjaOne.
fn proxy_responses() -> [Fault; 4] {
    [
        Fault::Html(404),
        Fault::Empty(404),
        json_error(404, r#"{"message":"not found"}"#),
        json_error(400, r#"{"message":"Bad Request"}"#),
    ]
}

#[test]
fn a_proxy_does_not_certify_that_an_account_is_missing() {
    for (account, listed) in [("901", true), ("4242", false)] {
        for fault in proxy_responses() {
            let shown = format!("{fault:?}");
            let test_tenant = TestTenant::with_fault("/v2/user/end-user/*", When::Always, fault);
            let found = test_tenant.block_on(test_tenant.provisioner().account(&id(account)));
            match found {
                Ok(found) => assert!(!listed && found.is_none(), "{account} {shown}: {found:?}"),
                Err(error) => {
                    assert!(
                        listed && error.to_string().contains("the lookup by id does not find"),
                        "{account} {shown}: {error}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_proxy_does_not_certify_that_a_role_is_missing() {
    let effect = |fault: Fault| {
        let test_tenant = TestTenant::with_fault("/v2/user/role/*", When::Always, fault);
        let step = Step::RemoveMember(membership(&resource_id("role", "1"), "14"));
        let failure = test_tenant.block_on(test_tenant.provisioner().apply(&step));
        failure.unwrap_err().effect
    };
    for fault in proxy_responses().into_iter().take(3) {
        let shown = format!("{fault:?}");
        assert_eq!(effect(fault), WriteEffect::Unknown, "{shown}");
    }
    assert_eq!(effect(Fault::MissingEndpoint), WriteEffect::Rejected);
}

#[test]
fn a_refusal_with_a_success_status_is_not_accepted() {
    for body in [
        r#"{"errorMessage":"no"}"#,
        r#"{"message":"Operation failed"}"#,
        r#""Access denied""#,
        r#"{"resultCode":"FAILURE"}"#,
    ] {
        let test_tenant = TestTenant::with_fault("/v2/user/role/*", When::Always, json_error(200, body));
        let step = Step::AddMember(membership(&resource_id("role", "1"), "14"));
        let failure = test_tenant.block_on(test_tenant.provisioner().apply(&step));
        assert_eq!(failure.unwrap_err().effect, WriteEffect::Unknown, "{body}");
    }
}

/// The response to a creation names an account that somebody else has.
#[test]
fn the_id_of_a_new_account_is_confirmed() {
    let test_tenant = TestTenant::healthy();
    test_tenant.sim.faults().add(FaultRule {
        method: Some("POST".to_owned()),
        path: "/v2/user/technicians".to_owned(),
        when: When::Always,
        fault: json_response(r#"{"id":3,"email":"nora.ek@example.com","userType":"TECHNICIAN"}"#),
    });
    let step = new_account(TECHNICIAN, "nora.ek@example.com", &[]);
    let applied = test_tenant
        .block_on(test_tenant.provisioner().apply(&step))
        .unwrap();
    assert_eq!(applied.seen, None);
}

#[test]
fn rows_with_one_id_and_different_names_are_refused() {
    let row = |name: &str, kind: &str| json!({"id": 1, "name": name, "type": kind, "members": [{"id": 3}]});
    let roles = |rows: serde_json::Value, selector: Selector| {
        let fault = json_response(rows.to_string());
        let test_tenant = TestTenant::with_fault("/v2/user/roles", When::Always, fault);
        let roles = test_tenant.block_on(test_tenant.provisioner().roles(&selector));
        roles.map(|roles| roles.len()).map_err(|error| error.to_string())
    };
    let [desk, other, end_users] = [
        row("Desk", "TECHNICIAN"),
        row("Other", "TECHNICIAN"),
        row("Desk", "END_USER"),
    ];
    for selector in [Selector::Id(id("1")), Selector::Text("Desk".to_owned())] {
        for second in [&other, &end_users] {
            let error = roles(json!([desk, second]), selector.clone()).unwrap_err();
            assert!(error.contains("with different names or types"), "{error}");
        }
        let silent = json!({"id": 1, "members": [{"id": 3}]});
        assert_eq!(roles(json!([desk, desk, silent]), selector), Ok(1));
    }
    let organizations = |rows: serde_json::Value, selector: Selector| {
        let page = json_response(rows.to_string());
        let test_tenant = TestTenant::with_fault("/v2/organizations", When::First(1), page);
        let found = test_tenant.block_on(test_tenant.provisioner().organizations(&selector));
        found.map(|found| found.len()).map_err(|error| error.to_string())
    };
    let [bakery, harbour] = ["Bakery", "Harbour"].map(|name| json!({"id": 77, "name": name}));
    for selector in [Selector::Id(id("77")), Selector::Text("Bakery".to_owned())] {
        let error = organizations(json!([bakery, harbour]), selector.clone()).unwrap_err();
        assert!(error.contains("organization:77 more than once"), "{error}");
        assert_eq!(organizations(json!([bakery, bakery]), selector), Ok(1));
    }
}
