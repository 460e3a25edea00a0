//! Validation between source and sinks: accepted rows are referentially complete, others are counted.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::model::{
    AccessBatch, Entitlement, EntitlementId, GrantGroup, LeftOut, LeftOutRow, MAX_LEFT_OUT_ROWS, NativeId,
    Resource, ResourceId, ResourceType, ResourceTypeId, RowKind, SyncScope, TraitKind, Unstated,
    UnstatedNote, UnstatedScope, WithoutBaseline, clip_source_text,
};
use crate::ports::{Mention, SkippedRow, SkippedRows};

use super::current::CurrentSync;
use super::current::EntitlementHolders;
use super::error::ContractViolation;
use super::ledger::DropReason;
use super::ledger::Ledger;
use super::resource_index::Ordinal;

/// Maximum number of resource names kept for the list of dropped rows.
const MAX_NAMED_RESOURCES: usize = 20_000;

/// Maximum number of examples per missing field.
const MAX_UNSTATED_EXAMPLES: usize = 5;

/// Maximum number of distinct missing fields.
const MAX_UNSTATED_FIELDS: usize = 200;

/// Maximum number of contradicted grants remembered one by one, about 100 bytes each. Beyond it no principal of their type
/// counts as deleted.
const MAX_CONTRADICTED_GRANTS: usize = 100_000;

/// Validates rows and keeps the ledger. Takes a few dozen bytes per resource and entitlement, and 4 bytes per grant.
pub(super) struct RowValidator<'a> {
    scope: &'a SyncScope,
    types: HashMap<ResourceTypeId, TraitKind>,
    current: CurrentSync,
    holders: HolderTracker,
    ledger: Ledger,
    clipped: BTreeMap<ResourceTypeId, u64>,
    left_out: LeftOut<DropReason>,
    /// Names of resources other than users, for the list of dropped rows.
    names: HashMap<ResourceId, Box<str>>,
    mentions: HashMap<ResourceId, String>,
    unstated: Vec<UnstatedNote>,
    /// Types that are incomplete unless a comparison shows that nothing was lost.
    suspicious_types: BTreeMap<ResourceTypeId, ImplausibleSilence>,
    /// Grants to unlisted principals so far.
    contradicted_grants: usize,
}

/// The result of validation.
pub(super) struct ValidatedRows {
    pub(super) ledger: Ledger,
    /// Truncated names, by type.
    pub(super) clipped: BTreeMap<ResourceTypeId, u64>,
    pub(super) left_out: LeftOut<DropReason>,
    pub(super) unstated: Vec<UnstatedNote>,
    /// Types with unexpected missing information, and the missing field.
    pub(super) suspicious_types: BTreeMap<ResourceTypeId, ImplausibleSilence>,
    pub(super) current: CurrentSync,
}

/// Detects duplicate grants of the current entitlement. One number per resource suffices, because the grants of an
/// entitlement are consecutive: the number of the current turn means "seen".
#[derive(Default)]
struct HolderTracker {
    open_entitlement: Option<EntitlementId>,
    turn: u32,
    last_turn: Vec<u32>,
    accepted: Vec<Ordinal>,
}

/// Unexpected missing information.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ImplausibleSilence {
    /// The missing field.
    pub(super) field: String,
    /// Whether no real tenant is like that.
    pub(super) implausible: bool,
}

impl<'a> RowValidator<'a> {
    pub(super) fn new(scope: &'a SyncScope) -> Self {
        Self {
            scope,
            types: HashMap::new(),
            current: CurrentSync::default(),
            holders: HolderTracker::default(),
            ledger: Ledger::default(),
            clipped: BTreeMap::new(),
            left_out: LeftOut::default(),
            names: HashMap::new(),
            mentions: HashMap::new(),
            unstated: Vec::new(),
            suspicious_types: BTreeMap::new(),
            contradicted_grants: 0,
        }
    }

    /// Records the description of an unlisted resource.
    pub(super) fn mention(&mut self, mention: Mention) {
        if self.mentions.len() < MAX_LEFT_OUT_ROWS {
            let words = clip_source_text(&mention.words);
            self.mentions.entry(mention.resource).or_insert(words);
        }
    }

