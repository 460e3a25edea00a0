//! Ids of the rows of a sync, without the rows.

use std::collections::BTreeSet;

use crate::error::C1zError;
use crate::previous_ids::PreviousId;
use crate::reader::Reader;
use crate::reader::columns::text;
use crate::v1::tables;

impl Reader {
    /// The types of the resources of a sync.
    pub(crate) fn types_of_resources(&self, sync_id: &str) -> Result<BTreeSet<String>, C1zError> {
        let mut types = BTreeSet::new();
        let sql = "select distinct resource_type_id from v1_resources where sync_id = ?";
        self.each(&self.columns(tables::RESOURCES)?, sql, &[sync_id], |row| {
            types.insert(text(row, 0).into_owned());
            Ok::<(), C1zError>(())
        })?;
        Ok(types)
    }

    /// Calls `visit` with the ids of all resources and grants of a sync.
    pub(crate) fn each_id(
        &self,
        sync_id: &str,
        mut visit: impl FnMut(PreviousId<'_>) -> Result<(), C1zError>,
    ) -> Result<(), C1zError> {
        let sql = "select resource_type_id, external_id from v1_resources where sync_id = ?";
        self.each(&self.columns(tables::RESOURCES)?, sql, &[sync_id], |row| {
            visit(PreviousId::resource(&text(row, 0), &text(row, 1)))
        })?;
        let sql = "select entitlement_id, principal_resource_type_id, principal_resource_id \
                   from v1_grants where sync_id = ?";
        self.each(&self.columns(tables::GRANTS)?, sql, &[sync_id], |row| {
            visit(PreviousId::Grant {
                entitlement: &text(row, 0),
                principal_type: &text(row, 1),
                principal: &text(row, 2),
            })
        })
    }
}
