//! The tables, row by row in the order of their keys.

use std::io;

use access_core::model::{Completeness, EntitlementId, ResourceId, ResourceType, RowKind};
use access_core::sync::{DropReason, SyncSummary};
use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use time::OffsetDateTime;

use super::external_pair_sort::SortedPairs;
use super::grant_spool::Holder;
use super::grant_spool::Holders;
use super::listed_entitlement::ListedEntitlement;
use super::resource_directory::ListedResource;
use super::resource_directory::Ordinal;
use super::resource_directory::ResourceDirectory;
use super::spool::Records;
use super::spooled_rows::EntitlementDetail;
use super::spooled_rows::OriginDetail;
use super::spooled_rows::ResourceDetail;
use super::spooled_rows::UserDetail;
use crate::error::DatasetError;
use crate::schema::{
    Contract, EntitlementRow, EntitlementTable, GrantRow, GrantTable, LeftOutRow, LeftOutTable, ResourceRow,
    ResourceTable, ResourceTypeRow, ResourceTypeTable, RowTable, SCHEMA_VERSION, SyncRow, SyncTable, Table,
    UserRow, UserTable,
};

/// A sync with all of its rows.
pub(crate) struct Tables {
    pub(super) contract: Contract,
    pub(super) types: Vec<ResourceType>,
    pub(super) directory: ResourceDirectory,
    /// All resources, sorted by type and id.
    pub(super) order: Vec<Ordinal>,
    pub(super) resources: Records,
    pub(super) entitlements: Vec<ListedEntitlement>,
    pub(super) entitlement_details: Records,
    pub(super) grants: Holders,
    pub(super) grant_count: u64,
    pub(super) origins: Records,
    /// Ranks of principals in the order of keys.
    pub(super) ranks: Vec<Ordinal>,
    pub(super) roles: SortedPairs,
}

/// Why a table could not be written to its end.
pub(crate) enum TableError {
    /// The scratch files could not be read.
    Scratch(io::Error),
    /// Rows that do not fit their columns.
    Arrow(ArrowError),
    /// The consumer of the batches failed.
    Consumer(DatasetError),
}

impl From<io::Error> for TableError {
    fn from(error: io::Error) -> Self {
        Self::Scratch(error)
    }
}

impl From<ArrowError> for TableError {
    fn from(error: ArrowError) -> Self {
        Self::Arrow(error)
    }
}

/// The columns that every row of a sync has.
#[derive(Clone, Copy)]
struct Stamp<'a> {
    sync_id: &'a str,
    synced_at: i64,
    tenant: &'a str,
}

impl<'a> Stamp<'a> {
    fn of(summary: &'a SyncSummary, sync_id: &'a str) -> Self {
        Self {
            sync_id,
            synced_at: microseconds(summary.run.started_at),
            tenant: &summary.run.tenant,
        }
    }
}

/// Receives the batches of one table.
pub(crate) type Take<'a> = &'a mut dyn FnMut(RecordBatch) -> Result<(), DatasetError>;

macro_rules! flush {
    ($table:ident, $take:ident, $at_end:expr) => {
        if $table.is_due($at_end) {
            $take($table.batch()?).map_err(TableError::Consumer)?;
        }
    };
}

impl Tables {
    /// Rows of the sync, as every sink counts them: types, resources, entitlements, grants.
    pub(crate) fn rows(&self) -> u64 {
        (self.types.len() + self.directory.len() + self.entitlements.len()) as u64 + self.grant_count
    }

    /// Passes a table on, batch by batch. Each table once.
    pub(crate) fn drain(
        &mut self,
        dataset: Table,
        summary: &SyncSummary,
        take: Take<'_>,
    ) -> Result<(), TableError> {
        let sync_id = summary.run.id.to_string();
        let stamp = Stamp::of(summary, &sync_id);
        match dataset {
            Table::ResourceTypes => self.resource_types(summary, stamp, take),
            Table::Resources => self.resources(stamp, true, take),
            Table::Users => self.users(stamp, take),
            Table::Entitlements => self.entitlements(stamp, take),
            Table::Grants => self.grants(stamp, take),
            Table::Syncs => self.syncs(summary, stamp, take),
            Table::LeftOut => left_out(self.contract, summary, stamp, take),
            // They are computed from more than one sync.
            Table::Changes | Table::GrantsHistory | Table::UsersHistory => Ok(()),
        }
    }

