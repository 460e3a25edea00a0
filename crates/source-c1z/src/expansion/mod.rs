//! Who holds what through something else, worked out as the reference does after a sync (c1z facts §5.5).
//!
//! `edges` gathers which entitlement's holders hold which other, `graph` puts the entitlements in an order in which
//! sources come before what they feed, `holders` remembers who holds a source, `destination` works out one entitlement.
//! Memory: the edges, a few dozen bytes a principal, four bytes a holder of an entitlement that feeds one still to come,
//! and the grants of one entitlement.

mod destination;
mod edges;
mod graph;
mod holders;

use std::collections::{BTreeMap, HashSet};

use access_core::model::{Entitlement, EntitlementId, SyncScope};
use c1z::Reader;

use crate::error::C1zSourceError;
use crate::grants::GrantBatches;
use crate::outlet::Skips;

use destination::Destination;
use edges::Edges;
use graph::{Graph, Part};
use holders::{Holder, Principals};

/// The expansions of one sync.
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

    /// Notes that an entitlement exists.
    pub(crate) fn listed(&mut self, entitlement: &Entitlement) {
        self.edges.listed(entitlement);
    }

    /// Hands over the grants, direct and effective ones, of all entitlements that take part. Returns which these are.
    pub(crate) fn run(
        self,
        reader: &Reader,
        sync: &str,
        scope: &SyncScope,
        skips: &mut Skips,
        batches: &mut GrantBatches<'_>,
    ) -> Result<HashSet<EntitlementId>, C1zSourceError> {
        let (nodes, edges, unknown) = self.edges.usable()?;
        let graph = Graph::new(nodes.len(), &edges);
        if unknown > 0 {
            let message = format!(
                "{unknown} grants pass on to holders of an entitlement, or pass on one, that the file does not list; this \
                 has no effect"
            );
            batches.outlet().warn("unknown_expansion", message)?;
        }
        if graph.cycles() > 0 {
            let message = format!(
                "{} times entitlements pass each other on in a circle; within the circle nothing is passed on",
                graph.cycles()
            );
            batches.outlet().warn("expansion_cycle", message)?;
        }

        let mut principals = Principals::default();
        let mut remembered: BTreeMap<Part, Sources> = BTreeMap::new();
        let mut expanded = HashSet::new();
        for part in graph.parts() {
            let mut holders = Vec::new();
            for &node in graph.members(part) {
                let node = &nodes[node];
                let mut destination = Destination::load(reader, sync, &node.id, &mut principals, skips)?;
                for (source, edge) in graph.incoming(part) {
                    for (id, holders) in remembered.get(source).iter().flat_map(|sources| &sources.holders) {
                        destination.gain(id, holders, edge, &principals);
                    }
                }
                if graph.feeds(part) > 0 {
                    holders.push((node.id.clone(), destination.holders()));
                }
                if scope.includes_type(&node.resource_type) {
                    destination.hand_over(&principals, batches)?;
                }
                expanded.insert(node.id.clone());
            }
            remembered.insert(
                part,
                Sources {
                    holders,
                    still_feeds: graph.feeds(part),
                },
            );
            for (source, _) in graph.incoming(part) {
                forget_if_done(&mut remembered, *source);
            }
        }
        Ok(expanded)
    }
}

/// Who holds the entitlements of one part of the graph, for as long as something is still to be fed by them.
struct Sources {
    holders: Vec<(EntitlementId, Vec<Holder>)>,
    still_feeds: usize,
}

fn forget_if_done(remembered: &mut BTreeMap<Part, Sources>, source: Part) {
    let Some(sources) = remembered.get_mut(&source) else {
        return;
    };
    sources.still_feeds = sources.still_feeds.saturating_sub(1);
    if sources.still_feeds == 0 {
        remembered.remove(&source);
    }
}
