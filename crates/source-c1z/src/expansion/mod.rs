//! Who holds what through something else, worked out as the reference does after a sync (docs/reference/c1z.md §5.5).
//!
//! `edges` gathers which entitlement's holders hold which other, `graph` puts the entitlements in an order in which
//! sources come before what they feed, `holders` remembers who holds a source, `destination` works out one entitlement.
//! Memory: the edges, a few dozen bytes a principal, four bytes a holder of an entitlement that feeds one still to come,
//! and the grants of one entitlement.

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

/// The expansions of one sync, as its grants name them.
pub(crate) struct Expansion {
    edges: Edges,
}

impl Expansion {
    /// Finds the grants that are to be expanded, whether or not the file's writer has done so: doing it again changes
    /// nothing.
    pub(crate) fn load(reader: &Reader, sync: &str) -> Result<Self, C1zSourceError> {
        Ok(Self {
            edges: Edges::load(reader, sync)?,
        })
    }

    /// The entitlements that the grants name, in no order.
    pub(crate) fn named(&self) -> impl Iterator<Item = &EntitlementId> {
        self.edges.named()
    }

    /// Notes that an entitlement exists.
    pub(crate) fn listed(&mut self, entitlement: &Entitlement) {
        self.edges.listed(entitlement);
    }

    /// Once all entitlements are noted: which feed which.
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

/// Entitlements that feed others or are fed by them.
pub(crate) struct ExpansionPlan {
    /// In the order of their ids.
    nodes: Vec<Node>,
    graph: Graph,
    unknown: u64,
}

impl ExpansionPlan {
    /// The entitlements that take part.
    pub(crate) fn ids(&self) -> HashSet<EntitlementId> {
        self.nodes.iter().map(|node| node.id.clone()).collect()
    }

    /// The same, in order.
    pub(crate) fn ordered_ids(&self) -> impl Iterator<Item = &EntitlementId> {
        self.nodes.iter().map(|node| &node.id)
    }

    /// Whether an entitlement takes part.
    pub(crate) fn has(&self, id: &EntitlementId) -> bool {
        self.number(id).is_some()
    }

    fn number(&self, id: &EntitlementId) -> Option<usize> {
        self.nodes.binary_search_by(|node| node.id.cmp(id)).ok()
    }

    /// Says what a person should know of it.
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
        let (parts, mut still_feeds) = self.needed(input);
        let mut principals = Principals::default();
        let mut remembered: BTreeMap<Component, Sources> = BTreeMap::new();
        for part in parts {
            let mut holders = Vec::new();
            for &node in self.graph.members(part) {
                let node = &self.nodes[node];
                let mut destination =
                    Destination::load(reader, sync, &node.id, input, &mut principals, skips)?;
                for (source, edge) in self.graph.incoming(part) {
                    for (id, holders) in remembered.get(source).into_iter().flatten() {
                        destination.gain(id, holders, edge, &principals);
                    }
                }
                if still_feeds[part] > 0 {
                    holders.push((node.id.clone(), destination.holders()));
                }
                let is_requested = !matches!(input, ExpansionInput::OfEntitlement(id) if *id != node.id);
                if is_requested && visitor.accepts(&node.resource_type) {
                    destination.hand_over(&principals, visitor)?;
                }
            }
            remembered.insert(part, holders);
            for (source, _) in self.graph.incoming(part) {
                still_feeds[*source] = still_feeds[*source].saturating_sub(1);
                if still_feeds[*source] == 0 {
                    remembered.remove(source);
                }
            }
        }
        Ok(())
    }

    /// The parts that have to be worked out, in order, and how many of them each part feeds.
    fn needed(&self, input: ExpansionInput<'_>) -> (Vec<Component>, Vec<usize>) {
        let all = self.graph.parts();
        let mut needed = vec![!matches!(input, ExpansionInput::OfEntitlement(_)); all.len()];
        if let ExpansionInput::OfEntitlement(id) = input {
            let requested = self.number(id);
            // Parts come after all that feed them: one look from the last to the first finds them all.
            for part in all.clone().rev() {
                needed[part] |=
                    requested.is_some_and(|requested| self.graph.members(part).contains(&requested));
                if needed[part] {
                    for (source, _) in self.graph.incoming(part) {
                        needed[*source] = true;
                    }
                }
            }
        }
        let parts: Vec<Component> = all.clone().filter(|part| needed[*part]).collect();
        let mut feeds = vec![0; all.len()];
        for part in &parts {
            for (source, _) in self.graph.incoming(*part) {
                feeds[*source] += 1;
            }
        }
        (parts, feeds)
    }
}

/// Who holds the entitlements of one part of the graph, for as long as something is still to be fed by them.
type Sources = Vec<(EntitlementId, Vec<Holder>)>;
