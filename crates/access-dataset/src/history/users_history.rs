//! The table `users_history`: users with the times during which they were the same.

use access_core::diff::{Record, RecordKind};
use access_core::model::{AttributeType, UserAttribute};

use super::batched_table::BatchedTable;
use super::validity_merge::HistoryRows;
use super::validity_merge::HistoryWriter;
use super::validity_merge::Stamp;
use super::validity_merge::Validity;
use crate::diff::TableRecords;
use crate::error::DatasetError;
use crate::publish::{LocalFile, TableWriter};
use crate::schema::{AttributeCell, Contract, UserHistoryRow, UserHistoryTable};

/// The columns of a history beside the compared ones.
pub(super) const EXTRA_COLUMNS: [&str; 2] = ["resource_type_id", "profile"];

pub(super) struct Users<'a> {
    stamp: Stamp<'a>,
    /// The compared attributes, each with its index among the fields.
    attributes: Vec<(&'static UserAttribute, usize)>,
    table: BatchedTable<'a, UserHistoryTable>,
}

impl<'a> Users<'a> {
    pub(super) fn new(stamp: Stamp<'a>, contract: Contract, files: TableWriter<'a>) -> Self {
        let fields = RecordKind::User.fields(contract.attributes());
        let attributes = contract.attributes().compared().filter_map(|(attribute, _)| {
            let index = fields.iter().position(|field| *field == attribute.key)?;
            Some((attribute, index))
        });
        Self {
            stamp,
            attributes: attributes.collect(),
            table: BatchedTable::new(contract.row_table::<UserHistoryTable>(), files),
        }
    }

    fn push(&mut self, row: &impl Record, validity: Validity<'_>) -> Result<(), DatasetError> {
        let text = |name: &str| {
            let index = row.fields().iter().position(|field| *field == name);
            index.and_then(|index| row.field(index))
        };
        let flag = |name: &str| text(name).map(|flag| flag == "true");
        let base = UserHistoryRow {
            sync_id: self.stamp.sync_id,
            synced_at: self.stamp.synced_at,
            tenant: self.stamp.tenant,
            resource_type_id: row.key(0),
            user_id: row.key(1),
            login: text("login"),
            email: text("email"),
            display_name: text("display_name").unwrap_or_default(),
            first_name: text("first_name"),
            last_name: text("last_name"),
            status: text("status"),
            status_detail: text("status_detail"),
            account_type: text("account_type").unwrap_or_default(),
            mfa_enabled: flag("mfa_enabled"),
            sso_enabled: flag("sso_enabled"),
            profile: row.profile(),
            valid_from: validity.from,
            valid_to: validity.to,
            is_current: validity.to.is_none(),
            first_sync_id: validity.first,
            last_sync_id: validity.last,
            closed_by_sync_id: validity.closed_by,
            closed_because: validity.close_reason,
        };
        let cells = self.attributes.iter().map(|(attribute, index)| {
            let text = row.field(*index);
            match attribute.attribute_type {
                AttributeType::Text | AttributeType::Word => {
                    text.map_or(AttributeCell::Unknown, AttributeCell::Text)
                }
                AttributeType::Flag => {
                    text.map_or(AttributeCell::Unknown, |flag| AttributeCell::Flag(flag == "true"))
                }
            }
        });
        self.table.push(|table| {
            table.push(base);
            table.attributes.push(cells);
        })
    }

    pub(super) fn finish(self) -> Result<Vec<LocalFile>, DatasetError> {
        self.table.finish()
    }
}

impl HistoryWriter for Users<'_> {
    fn write_past(&mut self, row: &HistoryRows, validity: Validity<'_>) -> Result<(), DatasetError> {
        self.push(row, validity)
    }

    fn write_current(&mut self, row: &TableRecords, validity: Validity<'_>) -> Result<(), DatasetError> {
        self.push(row, validity)
    }

    fn close_reason(&mut self, _: &HistoryRows) -> Result<&'static str, DatasetError> {
        Ok("removed")
    }
}
