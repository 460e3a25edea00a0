//! Decodes grants: rows of the file to groups of grants.

use std::collections::HashSet;

use access_core::model::{
    AccessBatch, EntitlementId, GrantGroup, GrantId, GrantOrigin, NativeId, ResourceId, ResourceTypeId,
    SyncScope,
};
use access_core::ports::SkipReason;
use c1z::{GrantRow, Reader};

use crate::channel::BATCH_ROWS;
use crate::channel::EventSender;
use crate::channel::SkipCounts;
use crate::error::C1zSourceError;
use crate::expansion::GrantVisitor;

/// The origin of a grant, from its row. `None` for a direct grant without sources and with the frozen id.
///
/// A grant is direct if it has no sources, or its own entitlement is among them: the expansion adds that one when a
/// an existing grant gains another source (docs/reference/c1z.md §5.5). Sources that are no valid entitlement ids are
/// omitted.
pub(crate) fn origin(row: &GrantRow<'_>) -> Result<Option<GrantOrigin>, SkipReason> {
    let id = GrantId::new(row.id).map_err(|_| SkipReason::UnusableId)?;
    let frozen = is_frozen(row);
    if frozen && row.sources.is_empty() {
        return Ok(None);
    }
    let direct = row.sources.is_empty() || row.sources.iter().any(|source| source == row.entitlement);
    let sources = row
        .sources
        .iter()
        .filter_map(|source| EntitlementId::new(source).ok());
    Ok(Some(GrantOrigin {
        id: (!frozen).then_some(id),
        direct,
        sources: sources.collect(),
    }))
}

/// Whether the grant's id is `<entitlement>:<principal type>:<principal>`.
fn is_frozen(row: &GrantRow<'_>) -> bool {
    let rest = [row.entitlement, ":", row.principal_type, ":"]
        .into_iter()
        .try_fold(row.id, |rest, part| rest.strip_prefix(part));
    rest == Some(row.principal)
}

/// A direct grant without sources.
fn plain() -> GrantOrigin {
    GrantOrigin {
        id: None,
        direct: true,
        sources: Vec::new(),
    }
}

/// Collects grants into groups, and groups into batches.
#[derive(Debug)]
pub(crate) struct GrantBatches<'a> {
    outlet: &'a EventSender,
    scope: &'a SyncScope,
    groups: Vec<GrantGroup>,
    rows: usize,
}

impl<'a> GrantBatches<'a> {
    pub(crate) fn new(outlet: &'a EventSender, scope: &'a SyncScope) -> Self {
        Self {
            outlet,
            scope,
            groups: Vec::new(),
            rows: 0,
        }
    }

    /// Adds a grant to the current group, or starts a group.
    pub(crate) fn push(
        &mut self,
        entitlement: &EntitlementId,
        principal_type: &ResourceTypeId,
        principal: NativeId,
        origin: Option<GrantOrigin>,
    ) -> Result<(), C1zSourceError> {
        let joins = |group: &&mut GrantGroup| {
            group.entitlement == *entitlement && group.principal_type == *principal_type
        };
        match self.groups.last_mut().filter(joins) {
            Some(group) => {
                add_origin(group, origin);
                group.principals.push(principal);
            }
            None => self.groups.push(GrantGroup {
                entitlement: entitlement.clone(),
                principal_type: principal_type.clone(),
                principals: vec![principal],
                origins: origin.map(|origin| vec![origin]),
            }),
        }
        self.rows += 1;
        if self.rows < BATCH_ROWS {
            return Ok(());
        }
        self.flush()
    }

    pub(crate) fn flush(&mut self) -> Result<(), C1zSourceError> {
        self.rows = 0;
        self.outlet
            .batch(AccessBatch::Grants(std::mem::take(&mut self.groups)))
    }
}

impl GrantVisitor for GrantBatches<'_> {
    fn accepts(&self, resource_type: &ResourceTypeId) -> bool {
        self.scope.includes_type(resource_type)
    }

    fn visit(
        &mut self,
        entitlement: &EntitlementId,
        principal: &ResourceId,
        origin: Option<GrantOrigin>,
    ) -> Result<(), C1zSourceError> {
        self.push(
            entitlement,
            &principal.resource_type,
            principal.id.clone(),
            origin,
        )
    }
}

