//! Partial reads: every set of types and every single resource gives the matching part of a complete read.

use std::collections::BTreeSet;

use access_core::model::{AccessDepth, ResourceId, SyncScope};

use crate::tenant::{SourceOutput, TestTenant, resource_id, resource_of};

const CALLS: [(&str, &[&str]); 5] = [
    ("/v2/user/technicians", &["user"]),
    ("/v2/users", &["user"]),
    ("/v2/user/roles", &["role"]),
    ("/v2/organizations", &["user", "organization"]),
    ("/v2/devices", &["device"]),
];

#[test]
fn every_set_of_types_matches_the_complete_read() {
    let test_tenant = TestTenant::healthy();
    let all = test_tenant.read_all();
    for set in 0_u32..1 << all.types.len() {
        let types = all
            .types
            .iter()
            .enumerate()
            .filter(|(bit, _)| set >> bit & 1 == 1);
        let types: BTreeSet<_> = types.map(|(_, id)| id.clone()).collect();
        for depth in [AccessDepth::Full, AccessDepth::ResourcesOnly] {
            test_tenant.drain_calls();
            let output = test_tenant.read(
                true,
                &SyncScope {
                    types: Some(types.clone()),
                    depth,
                    ..SyncScope::default()
                },
            );
            let is_selected = |id: &ResourceId| types.contains(&id.resource_type);
            let deep = depth == AccessDepth::Full;
            // Role grants come with the role, all others with users.
            let grants_come_with = |id: &ResourceId| {
                id.resource_type.as_str() == "role" || types.iter().any(|of| of.as_str() == "user")
            };
            let mut expected = all.filtered(
                is_selected,
                |id| deep && is_selected(id),
                |id| deep && is_selected(id) && grants_come_with(id),
            );
            expected.types.retain(|id| types.contains(id));
            assert_eq!(output, expected, "{types:?} {depth:?}");
            let calls = test_tenant.drain_calls();
            for (path, needed_for) in CALLS {
                let called = calls.iter().any(|call| call.split(' ').nth(1) == Some(path));
                let needed = types.iter().any(|of| needed_for.contains(&of.as_str()));
                assert_eq!(called, needed, "{path} for {types:?}");
            }
        }
    }
}

fn targeted(test_tenant: &TestTenant, targets: &BTreeSet<ResourceId>, depth: AccessDepth) -> SourceOutput {
    test_tenant.read(
        true,
        &SyncScope {
            targets: Some(targets.clone()),
            depth,
            ..SyncScope::default()
        },
    )
}

/// The targets, the grants on them, and their holders.
fn part_of(all: &SourceOutput, targets: &BTreeSet<ResourceId>) -> SourceOutput {
    let mut holders = BTreeSet::new();
    for (entitlement, user) in &all.grants {
        if targets.contains(&resource_of(entitlement)) {
            holders.insert(resource_id("user", user));
        }
    }
    all.filtered(
        |id| targets.contains(id) || holders.contains(id),
        |id| targets.contains(id),
        |id| targets.contains(id),
    )
}

/// The read of targets is that part of the complete read, with and without access.
fn assert_matches_complete_read(
    test_tenant: &TestTenant,
    all: &SourceOutput,
    targets: &BTreeSet<ResourceId>,
) {
    let output = targeted(test_tenant, targets, AccessDepth::Full);
    assert_eq!(output, part_of(all, targets), "{targets:?}");
    let shallow = targeted(test_tenant, targets, AccessDepth::ResourcesOnly);
    let alone = all.filtered(|id| targets.contains(id), |_| false, |_| false);
    assert_eq!(shallow, alone, "{targets:?} without access");
}

#[test]
fn every_single_resource_comes_with_its_holders() {
    let test_tenant = TestTenant::healthy();
    let all = test_tenant.read_all();
    let mut sets: Vec<BTreeSet<ResourceId>> = all.ids().into_iter().map(|id| [id].into()).collect();
    sets.push(
        [
            "user:904",
            "role:3",
            "organization:8",
            "device:515",
            "tenant:ninja-one",
        ]
        .map(|id| {
            let (resource_type, id) = id.split_once(':').unwrap();
            resource_id(resource_type, id)
        })
        .into(),
    );
    sets.push([resource_id("role", "9"), resource_id("user", "2")].into());
    for targets in sets {
        assert_matches_complete_read(&test_tenant, &all, &targets);
    }
}

/// The same for one resource of each type only, which is quick.
#[test]
fn one_resource_of_each_type_comes_with_its_holders() {
    let test_tenant = TestTenant::healthy();
    let all = test_tenant.read_all();
    for (resource_type, id) in [
        ("user", "904"),
        ("role", "3"),
        ("organization", "8"),
        ("tenant", "ninja-one"),
        ("device", "515"),
    ] {
        let targets = [resource_id(resource_type, id)].into();
        assert!(!part_of(&all, &targets).resources.is_empty(), "{resource_type}");
        assert_matches_complete_read(&test_tenant, &all, &targets);
    }
}

