//! The checks between the source and the sinks: what is let through is referentially whole, what is not is counted.

use std::collections::{BTreeMap, HashMap};

use crate::model::{
    AccessBatch, Entitlement, EntitlementId, GrantGroup, LeftOut, LeftOutRow, MAX_LEFT_OUT_ROWS, NativeId,
    Resource, ResourceId, ResourceType, ResourceTypeId, RowKind, SyncScope, TraitKind, Unstated,
    UnstatedNote, WithoutBaseline, clip_source_text,
};
use crate::ports::{Mention, SkippedRow, SkippedRows};

use super::current::CurrentSync;
use super::current::EntitlementHolders;
use super::error::ContractViolation;
use super::ledger::DropReason;
use super::ledger::Ledger;
use super::resource_index::Ordinal;

/// Names of resources on which something is held that are kept for the list of what was left out.
const MAX_NAMED_RESOURCES: usize = 20_000;

/// Examples that are kept of one silent field.
const MAX_UNSTATED_EXAMPLES: usize = 5;

/// Silent fields that are told apart.
const MAX_UNSTATED_FIELDS: usize = 200;

/// Lets rows in and keeps the books. Memory: a few dozen bytes a resource and an entitlement, 4 bytes a grant.
pub(super) struct RowValidator<'a> {
    scope: &'a SyncScope,
    types: HashMap<ResourceTypeId, TraitKind>,
    current: CurrentSync,
    holders: Holders,
    ledger: Ledger,
    clipped: BTreeMap<ResourceTypeId, u64>,
    left_out: LeftOut<DropReason>,
    /// Names of resources that are no users, for the list of what was left out.
    names: HashMap<ResourceId, Box<str>>,
    mentions: HashMap<ResourceId, String>,
    unstated: Vec<UnstatedNote>,
    /// Types that are not complete unless something proves that nothing was lost.
    suspect: BTreeMap<ResourceTypeId, ImplausibleSilence>,
}

/// What is known when all rows are in.
pub(super) struct ValidatedRows {
    pub(super) ledger: Ledger,
    /// How many names were clipped, by type.
    pub(super) clipped: BTreeMap<ResourceTypeId, u64>,
    pub(super) left_out: LeftOut<DropReason>,
    pub(super) unstated: Vec<UnstatedNote>,
    /// Types whose silence is never normal where there is nothing to compare with, and the silent field.
    pub(super) suspect: BTreeMap<ResourceTypeId, ImplausibleSilence>,
    pub(super) current: CurrentSync,
}

/// Who has been seen holding the entitlement whose grants are coming in. One number a resource is enough, because an
/// entitlement's grants come together: a stamp of the current turn means "seen", older stamps mean nothing.
#[derive(Default)]
struct Holders {
    open: Option<EntitlementId>,
    turn: u32,
    last_turn: Vec<u32>,
    admitted: Vec<Ordinal>,
}

/// Silence that is never normal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ImplausibleSilence {
    /// What the tenant does not state.
    pub(super) field: String,
    /// Whether no tenant is like that.
    pub(super) implausible: bool,
}

impl<'a> RowValidator<'a> {
    pub(super) fn new(scope: &'a SyncScope) -> Self {
        Self {
            scope,
            types: HashMap::new(),
            current: CurrentSync::default(),
            holders: Holders::default(),
            ledger: Ledger::default(),
            clipped: BTreeMap::new(),
            left_out: LeftOut::default(),
            names: HashMap::new(),
            mentions: HashMap::new(),
            unstated: Vec::new(),
            suspect: BTreeMap::new(),
        }
    }

    /// Remembers what the tenant says of a resource that it does not list.
    pub(super) fn mention(&mut self, mention: Mention) {
        if self.mentions.len() < MAX_LEFT_OUT_ROWS {
            let words = clip_source_text(&mention.words);
            self.mentions.entry(mention.resource).or_insert(words);
        }
    }

