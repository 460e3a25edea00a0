//! Writes rows of another file, which have times, ids, sources and expansions of their own.

use std::sync::atomic::AtomicBool;

use baton_proto::connector_v2::Entitlement;
use baton_proto::storage_v3::{AssetRecord, GrantRecord};
use time::OffsetDateTime;

use super::RowStore;
use super::Writer;
use super::temp_failure;
use crate::error::C1zError;
use crate::stats;
use crate::sync_row::Lineage;
use crate::v1::record_rows;
use crate::v1::timestamp;

impl Writer {
    /// Sets the columns of the sync that only another file has.
    pub(crate) fn set_lineage(&mut self, lineage: Lineage) {
        self.lineage = Some(lineage);
    }

    /// The flag that cancels the work.
    pub(crate) fn stop(&self) -> &AtomicBool {
        &self.options.stop
    }

    /// Sets when the following resource types, resources and entitlements were discovered.
    pub(crate) fn set_discovered_at(&mut self, time: OffsetDateTime) {
        self.discovered_at = timestamp::format(time);
        if let RowStore::Pebble(rows) = &mut self.rows {
            rows.set_discovered_at(time);
        }
    }

    /// Adds a grant. A v1 embeds its entitlement, a v3 only refers to it.
    pub(crate) fn put_grant(
        &mut self,
        record: GrantRecord,
        entitlement: Option<&Entitlement>,
    ) -> Result<(), C1zError> {
        let entitlement_ref = record.entitlement.as_ref();
        let resource_type = entitlement_ref.map_or("", |named| named.resource_type_id.as_str());
        self.stats.grants += 1;
        stats::count(&mut self.stats.grants_by_resource_type, resource_type, 1);
        let inserted = match &mut self.rows {
            RowStore::Sqlite(database) => {
                record_rows::insert_grant(database, &self.sync.sync_id, record, entitlement)
            }
            RowStore::Pebble(rows) => rows.put_grant(&record),
        };
        inserted.map_err(|error| temp_failure(&self.options.temp_folder, error))
    }

    /// Adds an asset.
    pub(crate) fn put_asset(&mut self, record: &AssetRecord) -> Result<(), C1zError> {
        self.stats.assets += 1;
        let inserted = match &mut self.rows {
            RowStore::Sqlite(database) => record_rows::insert_asset(database, &self.sync.sync_id, record),
            RowStore::Pebble(rows) => rows.put_asset(record),
        };
        inserted.map_err(|error| temp_failure(&self.options.temp_folder, error))
    }
}