    /// Records missing information.
    pub(super) fn unstated(&mut self, unstated: Unstated) {
        let resource_type = unstated.scope.resource_type();
        if unstated.without_baseline != WithoutBaseline::Complete {
            let found = ImplausibleSilence {
                field: unstated.field.clone(),
                implausible: unstated.without_baseline == WithoutBaseline::Implausible,
            };
            let known = self.suspicious_types.entry(resource_type.clone());
            let known = known.or_insert_with(|| found.clone());
            if found.implausible && !known.implausible {
                *known = found;
            }
        }
        let is_same =
            |note: &UnstatedNote| note.resource_type == resource_type && note.field == unstated.field;
        let position = self.unstated.iter().position(is_same);
        if let Some(note) = position.and_then(|position| self.unstated.get_mut(position)) {
            note.count += unstated.count;
            let room = MAX_UNSTATED_EXAMPLES.saturating_sub(note.examples.len());
            note.examples.extend(unstated.examples.into_iter().take(room));
        } else if self.unstated.len() < MAX_UNSTATED_FIELDS {
            self.unstated.push(UnstatedNote {
                resource_type,
                field: unstated.field,
                count: unstated.count,
                examples: unstated
                    .examples
                    .into_iter()
                    .take(MAX_UNSTATED_EXAMPLES)
                    .collect(),
            });
        }
        self.current.unstated.add(&self.current.resources, unstated.scope);
    }

    /// Records rows that the source skipped.
    pub(super) fn skipped(&mut self, skipped: SkippedRows) {
        self.ledger
            .received(skipped.kind, &skipped.resource_type, skipped.count);
        self.ledger.dropped(
            skipped.kind,
            &skipped.resource_type,
            skipped.reason.into(),
            skipped.count,
        );
        let (kind, reason, count) = (skipped.kind, DropReason::from(skipped.reason), skipped.count);
        let mut named = 0;
        for row in skipped.rows {
            if named < count {
                named += 1;
                self.leave_out(kind, &skipped.resource_type, reason, row);
            }
        }
        if (kind, reason) != (RowKind::Grant, DropReason::Duplicate) {
            self.left_out.count(count - named);
        }
    }

    fn leave_out(
        &mut self,
        kind: RowKind,
        resource_type: &ResourceTypeId,
        reason: DropReason,
        row: SkippedRow,
    ) {
        // Rows outside the filter are expected, and the first of two duplicate grants is in the output.
        if reason == DropReason::OutOfScope || (kind, reason) == (RowKind::Grant, DropReason::Duplicate) {
            return;
        }
        self.left_out.push(LeftOutRow {
            kind,
            resource_type: resource_type.clone(),
            reason,
            resource: row.resource,
            resource_name: None,
            entitlement: row.entitlement,
            principal: row.principal,
            words: row.words.as_deref().map(clip_source_text),
        });
    }

    /// Validates a batch; `None` if no row is accepted.
    pub(super) fn validate(&mut self, batch: AccessBatch) -> Result<Option<AccessBatch>, ContractViolation> {
        let batch = match batch {
            AccessBatch::ResourceTypes(rows) => AccessBatch::ResourceTypes(self.validate_types(rows)),
            AccessBatch::Resources(rows) => AccessBatch::Resources(self.validate_resources(rows)?),
            AccessBatch::Entitlements(rows) => AccessBatch::Entitlements(self.validate_entitlements(rows)),
            AccessBatch::Grants(groups) => AccessBatch::Grants(self.validate_groups(groups)?),
        };
        Ok((batch.rows() > 0).then_some(batch))
    }

    /// Finishes validation.
    pub(super) fn finish(mut self) -> ValidatedRows {
        self.close_entitlement();
        for row in &mut self.left_out.rows {
            if let Some(resource) = &row.resource {
                row.resource_name = self.names.get(resource).map(ToString::to_string);
            }
            let unlisted = row.principal.as_ref().or(row.resource.as_ref());
            if row.words.is_none()
                && let Some(words) = unlisted.and_then(|id| self.mentions.get(id))
            {
                row.words = Some(words.clone());
            }
        }
        ValidatedRows {
            ledger: self.ledger,
            clipped: self.clipped,
            left_out: self.left_out,
            unstated: self.unstated,
            suspicious_types: self.suspicious_types,
            current: self.current,
        }
    }

    fn record_row(
        &mut self,
        kind: RowKind,
        resource_type: &ResourceTypeId,
        decision: DropDecision,
        row: impl FnOnce() -> SkippedRow,
    ) -> bool {
        self.ledger.received(kind, resource_type, 1);
        match decision {
            Ok(()) => self.ledger.written(kind, resource_type, 1),
            Err(reason) => {
                self.ledger.dropped(kind, resource_type, reason, 1);
                self.leave_out(kind, resource_type, reason, row());
            }
        }
        decision.is_ok()
    }

    fn validate_types(&mut self, mut rows: Vec<ResourceType>) -> Vec<ResourceType> {
        rows.retain(|row| {
            let decision = match self.types.insert(row.id.clone(), row.trait_kind) {
                Some(_) => Err(DropReason::Duplicate),
                None => Ok(()),
            };
            self.record_row(RowKind::ResourceType, &row.id, decision, SkippedRow::default)
        });
        rows
    }

