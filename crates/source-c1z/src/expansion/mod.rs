//! Effective grants through other entitlements, computed as the reference does after a sync (docs/reference/c1z.md §5.5).
//!
//! `edges` collects the edges between entitlements, `graph` orders the entitlements so that sources precede their targets,
//! `holders` stores the holders of sources compactly, and `effective_grants` computes the grants of one entitlement.
//! Memory: the edges, a few dozen bytes a principal, four bytes a holder of an entitlement with remaining targets, and the
//! grants of one entitlement.

mod edges;
mod effective_grants;
mod graph;
mod holders;
mod request;

use std::collections::{BTreeMap, HashSet};

use access_core::model::{Entitlement, EntitlementId};
use c1z::Reader;

use crate::channel::EventSender;
use crate::channel::SkipCounts;
use crate::error::C1zSourceError;

use edges::{Edges, Node};
use effective_grants::Destination;
use graph::{Component, Graph};
use holders::{Holder, Principals};
pub(crate) use request::{ExpansionInput, GrantVisitor};

/// The expansions of a sync, from the annotations of its grants.
pub(crate) struct Expansion {
    edges: Edges,
}

impl Expansion {
    /// Finds the grants to expand. Whether the file's writer already expanded them does not matter: expansion is
    /// idempotent.
    pub(crate) fn load(reader: &Reader, sync: &str) -> Result<Self, C1zSourceError> {
        Ok(Self {
            edges: Edges::load(reader, sync)?,
        })
    }

    /// The entitlements in the annotations, in no order.
    pub(crate) fn named(&self) -> impl Iterator<Item = &EntitlementId> {
        self.edges.named()
    }

    /// Adds an existing entitlement.
    pub(crate) fn listed(&mut self, entitlement: &Entitlement) {
        self.edges.listed(entitlement);
    }

    /// Builds the network after all entitlements were added.
    pub(crate) fn network(self) -> Result<ExpansionPlan, C1zSourceError> {
        let (nodes, edges, unknown) = self.edges.usable()?;
        let graph = Graph::new(nodes.len(), &edges);
        Ok(ExpansionPlan {
            nodes,
            graph,
            unknown,
        })
    }
}

/// Entitlements with edges, in an order for computing their grants.
pub(crate) struct ExpansionPlan {
    /// Sorted by id.
    nodes: Vec<Node>,
    graph: Graph,
    unknown: u64,
}

impl ExpansionPlan {
    /// The entitlements of the network.
    pub(crate) fn ids(&self) -> HashSet<EntitlementId> {
        self.nodes.iter().map(|node| node.id.clone()).collect()
    }

    /// The entitlements of the network, sorted by id.
    pub(crate) fn ordered_ids(&self) -> impl Iterator<Item = &EntitlementId> {
        self.nodes.iter().map(|node| &node.id)
    }

    /// Whether an entitlement belongs to the network.
    pub(crate) fn has(&self, id: &EntitlementId) -> bool {
        self.number(id).is_some()
    }

    fn number(&self, id: &EntitlementId) -> Option<usize> {
        self.nodes.binary_search_by(|node| node.id.cmp(id)).ok()
    }

    /// Warns about expansions of unlisted entitlements and about cycles.
    pub(crate) fn warn(&self, outlet: &EventSender) -> Result<(), C1zSourceError> {
        if self.unknown > 0 {
            let message = format!(
                "{} grants pass on to holders of an entitlement, or pass on one, that the file does not list; this \
                 has no effect",
                self.unknown
            );
            outlet.warn("unknown_expansion", message)?;
        }
        if self.graph.cycles() > 0 {
            let message = format!(
                "{} times entitlements pass each other on in a circle; within the circle nothing is passed on",
                self.graph.cycles()
            );
            outlet.warn("expansion_cycle", message)?;
        }
        Ok(())
    }

    /// Passes the requested grants, direct and effective, of the entitlements in this network to the visitor.
    pub(crate) fn run(
        &self,
        reader: &Reader,
        sync: &str,
        input: ExpansionInput<'_>,
        skips: &mut SkipCounts,
        visitor: &mut dyn GrantVisitor,
    ) -> Result<(), C1zSourceError> {
        let (components, mut open_targets) = self.needed(input);
        let mut principals = Principals::default();
        let mut remembered: BTreeMap<Component, Sources> = BTreeMap::new();
        for component in components {
            let mut holders = Vec::new();
            for &node in self.graph.members(component) {
                let node = &self.nodes[node];
                let mut destination =
                    Destination::load(reader, sync, &node.id, input, &mut principals, skips)?;
                for (source, edge) in self.graph.incoming(component) {
                    for (id, holders) in remembered.get(source).into_iter().flatten() {
                        destination.gain(id, holders, edge, &principals);
                    }
                }
                if open_targets[component] > 0 {
                    holders.push((node.id.clone(), destination.holders()));
                }
                let is_requested = !matches!(input, ExpansionInput::OfEntitlement(id) if *id != node.id);
                if is_requested && visitor.accepts(&node.resource_type) {
                    destination.hand_over(&principals, visitor)?;
                }
            }
            remembered.insert(component, holders);
            for (source, _) in self.graph.incoming(component) {
                open_targets[*source] = open_targets[*source].saturating_sub(1);
                if open_targets[*source] == 0 {
                    remembered.remove(source);
                }
            }
        }
        Ok(())
    }

    /// The components to compute, in order, and the number of targets of each component among them.
    fn needed(&self, input: ExpansionInput<'_>) -> (Vec<Component>, Vec<usize>) {
        let all = self.graph.components();
        let mut needed = vec![!matches!(input, ExpansionInput::OfEntitlement(_)); all.len()];
        if let ExpansionInput::OfEntitlement(id) = input {
            let requested = self.number(id);
            // Components come after their sources, so one pass backwards finds all of them.
            for component in all.clone().rev() {
                needed[component] |=
                    requested.is_some_and(|requested| self.graph.members(component).contains(&requested));
                if needed[component] {
                    for (source, _) in self.graph.incoming(component) {
                        needed[*source] = true;
                    }
                }
            }
        }
        let components: Vec<Component> = all.clone().filter(|component| needed[*component]).collect();
        let mut feeds = vec![0; all.len()];
        for component in &components {
            for (source, _) in self.graph.incoming(*component) {
                feeds[*source] += 1;
            }
        }
        (components, feeds)
    }
}

/// The holders of the entitlements of a component, kept while it has targets to compute.
type Sources = Vec<(EntitlementId, Vec<Holder>)>;
