//! Refusals and their messages; none sends a write.

use super::fakes::FakeAuditLog;
use super::fakes::FakeTenant;
use super::fakes::Tenant;
use super::make;
use crate::Diagnostic;
use crate::provisioning::{AccountRequest, AccountUpdate, Attributes, Change, ProvisioningError, Selector};

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).into()))
        .collect()
}

fn refused(tenant: &Tenant, change: Result<Change, ProvisioningError>) -> String {
    let error = match change {
        Ok(change) => make(tenant, &FakeAuditLog::default(), &change).unwrap_err(),
        Err(error) => error,
    };
    let hint = error
        .hint()
        .map(|hint| format!("\n  hint: {hint}"))
        .unwrap_or_default();
    format!("{} ({}){hint}", error, error.status())
}

#[expect(clippy::too_many_lines, reason = "a table of cases")]
#[test]
fn refusals_are_reported_and_write_nothing() {
    let mut world = FakeTenant::small();
    world.people.entry(2).and_modify(|ada| ada.administrator = None);
    let tenant = Tenant::new(world, []);
    let terms = crate::ports::Provisioner::terms(&tenant).clone();
    let grant = |role: &str, account: &str| {
        Ok(Change::Grant {
            role: Selector::parse_role(role, &terms)?,
            principal: Selector::parse_account(account, &terms)?,
        })
    };
    let revoke = |role: &str, account: &str| {
        Ok(Change::Revoke {
            role: Selector::parse_role(role, &terms)?,
            principal: Selector::parse_account(account, &terms)?,
        })
    };
    let create = |pairs: &[(&str, &str)]| {
        Ok(Change::CreateAccount(AccountRequest::parse(
            &attributes(pairs),
            &terms,
        )?))
    };
    let update = |account: &str, pairs: &[(&str, &str)]| {
        let account = Selector::parse_account(account, &terms)?;
        Ok(Change::UpdateAccount {
            account,
            update: AccountUpdate::parse(&attributes(pairs), &terms)?,
        })
    };
    let delete = |account: &str| {
        Ok(Change::DeleteAccount {
            account: Selector::parse_account(account, &terms)?,
            allow_administrator: false,
        })
    };
    let person = [
        ("first_name", "New"),
        ("last_name", "Person"),
        ("email", "new@example.com"),
    ];
    let with = |more: &[(&'static str, &'static str)]| [&person[..], more].concat();
    let cases = [
        (
            "grant role of the other kind",
            grant("role:11:assigned", "user:2"),
        ),
        ("grant to nobody", grant("12", "user:77")),
        ("grant to an unknown login", grant("12", "nobody@example.com")),
        ("grant to something else", grant("12", "role:10")),
        ("grant unknown role", grant("role:99", "2")),
        ("grant unknown name", grant("Deskk", "2")),
        ("grant ambiguous name", grant("desk", "2")),
        ("grant to ambiguous login", grant("12", "sam@example.com")),
        ("grant immutable", grant("organization:2:member", "901")),
        ("grant nothing", grant(" ", "901")),
        ("revoke unknown name", revoke("Deskk", "2")),
        ("create without anything", create(&[])),
        (
            "create with nonsense",
            create(&with(&[("user_type", "robot"), ("full_portal_access", "maybe")])),
        ),
        (
            "create with a password",
            create(&with(&[("user_type", "END_USER"), ("password", "x")])),
        ),
        (
            "create technician with what end users have",
            create(&with(&[("user_type", "TECHNICIAN"), ("organization", "2")])),
        ),
        (
            "create with a role of the other kind",
            create(&with(&[("user_type", "technician"), ("roles", "12,11")])),
        ),
        (
            "create with an unknown role",
            create(&with(&[("user_type", "technician"), ("roles", "none such")])),
        ),
        (
            "create in an unknown organization",
            create(&with(&[("user_type", "end-user"), ("organization_id", "77")])),
        ),
        (
            "create in an ambiguous organization",
            create(&with(&[("user_type", "end-user"), ("organization_id", "bakery")])),
        ),
        (
            "create an end user with a technician's address",
            create(&[
                ("user_type", "END_USER"),
                ("first_name", "A"),
                ("last_name", "B"),
                ("email", "ADA@example.com"),
            ]),
        ),
        ("update nothing", update("901", &[])),
        ("update the address", update("901", &[("email", "x@example.com")])),
        (
            "update enabled",
            update("901", &[("enabled", "false"), ("first_name", "X")]),
        ),
        (
            "update a technician's organization",
            update("2", &[("organization_id", "2"), ("full_portal_access", "true")]),
        ),
        (
            "update what does not exist",
            update("901", &[("shoe_size", "44")]),
        ),
        ("update nobody", update("77", &[("first_name", "X")])),
        (
            "update to no name",
            update("901", &[("first_name", &"x".repeat(151))]),
        ),
        ("delete the last administrator", delete("root@example.com")),
        ("delete somebody with unknown rights", delete("2")),
        ("delete an unknown login", delete("nobody@example.com")),
    ];
    let shown = cases.map(|(what, change)| format!("{what}\n  {}", refused(&tenant, change)));
    assert!(tenant.writes.lock().unwrap().is_empty());
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn an_administrator_who_is_not_the_last_one_is_refused_too() {
    let mut world = FakeTenant::small();
    world
        .people
        .entry(2)
        .and_modify(|ada| ada.administrator = Some(true));
    let tenant = Tenant::new(world, []);
    let change = |allow_administrator| Change::DeleteAccount {
        account: Selector::Text("1".to_owned()),
        allow_administrator,
    };
    insta::assert_snapshot!(refused(&tenant, Ok(change(false))));
    make(&tenant, &FakeAuditLog::default(), &change(true)).unwrap();
    assert!(!tenant.world.lock().unwrap().people.contains_key(&1));
}