    fn validate_resources(&mut self, rows: Vec<Resource>) -> Result<Vec<Resource>, ContractViolation> {
        let mut accepted = Vec::with_capacity(rows.len());
        for row in rows {
            let resource_type = row.id.resource_type.clone();
            let decision = self.check_resource(&row)?;
            let left_out = || SkippedRow {
                resource: Some(row.id.clone()),
                words: Some(row.display_name.to_string()),
                ..SkippedRow::default()
            };
            if self.record_row(RowKind::Resource, &resource_type, decision, left_out) {
                if row.resource_trait.trait_kind() != TraitKind::User
                    && self.names.len() < MAX_NAMED_RESOURCES
                {
                    self.names
                        .insert(row.id.clone(), row.display_name.as_str().into());
                }
                let clipped = row.display_name.was_clipped()
                    || row
                        .description
                        .as_ref()
                        .is_some_and(crate::model::Description::was_clipped);
                if clipped {
                    *self.clipped.entry(resource_type).or_default() += 1;
                }
                accepted.push(row);
            }
        }
        self.holders.last_turn.resize(self.current.resources.len(), 0);
        Ok(accepted)
    }

    fn check_resource(&mut self, row: &Resource) -> Result<DropDecision, ContractViolation> {
        let ResourceId { resource_type, id } = &row.id;
        let Some(kind) = self.types.get(resource_type) else {
            return Ok(Err(DropReason::UnknownResourceType));
        };
        if *kind != row.resource_trait.trait_kind() {
            return Err(ContractViolation::TraitMismatch {
                resource_type: resource_type.clone(),
            });
        }
        let new = self
            .current
            .resources
            .insert(resource_type, id)
            .ok_or(ContractViolation::TooManyResources)?;
        Ok(if new { Ok(()) } else { Err(DropReason::Duplicate) })
    }

    fn validate_entitlements(&mut self, mut rows: Vec<Entitlement>) -> Vec<Entitlement> {
        rows.retain(|row| {
            let resource_type = &row.resource.resource_type;
            let decision = if !self.types.contains_key(resource_type) {
                Err(DropReason::UnknownResourceType)
            } else if self
                .current
                .resources
                .of_type(resource_type)
                .find(&row.resource.id)
                .is_none()
            {
                Err(DropReason::UnknownResource)
            } else if self.current.entitlements.contains_key(&row.id) {
                Err(DropReason::Duplicate)
            } else {
                let state = Arc::new(EntitlementHolders::new(resource_type.clone()));
                self.current.entitlements.insert(row.id.clone(), state);
                Ok(())
            };
            let left_out = || SkippedRow {
                resource: Some(row.resource.clone()),
                entitlement: Some(row.id.clone()),
                words: Some(row.display_name.to_string()),
                ..SkippedRow::default()
            };
            self.record_row(RowKind::Entitlement, resource_type, decision, left_out)
        });
        rows
    }

    fn validate_groups(&mut self, groups: Vec<GrantGroup>) -> Result<Vec<GrantGroup>, ContractViolation> {
        let mut accepted = Vec::with_capacity(groups.len());
        for group in groups {
            if let Some(group) = self.validate_group(group)? {
                accepted.push(group);
            }
        }
        Ok(accepted)
    }

    fn validate_group(&mut self, mut group: GrantGroup) -> Result<Option<GrantGroup>, ContractViolation> {
        let received = group.principals.len() as u64;
        let Some(state) = self.current.entitlements.get(&group.entitlement) else {
            // The entitlement is unknown; the first part of its id is the type of its resource.
            let resource_type = group.entitlement.resource_type();
            self.ledger.received(RowKind::Grant, &resource_type, received);
            let reason = DropReason::UnknownEntitlement;
            self.ledger
                .dropped(RowKind::Grant, &resource_type, reason, received);
            self.leave_out_grants(&resource_type, reason, &group, &group.principals);
            return Ok(None);
        };
        let resource_type = state.resource_type.clone();
        self.open_entitlement(&group.entitlement)?;
        self.ledger.received(RowKind::Grant, &resource_type, received);

        let unknown_principal = if self.scope.includes_type(&group.principal_type) {
            DropReason::UnknownPrincipal
        } else {
            DropReason::OutOfScope
        };
        let fixed_part = group.entitlement.as_str().len() + group.principal_type.as_str().len() + 2;
        let principals = self.current.resources.of_type(&group.principal_type);
        let (holders, ledger) = (&mut self.holders, &mut self.ledger);
        let mut dropped: Vec<(DropReason, NativeId)> = Vec::new();
        group.retain(|principal: &NativeId| {
            let reason = match principals.find(principal) {
                None => unknown_principal,
                Some(_) if fixed_part + principal.as_str().len() > crate::model::MAX_ID_BYTES => {
                    DropReason::IdTooLong
                }
                Some(ordinal) if !holders.mark_seen(ordinal) => DropReason::Duplicate,
                Some(ordinal) => {
                    holders.accepted.push(ordinal);
                    return true;
                }
            };
            ledger.dropped(RowKind::Grant, &resource_type, reason, 1);
            dropped.push((reason, principal.clone()));
            false
        });
        ledger.written(RowKind::Grant, &resource_type, group.principals.len() as u64);
        let mut contradicted = Vec::new();
        for (reason, principal) in dropped {
            self.leave_out_grants(&resource_type, reason, &group, std::slice::from_ref(&principal));
            if reason == DropReason::UnknownPrincipal {
                contradicted.push(principal);
            }
        }
        self.remember_contradicted(&group, contradicted);
        Ok((!group.principals.is_empty()).then_some(group))
    }

