//! Rows of a sync with the times at which they were found, and what the sync says of itself.

use baton_proto::storage_v3::AssetRecord;
use prost::Message;
use rusqlite::Row;
use rusqlite::types::ValueRef;
use time::OffsetDateTime;

use crate::error::C1zError;
use crate::note;
use crate::reader::Reader;
use crate::v1::tables;
use crate::v1::timestamp;
use crate::v3;
use crate::writer::{Checked, Lineage};

impl Reader {
    /// Calls `take` with every row of a table; one that does not say when it was found was found when the sync began.
    pub(super) fn stored<M: Message + Default>(
        &self,
        table: usize,
        sync_id: &str,
        begun: OffsetDateTime,
        mut take: impl FnMut(M, OffsetDateTime) -> Result<(), C1zError>,
    ) -> Result<(), C1zError> {
        let name = tables::TABLES[table].name;
        let sql =
            format!("select data, cast(discovered_at as text) from {name} where sync_id = ? order by id");
        self.each(&self.columns(table)?, &sql, &[sync_id], |row| {
            let message = M::decode(bytes(row, 0)).map_err(|error| C1zError::Corrupt {
                path: self.path().to_owned(),
                detail: format!("a row of {name} is not readable: {error}"),
            })?;
            take(message, set_discovered_at(row, 1).unwrap_or(begun))
        })
    }

    pub(super) fn asset_records(
        &self,
        sync_id: &str,
        begun: OffsetDateTime,
        mut take: impl FnMut(AssetRecord) -> Result<(), C1zError>,
    ) -> Result<(), C1zError> {
        let sql = "select external_id, content_type, data, cast(discovered_at as text) from v1_assets \
                   where sync_id = ? order by id";
        self.each(&self.columns(tables::ASSETS)?, sql, &[sync_id], |row| {
            take(AssetRecord {
                sync_id: sync_id.to_owned(),
                external_id: text(row, 0),
                content_type: text(row, 1),
                data: bytes(row, 2).to_vec(),
                discovered_at: Some(v3::timestamp(set_discovered_at(row, 3).unwrap_or(begun))),
            })
        })
    }

    /// What a sync says of itself besides its id, type and times.
    pub(super) fn lineage(&self, sync_id: &str) -> Result<Lineage, C1zError> {
        let known = self.columns(tables::SYNC_RUNS)?;
        let or = |column: &'static str, default: &'static str| {
            let is_there = known.iter().any(|name| name == column);
            if is_there { column } else { default }
        };
        let sql = format!(
            "select {}, {}, {}, {}, {}, {}, {} from v1_sync_runs where sync_id = ?",
            or("parent_sync_id", "''"),
            or("linked_sync_id", "''"),
            or("supports_diff", "0"),
            or("ingest_invariant_generation", "''"),
            or("ingest_invariant_coverage", "''"),
            or("ingest_invariant_mode", "''"),
            or("sync_token", "''"),
        );
        let mut lineage = Lineage::default();
        self.each(&known, &sql, &[sync_id], |row| {
            lineage = Lineage {
                parent_sync_id: text(row, 0),
                linked_sync_id: text(row, 1),
                supports_diff: matches!(row.get_ref(2), Ok(ValueRef::Integer(1))),
                checked: Checked {
                    generation: text(row, 3),
                    // What is no list says nothing.
                    coverage: serde_json::from_str(&text(row, 4)).unwrap_or_default(),
                    mode: text(row, 5),
                },
                // A checkpoint is of no use to a sync that has come to its end; a note is.
                token: Some(text(row, 6))
                    .filter(|token| note::parse(token).is_some())
                    .unwrap_or_default(),
            };
            Ok::<(), C1zError>(())
        })?;
        Ok(lineage)
    }
}

/// A column's text; empty where it has none that is text.
pub(super) fn text(row: &Row<'_>, column: usize) -> String {
    match row.get_ref(column) {
        Ok(ValueRef::Text(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

/// A column's bytes; none where it has no bytes.
pub(super) fn bytes<'r>(row: &'r Row<'_>, column: usize) -> &'r [u8] {
    match row.get_ref(column) {
        Ok(ValueRef::Blob(bytes)) => bytes,
        _ => &[],
    }
}

/// A column's time, if it has one.
pub(super) fn set_discovered_at(row: &Row<'_>, column: usize) -> Option<OffsetDateTime> {
    match row.get_ref(column) {
        Ok(ValueRef::Text(bytes)) => timestamp::parse(std::str::from_utf8(bytes).ok()?),
        _ => None,
    }
}
