//! Whose a sync is: the note of its writer, and the description of its app.

use baton_proto::connector_v2::Resource;
use rusqlite::types::ValueRef;

use crate::error::C1zError;
use crate::message;
use crate::note::{self, SyncNote};
use crate::reader::Reader;
use crate::reader::columns;
use crate::tenant_address::{AppAddresses, MAX_APPS, is_app};
use crate::v1::tables;

impl Reader {
    /// The note that the writer of a sync left in it, if any.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read.
    pub fn note(&self, sync_id: &str) -> Result<Option<SyncNote>, C1zError> {
        let known = self.columns(tables::SYNC_RUNS)?;
        if !known.iter().any(|name| name == "sync_token") {
            return Ok(None);
        }
        let sql = "select cast(sync_token as text) from v1_sync_runs where sync_id = ?";
        let mut found = None;
        self.each(&known, sql, &[sync_id], |row| {
            found = note::parse(&columns::text(row, 0));
            Ok::<(), C1zError>(())
        })?;
        Ok(found)
    }

    /// The tenant of a sync: from the note of its writer, else the address in the description of its only app.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read.
    pub fn tenant(&self, sync_id: &str) -> Result<Option<String>, C1zError> {
        match self.note(sync_id)?.and_then(|note| note.tenant) {
            Some(tenant) => Ok(Some(tenant)),
            None => self.described_tenant(sync_id),
        }
    }

    pub(crate) fn described_tenant(&self, sync_id: &str) -> Result<Option<String>, C1zError> {
        let mut apps = Vec::new();
        self.resource_types(sync_id, |row| {
            if is_app(&row) {
                apps.push(row.id);
            }
            Ok::<(), C1zError>(())
        })?;
        let mut addresses = AppAddresses::default();
        let known = self.columns(tables::RESOURCES)?;
        let sql = format!(
            "select data from v1_resources where sync_id = ? and resource_type_id = ? limit {MAX_APPS}"
        );
        for app in apps {
            self.each(&known, &sql, &[sync_id, &app], |row| {
                if let Ok(ValueRef::Blob(data)) = row.get_ref(0)
                    && let Ok(resource) = message::decode::<Resource>(data)
                {
                    addresses.add(&resource.description);
                }
                Ok::<(), C1zError>(())
            })?;
        }
        Ok(addresses.only())
    }
}