    /// As [`drain`](Self::drain) of the resources, without users.
    pub(crate) fn drain_other_resources(
        &mut self,
        summary: &SyncSummary,
        take: Take<'_>,
    ) -> Result<(), TableError> {
        let sync_id = summary.run.id.to_string();
        self.resources(Stamp::of(summary, &sync_id), false, take)
    }

    fn resource_types(
        &mut self,
        summary: &SyncSummary,
        stamp: Stamp<'_>,
        take: Take<'_>,
    ) -> Result<(), TableError> {
        let resources = summary.written_by_type(RowKind::Resource);
        let mut table = self.contract.row_table::<ResourceTypeTable>();
        self.types.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        for row in &self.types {
            let incomplete = match summary.completeness.get(&row.id) {
                Some(Completeness::Incomplete { reason }) => Some(reason.as_str()),
                Some(Completeness::Complete) | None => None,
            };
            table.push(ResourceTypeRow {
                sync_id: stamp.sync_id,
                synced_at: stamp.synced_at,
                tenant: stamp.tenant,
                resource_type_id: row.id.as_str(),
                display_name: row.display_name.as_str(),
                trait_kind: row.trait_kind.as_str(),
                skip_entitlements_and_grants: row.skip_entitlements_and_grants,
                complete: incomplete.is_none(),
                incomplete_reason: incomplete,
                resources: count(resources.get(&row.id).copied().unwrap_or_default()),
            });
        }
        flush!(table, take, true);
        Ok(())
    }

    fn resources(&mut self, stamp: Stamp<'_>, users: bool, take: Take<'_>) -> Result<(), TableError> {
        let mut table = self.contract.row_table::<ResourceTable>();
        for ordinal in &self.order {
            let ListedResource {
                resource_type,
                id,
                name,
                is_user,
                ..
            } = self.directory.get(*ordinal);
            if is_user && !users {
                continue;
            }
            let detail: ResourceDetail<'_> = self.resources.read(*ordinal as usize)?;
            let status = detail.status.as_ref();
            table.push(ResourceRow {
                sync_id: stamp.sync_id,
                synced_at: stamp.synced_at,
                tenant: stamp.tenant,
                resource_type_id: resource_type,
                resource_id: id,
                display_name: name,
                description: detail.description,
                parent_type_id: detail.parent.map(|(parent, _)| parent),
                parent_id: detail.parent.map(|(_, parent)| parent),
                status: status.map(|(state, _)| state.as_ref()),
                status_detail: status.and_then(|(_, detail)| *detail),
                profile: detail.profile.as_deref(),
            });
            flush!(table, take, false);
        }
        flush!(table, take, true);
        Ok(())
    }

    fn users(&mut self, stamp: Stamp<'_>, take: Take<'_>) -> Result<(), TableError> {
        let mut table = self.contract.row_table::<UserTable>();
        let mut names: Vec<&str> = Vec::new();
        for ordinal in self
            .order
            .iter()
            .filter(|ordinal| self.directory.get(**ordinal).is_user)
        {
            let listed = self.directory.get(*ordinal);
            let detail: ResourceDetail<'_> = self.resources.read(*ordinal as usize)?;
            let Some(user) = &detail.user else { continue };
            names.clear();
            let rank = self.ranks.get(*ordinal as usize).copied();
            while rank.is_some() && self.roles.peek() == rank {
                if let Some((_, role)) = self.roles.next()? {
                    names.push(self.directory.get(role).name);
                }
            }
            names.sort_unstable();
            table.push(user_row(stamp, listed, &detail, user, &names));
            table.attributes.push(user.attributes.iter());
            flush!(table, take, false);
        }
        flush!(table, take, true);
        Ok(())
    }

