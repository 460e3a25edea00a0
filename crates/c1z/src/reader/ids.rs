//! Ids of the rows of a sync, without the rows.

use std::collections::BTreeSet;

use crate::error::C1zError;
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
}
