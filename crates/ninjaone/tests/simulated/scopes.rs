//! Parts of a tenant: every set of types and every single resource is the matching part of a whole read.

use std::collections::BTreeSet;

use access_core::model::{AccessDepth, ResourceId, SyncScope};

use crate::tenant::{Desk, Heard, on, resource_id};

const CALLS: [(&str, &[&str]); 5] = [
    ("/v2/user/technicians", &["user"]),
    ("/v2/users", &["user"]),
    ("/v2/user/roles", &["role"]),
    ("/v2/organizations", &["user", "organization"]),
    ("/v2/devices", &["device"]),
];

#[test]
fn every_set_of_types_is_a_part_of_the_whole() {
    let desk = Desk::msp();
    let all = desk.read_all();
    for set in 0_u32..1 << all.types.len() {
        let types = all
            .types
            .iter()
            .enumerate()
            .filter(|(bit, _)| set >> bit & 1 == 1);
        let types: BTreeSet<_> = types.map(|(_, id)| id.clone()).collect();
        for depth in [AccessDepth::Full, AccessDepth::ResourcesOnly] {
            desk.calls();
            let heard = desk.read(
                true,
                &SyncScope {
                    types: Some(types.clone()),
                    depth,
                    ..SyncScope::default()
                },
            );
            let wanted = |id: &ResourceId| types.contains(&id.resource_type);
            let deep = depth == AccessDepth::Full;
            // Who is in a role is told by the role; all else by users.
            let told = |id: &ResourceId| {
                id.resource_type.as_str() == "role" || types.iter().any(|of| of.as_str() == "user")
            };
            let mut expected = all.only(
                wanted,
                |id| deep && wanted(id),
                |id| deep && wanted(id) && told(id),
            );
            expected.types.retain(|id| types.contains(id));
            assert_eq!(heard, expected, "{types:?} {depth:?}");
            let calls = desk.calls();
            for (path, needed_for) in CALLS {
                let called = calls.iter().any(|call| call.split(' ').nth(1) == Some(path));
                let needed = types.iter().any(|of| needed_for.contains(&of.as_str()));
                assert_eq!(called, needed, "{path} for {types:?}");
            }
        }
    }
}

fn targeted(desk: &Desk, targets: &BTreeSet<ResourceId>, depth: AccessDepth) -> Heard {
    desk.read(
        true,
        &SyncScope {
            targets: Some(targets.clone()),
            depth,
            ..SyncScope::default()
        },
    )
}

/// The targets, what is held on them, and who holds it.
fn part(all: &Heard, targets: &BTreeSet<ResourceId>) -> Heard {
    let mut holders = BTreeSet::new();
    for (entitlement, user) in &all.grants {
        if targets.contains(&on(entitlement)) {
            holders.insert(resource_id("user", user));
        }
    }
    all.only(
        |id| targets.contains(id) || holders.contains(id),
        |id| targets.contains(id),
        |id| targets.contains(id),
    )
}

#[test]
fn every_single_resource_comes_with_its_holders() {
    let desk = Desk::msp();
    let all = desk.read_all();
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
            let (kind, id) = id.split_once(':').unwrap();
            resource_id(kind, id)
        })
        .into(),
    );
    sets.push([resource_id("role", "9"), resource_id("user", "2")].into());
    for targets in sets {
        let heard = targeted(&desk, &targets, AccessDepth::Full);
        assert_eq!(heard, part(&all, &targets), "{targets:?}");
        let shallow = targeted(&desk, &targets, AccessDepth::ResourcesOnly);
        let alone = all.only(|id| targets.contains(id), |_| false, |_| false);
        assert_eq!(shallow, alone, "{targets:?} without access");
    }
}

#[test]
fn single_resources_ask_for_no_more_than_they_need() {
    let desk = Desk::msp();
    let calls_for = |kind: &str, id: &str| {
        desk.calls();
        targeted(&desk, &[resource_id(kind, id)].into(), AccessDepth::Full);
        let calls = desk.calls().into_iter();
        let mut paths: Vec<String> = calls
            .map(|call| call.split(' ').nth(1).unwrap().to_owned())
            .collect();
        paths.dedup();
        format!("{kind}: {}", paths.join(" "))
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
fn what_does_not_exist_is_told() {
    let desk = Desk::msp();
    let targets = [
        ("user", "1"),
        ("user", "ada"),
        ("role", "77"),
        ("organization", "4"),
        ("device", "1"),
        ("tenant", "other"),
        ("thing", "7"),
    ];
    let targets = targets.map(|(kind, id)| resource_id(kind, id)).into();
    let heard = targeted(&desk, &targets, AccessDepth::Full);
    assert!(heard.resources.is_empty() && heard.entitlements.is_empty() && heard.grants.is_empty());
    insta::assert_snapshot!(heard.remarks.join("\n"));
}

#[test]
fn an_older_instance_is_read_in_parts_too() {
    let desk = Desk::switched(|behavior| behavior.transport.old_instance = true);
    let all = desk.read_all();
    for kind in ["user", "role", "organization", "tenant"] {
        let heard = desk.read(
            true,
            &SyncScope {
                types: Some([access_core::model::ResourceTypeId::new(kind).unwrap()].into()),
                ..SyncScope::default()
            },
        );
        let wanted = |id: &ResourceId| id.resource_type.as_str() == kind;
        let expected = all.only(wanted, wanted, |id| wanted(id) && kind == "role");
        // Only the lists of users say that the instance is an older one, which does not offer portal access.
        let mut heard = heard;
        heard
            .entitlements
            .retain(|row| row.slug.as_str() != "full-portal-access");
        assert_eq!(
            (heard.resources, heard.entitlements),
            (expected.resources, expected.entitlements)
        );
        assert_eq!(heard.grants, expected.grants, "{kind}");
        assert_eq!(heard.error, None);
    }
    let role = all
        .resources
        .iter()
        .find(|row| row.id.resource_type.as_str() == "role");
    let targets: BTreeSet<ResourceId> = [role.unwrap().id.clone()].into();
    let heard = targeted(&desk, &targets, AccessDepth::Full);
    let expected = part(&all, &targets);
    assert_eq!(
        heard.ids().into_iter().filter(|id| targets.contains(id)).count(),
        1
    );
    assert_eq!(heard.entitlements, expected.entitlements);
}

/// What an older instance cannot tell is not offered there, whatever part of the tenant is read.
#[test]
fn an_older_instance_offers_no_portal_access_in_any_part() {
    let older = Desk::switched(|behavior| behavior.transport.old_instance = true);
    let tenant = older
        .read_all()
        .resources
        .iter()
        .find(|row| row.id.resource_type.as_str() == "tenant")
        .map(|row| row.id.clone())
        .unwrap();
    let types: BTreeSet<_> = [tenant.resource_type.clone()].into();
    for (desk, is_offered) in [(&older, false), (&Desk::msp(), true)] {
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
            let heard = desk.read(false, &scope);
            assert_eq!(heard.error, None);
            let ids = heard.entitlements.iter().map(|row| row.id.as_str());
            let offered = ids.filter(|id| id.contains("portal")).count() > 0;
            assert_eq!(offered, is_offered, "{scope:?}");
            assert!(
                heard
                    .entitlements
                    .iter()
                    .any(|row| row.id.as_str().contains("administrator"))
            );
        }
    }
}