#[test]
fn read_of_resources_only_has_no_access() {
    let test_tenant = TestTenant::healthy();
    let all = test_tenant.read_all();
    let scope = SyncScope {
        depth: AccessDepth::ResourcesOnly,
        ..SyncScope::default()
    };
    let output = test_tenant.read(true, &scope);
    assert_eq!(output, all.filtered(|_| true, |_| false, |_| false));
    assert!(output.unstated.is_empty(), "{:?}", output.unstated);
}

#[test]
fn single_resources_need_few_requests() {
    let test_tenant = TestTenant::healthy();
    let calls_for = |resource_type: &str, id: &str| {
        test_tenant.drain_calls();
        targeted(
            &test_tenant,
            &[resource_id(resource_type, id)].into(),
            AccessDepth::Full,
        );
        let calls = test_tenant.drain_calls().into_iter();
        let mut paths: Vec<String> = calls
            .map(|call| call.split(' ').nth(1).unwrap().to_owned())
            .collect();
        paths.dedup();
        format!("{resource_type}: {}", paths.join(" "))
    };
    let calls = [
        calls_for("user", "7"),
        calls_for("role", "3"),
        calls_for("organization", "8"),
        calls_for("tenant", "ninja-one"),
        calls_for("device", "515"),
    ];
    insta::assert_snapshot!(calls.join("\n"));
}

#[test]
fn missing_targets_are_reported() {
    let test_tenant = TestTenant::healthy();
    let targets = [
        ("user", "1"),
        ("user", "ada"),
        ("role", "77"),
        ("organization", "4"),
        ("device", "1"),
        ("tenant", "other"),
        ("thing", "7"),
    ];
    let targets = targets
        .map(|(resource_type, id)| resource_id(resource_type, id))
        .into();
    let output = targeted(&test_tenant, &targets, AccessDepth::Full);
    assert!(output.resources.is_empty() && output.entitlements.is_empty() && output.grants.is_empty());
    insta::assert_snapshot!(output.remarks.join("\n"));
}

#[test]
fn older_instance_supports_partial_reads() {
    let test_tenant = TestTenant::with_behavior(|behavior| behavior.transport.old_instance = true);
    let all = test_tenant.read_all();
    for resource_type in ["user", "role", "organization", "tenant"] {
        let output = test_tenant.read(
            true,
            &SyncScope {
                types: Some([access_core::model::ResourceTypeId::new(resource_type).unwrap()].into()),
                ..SyncScope::default()
            },
        );
        let is_selected = |id: &ResourceId| id.resource_type.as_str() == resource_type;
        let expected = all.filtered(is_selected, is_selected, |id| {
            is_selected(id) && resource_type == "role"
        });
        // Only the lists of users show that the instance is an older one, without portal access.
        let mut output = output;
        output
            .entitlements
            .retain(|row| row.slug.as_str() != "full-portal-access");
        assert_eq!(
            (output.resources, output.entitlements),
            (expected.resources, expected.entitlements)
        );
        assert_eq!(output.grants, expected.grants, "{resource_type}");
        assert_eq!(output.error, None);
    }
    let role = all
        .resources
        .iter()
        .find(|row| row.id.resource_type.as_str() == "role");
    let targets: BTreeSet<ResourceId> = [role.unwrap().id.clone()].into();
    let output = targeted(&test_tenant, &targets, AccessDepth::Full);
    let expected = part_of(&all, &targets);
    assert_eq!(
        output.ids().into_iter().filter(|id| targets.contains(id)).count(),
        1
    );
    assert_eq!(output.entitlements, expected.entitlements);
}

/// An older instance has no portal access, whatever part of the tenant is read.
#[test]
fn older_instance_never_offers_portal_access() {
    let older = TestTenant::with_behavior(|behavior| behavior.transport.old_instance = true);
    let tenant = older
        .read_all()
        .resources
        .iter()
        .find(|row| row.id.resource_type.as_str() == "tenant")
        .map(|row| row.id.clone())
        .unwrap();
    let types: BTreeSet<_> = [tenant.resource_type.clone()].into();
    for (test_tenant, is_offered) in [(&older, false), (&TestTenant::healthy(), true)] {
        for scope in [
            SyncScope::default(),
            SyncScope {
                types: Some(types.clone()),
                ..SyncScope::default()
            },
            SyncScope {
                targets: Some([tenant.clone()].into()),
                ..SyncScope::default()
            },
            SyncScope {
                types: Some(types.clone()),
                targets: Some([tenant.clone()].into()),
                ..SyncScope::default()
            },
        ] {
            let output = test_tenant.read(false, &scope);
            assert_eq!(output.error, None);
            let ids = output.entitlements.iter().map(|row| row.id.as_str());
            let offered = ids.filter(|id| id.contains("portal")).count() > 0;
            assert_eq!(offered, is_offered, "{scope:?}");
            assert!(
                output
                    .entitlements
                    .iter()
                    .any(|row| row.id.as_str().contains("administrator"))
            );
        }
    }
}
