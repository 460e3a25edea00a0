//! The table `grants_history`: grants with the times during which they were in effect.

use std::collections::HashSet;

use access_core::diff::Record;

use super::batched_table::BatchedTable;
use super::validity_merge::HistoryRows;
use super::validity_merge::HistoryWriter;
use super::validity_merge::Stamp;
use super::validity_merge::Validity;
use crate::diff::Cursor;
use crate::diff::TableRecords;
use crate::error::DatasetError;
use crate::publish::LocalFile;
use crate::schema::{GrantHistoryRow, GrantHistoryTable};

/// The columns of a history beside the compared ones; rows of grants have them too.
pub(super) const EXTRA_COLUMNS: [&str; 7] = [
    "resource_type_id",
    "entitlement_slug",
    "entitlement_display_name",
    "resource_id",
    "resource_display_name",
    "principal_login",
    "principal_display_name",
];
/// The field `sources`, after `is_direct`.
const SOURCES: usize = 1;

pub(super) struct Grants<'a> {
    pub(super) stamp: Stamp<'a>,
    pub(super) table: BatchedTable<'a, GrantHistoryTable>,
    /// The entitlements of the new sync; its grants come in their order.
    pub(super) entitlements: Entitlements,
    /// The resources that the new sync no longer has.
    pub(super) removed: HashSet<(Box<str>, Box<str>)>,
}

/// The entitlements of a sync, read along with its grants.
pub(super) struct Entitlements {
    cursor: Cursor,
    current: Option<Box<str>>,
    begun: bool,
}

impl Entitlements {
    pub(super) fn new(cursor: Cursor) -> Self {
        Self {
            cursor,
            current: None,
            begun: false,
        }
    }

    fn has(&mut self, id: &str) -> Result<bool, DatasetError> {
        while !self.begun || self.current.as_deref().is_some_and(|current| current < id) {
            self.begun = true;
            self.current = if self.cursor.advance()? {
                self.cursor.text(0).map(Box::from)
            } else {
                None
            };
        }
        Ok(self.current.as_deref() == Some(id))
    }
}

/// A grant of a history or of a sync.
struct Row<'a> {
    key: [&'a str; 3],
    extra: [Option<&'a str>; 7],
    is_direct: bool,
    sources: Vec<&'a str>,
}

impl Grants<'_> {
    fn push(&mut self, row: &Row<'_>, validity: Validity<'_>) -> Result<(), DatasetError> {
        let [entitlement_id, principal_type_id, principal_id] = row.key;
        let extra = |n: usize| row.extra[n].unwrap_or_default();
        let grant = GrantHistoryRow {
            sync_id: self.stamp.sync_id,
            synced_at: self.stamp.synced_at,
            tenant: self.stamp.tenant,
            entitlement_id,
            entitlement_slug: extra(1),
            entitlement_display_name: extra(2),
            resource_type_id: extra(0),
            resource_id: extra(3),
            resource_display_name: extra(4),
            principal_type_id,
            principal_id,
            principal_login: row.extra[5],
            principal_display_name: extra(6),
            is_direct: row.is_direct,
            sources: &row.sources,
            valid_from: validity.from,
            valid_to: validity.to,
            is_current: validity.to.is_none(),
            first_sync_id: validity.first,
            last_sync_id: validity.last,
            closed_by_sync_id: validity.closed_by,
            closed_because: validity.close_reason,
        };
        self.table.push(|table| table.push(grant))
    }

    pub(super) fn finish(self) -> Result<Vec<LocalFile>, DatasetError> {
        self.table.finish()
    }
}

impl HistoryWriter for Grants<'_> {
    fn write_past(&mut self, row: &HistoryRows, validity: Validity<'_>) -> Result<(), DatasetError> {
        let fields = 3;
        let row = Row {
            key: [0, 1, 2].map(|part| row.key(part)),
            extra: [0, 1, 2, 3, 4, 5, 6].map(|n| row.cursor.text(row.extra(n))),
            is_direct: row.cursor.flag(fields).unwrap_or_default(),
            sources: row.cursor.texts(fields + SOURCES),
        };
        self.push(&row, validity)
    }

    fn write_current(&mut self, row: &TableRecords, validity: Validity<'_>) -> Result<(), DatasetError> {
        let row = Row {
            key: [0, 1, 2].map(|part| row.key(part)),
            extra: EXTRA_COLUMNS.map(|name| row.extra(name)),
            is_direct: row.field(0) == Some("true"),
            sources: row.texts(SOURCES),
        };
        self.push(&row, validity)
    }

    fn close_reason(&mut self, row: &HistoryRows) -> Result<&'static str, DatasetError> {
        if self.removed.contains(&(row.key(1).into(), row.key(2).into())) {
            return Ok("principal_removed");
        }
        Ok(if self.entitlements.has(row.key(0))? {
            "revoked"
        } else {
            "entitlement_removed"
        })
    }
}
