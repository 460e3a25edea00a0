//! The provisioner against the simulated tenant.

mod certified;
mod lookups;
mod steps;

use access_core::model::NativeId;
use access_core::ports::Provisioner;
use access_core::provisioning::{Account, EmailAddress, Role, RoleMembers, Selector};
use futures::FutureExt;

use crate::tenant::TestTenant;

pub(super) fn id(text: &str) -> NativeId {
    NativeId::new(text).unwrap()
}

pub(super) fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

pub(super) fn account_line(account: &Account) -> String {
    let Account {
        resource,
        kind,
        administrator,
        managed_elsewhere,
    } = account;
    let text = |key: &str| match resource.profile.get(key) {
        Some(access_core::model::ProfileValue::Text(text)) => text.to_string(),
        _ => "-".to_owned(),
    };
    format!(
        "{} {} | {kind} {administrator:?} {managed_elsewhere:?} | {} | {} | {}",
        resource.id,
        resource.display_name,
        text("email"),
        text("user_type"),
        text("organization_name")
    )
}

pub(super) fn role_line(role: &Role) -> String {
    let members = match &role.members {
        RoleMembers::Known(members) => {
            let mut members: Vec<&str> = members.iter().map(NativeId::as_str).collect();
            members.sort_unstable();
            members.join(" ")
        }
        RoleMembers::Unknown(_) => "not said".to_owned(),
    };
    format!("{} {:?}: {members}", role.label(), role.holders)
}

#[test]
fn older_instance_cannot_be_provisioned() {
    let test_tenant = TestTenant::with_behavior(|behavior| behavior.transport.old_instance = true);
    let provisioner = test_tenant.provisioner();
    let selector = Selector::Text("Service Desk".to_owned());
    let errors = [
        test_tenant
            .block_on(provisioner.roles(&selector))
            .unwrap_err()
            .to_string(),
        test_tenant
            .block_on(provisioner.account(&id("901")))
            .unwrap_err()
            .to_string(),
        test_tenant
            .block_on(provisioner.administrators())
            .unwrap_err()
            .to_string(),
        test_tenant
            .block_on(provisioner.accounts_with_email(&email("a@example.com")))
            .unwrap_err()
            .to_string(),
    ];
    insta::assert_snapshot!(test_tenant.without_address(&errors.join("\n")));
}

#[test]
fn provisioner_waits_before_it_reads_back() {
    let test_tenant = TestTenant::healthy();
    let provisioner = test_tenant.provisioner();
    // The wait is random and may be zero, but not ten times.
    let waits = |_| {
        test_tenant
            .block_on(async { provisioner.wait_before_retry(3).now_or_never() })
            .is_none()
    };
    assert!((0..10).any(waits));
}

#[test]
fn provisioner_reports_tenant_usage_and_terms() {
    let test_tenant = TestTenant::healthy();
    let provisioner = test_tenant.provisioner();
    assert!(
        test_tenant.sim.base_url().contains(&provisioner.tenant())
            || provisioner.tenant() == test_tenant.sim.base_url()
    );
    assert_eq!(provisioner.usage().calls, 0);
    test_tenant.block_on(provisioner.administrators()).unwrap();
    assert_eq!(provisioner.usage().calls, 2, "a sign-in and a list");
    let terms = provisioner.terms();
    assert_eq!(*terms, ninjaone::provisioning_terms());
    let types = terms.immutable_types.iter().map(ToString::to_string);
    assert_eq!(
        format!(
            "{} {} {} {}",
            terms.account_type,
            terms.role_type,
            terms.role_slug,
            types.collect::<Vec<_>>().join(" ")
        ),
        "user role assigned organization tenant device"
    );
    let source = test_tenant.source(false);
    let calls = || access_core::ports::AccessSource::usage(&source).calls;
    assert_eq!(calls(), 0);
    test_tenant
        .block_on(access_core::ports::AccessSource::check(&source))
        .unwrap();
    assert_eq!(
        calls(),
        12,
        "a sign-in, five lists, and all of them again as a sync reads them"
    );
    assert_eq!(
        access_core::ports::AccessSource::tenant(&source),
        provisioner.tenant()
    );
    let types =
        |devices| access_core::ports::AccessSource::resource_types(&test_tenant.source(devices)).len();
    assert_eq!((types(false), types(true)), (4, 5));
}
