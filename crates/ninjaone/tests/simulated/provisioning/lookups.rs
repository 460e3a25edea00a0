//! How accounts, roles and organizations are looked up.

use access_core::model::{Resource, ResourceId};
use access_core::ports::Provisioner;
use access_core::provisioning::{Account, EmailAddress, Role, RoleMembers, Selector};
use ninjaone::{END_USER, TECHNICIAN};
use ninjaone_sim::{Edit, Fault, Reshape, Rows, To, When};
use serde_json::json;

use super::{account_line, email, id, role_line};
use crate::fixture;
use crate::tenant::{TestTenant, json_response, resource_id};

#[test]
fn roles_are_found_by_id_and_name() {
    let test_tenant = TestTenant::healthy();
    let provisioner = test_tenant.provisioner();
    let found = |selector: Selector| {
        let roles = test_tenant.block_on(provisioner.roles(&selector)).unwrap();
        roles.iter().map(role_line).collect::<Vec<_>>().join("\n  ")
    };
    let lines = ["3", "service desk", "Legacy Read Only", "12", "Nobody"]
        .map(|text| format!("{text}:\n  {}", found(Selector::Text(text.to_owned()))));
    insta::assert_snapshot!(lines.join("\n"));
    for role in fixture::rows("roles.json") {
        let selector = Selector::Id(id(&role["id"].to_string()));
        let roles = test_tenant.block_on(provisioner.roles(&selector)).unwrap();
        let [found] = &roles[..] else {
            panic!("{} roles", roles.len())
        };
        assert_eq!(found.resource.display_name.as_str(), role["name"]);
        let known = match &found.members {
            RoleMembers::Known(members) => Some(members.len()),
            RoleMembers::Unknown(_) => None,
        };
        assert_eq!(known, role["members"].as_array().map(Vec::len));
    }
}

