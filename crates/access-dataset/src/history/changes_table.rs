//! The table `changes`: the differences from the previous latest sync.

use access_core::diff::{ChangeKind, FieldChange, RecordChange, RecordKind};
use serde_json::{Map, Value};

use super::batched_table::BatchedTable;
use super::validity_merge::Stamp;
use crate::error::DatasetError;
use crate::publish::{LocalFile, TableWriter};
use crate::schema::{ChangeRow, ChangeTable, Contract};

pub(super) struct Changes<'a> {
    stamp: Stamp<'a>,
    previous: Option<Stamp<'a>>,
    table: BatchedTable<'a, ChangeTable>,
    number: i64,
}

impl<'a> Changes<'a> {
    pub(super) fn new(
        stamp: Stamp<'a>,
        previous: Option<Stamp<'a>>,
        contract: Contract,
        files: TableWriter<'a>,
    ) -> Self {
        Self {
            stamp,
            previous,
            table: BatchedTable::new(contract.row_table::<ChangeTable>(), files),
            number: 0,
        }
    }

    pub(super) fn push(&mut self, change: &RecordChange) -> Result<(), DatasetError> {
        let Some(previous) = self.previous else {
            return Ok(());
        };
        self.number += 1;
        let key = |n: usize| change.key.get(n).map(|part| &**part);
        let name = |name: &str| {
            let index = change.subject.names().iter().position(|other| *other == name)?;
            change.names.get(index)?.as_deref()
        };
        let (resource_id, entitlement_id) = match change.subject {
            RecordKind::User | RecordKind::Resource => (key(1), None),
            RecordKind::Entitlement | RecordKind::Grant => (None, key(0)),
        };
        let (principal_type_id, principal_id) = match change.subject {
            RecordKind::Grant => (key(1), key(2)),
            _ => (None, None),
        };
        let fields: Vec<&str> = change.fields.iter().map(|change| &*change.field).collect();
        let old = (change.kind != ChangeKind::Added).then(|| values(change, |field| field.old.as_deref()));
        let new = (change.kind != ChangeKind::Removed).then(|| values(change, |field| field.new.as_deref()));
        let row = ChangeRow {
            sync_id: self.stamp.sync_id,
            synced_at: self.stamp.synced_at,
            tenant: self.stamp.tenant,
            number: self.number,
            previous_sync_id: previous.sync_id,
            previous_synced_at: previous.synced_at,
            subject: change.subject.as_str(),
            kind: change.kind.as_str(),
            resource_type_id: &change.resource_type,
            resource_id,
            entitlement_id,
            principal_type_id,
            principal_id,
            display_name: name("display_name").or_else(|| name("entitlement_display_name")),
            resource_display_name: name("resource_display_name"),
            principal_display_name: name("principal_display_name"),
            fields: &fields,
            old_values: old.as_deref(),
            new_values: new.as_deref(),
        };
        self.table.push(|table| table.push(row))
    }

    pub(super) fn finish(self) -> Result<Vec<LocalFile>, DatasetError> {
        self.table.finish()
    }
}

/// One side's values as a JSON object of texts.
fn values<'a>(change: &'a RecordChange, side: impl Fn(&'a FieldChange) -> Option<&'a str>) -> String {
    let values = change.fields.iter().map(|field| {
        let value = side(field).map_or(Value::Null, Value::from);
        (field.field.to_string(), value)
    });
    Value::Object(values.collect::<Map<_, _>>()).to_string()
}
