//! Reads rows with their discovery times, and the lineage of a sync.

use baton_proto::storage_v3::AssetRecord;
use prost::Message;
use rusqlite::types::ValueRef;
use time::OffsetDateTime;

use crate::error::C1zError;
use crate::note;
use crate::reader::Reader;
use crate::reader::columns::{bytes, text, time};
use crate::sync_row::{IngestChecks, Lineage};
use crate::v1::tables;
use crate::v3;

impl Reader {
    /// Calls `visit` with every row of a table and its discovery time, which is the start of the sync if it is missing.
    pub(super) fn stored<M: Message + Default>(
        &self,
        table: usize,
        sync_id: &str,
        started_at: OffsetDateTime,
        mut visit: impl FnMut(M, OffsetDateTime) -> Result<(), C1zError>,
    ) -> Result<(), C1zError> {
        let name = tables::TABLES[table].name;
        let sql =
            format!("select data, cast(discovered_at as text) from {name} where sync_id = ? order by id");
        self.each(&self.columns(table)?, &sql, &[sync_id], |row| {
            let message = self.message(name, bytes(row, 0))?;
            visit(message, time(row, 1).unwrap_or(started_at))
        })
    }

    pub(super) fn asset_records(
        &self,
        sync_id: &str,
        started_at: OffsetDateTime,
        mut visit: impl FnMut(AssetRecord) -> Result<(), C1zError>,
    ) -> Result<(), C1zError> {
        let sql = "select external_id, content_type, data, cast(discovered_at as text) from v1_assets \
                   where sync_id = ? order by id";
        self.each(&self.columns(tables::ASSETS)?, sql, &[sync_id], |row| {
            visit(AssetRecord {
                sync_id: sync_id.to_owned(),
                external_id: text(row, 0).into_owned(),
                content_type: text(row, 1).into_owned(),
                data: bytes(row, 2).to_vec(),
                discovered_at: Some(v3::proto_timestamp(time(row, 3).unwrap_or(started_at))),
            })
        })
    }

    /// The columns of a sync besides its id, type and times.
    pub(super) fn lineage(&self, sync_id: &str) -> Result<Lineage, C1zError> {
        let known = self.columns(tables::SYNC_RUNS)?;
        let select = |column| tables::column_or_default(&known, column);
        let sql = format!(
            "select {}, {}, {}, {}, {}, {}, {} from v1_sync_runs where sync_id = ?",
            select("parent_sync_id"),
            select("linked_sync_id"),
            select("supports_diff"),
            select("ingest_invariant_generation"),
            select("ingest_invariant_coverage"),
            select("ingest_invariant_mode"),
            select("sync_token"),
        );
        let mut lineage = Lineage::default();
        self.each(&known, &sql, &[sync_id], |row| {
            lineage = Lineage {
                parent_sync_id: text(row, 0).into_owned(),
                linked_sync_id: text(row, 1).into_owned(),
                supports_diff: matches!(row.get_ref(2), Ok(ValueRef::Integer(1))),
                ingest_checks: IngestChecks {
                    generation: text(row, 3).into_owned(),
                    // Anything but a list counts as empty.
                    coverage: serde_json::from_str(&text(row, 4)).unwrap_or_default(),
                    mode: text(row, 5).into_owned(),
                },
                // A note is kept; a checkpoint is useless in a finished sync.
                token: Some(text(row, 6).into_owned())
                    .filter(|token| note::parse(token).is_some())
                    .unwrap_or_default(),
            };
            Ok::<(), C1zError>(())
        })?;
        Ok(lineage)
    }
}
