//! Arbitrary tenants: validation against a naive model of the same rules.

use std::collections::{HashMap, HashSet};
use std::future::pending;
use std::sync::Arc;

use proptest::prelude::*;

use crate::model::*;

use super::fakes::*;

/// Rows named by small numbers, so that collisions and dangling references are common.
#[derive(Debug, Clone)]
struct Tenant {
    users: Vec<u8>,
    roles: Vec<u8>,
    entitlements: Vec<u8>,
    /// Role and members; every role at most once.
    grants: Vec<(u8, Vec<u8>)>,
}

fn tenants() -> impl Strategy<Value = Tenant> {
    let some = || prop::collection::vec(0_u8..12, 0..15);
    let grants = prop::collection::hash_map(0_u8..12, some(), 0..8);
    (some(), some(), some(), grants).prop_map(|(users, roles, entitlements, grants)| Tenant {
        users,
        roles,
        entitlements,
        grants: grants.into_iter().collect(),
    })
}

/// Ids in several spellings: numbers, and texts that only look like numbers.
fn spelled(id: u8) -> String {
    if id.is_multiple_of(3) {
        format!("0{id}")
    } else {
        id.to_string()
    }
}

impl Tenant {
    fn source(&self, group_size: usize) -> ListSource {
        let name = |id: &u8| spelled(*id);
        let groups = self.grants.iter().flat_map(|(role, members)| {
            let members: Vec<String> = members.iter().map(name).collect();
            let chunks: Vec<Vec<String>> = members.chunks(group_size).map(<[String]>::to_vec).collect();
            let role = spelled(*role);
            chunks
                .into_iter()
                .map(move |chunk| grants(&role, &chunk.iter().map(String::as_str).collect::<Vec<_>>()))
        });
        ListSource::of(vec![
            AccessBatch::ResourceTypes(types()),
            AccessBatch::Resources(self.users.iter().map(|id| user(&name(id))).collect()),
            AccessBatch::Resources(self.roles.iter().map(|id| role(&name(id))).collect()),
            AccessBatch::Entitlements(self.entitlements.iter().map(|id| assigned(&name(id))).collect()),
            AccessBatch::Grants(groups.collect()),
        ])
    }

    /// The expected grants: (role, user) pairs.
    fn expected_grants(&self) -> HashSet<(String, String)> {
        let users: HashSet<&u8> = self.users.iter().collect();
        let roles: HashSet<&u8> = self.roles.iter().collect();
        let held: HashSet<&u8> = self
            .entitlements
            .iter()
            .filter(|role| roles.contains(role))
            .collect();
        let pairs = self.grants.iter().filter(|(role, _)| held.contains(role));
        pairs
            .flat_map(|(role, members)| members.iter().map(move |member| (role, member)))
            .filter(|(_, member)| users.contains(member))
            .map(|(role, member)| (spelled(*role), spelled(*member)))
            .collect()
    }
}

proptest! {
    #[test]
    fn exactly_the_consistent_rows_are_written(tenant in tenants(), group_size in 1_usize..5) {
        let sink = Arc::new(ListSink::named("a"));
        let outcome = run(&tenant.source(group_size), &[&sink], SyncScope::default(), pending()).unwrap();

        let mut written = Vec::new();
        let mut resources: HashMap<ResourceId, u32> = HashMap::new();
        for batch in sink.log().rows {
            match batch {
                AccessBatch::Resources(rows) => {
                    for row in rows {
                        *resources.entry(row.id).or_default() += 1;
                    }
                }
                AccessBatch::Grants(groups) => written.extend(groups.into_iter().flat_map(|group| {
                    let role = group.entitlement.as_str().split(':').nth(1).unwrap().to_owned();
                    group.principals.into_iter().map(move |id| (role.clone(), id.to_string()))
                })),
                AccessBatch::ResourceTypes(_) | AccessBatch::Entitlements(_) => {}
            }
        }
        prop_assert!(resources.values().all(|count| *count == 1), "a resource was written twice");
        let unique: HashSet<_> = written.iter().cloned().collect();
        prop_assert_eq!(unique.len(), written.len(), "a grant was written twice");
        prop_assert_eq!(unique, tenant.expected_grants());

        prop_assert!(outcome.summary.ledger.imbalance().is_none());
        let received: u64 = outcome.summary.ledger.iter().map(|(_, entry)| entry.received).sum();
        let members: usize = tenant.grants.iter().map(|(_, members)| members.len()).sum();
        let rows = types().len() + tenant.users.len() + tenant.roles.len() + tenant.entitlements.len() + members;
        prop_assert_eq!(received, rows as u64);
    }
}
