//! Point queries: each reads the tables that it needs, and only the required columns.

use std::collections::BTreeMap;
use std::ops::ControlFlow::{self, Break, Continue};

use access_core::model::{
    EntitlementId, Resource, ResourceId, ResourceTrait, ResourceType, ResourceTypeId, TraitKind,
};
use access_core::ports::{
    AccessSnapshot, EffectiveGrant, EntitlementInfo, EntitlementQuery, FinishedSync, GrantQuery,
    ResourceQuery, ResourceTypeStats, RowVisitor, SourceError,
};
use access_dataset::{Rows, Table};
use tokio::runtime::Handle;

use crate::batch_columns::Columns;
use crate::decode::{
    CountColumns, EntitlementColumns, GrantColumns, ResourceColumns, TypeColumns, UserColumns,
};
use crate::error::DatasetSourceError;
use crate::open_sync::OpenSync;

/// A published sync for point queries, on threads that may block.
pub struct DatasetSnapshot {
    opened: OpenSync,
    handle: Handle,
}

impl DatasetSnapshot {
    /// Over a sync. Must be called within a runtime.
    #[must_use]
    pub fn new(opened: OpenSync) -> Self {
        Self {
            opened,
            handle: Handle::current(),
        }
    }

    fn type_facts(&self) -> Result<Vec<ResourceTypeStats>, DatasetSourceError> {
        let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        let names = CountColumns::NAMES;
        self.opened
            .each_batch(&self.handle, Table::Entitlements, names, |columns| {
                let rows = CountColumns::of(columns)?;
                for row in 0..columns.batch.num_rows() {
                    let count = counts
                        .entry(rows.resource_type_id.required(row).to_owned())
                        .or_default();
                    *count = (count.0 + 1, count.1 + rows.grants.get(row));
                }
                Ok(Continue(()))
            })?;
        let mut facts = Vec::new();
        read_types(&self.opened, &self.handle, |rows, row, resource_type| {
            let (entitlements, grants) = counts.get(resource_type.id.as_str()).copied().unwrap_or_default();
            facts.push(ResourceTypeStats {
                completeness: Some(rows.completeness(row)),
                resources: rows.resources.get(row),
                entitlements,
                grants,
                resource_type,
            });
        })?;
        Ok(facts)
    }

    fn counts(&self) -> Result<BTreeMap<EntitlementId, u64>, DatasetSourceError> {
        let mut counts = BTreeMap::new();
        let names = CountColumns::NAMES;
        self.opened
            .each_batch(&self.handle, Table::Entitlements, names, |columns| {
                let rows = CountColumns::of(columns)?;
                for row in 0..columns.batch.num_rows() {
                    let id = EntitlementId::new(rows.entitlement_id.required(row));
                    let id = id.map_err(|source| bad_id(columns, source))?;
                    counts.insert(id, rows.grants.get(row));
                }
                Ok(Continue(()))
            })?;
        counts.retain(|_, count| *count > 0);
        Ok(counts)
    }

    fn entitlement_facts(
        &self,
        which: EntitlementQuery<'_>,
        take: RowVisitor<'_, EntitlementInfo>,
    ) -> Result<(), DatasetSourceError> {
        let names = EntitlementColumns::NAMES;
        self.opened
            .each_batch(&self.handle, Table::Entitlements, names, |columns| {
                let rows = EntitlementColumns::of(columns)?;
                for row in 0..columns.batch.num_rows() {
                    let id = rows.entitlement_id.required(row);
                    let requested = match which {
                        EntitlementQuery::All => true,
                        EntitlementQuery::OnResource(on) => {
                            rows.resource_id.required(row) == on.id.as_str()
                                && rows.resource_type_id.required(row) == on.resource_type.as_str()
                        }
                        EntitlementQuery::ById(requested) if id > requested.as_str() => return Ok(Break(())),
                        EntitlementQuery::ById(requested) => id == requested.as_str(),
                    };
                    if !requested {
                        continue;
                    }
                    let entitlement = rows.entitlement(row).map_err(|source| bad_id(columns, source))?;
                    let resource_name = rows.resource_name(row);
                    let facts = EntitlementInfo {
                        entitlement,
                        resource_name,
                    };
                    if take(facts).is_break() {
                        return Ok(Break(()));
                    }
                }
                Ok(Continue(()))
            })
    }

    fn holdings(
        &self,
        which: GrantQuery<'_>,
        take: RowVisitor<'_, EffectiveGrant>,
    ) -> Result<(), DatasetSourceError> {
        let names = GrantColumns::NAMES;
        self.opened
            .each_batch(&self.handle, Table::Grants, names, |columns| {
                let rows = GrantColumns::of(columns)?;
                for row in 0..columns.batch.num_rows() {
                    let requested = match which {
                        GrantQuery::All => true,
                        GrantQuery::OfEntitlement(requested) => {
                            let id = rows.entitlement_id.required(row);
                            // Rows lie in the order of entitlements.
                            if id > requested.as_str() {
                                return Ok(Break(()));
                            }
                            id == requested.as_str()
                        }
                        GrantQuery::OfPrincipal(who) => {
                            rows.principal_id.required(row) == who.id.as_str()
                                && rows.principal_type_id.required(row) == who.resource_type.as_str()
                        }
                    };
                    if !requested {
                        continue;
                    }
                    let holding = rows.holding(row).map_err(|source| bad_id(columns, source))?;
                    if take(holding).is_break() {
                        return Ok(Break(()));
                    }
                }
                Ok(Continue(()))
            })
    }
}

fn bad_id(columns: Columns<'_>, source: access_core::model::IdError) -> DatasetSourceError {
    DatasetSourceError::Id {
        table: columns.table,
        source,
    }
}