    fn entitlements_in_order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..).take(self.entitlements.len()).collect();
        order.sort_unstable_by_key(|number| &self.entitlements[*number as usize].id);
        order
    }

    fn entitlements(&mut self, stamp: Stamp<'_>, take: Take<'_>) -> Result<(), TableError> {
        let mut table = self.contract.row_table::<EntitlementTable>();
        for number in self.entitlements_in_order() {
            let row = &self.entitlements[number as usize];
            let resource = self.directory.get(row.resource);
            let detail: EntitlementDetail<'_> = self.entitlement_details.read(number as usize)?;
            table.push(EntitlementRow {
                sync_id: stamp.sync_id,
                synced_at: stamp.synced_at,
                tenant: stamp.tenant,
                entitlement_id: row.id.as_str(),
                resource_type_id: resource.resource_type,
                resource_id: resource.id,
                resource_display_name: resource.name,
                slug: row.slug.as_str(),
                display_name: &row.name,
                description: detail.description,
                purpose: &detail.purpose,
                grantable_to: &detail.grantable_to,
                immutable: row.immutable,
                grants: count(self.grants.count(number)),
            });
            flush!(table, take, false);
        }
        flush!(table, take, true);
        Ok(())
    }

    fn grants(&mut self, stamp: Stamp<'_>, take: Take<'_>) -> Result<(), TableError> {
        let mut table = self.contract.row_table::<GrantTable>();
        let (mut holders, mut grant_id): (Vec<Holder>, String) = (Vec::new(), String::new());
        for number in self.entitlements_in_order() {
            self.grants.read(number, &mut holders)?;
            // Cached: the ranks lie all over memory.
            holders.sort_by_cached_key(|holder| self.ranks.get(holder.principal as usize));
            let held = &self.entitlements[number as usize];
            let resource = self.directory.get(held.resource);
            for holder in &holders {
                let principal = self.directory.get(holder.principal);
                let origin: Option<OriginDetail<'_>> = match holder.origin {
                    Some(number) => Some(self.origins.read(number as usize)?),
                    None => None,
                };
                let id = match origin.as_ref().and_then(|origin| origin.id) {
                    Some(id) => id,
                    None => frozen_id(held.id.as_str(), principal, &mut grant_id),
                };
                table.push(GrantRow {
                    sync_id: stamp.sync_id,
                    synced_at: stamp.synced_at,
                    tenant: stamp.tenant,
                    grant_id: id,
                    entitlement_id: held.id.as_str(),
                    entitlement_slug: held.slug.as_str(),
                    entitlement_display_name: &held.name,
                    resource_type_id: resource.resource_type,
                    resource_id: resource.id,
                    resource_display_name: resource.name,
                    principal_type_id: principal.resource_type,
                    principal_id: principal.id,
                    principal_login: principal.login,
                    principal_display_name: principal.name,
                    immutable: held.immutable,
                    is_direct: origin.as_ref().is_none_or(|origin| origin.direct),
                    sources: origin.as_ref().map_or(&[], |origin| &origin.sources),
                });
                flush!(table, take, false);
            }
        }
        flush!(table, take, true);
        Ok(())
    }

    fn syncs(&mut self, summary: &SyncSummary, stamp: Stamp<'_>, take: Take<'_>) -> Result<(), TableError> {
        let users = self
            .order
            .iter()
            .filter(|ordinal| self.directory.get(**ordinal).is_user)
            .count() as u64;
        let incomplete: Vec<&str> = summary
            .completeness
            .iter()
            .filter(|(_, state)| **state != Completeness::Complete)
            .map(|(id, _)| id.as_str())
            .collect();
        let dropped = summary
            .ledger
            .iter()
            .map(|(_, entry)| entry.dropped_total())
            .sum();
        let ledger = serde_json::to_string(&summary.ledger)
            .map_err(|error| ArrowError::JsonError(error.to_string()))?;
        let mut table = self.contract.row_table::<SyncTable>();
        table.push(SyncRow {
            sync_id: stamp.sync_id,
            synced_at: stamp.synced_at,
            tenant: stamp.tenant,
            sync_type: summary.run.sync_type.as_str(),
            ended_at: microseconds(summary.ended_at),
            schema_version: i64::from(SCHEMA_VERSION),
            resource_types: count(self.types.len() as u64),
            resources: count(self.directory.len() as u64),
            users: count(users),
            entitlements: count(self.entitlements.len() as u64),
            grants: count(self.grant_count),
            rows_dropped: count(dropped),
            incomplete_types: &incomplete,
            ledger: &ledger,
        });
        flush!(table, take, true);
        Ok(())
    }
}

