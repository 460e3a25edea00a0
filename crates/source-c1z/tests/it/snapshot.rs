//! Point queries, with the indexes of the format and without.

use std::ops::ControlFlow;

use access_core::model::{EntitlementId, NativeId, ResourceId, ResourceTypeId};
use access_core::ports::{AccessSnapshot, EntitlementQuery, GrantQuery, ResourceQuery};
use baton_proto::connector_v2::resource_type::Trait;
use source_c1z::C1zSnapshot;

use crate::file::{TestFile, resource};

/// A file with rows in no order, one of a strange writer's.
fn filled(file: &TestFile) -> C1zSnapshot {
    file.resource_type("user", &[Trait::User]);
    file.resource_type("role", &[Trait::Role]);
    for id in ["20", "3", "100"] {
        let mut user = resource("user", id);
        user.display_name = format!("Nº {id} Zoë");
        file.put_resource(&user);
    }
    for id in ["9", "10"] {
        file.resource("role", id);
        file.entitlement("role", id, "owner");
        file.entitlement("role", id, "assigned");
    }
    for (role, user) in [("9", "20"), ("10", "3"), ("9", "100"), ("10", "20"), ("9", "404")] {
        file.grant(&format!("role:{role}:assigned"), "user", user);
    }
    file.open(None).unwrap().snapshot().unwrap()
}

fn id(resource_type: &'static str, id: &str) -> ResourceId {
    ResourceId::new(
        ResourceTypeId::from_static(resource_type),
        NativeId::new(id).unwrap(),
    )
}

fn resources(snapshot: &C1zSnapshot, which: ResourceQuery<'_>) -> String {
    let mut found = Vec::new();
    let take = &mut |row: access_core::model::Resource| {
        found.push(row.id.to_string());
        ControlFlow::Continue(())
    };
    snapshot.resources(which, take).unwrap();
    found.join(" ")
}

fn entitlements(snapshot: &C1zSnapshot, which: EntitlementQuery<'_>) -> String {
    let mut found = Vec::new();
    let take = &mut |row: access_core::ports::EntitlementInfo| {
        let name = row
            .resource_name
            .map_or_else(|| "?".to_owned(), |name| name.to_string());
        found.push(format!("{} on {name}", row.entitlement.id));
        ControlFlow::Continue(())
    };
    snapshot.entitlements(which, take).unwrap();
    found.join(", ")
}

fn grants(snapshot: &C1zSnapshot, which: GrantQuery<'_>) -> String {
    let mut found = Vec::new();
    let take = &mut |row: access_core::ports::EffectiveGrant| {
        let name = row
            .principal_name
            .map_or_else(|| "?".to_owned(), |name| name.to_string());
        found.push(format!("{} {} {name}", row.entitlement, row.principal));
        ControlFlow::Continue(())
    };
    snapshot.grants(which, take).unwrap();
    found.join(", ")
}

#[test]
fn queries_return_rows_in_key_order() {
    for file in [TestFile::new(), TestFile::old()] {
        let snapshot = filled(&file);
        let user = ResourceTypeId::from_static("user");
        let all = "role:10 role:9 user:100 user:20 user:3";
        assert_eq!(resources(&snapshot, ResourceQuery::All), all);
        assert_eq!(
            resources(&snapshot, ResourceQuery::OfType(&user)),
            "user:100 user:20 user:3"
        );
        assert_eq!(
            resources(&snapshot, ResourceQuery::ById(&id("user", "3"))),
            "user:3"
        );
        assert_eq!(resources(&snapshot, ResourceQuery::ById(&id("user", "404"))), "");
        assert_eq!(
            resources(&snapshot, ResourceQuery::MatchingText(&user, " 20 ZO")),
            "user:20"
        );
        let any_case = resources(&snapshot, ResourceQuery::MatchingText(&user, "ZOË"));
        assert_eq!(any_case.split(' ').count(), 3, "{any_case}");

        assert_eq!(
            entitlements(&snapshot, EntitlementQuery::All),
            "role:10:assigned on 10, role:10:owner on 10, role:9:assigned on 9, role:9:owner on 9"
        );
        assert_eq!(
            entitlements(&snapshot, EntitlementQuery::OnResource(&id("role", "9"))),
            "role:9:assigned on 9, role:9:owner on 9"
        );
        let assigned = EntitlementId::new("role:9:assigned").unwrap();
        assert_eq!(
            entitlements(&snapshot, EntitlementQuery::ById(&assigned)),
            "role:9:assigned on 9"
        );

        let of_nine = "role:9:assigned user:100 Nº 100 Zoë, role:9:assigned user:20 Nº 20 Zoë, \
                       role:9:assigned user:404 ?";
        assert_eq!(grants(&snapshot, GrantQuery::OfEntitlement(&assigned)), of_nine);
        assert_eq!(
            grants(&snapshot, GrantQuery::OfPrincipal(&id("user", "20"))),
            "role:10:assigned user:20 Nº 20 Zoë, role:9:assigned user:20 Nº 20 Zoë"
        );
        assert_eq!(
            grants(&snapshot, GrantQuery::All),
            format!("role:10:assigned user:20 Nº 20 Zoë, role:10:assigned user:3 Nº 3 Zoë, {of_nine}")
        );
        let counts = snapshot.holder_counts().unwrap();
        assert_eq!(counts.values().copied().collect::<Vec<_>>(), [2, 3]);
        let types = snapshot.resource_type_stats().unwrap();
        let counted = types.iter().map(|row| {
            (
                row.resource_type.id.as_str(),
                row.resources,
                row.entitlements,
                row.grants,
            )
        });
        assert_eq!(
            counted.collect::<Vec<_>>(),
            [("role", 2, 4, 5), ("user", 3, 0, 0)]
        );
    }
}

#[test]
fn queries_stop_early() {
    let file = TestFile::new();
    let snapshot = filled(&file);
    let mut seen = 0;
    snapshot
        .grants(GrantQuery::All, &mut |_| {
            seen += 1;
            ControlFlow::Break(())
        })
        .unwrap();
    snapshot
        .resources(ResourceQuery::All, &mut |_| {
            seen += 1;
            ControlFlow::Break(())
        })
        .unwrap();
    snapshot
        .entitlements(EntitlementQuery::All, &mut |_| {
            seen += 1;
            ControlFlow::Break(())
        })
        .unwrap();
    assert_eq!(seen, 3);
}
