//! Collects the rows of a sync in the order of their arrival.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use access_core::model::{AccessBatch, Entitlement, EntitlementId, GrantGroup, ResourceType};

use super::external_pair_sort::PairSorter;
use super::grant_spool::GrantSpool;
use super::grant_spool::Holder;
use super::listed_entitlement::ListedEntitlement;
use super::resource_directory::Ordinal;
use super::resource_directory::ResourceDirectory;
use super::spool::Spool;
use super::spooled_rows::EntitlementDetail;
use super::spooled_rows::OriginDetail;
use super::spooled_rows::ResourceDetail;
use super::tables::Tables;
use crate::error::DatasetError;
use crate::schema::Contract;

/// Rows on their way into tables.
pub(crate) struct Collector {
    contract: Contract,
    types: Vec<ResourceType>,
    directory: ResourceDirectory,
    resources: Spool,
    entitlements: Vec<ListedEntitlement>,
    entitlement_details: Spool,
    by_id: HashMap<EntitlementId, u32>,
    grants: GrantSpool,
    origins: Spool,
    /// The rank of every principal in the order of keys, from the first grant on: all principals are known by then
    /// (the order that sources promise).
    ranks: Vec<Ordinal>,
    /// Rank of a user and ordinal of a role granted to it, for the names of its roles.
    roles: PairSorter,
}

impl Collector {
    /// Gets ready. Files in the folder have no names.
    pub(crate) fn new(contract: Contract, folder: &Path) -> Result<Self, DatasetError> {
        let failed = |error| DatasetError::scratch(folder, error);
        Ok(Self {
            contract,
            types: Vec::new(),
            directory: ResourceDirectory::new(),
            resources: Spool::new(folder).map_err(failed)?,
            entitlements: Vec::new(),
            entitlement_details: Spool::new(folder).map_err(failed)?,
            by_id: HashMap::new(),
            grants: GrantSpool::new(folder).map_err(failed)?,
            origins: Spool::new(folder).map_err(failed)?,
            ranks: Vec::new(),
            roles: PairSorter::new(folder),
        })
    }

    /// Adds a batch.
    pub(crate) fn take(&mut self, batch: &AccessBatch) -> io::Result<()> {
        match batch {
            AccessBatch::ResourceTypes(rows) => self.types.extend_from_slice(rows),
            AccessBatch::Resources(rows) => {
                for row in rows {
                    let full = || io::Error::other("more resources than can be numbered");
                    self.directory.push(row).ok_or_else(full)?;
                    self.resources
                        .push(&ResourceDetail::of(row, self.contract.attributes()))?;
                }
            }
            AccessBatch::Entitlements(rows) => {
                for row in rows {
                    self.entitlement(row)?;
                }
            }
            AccessBatch::Grants(groups) => {
                if self.ranks.is_empty() {
                    self.ranks = self.directory.ranks();
                }
                for group in groups {
                    self.grants(group)?;
                }
            }
        }
        Ok(())
    }

    fn entitlement(&mut self, row: &Entitlement) -> io::Result<()> {
        let number = u32::try_from(self.entitlements.len()).map_err(io::Error::other)?;
        let resource = self
            .directory
            .find(&row.resource.resource_type, &row.resource.id)
            .ok_or_else(|| dangling(&row.id, "its resource"))?;
        self.entitlements.push(ListedEntitlement {
            id: row.id.clone(),
            slug: row.slug.clone(),
            name: row.display_name.as_str().into(),
            resource,
            immutable: row.immutable,
        });
        self.by_id.insert(row.id.clone(), number);
        self.entitlement_details.push(&EntitlementDetail::of(row))
    }

    fn grants(&mut self, group: &GrantGroup) -> io::Result<()> {
        let number = *self
            .by_id
            .get(&group.entitlement)
            .ok_or_else(|| dangling(&group.entitlement, "the entitlement of a grant"))?;
        self.grants.open(number);
        let role = self.entitlements[number as usize].resource;
        let is_role = self.directory.get(role).is_role;
        for (n, id) in group.principals.iter().enumerate() {
            let principal = self
                .directory
                .find(&group.principal_type, id)
                .ok_or_else(|| dangling(&group.entitlement, "a principal of a grant"))?;
            let origin = match group.origins.as_ref().and_then(|origins| origins.get(n)) {
                Some(origin) => {
                    self.origins.push(&OriginDetail::of(origin))?;
                    Some(u32::try_from(self.origins.len() - 1).map_err(io::Error::other)?)
                }
                None => None,
            };
            self.grants.push(Holder { principal, origin })?;
            if is_role && self.directory.get(principal).is_user {
                let late = || dangling(&group.entitlement, "a principal of an earlier grant");
                let rank = self.ranks.get(principal as usize).ok_or_else(late)?;
                self.roles.push(*rank, role)?;
            }
        }
        Ok(())
    }

    /// No more rows: from now on there are tables.
    pub(crate) fn finish(self) -> io::Result<Tables> {
        let order = self.directory.sorted();
        Ok(Tables {
            contract: self.contract,
            types: self.types,
            directory: self.directory,
            order,
            resources: self.resources.finish()?,
            entitlements: self.entitlements,
            entitlement_details: self.entitlement_details.finish()?,
            grant_count: self.grants.len(),
            grants: self.grants.finish()?,
            origins: self.origins.finish()?,
            ranks: self.ranks,
            roles: self.roles.finish()?,
        })
    }
}

/// The pipeline's checks rule this out.
fn dangling(entitlement: &EntitlementId, what: &str) -> io::Error {
    io::Error::other(format!("{what} was not written before: {entitlement}"))
}
