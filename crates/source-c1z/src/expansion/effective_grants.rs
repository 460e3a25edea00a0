//! The grants of one entitlement, with those that it gains from its sources.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use access_core::model::{EntitlementId, GrantId, GrantOrigin};
use access_core::ports::SkipReason;
use c1z::{GrantRow, Reader};

use crate::channel::SkipCounts;
use crate::decode;
use crate::error::C1zSourceError;
use crate::grants;

use super::edges::Edge;
use super::holders::Holder;
use super::holders::Number;
use super::holders::Principals;
use super::request::{ExpansionInput, GrantVisitor};

/// An entitlement with its grants.
#[derive(Debug)]
pub(super) struct Destination {
    id: EntitlementId,
    grants: Vec<Held>,
    /// The first grant of each principal.
    first: HashMap<Number, usize>,
}

/// A grant.
#[derive(Debug)]
struct Held {
    principal: Number,
    /// The id, unless it is the frozen one.
    id: Option<GrantId>,
    direct: bool,
    /// Sorted.
    sources: Vec<EntitlementId>,
}

impl Destination {
    /// Reads the grants in the file, or those of the requested principal.
    pub(super) fn load(
        reader: &Reader,
        sync: &str,
        id: &EntitlementId,
        input: ExpansionInput<'_>,
        principals: &mut Principals,
        skips: &mut SkipCounts,
    ) -> Result<Self, C1zSourceError> {
        let mut destination = Self {
            id: id.clone(),
            grants: Vec::new(),
            first: HashMap::new(),
        };
        let mut add = |row: GrantRow<'_>| {
            match held(&row, principals) {
                Ok(held) => destination.add(held),
                Err(reason) => skips.add(row.resource_type, reason),
            }
            Ok::<(), C1zSourceError>(())
        };
        match input {
            ExpansionInput::OfPrincipal(principal) => {
                let principal = (principal.resource_type.as_str(), principal.id.as_str());
                reader.grants_of_entitlement_to(sync, id.as_str(), principal, &mut add)?;
            }
            ExpansionInput::All | ExpansionInput::OfEntitlement(_) => {
                reader.grants_of_entitlement(sync, id.as_str(), &mut add)?;
            }
        }
        Ok(destination)
    }

    fn add(&mut self, held: Held) {
        self.first.entry(held.principal).or_insert(self.grants.len());
        self.grants.push(held);
    }

    /// Makes the holders of a source hold this entitlement too. An existing grant gains the source, and itself as a
    /// source if it had none; a new grant has the frozen id.
    pub(super) fn gain(
        &mut self,
        source: &EntitlementId,
        holders: &[Holder],
        edge: &Edge,
        principals: &Principals,
    ) {
        for holder in holders {
            let principal = holder.principal();
            if !edge.admits(&principals.id(principal).resource_type, holder.is_direct()) {
                continue;
            }
            match self.first.entry(principal) {
                Entry::Occupied(first) => {
                    let held = &mut self.grants[*first.get()];
                    if held.sources.is_empty() && held.direct {
                        held.sources.push(self.id.clone());
                    }
                    if let Err(index) = held.sources.binary_search(source) {
                        held.sources.insert(index, source.clone());
                    }
                }
                Entry::Vacant(first) => {
                    first.insert(self.grants.len());
                    self.grants.push(Held {
                        principal,
                        id: None,
                        direct: false,
                        sources: vec![source.clone()],
                    });
                }
            }
        }
    }

    /// The current holders.
    pub(super) fn holders(&self) -> Vec<Holder> {
        let holder = |held: &Held| Holder::new(held.principal, held.direct);
        self.grants.iter().map(holder).collect()
    }

    /// Passes all grants to the visitor, by principal.
    pub(super) fn hand_over(
        mut self,
        principals: &Principals,
        visitor: &mut dyn GrantVisitor,
    ) -> Result<(), C1zSourceError> {
        self.grants.sort_by_key(|held| principals.id(held.principal));
        for held in self.grants {
            let principal = principals.id(held.principal);
            let plain = held.direct && held.sources.is_empty() && held.id.is_none();
            let origin = (!plain).then_some(GrantOrigin {
                id: held.id,
                direct: held.direct,
                sources: held.sources,
            });
            visitor.visit(&self.id, principal, origin)?;
        }
        Ok(())
    }
}

fn held(row: &GrantRow<'_>, principals: &mut Principals) -> Result<Held, SkipReason> {
    let principal = decode::resource_id(row.principal_type, row.principal)?;
    let origin = grants::origin(row)?;
    let principal = principals.number(principal).ok_or(SkipReason::UnusableId)?;
    Ok(match origin {
        None => Held {
            principal,
            id: None,
            direct: true,
            sources: Vec::new(),
        },
        Some(GrantOrigin { id, direct, sources }) => Held {
            principal,
            id,
            direct,
            sources,
        },
    })
}