/// A group has origins for all of its principals or for none.
fn add_origin(group: &mut GrantGroup, origin: Option<GrantOrigin>) {
    match (&mut group.origins, origin) {
        (None, None) => {}
        (Some(origins), origin) => origins.push(origin.unwrap_or_else(plain)),
        (None, Some(origin)) => {
            let mut origins = vec![plain(); group.principals.len()];
            origins.push(origin);
            group.origins = Some(origins);
        }
    }
}

/// Reads the grants of all entitlements that have not been expanded.
pub(crate) fn read_the_rest(
    reader: &Reader,
    sync: &str,
    scope: &SyncScope,
    expanded: &HashSet<EntitlementId>,
    skips: &mut SkipCounts,
    batches: &mut GrantBatches<'_>,
) -> Result<(), C1zSourceError> {
    let mut current: Option<Current> = None;
    reader.grants_by_entitlement(sync, |row| {
        let (current, principal, origin) = match Current::next(&mut current, &row, scope, expanded) {
            Ok(Some(usable)) => usable,
            Ok(None) => return Ok(()),
            Err(reason) => {
                skips.add(row.resource_type, reason);
                return Ok(());
            }
        };
        batches.push(&current.entitlement, &current.principal_type, principal, origin)
    })
}

/// The ids that consecutive rows share, parsed once.
struct Current {
    entitlement: EntitlementId,
    principal_type: ResourceTypeId,
    included: bool,
}

type Usable<'a> = (&'a Current, NativeId, Option<GrantOrigin>);

impl Current {
    /// Converts the row to the domain; `None` if it is out of scope or the expansion emits it.
    fn next<'a>(
        current: &'a mut Option<Self>,
        row: &GrantRow<'_>,
        scope: &SyncScope,
        expanded: &HashSet<EntitlementId>,
    ) -> Result<Option<Usable<'a>>, SkipReason> {
        let same = |current: &Self| {
            current.entitlement.as_str() == row.entitlement
                && current.principal_type.as_str() == row.principal_type
        };
        if !current.as_ref().is_some_and(same) {
            *current = Some(Self::of(row, scope, expanded)?);
        }
        match current {
            Some(current) if current.included => {
                let principal = NativeId::new(row.principal).map_err(|_| SkipReason::UnusableId)?;
                Ok(Some((current, principal, origin(row)?)))
            }
            _ => Ok(None),
        }
    }

    fn of(
        row: &GrantRow<'_>,
        scope: &SyncScope,
        expanded: &HashSet<EntitlementId>,
    ) -> Result<Self, SkipReason> {
        let entitlement = EntitlementId::new(row.entitlement).map_err(|_| SkipReason::UnusableId)?;
        let principal_type = ResourceTypeId::new(row.principal_type).map_err(|_| SkipReason::UnusableId)?;
        // Other writers may leave the column with the resource's type empty.
        let in_scope = ResourceTypeId::new(row.resource_type).map_or(true, |id| scope.includes_type(&id));
        Ok(Self {
            included: in_scope && !expanded.contains(&entitlement),
            entitlement,
            principal_type,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'r>(id: &'r str, sources: &[&str]) -> GrantRow<'r> {
        GrantRow {
            id,
            resource_type: "role",
            entitlement: "role:7:assigned",
            principal_type: "user",
            principal: "1",
            sources: sources.iter().map(|source| (*source).to_owned()).collect(),
        }
    }

    #[test]
    fn origins_of_grants() {
        let frozen = "role:7:assigned:user:1";
        assert_eq!(origin(&row(frozen, &[])), Ok(None));
        let direct = |row: &GrantRow<'_>| origin(row).unwrap().map(|origin| origin.direct);
        assert_eq!(direct(&row(frozen, &["group:1:member"])), Some(false));
        assert_eq!(
            direct(&row(frozen, &["group:1:member", "role:7:assigned"])),
            Some(true)
        );
        let strange = origin(&row("g-1", &[])).unwrap().unwrap();
        assert_eq!(strange.id, Some(GrantId::new("g-1").unwrap()));
        assert!(strange.direct);
        assert_eq!(origin(&row("", &[])), Err(SkipReason::UnusableId));
    }

    #[test]
    fn usual_grant_ids() {
        for id in [
            "role:7:assigned:user:11",
            "role:7:assigned:user:",
            "role:7:assigned:group:1",
            "ole:7:assigned:user:1",
            "role:7:assigneduser:1",
        ] {
            assert!(!is_frozen(&row(id, &[])), "{id}");
        }
        assert!(is_frozen(&row("role:7:assigned:user:1", &[])));
    }
}
