//! Edges of the expansion: the holders of one entitlement also hold another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use access_core::model::{Entitlement, EntitlementId, ResourceId, ResourceTypeId};
use c1z::{ExpandableGrant, Reader};

use crate::decode;
use crate::error::C1zSourceError;

/// Which holders of the source hold the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edge {
    /// Only those who hold the source directly.
    pub(super) shallow: bool,
    /// Only principals of these types; `None` = all.
    pub(super) types: Option<BTreeSet<Box<str>>>,
}

impl Edge {
    /// Widens this edge to what either admits: deep beats shallow, all types beat some, lists of types are united.
    /// (docs/reference/c1z.md §5.5; that types add up was seen in the reference's v0.25.0.)
    pub(super) fn widen(&mut self, other: &Self) {
        self.shallow &= other.shallow;
        match (&mut self.types, &other.types) {
            (Some(types), Some(others)) => types.extend(others.iter().cloned()),
            (types, _) => *types = None,
        }
    }

    /// Whether a holder of the source is admitted.
    pub(super) fn admits(&self, principal_type: &ResourceTypeId, direct: bool) -> bool {
        let right_type = self
            .types
            .as_ref()
            .is_none_or(|types| types.contains(principal_type.as_str()));
        right_type && (direct || !self.shallow)
    }
}

/// An entitlement of the network.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) id: EntitlementId,
    pub(super) resource_type: ResourceTypeId,
}

/// Edges between entitlements by number.
pub(super) type EdgeMap = BTreeMap<(usize, usize), Edge>;

/// Edges from the annotations of grants, not yet validated.
#[derive(Debug, Default)]
pub(super) struct Edges {
    numbers: HashMap<EntitlementId, usize>,
    /// The resources of the listed entitlements.
    resources: Vec<Option<ResourceId>>,
    named: Vec<GrantEdge>,
    /// Number of grants that are not expanded because an id is invalid.
    unusable: u64,
}

#[derive(Debug)]
struct GrantEdge {
    source: usize,
    destination: usize,
    principal: ResourceId,
    edge: Edge,
}

impl Edges {
    pub(super) fn load(reader: &Reader, sync: &str) -> Result<Self, C1zSourceError> {
        let mut edges = Self::default();
        reader.expandable_grants(sync, |grant| {
            edges.add(&grant);
            Ok::<(), C1zSourceError>(())
        })?;
        Ok(edges)
    }

    fn add(&mut self, grant: &ExpandableGrant<'_>) {
        let expansion = &grant.expansion;
        let types: BTreeSet<Box<str>> = expansion
            .resource_type_ids
            .iter()
            .map(|id| id.as_str().into())
            .collect();
        let edge = Edge {
            shallow: expansion.shallow,
            types: (!types.is_empty()).then_some(types),
        };
        let sources = expansion
            .entitlement_ids
            .iter()
            .filter(|id| !id.trim().is_empty());
        for source in sources {
            let ids =
                EntitlementId::new(source).and_then(|id| Ok((id, EntitlementId::new(grant.entitlement)?)));
            match (ids, decode::resource_id(grant.principal_type, grant.principal)) {
                (Ok((source, destination)), Ok(principal)) => {
                    let (source, destination) = (self.number(source), self.number(destination));
                    self.named.push(GrantEdge {
                        source,
                        destination,
                        principal,
                        edge: edge.clone(),
                    });
                }
                _ => self.unusable += 1,
            }
        }
    }

    fn number(&mut self, id: EntitlementId) -> usize {
        let next = self.resources.len();
        let number = *self.numbers.entry(id).or_insert(next);
        if number == next {
            self.resources.push(None);
        }
        number
    }

    /// The named entitlements, in no order.
    pub(super) fn named(&self) -> impl Iterator<Item = &EntitlementId> {
        self.numbers.keys()
    }

    /// Adds the resource of an entitlement.
    pub(super) fn listed(&mut self, entitlement: &Entitlement) {
        if let Some(number) = self.numbers.get(&entitlement.id) {
            self.resources[*number].get_or_insert_with(|| entitlement.resource.clone());
        }
    }