    /// Remembers what the tenant does not state.
    pub(super) fn unstated(&mut self, unstated: Unstated) {
        let resource_type = unstated.scope.resource_type();
        if unstated.without_baseline != WithoutBaseline::Complete {
            let found = ImplausibleSilence {
                field: unstated.field.clone(),
                implausible: unstated.without_baseline == WithoutBaseline::Implausible,
            };
            let known = self.suspect.entry(resource_type.clone());
            let known = known.or_insert_with(|| found.clone());
            if found.implausible && !known.implausible {
                *known = found;
            }
        }
        let is_same =
            |note: &UnstatedNote| note.resource_type == resource_type && note.field == unstated.field;
        let place = self.unstated.iter().position(is_same);
        if let Some(note) = place.and_then(|place| self.unstated.get_mut(place)) {
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

    /// Books rows that the source could not use itself.
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
        // What the run's filter leaves out is no finding, and a grant that came twice is in the output.
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

    /// The books, and what else is known at the end.
    pub(super) fn finish(mut self) -> ValidatedRows {
        self.close();
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
            suspect: self.suspect,
            current: self.current,
        }
    }

    fn book(
        &mut self,
        kind: RowKind,
        resource_type: &ResourceTypeId,
        verdict: Verdict,
        row: impl FnOnce() -> SkippedRow,
    ) -> bool {
        self.ledger.received(kind, resource_type, 1);
        match verdict {
            Ok(()) => self.ledger.written(kind, resource_type, 1),
            Err(reason) => {
                self.ledger.dropped(kind, resource_type, reason, 1);
                self.leave_out(kind, resource_type, reason, row());
            }
        }
        verdict.is_ok()
    }

    fn admit_types(&mut self, mut rows: Vec<ResourceType>) -> Vec<ResourceType> {
        rows.retain(|row| {
            let verdict = match self.types.insert(row.id.clone(), row.trait_kind) {
                Some(_) => Err(DropReason::Duplicate),
                None => Ok(()),
            };
            self.book(RowKind::ResourceType, &row.id, verdict, SkippedRow::default)
        });
        rows
    }

    fn admit_resources(&mut self, rows: Vec<Resource>) -> Result<Vec<Resource>, ContractViolation> {
        let mut admitted = Vec::with_capacity(rows.len());
        for row in rows {
            let resource_type = row.id.resource_type.clone();
            let verdict = self.judge_resource(&row)?;
            let left_out = || SkippedRow {
                resource: Some(row.id.clone()),
                words: Some(row.display_name.to_string()),
                ..SkippedRow::default()
            };
            if self.book(RowKind::Resource, &resource_type, verdict, left_out) {
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
                admitted.push(row);
            }
        }
        self.holders.last_turn.resize(self.current.resources.len(), 0);
        Ok(admitted)
    }

    fn judge_resource(&mut self, row: &Resource) -> Result<Verdict, ContractViolation> {
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

    fn admit_entitlements(&mut self, mut rows: Vec<Entitlement>) -> Vec<Entitlement> {
        rows.retain(|row| {
            let resource_type = &row.resource.resource_type;
            let verdict = if !self.types.contains_key(resource_type) {
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
                let state = EntitlementHolders::new(resource_type.clone());
                self.current.entitlements.insert(row.id.clone(), state);
                Ok(())
            };
            let left_out = || SkippedRow {
                resource: Some(row.resource.clone()),
                entitlement: Some(row.id.clone()),
                words: Some(row.display_name.to_string()),
                ..SkippedRow::default()
            };
            self.book(RowKind::Entitlement, resource_type, verdict, left_out)
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
        let Some(state) = self.current.entitlements.get(&group.entitlement) else {
            // Nothing is known of the entitlement but its id, whose first part names the type of its resource.
            let resource_type = group.entitlement.resource_type();
            self.ledger.received(RowKind::Grant, &resource_type, received);
            let reason = DropReason::UnknownEntitlement;
            self.ledger
                .dropped(RowKind::Grant, &resource_type, reason, received);
            self.leave_out_grants(&resource_type, reason, &group, &group.principals);
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
        let principals = self.current.resources.of_type(&group.principal_type);
        let (holders, ledger) = (&mut self.holders, &mut self.ledger);
        let mut dropped: Vec<(DropReason, NativeId)> = Vec::new();
        group.retain(|principal: &NativeId| {
            let reason = match principals.find(principal) {
                None => unknown_principal,
                Some(_) if fixed_part + principal.as_str().len() > crate::model::MAX_ID_BYTES => {
                    DropReason::IdTooLong
                }
                Some(ordinal) if !holders.is_new(ordinal) => DropReason::Duplicate,
                Some(ordinal) => {
                    holders.admitted.push(ordinal);
                    return true;
                }
            };
            ledger.dropped(RowKind::Grant, &resource_type, reason, 1);
            dropped.push((reason, principal.clone()));
            false
        });
        ledger.written(RowKind::Grant, &resource_type, group.principals.len() as u64);
        for (reason, principal) in dropped {
            self.leave_out_grants(&resource_type, reason, &group, &[principal]);
        }
        Ok((!group.principals.is_empty()).then_some(group))
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

    /// Makes the entitlement the current one, closing the one before.
    fn open(&mut self, entitlement: &EntitlementId) -> Result<(), ContractViolation> {
        if self.holders.open.as_ref() == Some(entitlement) {
            return Ok(());
        }
        self.close();
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
        self.holders.open = Some(entitlement.clone());
        Ok(())
    }

    /// Closes the current entitlement.
    fn close(&mut self) {
        let open = self.holders.open.take();
        if let Some(state) = open.and_then(|open| self.current.entitlements.get_mut(&open)) {
            self.holders.admitted.sort_unstable();
            state.holders = self.holders.admitted.as_slice().into();
            state.closed = true;
        }
        self.holders.admitted.clear();
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

/// The resource in an entitlement's id of the frozen form.
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
