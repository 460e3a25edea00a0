//! The comparison against a naive model: sets of texts, checked row by row.

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;

use proptest::prelude::*;

use crate::model::*;
use crate::ports::SourceEvent;
use crate::sync::*;

use super::fakes::*;

/// A small tenant: users, roles and (role, user).
#[derive(Debug, Clone, Default)]
struct Tenant {
    users: BTreeSet<u8>,
    roles: BTreeSet<u8>,
    grants: BTreeSet<(u8, u8)>,
}

/// Missing information: principals of a role, one grant, grants of a user, the list of users.
#[derive(Debug, Clone)]
enum Silence {
    Holders(u8),
    Grant(u8, u8),
    GrantsOf(u8),
    Users,
}

fn tenants() -> impl Strategy<Value = Tenant> {
    let ids = || prop::collection::btree_set(1_u8..7, 1..6);
    (
        ids(),
        ids(),
        prop::collection::btree_set((1_u8..7, 1_u8..7), 0..16),
    )
        .prop_map(|(users, roles, grants)| Tenant {
            grants: grants
                .into_iter()
                .filter(|(role, user)| roles.contains(role) && users.contains(user))
                .collect(),
            users,
            roles,
        })
}

fn silences() -> impl Strategy<Value = Vec<Silence>> {
    let one = prop_oneof![
        (1_u8..7).prop_map(Silence::Holders),
        (1_u8..7, 1_u8..7).prop_map(|(role, user)| Silence::Grant(role, user)),
        (1_u8..7).prop_map(Silence::GrantsOf),
        Just(Silence::Users),
    ];
    prop::collection::vec(one, 0..4)
}

fn scope(silence: &Silence) -> UnstatedScope {
    let user = |id: &u8| vec![NativeId::new(&id.to_string()).unwrap()];
    match silence {
        Silence::Holders(role) => UnstatedScope::Holders(assigned(&role.to_string()).id),
        Silence::Grant(role, id) => UnstatedScope::Grants {
            entitlement: assigned(&role.to_string()).id,
            principal_type: type_id("user"),
            principals: user(id),
        },
        Silence::GrantsOf(id) => UnstatedScope::GrantsOn {
            resource_type: type_id("role"),
            principal_type: type_id("user"),
            principals: user(id),
        },
        Silence::Users => UnstatedScope::Resources(type_id("user")),
    }
}

/// Whether a grant may still exist.
fn may_exist(now: &Tenant, silences: &[Silence], (role, user): (u8, u8)) -> bool {
    let listed = now.users.contains(&user);
    silences.iter().any(|silence| match silence {
        Silence::Holders(silent) => *silent == role && (listed || has_users(silences)),
        Silence::Grant(silent, id) => (*silent, *id) == (role, user),
        Silence::GrantsOf(id) => *id == user,
        Silence::Users => !listed,
    })
}

fn has_users(silences: &[Silence]) -> bool {
    silences.iter().any(|silence| matches!(silence, Silence::Users))
}

fn source(now: &Tenant, silences: &[Silence]) -> ListSource {
    let text = |id: &u8| id.to_string();
    let resources = now.users.iter().map(|id| user(&text(id)));
    let mut source = ListSource::of(vec![
        AccessBatch::ResourceTypes(types()),
        AccessBatch::Resources(
            resources
                .chain(now.roles.iter().map(|id| role(&text(id))))
                .collect(),
        ),
        AccessBatch::Entitlements(now.roles.iter().map(|id| assigned(&text(id))).collect()),
    ]);
    for role in &now.roles {
        let holders = now.grants.iter().filter(|(held, _)| held == role);
        let holders: Vec<String> = holders.map(|(_, user)| user.to_string()).collect();
        let holders: Vec<&str> = holders.iter().map(String::as_str).collect();
        let group = grants(&role.to_string(), &holders);
        source
            .events
            .push(SourceEvent::Batch(AccessBatch::Grants(vec![group])));
    }
    source.events.extend(silences.iter().map(|silence| {
        SourceEvent::Unstated(Unstated {
            scope: scope(silence),
            field: format!("{silence:?}"),
            count: 1,
            examples: Vec::new(),
            without_baseline: WithoutBaseline::Complete,
        })
    }));
    source
}

fn earlier(tenant: &Tenant) -> Earlier {
    Earlier {
        users: tenant.users.iter().map(u8::to_string).collect(),
        roles: tenant.roles.iter().map(u8::to_string).collect(),
        grants: tenant
            .grants
            .iter()
            .map(|(role, user)| (role.to_string(), user.to_string()))
            .collect(),
        ..Earlier::default()
    }
}

proptest! {
    #[test]
    fn full_sync_lost_only_denied_rows(before in tenants(), now in tenants(), silences in silences()) {
        let sink = Arc::new(ListSink { holds: Some(earlier(&before)), ..ListSink::named("old") });
        let request = SyncRequest { guard: ShrinkGuard::off(), ..SyncRequest::default() };
        let outcome = run_as_asked(&source(&now, &silences), &[&sink], &request, pending()).unwrap();

        let lost_users = before.users.difference(&now.users).count();
        let lost_grants: Vec<_> = before.grants.difference(&now.grants).collect();
        let user_complete = !(has_users(&silences) && lost_users > 0);
        let role_complete = !lost_grants.iter().any(|grant| may_exist(&now, &silences, **grant));
        let complete = |name| outcome.summary.completeness[&type_id(name)] == Completeness::Complete;
        prop_assert_eq!(complete("user"), user_complete);
        prop_assert_eq!(complete("role"), role_complete);
        let full = outcome.summary.run.sync_type == SyncType::Full;
        prop_assert_eq!(full, user_complete && role_complete);

        let compared = &outcome.summary.guard.compared[0].types;
        let kept = |name: &str, kind| {
            let tally = compared.get(&type_id(if name == "user" { "user" } else { "role" })).and_then(|of| of.tally(kind).cloned());
            tally.map_or((0, 0), |tally| (tally.before, tally.kept))
        };
        let count = |number: usize| number as u64;
        prop_assert_eq!(kept("user", RowKind::Resource), (count(before.users.len()), count(before.users.intersection(&now.users).count())));
        prop_assert_eq!(kept("role", RowKind::Grant), (count(before.grants.len()), count(before.grants.intersection(&now.grants).count())));
    }

    #[test]
    fn a_sync_has_no_loss_against_itself(tenant in tenants(), silences in silences()) {
        let sink = Arc::new(ListSink { holds: Some(earlier(&tenant)), ..ListSink::named("old") });
        let outcome = run(&source(&tenant, &silences), &[&sink], SyncScope::default(), pending()).unwrap();
        prop_assert_eq!(outcome.summary.run.sync_type, SyncType::Full);
    }
}