    /// The entitlements that take part and the edges between them, and how many edges name one that is not listed. As in
    /// the reference such an edge has no effect, and a source that is not on the grant's own principal is an error
    /// (docs/reference/c1z.md §5.4).
    pub(super) fn usable(self) -> Result<(Vec<Node>, EdgeMap, u64), C1zSourceError> {
        let Self {
            numbers,
            resources,
            named,
            unusable,
        } = self;
        let mut ids: Vec<(usize, EntitlementId)> =
            numbers.into_iter().map(|(id, number)| (number, id)).collect();
        ids.sort_unstable();
        let mut unknown = unusable;
        let mut usable: Vec<(EntitlementId, EntitlementId, Edge)> = Vec::new();
        for GrantEdge {
            source,
            destination,
            principal,
            edge,
        } in named
        {
            let (source_id, entitlement) = (&ids[source].1, &ids[destination].1);
            match &resources[source] {
                Some(resource) if *resource != principal => {
                    return Err(C1zSourceError::ForeignExpansion {
                        entitlement: entitlement.clone(),
                        principal,
                        source_id: source_id.clone(),
                    });
                }
                Some(_) if resources[destination].is_some() => {
                    usable.push((source_id.clone(), entitlement.clone(), edge));
                }
                _ => unknown += 1,
            }
        }
        let types: BTreeMap<EntitlementId, ResourceTypeId> = ids
            .into_iter()
            .zip(resources)
            .filter_map(|((_, id), resource)| Some((id, resource?.resource_type)))
            .collect();
        let (nodes, edges) = renumbered(&types, &usable);
        Ok((nodes, edges, unknown))
    }
}

/// Numbers the entitlements that have edges in the order of their ids, so that the same file always gives the same
/// order of rows.
fn renumbered(
    types: &BTreeMap<EntitlementId, ResourceTypeId>,
    named: &[(EntitlementId, EntitlementId, Edge)],
) -> (Vec<Node>, EdgeMap) {
    let members: BTreeSet<&EntitlementId> = named
        .iter()
        .flat_map(|(source, destination, _)| [source, destination])
        .collect();
    let nodes: Vec<Node> = types
        .iter()
        .filter(|(id, _)| members.contains(id))
        .map(|(id, resource_type)| Node {
            id: id.clone(),
            resource_type: resource_type.clone(),
        })
        .collect();
    let number = |id: &EntitlementId| nodes.binary_search_by(|node| node.id.cmp(id)).ok();
    let mut edges = EdgeMap::new();
    for (source, destination, edge) in named {
        if let (Some(source), Some(destination)) = (number(source), number(destination)) {
            edges
                .entry((source, destination))
                .and_modify(|known| known.widen(edge))
                .or_insert_with(|| edge.clone());
        }
    }
    (nodes, edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(shallow: bool, types: &[&str]) -> Edge {
        let types: BTreeSet<Box<str>> = types.iter().map(|id| (*id).into()).collect();
        Edge {
            shallow,
            types: (!types.is_empty()).then_some(types),
        }
    }

    #[test]
    fn two_edges_become_the_wider_one() {
        for (one, other, wider) in [
            (edge(true, &["user"]), edge(false, &[]), edge(false, &[])),
            (
                edge(true, &["user"]),
                edge(true, &["group"]),
                edge(true, &["group", "user"]),
            ),
            (edge(true, &[]), edge(false, &["user"]), edge(false, &[])),
            (edge(true, &[]), edge(true, &[]), edge(true, &[])),
        ] {
            for (mut widened, with) in [(one.clone(), &other), (other.clone(), &one)] {
                widened.widen(with);
                assert_eq!(widened, wider);
            }
        }
    }

    #[test]
    fn an_edge_admits_by_type_and_directness() {
        let (user, group) = (
            ResourceTypeId::from_static("user"),
            ResourceTypeId::from_static("group"),
        );
        assert!(edge(false, &[]).admits(&group, false));
        assert!(!edge(true, &[]).admits(&group, false));
        assert!(edge(true, &["user"]).admits(&user, true));
        assert!(!edge(false, &["user"]).admits(&group, true));
    }
}