/// Calls `take` with every resource type.
pub(crate) fn read_types(
    opened: &OpenSync,
    handle: &Handle,
    mut take: impl FnMut(&TypeColumns, usize, ResourceType),
) -> Result<(), DatasetSourceError> {
    opened.each_batch(handle, Table::ResourceTypes, TypeColumns::NAMES, |columns| {
        let rows = TypeColumns::of(columns)?;
        for row in 0..columns.batch.num_rows() {
            let resource_type = rows
                .resource_type(row)
                .map_err(|source| bad_id(columns, source))?;
            take(&rows, row, resource_type);
        }
        Ok(Continue(()))
    })
}

/// Calls `take` with resources, users with all of their data.
pub(crate) fn read_resources(
    opened: &OpenSync,
    handle: &Handle,
    kinds: &BTreeMap<ResourceTypeId, TraitKind>,
    which: ResourceQuery<'_>,
    mut take: impl FnMut(Resource) -> ControlFlow<()>,
) -> Result<(), DatasetSourceError> {
    let kind_of = |id: &str| kinds.iter().find(|(known, _)| known.as_str() == id);
    let kind_of = |id: &str| kind_of(id).map_or(TraitKind::Other, |(_, kind)| *kind);
    let mut users: Option<Users> = None;
    opened.each_batch(handle, Table::Resources, ResourceColumns::NAMES, |columns| {
        let rows = ResourceColumns::of(columns)?;
        for row in 0..columns.batch.num_rows() {
            let (resource_type, id) = rows.key(row);
            let requested = match which {
                ResourceQuery::All => true,
                ResourceQuery::OfType(requested) | ResourceQuery::MatchingText(requested, _) => {
                    if resource_type > requested.as_str() {
                        return Ok(Break(()));
                    }
                    resource_type == requested.as_str()
                }
                ResourceQuery::ById(requested) => {
                    let key = (requested.resource_type.as_str(), requested.id.as_str());
                    if (resource_type, id) > key {
                        return Ok(Break(()));
                    }
                    (resource_type, id) == key
                }
            };
            if !requested {
                continue;
            }
            let kind = kind_of(resource_type);
            let mut resource = rows
                .resource(row, kind)
                .map_err(|source| bad_id(columns, source))?;
            if kind == TraitKind::User {
                if users.is_none() {
                    users = Some(Users::new(opened.rows(
                        handle,
                        Table::Users,
                        UserColumns::NAMES,
                    )?));
                }
                if let Some(users) = &mut users {
                    users.complete(&mut resource)?;
                }
            }
            if take(resource).is_break() {
                return Ok(Break(()));
            }
        }
        Ok(Continue(()))
    })
}

/// The rows of `users`, joined with those of `resources`; both are in the order of their keys.
struct Users {
    rows: Rows,
    batch: Option<(UserColumns, usize)>,
    row: usize,
}

impl Users {
    fn new(rows: Rows) -> Self {
        Self {
            rows,
            batch: None,
            row: 0,
        }
    }

    /// Adds the data of a user from `users`, if it is there.
    fn complete(&mut self, resource: &mut Resource) -> Result<(), DatasetSourceError> {
        let ResourceId { resource_type, id } = &resource.id;
        let key = (resource_type.as_str(), id.as_str());
        loop {
            let Some((columns, rows)) = &self.batch else {
                let Some(batch) = self.rows.next().transpose()? else {
                    return Ok(());
                };
                let columns = Columns {
                    table: Table::Users,
                    batch: &batch,
                };
                self.batch = Some((UserColumns::of(columns)?, batch.num_rows()));
                self.row = 0;
                continue;
            };
            if self.row == *rows {
                self.batch = None;
                continue;
            }
            match columns.key(self.row).cmp(&key) {
                std::cmp::Ordering::Less => self.row += 1,
                std::cmp::Ordering::Equal => {
                    resource.resource_trait = ResourceTrait::User(Box::new(columns.user(self.row)));
                    return Ok(());
                }
                std::cmp::Ordering::Greater => return Ok(()),
            }
        }
    }
}

impl AccessSnapshot for DatasetSnapshot {
    fn sync(&self) -> &FinishedSync {
        self.opened.sync()
    }

    fn resource_types(&self) -> Result<Vec<ResourceType>, SourceError> {
        let mut kinds = Vec::new();
        read_types(&self.opened, &self.handle, |_, _, kind| kinds.push(kind)).map_err(SourceError::new)?;
        Ok(kinds)
    }

    fn resource_type_stats(&self) -> Result<Vec<ResourceTypeStats>, SourceError> {
        self.type_facts().map_err(SourceError::new)
    }

    fn resources(&self, which: ResourceQuery<'_>, take: RowVisitor<'_, Resource>) -> Result<(), SourceError> {
        let kinds = self
            .resource_types()?
            .into_iter()
            .map(|kind| (kind.id, kind.trait_kind))
            .collect();
        read_resources(&self.opened, &self.handle, &kinds, which, take).map_err(SourceError::new)
    }

    fn entitlements(
        &self,
        which: EntitlementQuery<'_>,
        take: RowVisitor<'_, EntitlementInfo>,
    ) -> Result<(), SourceError> {
        self.entitlement_facts(which, take).map_err(SourceError::new)
    }

    fn holder_counts(&self) -> Result<BTreeMap<EntitlementId, u64>, SourceError> {
        self.counts().map_err(SourceError::new)
    }

    fn grants(&self, which: GrantQuery<'_>, take: RowVisitor<'_, EffectiveGrant>) -> Result<(), SourceError> {
        self.holdings(which, take).map_err(SourceError::new)
    }
}