/// The reason in the row that counts the rows that are not listed.
const NOT_LISTED: &str = "not_listed";

/// Rows of the ledger by name, in an order that does not depend on that of the tenant's answers.
fn left_out(
    contract: Contract,
    summary: &SyncSummary,
    stamp: Stamp<'_>,
    take: Take<'_>,
) -> Result<(), TableError> {
    let mut rows: Vec<([String; 7], &access_core::model::LeftOutRow<DropReason>)> = summary
        .left_out
        .rows
        .iter()
        .map(|row| {
            let id = |id: &Option<ResourceId>| id.as_ref().map(ToString::to_string).unwrap_or_default();
            let key = [
                variant_name(&row.kind),
                row.resource_type.to_string(),
                variant_name(&row.reason),
                id(&row.resource),
                row.entitlement
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                id(&row.principal),
                row.words.clone().unwrap_or_default(),
            ];
            (key, row)
        })
        .collect();
    rows.sort_by(|(left, _), (right, _)| left.cmp(right));
    let mut table = contract.row_table::<LeftOutTable>();
    let mut number = 0;
    for ([kind, _, reason, ..], row) in &rows {
        number += 1;
        table.push(LeftOutRow {
            sync_id: stamp.sync_id,
            synced_at: stamp.synced_at,
            tenant: stamp.tenant,
            number,
            kind: Some(kind),
            resource_type_id: Some(row.resource_type.as_str()),
            reason,
            resource_id: row.resource.as_ref().map(|resource| resource.id.as_str()),
            resource_name: row.resource_name.as_deref(),
            entitlement_id: row.entitlement.as_ref().map(EntitlementId::as_str),
            principal_type_id: row
                .principal
                .as_ref()
                .map(|principal| principal.resource_type.as_str()),
            principal_id: row.principal.as_ref().map(|principal| principal.id.as_str()),
            words: row.words.as_deref(),
            count: 1,
        });
    }
    if summary.left_out.more > 0 {
        table.push(LeftOutRow {
            sync_id: stamp.sync_id,
            synced_at: stamp.synced_at,
            tenant: stamp.tenant,
            number: number + 1,
            kind: None,
            resource_type_id: None,
            reason: NOT_LISTED,
            resource_id: None,
            resource_name: None,
            entitlement_id: None,
            principal_type_id: None,
            principal_id: None,
            words: None,
            count: count(summary.left_out.more),
        });
    }
    flush!(table, take, true);
    Ok(())
}

/// The name of a fieldless variant in JSON.
fn variant_name(variant: &impl serde::Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn user_row<'a>(
    stamp: Stamp<'a>,
    listed: ListedResource<'a>,
    detail: &'a ResourceDetail<'_>,
    user: &'a UserDetail<'_>,
    role_names: &'a [&'a str],
) -> UserRow<'a> {
    let status = detail.status.as_ref();
    UserRow {
        sync_id: stamp.sync_id,
        synced_at: stamp.synced_at,
        tenant: stamp.tenant,
        resource_type_id: listed.resource_type,
        user_id: listed.id,
        login: listed.login,
        email: user.email,
        display_name: listed.name,
        first_name: user.first_name,
        last_name: user.last_name,
        status: status.map(|(state, _)| state.as_ref()),
        status_detail: status.and_then(|(_, detail)| *detail),
        account_type: &user.account_type,
        mfa_enabled: user.mfa_enabled,
        sso_enabled: user.sso_enabled,
        role_names,
        profile: detail.profile.as_deref(),
    }
}

/// The id of a grant by the frozen rule (docs/reference/design.md §4).
fn frozen_id<'a>(entitlement: &str, principal: ListedResource<'_>, id: &'a mut String) -> &'a str {
    id.clear();
    for part in [entitlement, ":", principal.resource_type, ":", principal.id] {
        id.push_str(part);
    }
    id
}

pub(crate) fn microseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000).unwrap_or_default()
}

/// No sync has more rows than an `i64` counts.
fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
