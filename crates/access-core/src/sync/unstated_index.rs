//! A compact index of missing information.

use std::collections::{HashMap, HashSet};

use crate::model::{EntitlementId, NativeId, ResourceTypeId, UnstatedScope};

use super::resource_index::{Ordinal, ResourceIndex};

/// Decides whether an unlisted row may exist.
#[derive(Debug, Default)]
pub(super) struct UnstatedIndex {
    holders: HashSet<EntitlementId>,
    grants: HashMap<EntitlementId, Principals>,
    grants_on: HashMap<ResourceTypeId, Principals>,
    all_grants: HashSet<ResourceTypeId>,
    resources: HashSet<ResourceTypeId>,
}

/// A set of principals: a bit per listed principal, texts for others.
#[derive(Debug, Default)]
struct Principals {
    listed: Vec<u64>,
    others: HashSet<(ResourceTypeId, NativeId)>,
}

impl Principals {
    fn extend(&mut self, index: &ResourceIndex, principal_type: &ResourceTypeId, principals: Vec<NativeId>) {
        let known = index.of_type(principal_type);
        for principal in principals {
            match known.find(&principal) {
                Some(ordinal) => {
                    let word = ordinal as usize / 64;
                    if self.listed.len() <= word {
                        self.listed.resize(word + 1, 0);
                    }
                    self.listed[word] |= 1 << (ordinal % 64);
                }
                None => {
                    self.others.insert((principal_type.clone(), principal));
                }
            }
        }
    }

    fn contains(&self, ordinal: Option<Ordinal>, principal_type: &str, principal: &str) -> bool {
        if let Some(ordinal) = ordinal {
            let word = self.listed.get(ordinal as usize / 64);
            return word.is_some_and(|word| word & (1 << (ordinal % 64)) != 0);
        }
        let key = ResourceTypeId::new(principal_type)
            .ok()
            .zip(NativeId::new(principal).ok());
        key.is_some_and(|key| self.others.contains(&key))
    }
}

impl UnstatedIndex {
    pub(super) fn add(&mut self, index: &ResourceIndex, scope: UnstatedScope) {
        match scope {
            UnstatedScope::Holders(entitlement) => {
                self.holders.insert(entitlement);
            }
            UnstatedScope::Grants {
                entitlement,
                principal_type,
                principals,
            } => self
                .grants
                .entry(entitlement)
                .or_default()
                .extend(index, &principal_type, principals),
            UnstatedScope::GrantsOn {
                resource_type,
                principal_type,
                principals,
            } => self
                .grants_on
                .entry(resource_type)
                .or_default()
                .extend(index, &principal_type, principals),
            UnstatedScope::AllGrants(resource_type) => {
                self.all_grants.insert(resource_type);
            }
            UnstatedScope::Resources(resource_type) => {
                self.resources.insert(resource_type);
            }
        }
    }

    /// Whether unlisted resources of this type may exist.
    pub(super) fn covers_resource(&self, resource_type: &str) -> bool {
        self.resources.contains(resource_type)
    }

    /// Whether an unlisted grant may exist. A principal that certainly does not exist has no grants.
    pub(super) fn covers_grant(
        &self,
        entitlement: &str,
        resource_type: &str,
        resource_is_listed: bool,
        principal: (Option<Ordinal>, &str, &str),
    ) -> bool {
        let (ordinal, principal_type, id) = principal;
        let principal_may_exist = ordinal.is_some() || self.covers_resource(principal_type);
        if !principal_may_exist {
            // The principal is not in the complete list of its type: the grant may exist only if the tenant still
            // mentions it.
            return self.names(entitlement, resource_type, principal);
        }
        (ordinal.is_none() && self.covers_resource(principal_type))
            || (!resource_is_listed && self.covers_resource(resource_type))
            || self.holders.contains(entitlement)
            || self.all_grants.contains(resource_type)
            || self
                .grants
                .get(entitlement)
                .is_some_and(|set| set.contains(ordinal, principal_type, id))
            || self
                .grants_on
                .get(resource_type)
                .is_some_and(|set| set.contains(ordinal, principal_type, id))
    }

    fn names(
        &self,
        entitlement: &str,
        resource_type: &str,
        principal: (Option<Ordinal>, &str, &str),
    ) -> bool {
        let (ordinal, principal_type, id) = principal;
        let sets = [self.grants.get(entitlement), self.grants_on.get(resource_type)];
        sets.into_iter()
            .flatten()
            .any(|set| set.contains(ordinal, principal_type, id))
    }
}
