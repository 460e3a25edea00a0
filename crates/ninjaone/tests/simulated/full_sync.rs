//! Complete reads of a tenant.

use std::collections::BTreeSet;
use std::fmt::Write;

use access_core::model::{ProfileValue, Resource, SyncScope};
use access_core::ports::{AccessSource, ListStep};
use futures::StreamExt;
use ninjaone_sim::{GeneratedSize, SimConfig, Tenant};

use crate::fixture;
use crate::tenant::{SourceOutput, TestTenant, resource_of};

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

fn lines(output: &SourceOutput) -> String {
    let lines: Vec<String> = output.resources.iter().map(line).collect();
    lines.join("\n")
}

#[test]
fn complete_read_matches_the_fixture() {
    let test_tenant = TestTenant::healthy();
    let output = test_tenant.read_all();
    assert_eq!(
        (output.error.clone(), output.remarks.len()),
        (None, 0),
        "{:?}",
        output.remarks
    );
    insta::assert_snapshot!("resources", lines(&output));
    insta::assert_snapshot!("calls", test_tenant.drain_calls().join("\n"));
    // Grants on unlisted resources come too; the pipeline drops and counts them.
    assert_eq!(output.grant_set(), fixture::grants());
    let entitlements: BTreeSet<String> = output.entitlements.iter().map(|row| row.id.to_string()).collect();
    let expected = output.resources.iter().flat_map(|resource| {
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
fn read_without_devices_keeps_everything_else() {
    let test_tenant = TestTenant::healthy();
    let mut all = test_tenant.read_all();
    test_tenant.drain_calls();
    let output = test_tenant.read(false, &SyncScope::default());
    assert!(
        !test_tenant
            .drain_calls()
            .iter()
            .any(|call| call.contains("device"))
    );
    let rest = |id: &access_core::model::ResourceId| id.resource_type.as_str() != "device";
    all.types.pop();
    assert_eq!(output, all.filtered(rest, rest, rest));
}

/// The display of a running sync counts the lists of the options from 1.
#[test]
fn activity_numbers_the_list_in_progress() {
    let test_tenant = TestTenant::healthy();
    for (devices, name, of) in [(false, "roles", 5), (true, "devices", 6)] {
        let source = test_tenant.source(devices);
        assert_eq!(source.activity().list, None);
        test_tenant.block_on(source.read(&SyncScope::default()).collect::<Vec<_>>());
        let last = ListStep { name, number: of, of };
        assert_eq!(source.activity().list, Some(last));
    }
}

#[test]
fn output_does_not_depend_on_the_page_size() {
    let all = TestTenant::healthy().read_all();
    let test_tenant = TestTenant::with_behavior(|behavior| behavior.reads.page_size_cap = Some(4));
    assert_eq!(test_tenant.read_all(), all);
    let calls = test_tenant.drain_calls();
    let paged: Vec<_> = calls
        .iter()
        .filter(|call| call.contains("pageSize"))
        .cloned()
        .collect();
    insta::assert_snapshot!("pages", paged.join("\n"));
}

#[test]
fn grants_do_not_depend_on_the_order_of_lists() {
    use ninjaone_sim::{Fault, Reshape, When};
    let all = TestTenant::healthy().read_all();
    let test_tenant = TestTenant::with_fault("/v2/user*", When::Always, Fault::Reshape(Reshape::Reversed));
    let output = test_tenant.read_all();
    assert_eq!(output.ids(), all.ids());
    let grants_on = |output: &SourceOutput, types: [&str; 3]| -> Vec<(String, String)> {
        let is_selected =
            |grant: &&(String, String)| types.contains(&resource_of(&grant.0).resource_type.as_str());
        output.grants.iter().filter(is_selected).cloned().collect()
    };
    // Roles come in the order of their list, everything else in the order of ids.
    let types = ["tenant", "organization", "device"];
    assert_eq!(grants_on(&output, types), grants_on(&all, types));
    assert_eq!(output.grant_set(), all.grant_set());
}

#[test]
fn older_instance_identifies_roles_by_name() {
    let test_tenant = TestTenant::with_behavior(|behavior| behavior.transport.old_instance = true);
    let output = test_tenant.read_all();
    insta::assert_snapshot!("older_calls", test_tenant.drain_calls().join("\n"));
    insta::assert_snapshot!("older_remarks", output.remarks.join("\n"));
    let roles = |(entitlement, user): &(String, String)| {
        entitlement
            .starts_with("role")
            .then(|| format!("{entitlement} <- {user}"))
    };
    let grants: Vec<String> = output.grants.iter().filter_map(roles).collect();
    insta::assert_snapshot!("older_roles", grants.join("\n"));
    // An older instance has only the users in /v2/users, without portal access and devices of technicians.
    let all = fixture::grants();
    let rest: BTreeSet<_> = output
        .grant_set()
        .into_iter()
        .filter(|grant| !grant.0.starts_with("role"))
        .collect();
    assert!(rest.is_subset(&all), "{:?}", rest.difference(&all));
    let count = |slug: &str| rest.iter().filter(|grant| grant.0.ends_with(slug)).count();
    assert_eq!(
        (count("system-administrator"), count("full-portal-access")),
        (2, 0),
        "what /v2/users says and what it does not"
    );
}

#[test]
fn large_tenant_is_read_in_batches() {
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
    let output = TestTenant::new(&SimConfig::new(tenant)).read_all();
    assert_eq!((output.error.clone(), output.remarks.len()), (None, 0));
    let of = |kind: &str| {
        output
            .ids()
            .iter()
            .filter(|id| id.resource_type.as_str() == kind)
            .count() as u64
    };
    let held = output.grant_set();
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
        output.entitlements.len() as u64,
        expected.roles + expected.organizations + 3 + 2 * expected.devices
    );
}

#[test]
fn dropping_the_stream_stops_the_read() {
    let tenant = Tenant::generated(GeneratedSize {
        end_users: 60_000,
        ..GeneratedSize::default()
    });
    let test_tenant = TestTenant::new(&SimConfig::new(tenant.unwrap()));
    let source = test_tenant.source(false);
    test_tenant.block_on(async {
        let output = source
            .read(&SyncScope::default())
            .take(8)
            .collect::<Vec<_>>()
            .await;
        assert!(output.iter().all(Result::is_ok));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    });
    assert!(
        !test_tenant
            .drain_calls()
            .iter()
            .any(|call| call.contains("roles")),
        "went on to the roles"
    );
}
