//! The checks between the source and the sinks: what is let through is referentially whole, what is not is counted.

use std::collections::{BTreeMap, HashMap};

use crate::model::{
    AccessBatch, Entitlement, EntitlementId, GrantGroup, NativeId, Resource, ResourceId, ResourceType,
    ResourceTypeId, RowKind, SyncScope, TraitKind,
};
use crate::ports::Skipped;

use super::error::ContractViolation;
use super::ledger::{DropReason, Ledger};
use super::resource_index::ResourceIndex;

/// Lets rows in and keeps the books. Memory: a few dozen bytes a resource and an entitlement, nothing for grants.
pub(super) struct Admission<'a> {
    scope: &'a SyncScope,
    types: HashMap<ResourceTypeId, TraitKind>,
    resources: ResourceIndex,
    entitlements: HashMap<EntitlementId, EntitlementState>,
    holders: Holders,
    ledger: Ledger,
    clipped: BTreeMap<ResourceTypeId, u64>,
}

struct EntitlementState {
    resource_type: ResourceTypeId,
    closed: bool,
}

/// Who has been seen holding the entitlement whose grants are coming in. One number a resource is enough, because an
/// entitlement's grants come together: a stamp of the current turn means "seen", older stamps mean nothing.
#[derive(Default)]
struct Holders {
    open: Option<EntitlementId>,
    turn: u32,
    last_turn: Vec<u32>,
}

impl<'a> Admission<'a> {
    pub(super) fn new(scope: &'a SyncScope) -> Self {
        Self {
            scope,
            types: HashMap::new(),
            resources: ResourceIndex::default(),
            entitlements: HashMap::new(),
            holders: Holders::default(),
            ledger: Ledger::default(),
            clipped: BTreeMap::new(),
        }
    }

    /// Books rows that the source could not use itself.
    pub(super) fn skipped(&mut self, skipped: &Skipped) {
        self.ledger
            .received(skipped.kind, &skipped.resource_type, skipped.count);
        self.ledger.dropped(
            skipped.kind,
            &skipped.resource_type,
            skipped.reason.into(),
            skipped.count,
        );
    }

    /// Checks a batch; `None` if nothing of it is left.
    pub(super) fn admit(&mut self, batch: AccessBatch) -> Result<Option<AccessBatch>, ContractViolation> {
        let batch = match batch {
            AccessBatch::ResourceTypes(rows) => AccessBatch::ResourceTypes(self.admit_types(rows)),
            AccessBatch::Resources(rows) => AccessBatch::Resources(self.admit_resources(rows)?),
            AccessBatch::Entitlements(rows) => AccessBatch::Entitlements(self.admit_entitlements(rows)),
            AccessBatch::Grants(groups) => AccessBatch::Grants(self.admit_groups(groups)?),
        };
        Ok((batch.rows() > 0).then_some(batch))
    }

    /// The books, and how many names were clipped by type.
    pub(super) fn finish(self) -> (Ledger, BTreeMap<ResourceTypeId, u64>) {
        (self.ledger, self.clipped)
    }

    fn book(&mut self, kind: RowKind, resource_type: &ResourceTypeId, verdict: Verdict) -> bool {
        self.ledger.received(kind, resource_type, 1);
        match verdict {
            Ok(()) => self.ledger.written(kind, resource_type, 1),
            Err(reason) => self.ledger.dropped(kind, resource_type, reason, 1),
        }
        verdict.is_ok()
    }

    fn admit_types(&mut self, mut rows: Vec<ResourceType>) -> Vec<ResourceType> {
        rows.retain(|row| {
            let verdict = match self.types.insert(row.id.clone(), row.kind) {
                Some(_) => Err(DropReason::Duplicate),
                None => Ok(()),
            };
            self.book(RowKind::ResourceType, &row.id, verdict)
        });
        rows
    }

    fn admit_resources(&mut self, rows: Vec<Resource>) -> Result<Vec<Resource>, ContractViolation> {
        let mut admitted = Vec::with_capacity(rows.len());
        for row in rows {
            let resource_type = row.id.resource_type.clone();
            let verdict = self.judge_resource(&row)?;
            if self.book(RowKind::Resource, &resource_type, verdict) {
                let clipped = row.display_name.was_clipped()
                    || row
                        .description
                        .as_ref()
                        .is_some_and(crate::model::Description::was_clipped);
                if clipped {
                    *self.clipped.entry(resource_type).or_default() += 1;
                }
                admitted.push(row);
            }
        }
        self.holders.last_turn.resize(self.resources.len(), 0);
        Ok(admitted)
    }

    fn judge_resource(&mut self, row: &Resource) -> Result<Verdict, ContractViolation> {
        let ResourceId { resource_type, id } = &row.id;
        let Some(kind) = self.types.get(resource_type) else {
            return Ok(Err(DropReason::UnknownResourceType));
        };
        if *kind != row.kind.kind() {
            return Err(ContractViolation::TraitMismatch {
                resource_type: resource_type.clone(),
            });
        }
        let new = self
            .resources
            .insert(resource_type, id)
            .ok_or(ContractViolation::TooManyResources)?;
        Ok(if new { Ok(()) } else { Err(DropReason::Duplicate) })
    }

