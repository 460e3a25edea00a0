//! Merges grants that v1 distinguishes by their ids and v3 does not: there entitlement and principal identify a grant.

use baton_proto::prost_types::Timestamp;
use baton_proto::storage_v3::{GrantExpandableRecord, GrantRecord};

/// Merges grants that are ordered by entitlement and principal.
#[derive(Debug, Default)]
pub(super) struct GrantMerger {
    waiting: Option<GrantRecord>,
    count: u64,
}

impl GrantMerger {
    /// Adds a grant. Returns the previous one if it is complete.
    pub(super) fn next(&mut self, record: GrantRecord) -> Option<GrantRecord> {
        match &mut self.waiting {
            Some(waiting) if is_same(waiting, &record) => {
                merge(waiting, record);
                self.count += 1;
                None
            }
            _ => self.waiting.replace(record),
        }
    }

    pub(super) fn last(&mut self) -> Option<GrantRecord> {
        self.waiting.take()
    }

    /// Number of grants that were merged into others.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

fn is_same(a: &GrantRecord, b: &GrantRecord) -> bool {
    let holder = |record: &GrantRecord| {
        let principal = record.principal.clone().unwrap_or_default();
        (principal.resource_type_id, principal.resource_id)
    };
    a.entitlement == b.entitlement && holder(a) == holder(b)
}

/// The merged grant has the id of the one that was discovered first, or the smallest id among those; everything else is the
/// union.
fn merge(into: &mut GrantRecord, other: GrantRecord) {
    let age = |record: &GrantRecord| {
        let Timestamp { seconds, nanos } = record.discovered_at.unwrap_or_default();
        (seconds, nanos, record.external_id.clone())
    };
    if age(&other) < age(into) {
        into.external_id = other.external_id;
        into.discovered_at = other.discovered_at;
    }
    into.needs_expansion |= other.needs_expansion;
    into.annotations.extend(other.annotations);
    into.annotations
        .sort_by(|a, b| (&a.type_url, &a.value).cmp(&(&b.type_url, &b.value)));
    into.annotations.dedup();
    for (id, source) in other.sources {
        into.sources.entry(id).or_default().is_direct |= source.is_direct;
    }
    into.expansion = match (into.expansion.take(), other.expansion) {
        (Some(a), Some(b)) => Some(wider(a, b)),
        (a, b) => a.or(b),
    };
}

/// Deep wins over shallow, and all principal types win over some (docs/reference/c1z.md §5.5).
fn wider(mut a: GrantExpandableRecord, b: GrantExpandableRecord) -> GrantExpandableRecord {
    a.entitlement_ids.extend(b.entitlement_ids);
    a.entitlement_ids.sort_unstable();
    a.entitlement_ids.dedup();
    a.shallow &= b.shallow;
    if a.resource_type_ids.is_empty() || b.resource_type_ids.is_empty() {
        a.resource_type_ids.clear();
    } else {
        a.resource_type_ids.extend(b.resource_type_ids);
        a.resource_type_ids.sort_unstable();
        a.resource_type_ids.dedup();
    }
    a
}

#[cfg(test)]
mod tests {
    use baton_proto::storage_v3::{EntitlementRef, GrantSourceRecord, PrincipalRef};

    use super::*;

    fn grant(principal: &str, id: &str, seconds: i64) -> GrantRecord {
        GrantRecord {
            external_id: id.into(),
            entitlement: Some(EntitlementRef {
                entitlement_id: "e".into(),
                ..EntitlementRef::default()
            }),
            principal: Some(PrincipalRef {
                resource_id: principal.into(),
                ..PrincipalRef::default()
            }),
            discovered_at: Some(Timestamp { seconds, nanos: 0 }),
            ..GrantRecord::default()
        }
    }

    fn source(is_direct: bool) -> GrantSourceRecord {
        GrantSourceRecord {
            is_direct,
            ..GrantSourceRecord::default()
        }
    }

    #[test]
    fn merging_grants_ignores_their_order() {
        let mut a = grant("1", "b", 7);
        a.sources.insert("x".into(), source(false));
        a.expansion = Some(GrantExpandableRecord {
            entitlement_ids: vec!["p".into()],
            shallow: true,
            resource_type_ids: vec!["user".into()],
        });
        let mut b = grant("1", "a", 7);
        b.needs_expansion = true;
        b.sources.insert("x".into(), source(true));
        b.sources.insert("y".into(), source(false));
        b.expansion = Some(GrantExpandableRecord {
            entitlement_ids: vec!["q".into(), "p".into()],
            shallow: false,
            resource_type_ids: vec!["user".into(), "group".into()],
        });
        let c = grant("1", "0", 8);
        let other = grant("2", "z", 1);
        let together = |grants: [&GrantRecord; 3]| {
            let mut merged = GrantMerger::default();
            for grant in grants {
                assert_eq!(merged.next(grant.clone()), None);
            }
            let first = merged.next(other.clone()).unwrap();
            assert_eq!(merged.last().as_ref(), Some(&other));
            assert_eq!((merged.last(), merged.count()), (None, 2));
            first
        };
        let one = together([&a, &b, &c]);
        for others in [[&c, &b, &a], [&b, &a, &c], [&c, &a, &b]] {
            assert_eq!(together(others), one);
        }
        assert_eq!(one.external_id, "a");
        assert!(one.needs_expansion && one.sources["x"].is_direct && !one.sources["y"].is_direct);
        let expansion = one.expansion.unwrap();
        assert_eq!(expansion.entitlement_ids, ["p", "q"]);
        assert_eq!(expansion.resource_type_ids, ["group", "user"]);
        assert!(!expansion.shallow);
    }

    #[test]
    fn unlimited_expansion_wins() {
        let of = |types: &[&str]| GrantExpandableRecord {
            resource_type_ids: types.iter().map(|&id| id.to_owned()).collect(),
            ..GrantExpandableRecord::default()
        };
        assert!(wider(of(&["user"]), of(&[])).resource_type_ids.is_empty());
        assert!(wider(of(&[]), of(&["user"])).resource_type_ids.is_empty());
    }
}
