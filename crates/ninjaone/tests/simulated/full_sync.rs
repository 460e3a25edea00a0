//! Everything of a tenant.

use std::collections::BTreeSet;
use std::fmt::Write;

use access_core::model::{ProfileValue, Resource, SyncScope};
use access_core::ports::AccessSource;
use futures::StreamExt;
use ninjaone_sim::{GeneratedSize, SimConfig, Tenant};

use crate::fixture;
use crate::tenant::{Desk, Heard, on};

/// A resource in one line: id, name, status, and for users the organization's name.
fn line(resource: &Resource) -> String {
    let mut line = format!("{} {}", resource.id, resource.display_name);
    if let Some(status) = &resource.status {
        let _ = write!(
            line,
            " | {:?} {}",
            status.state,
            status.detail.as_deref().unwrap_or("")
        );
    }
    for key in ["user_type", "organization_name", "role_type", "node_class"] {
        if let Some(ProfileValue::Text(text)) = resource.profile.get(key) {
            let _ = write!(line, " | {text}");
        }
    }
    line.trim_end().to_owned()
}

fn lines(heard: &Heard) -> String {
    let lines: Vec<String> = heard.resources.iter().map(line).collect();
    lines.join("\n")
}

#[test]
fn everything_is_read_once_and_as_the_fixture_has_it() {
    let desk = Desk::msp();
    let heard = desk.read_all();
    assert_eq!(
        (heard.error.clone(), heard.remarks.len()),
        (None, 0),
        "{:?}",
        heard.remarks
    );
    insta::assert_snapshot!("resources", lines(&heard));
    insta::assert_snapshot!("calls", desk.calls().join("\n"));
    // What is held on things that are not listed comes too; the pipeline drops and counts it.
    assert_eq!(heard.held(), fixture::grants());
    let entitlements: BTreeSet<String> = heard.entitlements.iter().map(|row| row.id.to_string()).collect();
    let expected = heard.resources.iter().flat_map(|resource| {
        let slugs: &[&str] = match resource.id.resource_type.as_str() {
            "role" => &["assigned"],
            "organization" => &["member"],
            "tenant" => &["system-administrator", "all-organizations", "full-portal-access"],
            "device" => &["access", "assigned"],
            _ => &[],
        };
        slugs.iter().map(move |slug| format!("{}:{slug}", resource.id))
    });
    assert_eq!(entitlements, expected.collect());
}

#[test]
fn without_devices_the_rest_is_the_same() {
    let desk = Desk::msp();
    let mut all = desk.read_all();
    desk.calls();
    let heard = desk.read(false, &SyncScope::default());
    assert!(!desk.calls().iter().any(|call| call.contains("device")));
    let rest = |id: &access_core::model::ResourceId| id.resource_type.as_str() != "device";
    all.types.pop();
    assert_eq!(heard, all.only(rest, rest, rest));
}

#[test]
fn pages_of_any_size_give_the_same() {
    let all = Desk::msp().read_all();
    let desk = Desk::switched(|behavior| behavior.reads.page_size_cap = Some(4));
    assert_eq!(desk.read_all(), all);
    let calls = desk.calls();
    let paged: Vec<_> = calls
        .iter()
        .filter(|call| call.contains("pageSize"))
        .cloned()
        .collect();
    insta::assert_snapshot!("pages", paged.join("\n"));
}

#[test]
fn lists_in_another_order_give_the_same_grants() {
    use ninjaone_sim::{Fault, Reshape, When};
    let all = Desk::msp().read_all();
    let desk = Desk::with("/v2/user*", When::Always, Fault::Reshape(Reshape::Reversed));
    let heard = desk.read_all();
    assert_eq!(heard.ids(), all.ids());
    let of = |heard: &Heard, kinds: [&str; 3]| -> Vec<(String, String)> {
        let wanted = |grant: &&(String, String)| kinds.contains(&on(&grant.0).resource_type.as_str());
        heard.grants.iter().filter(wanted).cloned().collect()
    };
    // Roles come as they are listed; all else in the order of ids.
    let kinds = ["tenant", "organization", "device"];
    assert_eq!(of(&heard, kinds), of(&all, kinds));
    assert_eq!(heard.held(), all.held());
}

#[test]
fn an_older_instance_tells_roles_by_name() {
    let desk = Desk::switched(|behavior| behavior.transport.old_instance = true);
    let heard = desk.read_all();
    insta::assert_snapshot!("older_calls", desk.calls().join("\n"));
    insta::assert_snapshot!("older_remarks", heard.remarks.join("\n"));
    let roles = |(entitlement, user): &(String, String)| {
        entitlement
            .starts_with("role")
            .then(|| format!("{entitlement} <- {user}"))
    };
    let grants: Vec<String> = heard.grants.iter().filter_map(roles).collect();
    insta::assert_snapshot!("older_roles", grants.join("\n"));
    // Who is not in /v2/users is not known there, and portal access and devices of technicians are not told.
    let all = fixture::grants();
    let rest: BTreeSet<_> = heard
        .held()
        .into_iter()
        .filter(|grant| !grant.0.starts_with("role"))
        .collect();
    assert!(rest.is_subset(&all), "{:?}", rest.difference(&all));
    let told = |slug: &str| rest.iter().filter(|grant| grant.0.ends_with(slug)).count();
    assert_eq!(
        (told("system-administrator"), told("full-portal-access")),
        (2, 0),
        "what /v2/users says and what it does not"
    );
}

#[test]
fn a_large_tenant_comes_in_batches() {
    let tenant = Tenant::generated(GeneratedSize {
        technicians: 30,
        end_users: 6_100,
        roles: 12,
        grants: 9_000,
        organizations: 5,
        devices: 2_300,
        role_of_everyone: true,
        ..GeneratedSize::default()
    });
    let tenant = tenant.unwrap();
    let expected = tenant.expected();
    let heard = Desk::new(&SimConfig::new(tenant)).read_all();
    assert_eq!((heard.error.clone(), heard.remarks.len()), (None, 0));
    let of = |kind: &str| {
        heard
            .ids()
            .iter()
            .filter(|id| id.resource_type.as_str() == kind)
            .count() as u64
    };
    let held = heard.held();
    let on = |kind: &str| held.iter().filter(|grant| grant.0.starts_with(kind)).count() as u64;
    assert_eq!(
        [
            of("user"),
            of("role"),
            of("organization"),
            of("device"),
            on("role:"),
            on("organization:")
        ],
        [
            expected.users,
            expected.roles,
            expected.organizations,
            expected.devices,
            expected.role_members,
            expected.organization_members
        ]
    );
    assert_eq!(
        heard.entitlements.len() as u64,
        expected.roles + expected.organizations + 3 + 2 * expected.devices
    );
}

#[test]
fn who_stops_listening_stops_the_reading() {
    let tenant = Tenant::generated(GeneratedSize {
        end_users: 60_000,
        ..GeneratedSize::default()
    });
    let desk = Desk::new(&SimConfig::new(tenant.unwrap()));
    let source = desk.source(false);
    desk.wait(async {
        let heard = source
            .read(&SyncScope::default())
            .take(8)
            .collect::<Vec<_>>()
            .await;
        assert!(heard.iter().all(Result::is_ok));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    });
    assert!(
        !desk.calls().iter().any(|call| call.contains("roles")),
        "went on to the roles"
    );
}