    fn admit_entitlements(&mut self, mut rows: Vec<Entitlement>) -> Vec<Entitlement> {
        rows.retain(|row| {
            let resource_type = &row.resource.resource_type;
            let verdict = if !self.types.contains_key(resource_type) {
                Err(DropReason::UnknownResourceType)
            } else if self
                .resources
                .of_type(resource_type)
                .find(&row.resource.id)
                .is_none()
            {
                Err(DropReason::UnknownResource)
            } else if self.entitlements.contains_key(&row.id) {
                Err(DropReason::Duplicate)
            } else {
                let state = EntitlementState {
                    resource_type: resource_type.clone(),
                    closed: false,
                };
                self.entitlements.insert(row.id.clone(), state);
                Ok(())
            };
            self.book(RowKind::Entitlement, resource_type, verdict)
        });
        rows
    }

    fn admit_groups(&mut self, groups: Vec<GrantGroup>) -> Result<Vec<GrantGroup>, ContractViolation> {
        let mut admitted = Vec::with_capacity(groups.len());
        for group in groups {
            if let Some(group) = self.admit_group(group)? {
                admitted.push(group);
            }
        }
        Ok(admitted)
    }

    fn admit_group(&mut self, mut group: GrantGroup) -> Result<Option<GrantGroup>, ContractViolation> {
        let received = group.principals.len() as u64;
        let Some(state) = self.entitlements.get(&group.entitlement) else {
            // Nothing is known of the entitlement but its id, whose first part names the type of its resource.
            let resource_type = resource_type_of(&group.entitlement);
            self.ledger.received(RowKind::Grant, &resource_type, received);
            self.ledger.dropped(
                RowKind::Grant,
                &resource_type,
                DropReason::UnknownEntitlement,
                received,
            );
            return Ok(None);
        };
        let resource_type = state.resource_type.clone();
        self.open(&group.entitlement)?;
        self.ledger.received(RowKind::Grant, &resource_type, received);

        let unknown_principal = if self.scope.includes_type(&group.principal_type) {
            DropReason::UnknownPrincipal
        } else {
            DropReason::OutOfScope
        };
        let fixed_part = group.entitlement.as_str().len() + group.principal_type.as_str().len() + 2;
        let principals = self.resources.of_type(&group.principal_type);
        let (holders, ledger) = (&mut self.holders, &mut self.ledger);
        group.retain(|principal: &NativeId| {
            let reason = match principals.find(principal) {
                None => unknown_principal,
                Some(_) if fixed_part + principal.as_str().len() > crate::model::MAX_ID_BYTES => {
                    DropReason::IdTooLong
                }
                Some(ordinal) if !holders.is_new(ordinal) => DropReason::Duplicate,
                Some(_) => return true,
            };
            ledger.dropped(RowKind::Grant, &resource_type, reason, 1);
            false
        });
        ledger.written(RowKind::Grant, &resource_type, group.principals.len() as u64);
        Ok((!group.principals.is_empty()).then_some(group))
    }

    /// Makes the entitlement the current one, closing the one before.
    fn open(&mut self, entitlement: &EntitlementId) -> Result<(), ContractViolation> {
        if self.holders.open.as_ref() == Some(entitlement) {
            return Ok(());
        }
        if let Some(state) = self
            .holders
            .open
            .take()
            .and_then(|before| self.entitlements.get_mut(&before))
        {
            state.closed = true;
        }
        if self
            .entitlements
            .get(entitlement)
            .is_some_and(|state| state.closed)
        {
            return Err(ContractViolation::EntitlementReopened {
                entitlement: entitlement.clone(),
            });
        }
        self.holders.turn += 1;
        self.holders.open = Some(entitlement.clone());
        Ok(())
    }
}

type Verdict = Result<(), DropReason>;

impl Holders {
    /// Whether this principal is seen for the first time in this turn.
    fn is_new(&mut self, ordinal: u32) -> bool {
        let Some(stamp) = self.last_turn.get_mut(ordinal as usize) else {
            return false;
        };
        let new = *stamp != self.turn;
        *stamp = self.turn;
        new
    }
}

pub(super) fn resource_type_of(entitlement: &EntitlementId) -> ResourceTypeId {
    let text = entitlement.as_str();
    let (begin, _) = text.split_once(':').unwrap_or((text, ""));
    ResourceTypeId::new(begin).unwrap_or_else(|_| ResourceTypeId::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_the_text_before_the_first_colon() {
        for (id, wanted) in [
            ("role:7:assigned", "role"),
            ("role", "role"),
            (":7:assigned", "unknown"),
        ] {
            let id = EntitlementId::new(id).unwrap();
            assert_eq!(resource_type_of(&id).as_str(), wanted);
        }
    }
}