    /// Remembers grants that the tenant states although it does not list the principal. Its responses contradict each other,
    /// so these grants are not denied.
    fn remember_contradicted(&mut self, group: &GrantGroup, principals: Vec<NativeId>) {
        if principals.is_empty() {
            return;
        }
        self.contradicted_grants += principals.len();
        let scope = if self.contradicted_grants <= MAX_CONTRADICTED_GRANTS {
            UnstatedScope::Grants {
                entitlement: group.entitlement.clone(),
                principal_type: group.principal_type.clone(),
                principals,
            }
        } else {
            UnstatedScope::Resources(group.principal_type.clone())
        };
        self.current.unstated.add(&self.current.resources, scope);
    }

    fn leave_out_grants(
        &mut self,
        resource_type: &ResourceTypeId,
        reason: DropReason,
        group: &GrantGroup,
        principals: &[NativeId],
    ) {
        for principal in principals {
            let row = SkippedRow {
                resource: resource_of(&group.entitlement),
                entitlement: Some(group.entitlement.clone()),
                principal: Some(ResourceId::new(group.principal_type.clone(), principal.clone())),
                words: None,
            };
            self.leave_out(RowKind::Grant, resource_type, reason, row);
        }
    }

    /// Makes the entitlement the current one and closes the previous one.
    fn open_entitlement(&mut self, entitlement: &EntitlementId) -> Result<(), ContractViolation> {
        if self.holders.open_entitlement.as_ref() == Some(entitlement) {
            return Ok(());
        }
        self.close_entitlement();
        if self
            .current
            .entitlements
            .get(entitlement)
            .is_some_and(|state| state.closed)
        {
            return Err(ContractViolation::EntitlementReopened {
                entitlement: entitlement.clone(),
            });
        }
        self.holders.turn += 1;
        self.holders.open_entitlement = Some(entitlement.clone());
        Ok(())
    }

    /// Closes the current entitlement.
    fn close_entitlement(&mut self) {
        let open_entitlement = self.holders.open_entitlement.take();
        if let Some(state) =
            open_entitlement.and_then(|open_entitlement| self.current.entitlements.get_mut(&open_entitlement))
        {
            self.holders.accepted.sort_unstable();
            *state = Arc::new(EntitlementHolders {
                resource_type: state.resource_type.clone(),
                holders: self.holders.accepted.as_slice().into(),
                closed: true,
            });
        }
        self.holders.accepted.clear();
    }
}

type DropDecision = Result<(), DropReason>;

impl HolderTracker {
    /// Marks a principal as seen; returns whether it is new in this turn.
    fn mark_seen(&mut self, ordinal: u32) -> bool {
        let Some(stamp) = self.last_turn.get_mut(ordinal as usize) else {
            return false;
        };
        let new = *stamp != self.turn;
        *stamp = self.turn;
        new
    }
}

/// The resource of an entitlement id in the frozen form.
fn resource_of(entitlement: &EntitlementId) -> Option<ResourceId> {
    let (resource_type, rest) = entitlement.as_str().split_once(':')?;
    let (id, _) = rest.rsplit_once(':')?;
    Some(ResourceId::new(
        ResourceTypeId::new(resource_type).ok()?,
        NativeId::new(id).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entitlement_id_names_type_and_resource() {
        for (id, wanted_type, wanted_resource) in [
            ("role:7:assigned", "role", Some("role:7")),
            ("role:name:DESK:a:b:assigned", "role", Some("role:name:DESK:a:b")),
            ("role", "role", None),
            (":7:assigned", "unknown", None),
        ] {
            let id = EntitlementId::new(id).unwrap();
            assert_eq!(id.resource_type().as_str(), wanted_type);
            assert_eq!(
                resource_of(&id).map(|id| id.to_string()).as_deref(),
                wanted_resource
            );
        }
    }
}