#[test]
fn every_account_is_found_by_id_and_address() {
    let test_tenant = TestTenant::healthy();
    let provisioner = test_tenant.provisioner();
    let mut lines = Vec::new();
    for (file, kind) in [("technicians.json", TECHNICIAN), ("end-users.json", END_USER)] {
        for row in fixture::rows(file) {
            let number = row["id"].to_string();
            let account = test_tenant.block_on(provisioner.account(&id(&number))).unwrap();
            let by_id = account
                .as_ref()
                .filter(|account| account.kind == kind)
                .map(account_line);
            lines.push(by_id.unwrap_or_else(|| format!("user:{number}: {account:?}")));
            let Some(address) = row["email"]
                .as_str()
                .and_then(|text| EmailAddress::parse(text).ok())
            else {
                continue;
            };
            let found = test_tenant
                .block_on(provisioner.accounts_with_email(&address))
                .unwrap();
            assert!(
                found.iter().any(|account| account.id().id.as_str() == number),
                "{address:?}: {found:?}"
            );
            assert!(
                found.iter().all(|account| account.has_email(&address)),
                "{address:?}: {found:?}"
            );
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
    let both = test_tenant
        .block_on(provisioner.accounts_with_email(&email("DANIEL.kowalski@example.com")))
        .unwrap();
    insta::assert_snapshot!(
        "one_address_twice",
        both.iter().map(account_line).collect::<Vec<_>>().join("\n")
    );
    for unknown in ["1", "ada", "4242"] {
        assert_eq!(
            test_tenant.block_on(provisioner.account(&id(unknown))).unwrap(),
            None
        );
    }
    assert!(
        test_tenant
            .block_on(provisioner.accounts_with_email(&email("nobody@example.com")))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn account_lookup_rejects_wrong_and_failed_answers() {
    let look_up = |path: &str, fault: Fault| {
        let test_tenant = TestTenant::with_fault(path, When::Always, fault);
        let found = test_tenant.block_on(test_tenant.provisioner().account(&id("901")));
        match found {
            Ok(account) => format!(
                "{path}: {}",
                account.as_ref().map_or("none".to_owned(), account_line)
            ),
            Err(error) => format!("{path}: {}", test_tenant.without_address(&error.to_string())),
        }
    };
    let other = |value: serde_json::Value| {
        Fault::Edit(Edit {
            list: "",
            rows: Rows::Every,
            field: "/id".to_owned(),
            to: To::Value(value),
        })
    };
    let lines = [
        look_up("/v2/user/end-user/901", other(json!(902))),
        look_up("/v2/user/end-user/901", other(json!(null))),
        look_up("/v2/user/end-user/901", other(json!("901"))),
        look_up("/v2/user/end-user/901", Fault::MissingScope),
        look_up("/v2/user/end-user/901", Fault::MissingEndpoint),
        look_up("/v2/user/*", Fault::MissingEndpoint),
        look_up("/v2/organization/2", Fault::MissingEndpoint),
        look_up("/v2/organization/2", Fault::MissingScope),
        look_up("/v2/organization/2", other(json!(3))),
        look_up(
            "/v2/organization/2",
            Fault::Redirect("https://elsewhere.example.com/".to_owned()),
        ),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn role_with_unreadable_members_is_an_error() {
    for hidden in [json!([{"id": 3}, {}]), json!([7]), json!("3")] {
        let to = To::Value(hidden);
        let test_tenant = TestTenant::with_fault(
            "/v2/user/roles",
            When::Always,
            Fault::Edit(Edit {
                list: "",
                rows: Rows::Nth(0),
                field: "/members".to_owned(),
                to,
            }),
        );
        let provisioner = test_tenant.provisioner();
        let error = test_tenant
            .block_on(provisioner.roles(&Selector::Id(id("1"))))
            .unwrap_err();
        assert!(error.to_string().contains("every member of role 1"), "{error}");
        assert_eq!(
            test_tenant
                .block_on(provisioner.roles(&Selector::Id(id("3"))))
                .unwrap()
                .len(),
            1
        );
    }
}

#[test]
fn administrators_are_enabled_technicians() {
    let with = |field: &str, value: serde_json::Value| {
        let test_tenant = TestTenant::with_fault(
            "/v2/user/technicians",
            When::Always,
            Fault::Edit(Edit {
                list: "",
                rows: Rows::Nth(0),
                field: field.to_owned(),
                to: To::Value(value),
            }),
        );
        test_tenant
            .block_on(test_tenant.provisioner().administrators())
            .unwrap()
    };
    let both = [resource_id("user", "2"), resource_id("user", "3")];
    assert_eq!(with("/enabled", json!(false)), both[1..]);
    // An account whose status is unknown does not count.
    assert_eq!(with("/enabled", json!(null)), both[1..]);
    assert_eq!(with("/administrator", json!(null)), both[1..]);
}

/// Looks up roles, an account, administrators and an organization.
fn look_up_all(test_tenant: &TestTenant) -> (Vec<Role>, Vec<Account>, Vec<ResourceId>, Vec<Resource>) {
    let provisioner = test_tenant.provisioner();
    let roles = test_tenant
        .block_on(provisioner.roles(&Selector::Text("Service Desk".to_owned())))
        .unwrap();
    let accounts = test_tenant
        .block_on(provisioner.accounts_with_email(&email("daniel.kowalski@example.com")))
        .unwrap();
    let administrators = test_tenant.block_on(provisioner.administrators()).unwrap();
    let organizations = test_tenant
        .block_on(provisioner.organizations(&Selector::Text("Blåvand Bageri".to_owned())))
        .unwrap();
    (roles, accounts, administrators, organizations)
}

#[test]
fn truncated_and_doubled_lists_are_read_correctly() {
    let good = look_up_all(&TestTenant::healthy());
    assert_eq!(
        (good.0.len(), good.1.len(), good.2.len(), good.3.len()),
        (2, 2, 2, 1)
    );
    assert_eq!(good.2, [resource_id("user", "2"), resource_id("user", "3")]);
    assert_eq!(good.3[0].id, resource_id("organization", "3"));
    for path in [
        "/v2/user/roles",
        "/v2/user/technicians",
        "/v2/user/end-users",
        "/v2/users",
        "/v2/organizations",
    ] {
        let at = ninjaone_sim::Cut::Eighths(7);
        let test_tenant = TestTenant::with_fault(path, When::First(1), Fault::CutBody { at, clean: true });
        assert_eq!(look_up_all(&test_tenant), good, "{path} cut short");
        let test_tenant = TestTenant::with_fault(path, When::First(2), Fault::Reshape(Reshape::Doubled));
        assert_eq!(look_up_all(&test_tenant), good, "{path} doubled");
    }
}

/// Rows of a truncated list do not stay when it comes again without them.
#[test]
fn rows_of_a_truncated_list_are_discarded() {
    let good = look_up_all(&TestTenant::healthy());
    let stray = |fields: &str| json_response(format!(r#"[{{"id":777,{fields}}},"#));
    for (path, fields) in [
        (
            "/v2/user/roles",
            r#""name":"Service Desk","userType":"TECHNICIAN","userIds":[]"#,
        ),
        ("/v2/user/technicians", r#""email":"daniel.kowalski@example.com""#),
        ("/v2/user/end-users", r#""email":"daniel.kowalski@example.com""#),
        (
            "/v2/users",
            r#""email":"daniel.kowalski@example.com","administrator":true,"userType":"TECHNICIAN""#,
        ),
    ] {
        let test_tenant = TestTenant::with_fault(path, When::First(1), stray(fields));
        assert_eq!(look_up_all(&test_tenant), good, "{path}");
        assert!(test_tenant.sim.faults().unfired().is_empty(), "{path}");
    }
}

#[test]
fn lists_without_usable_rows_are_errors() {
    let without_ids = || {
        Fault::Edit(Edit {
            list: "",
            rows: Rows::Every,
            field: "/id".to_owned(),
            to: To::Absent,
        })
    };
    let test_tenant = TestTenant::with_fault("/v2/user*", When::Always, without_ids());
    let provisioner = test_tenant.provisioner();
    let selector = Selector::Text("Service Desk".to_owned());
    let lines = [
        test_tenant
            .block_on(provisioner.roles(&selector))
            .err()
            .map(|error| error.to_string()),
        test_tenant
            .block_on(provisioner.administrators())
            .err()
            .map(|error| error.to_string()),
        test_tenant
            .block_on(provisioner.accounts_with_email(&email("a@example.com")))
            .err()
            .map(|error| error.to_string()),
    ];
    let lines: Vec<String> = lines
        .into_iter()
        .map(|error| test_tenant.without_address(&error.unwrap()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
