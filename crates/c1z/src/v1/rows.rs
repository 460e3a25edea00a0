//! Rows of the tables of a v1, built by name. Only this file knows the order of a table's columns; the fields
//! have the columns' names (docs/reference/c1z.md §2.2).

use std::io;

use baton_proto::connector_v2::ResourceId;

use crate::v1::sqlite::Database;
use crate::v1::sqlite::Value;
use crate::v1::tables;

/// A row of `v1_resource_types`.
#[derive(Debug)]
pub(crate) struct ResourceTypeRow<'a> {
    pub(crate) external_id: &'a str,
    pub(crate) data: &'a [u8],
    pub(crate) sync_id: &'a str,
    pub(crate) discovered_at: &'a str,
}

impl ResourceTypeRow<'_> {
    pub(crate) fn insert(&self, database: &mut Database) -> io::Result<()> {
        database.insert(tables::RESOURCE_TYPES, &self.values())
    }

    fn values(&self) -> [Value<'_>; 4] {
        [
            Value::from(self.external_id),
            Value::Blob(self.data),
            Value::from(self.sync_id),
            Value::from(self.discovered_at),
        ]
    }
}

/// A row of `v1_resources`.
#[derive(Debug)]
pub(crate) struct ResourceRow<'a> {
    pub(crate) resource_type_id: &'a str,
    /// See [`external_id`].
    pub(crate) external_id: &'a str,
    pub(crate) parent_resource_type_id: Option<&'a str>,
    pub(crate) parent_resource_id: Option<&'a str>,
    pub(crate) data: &'a [u8],
    pub(crate) sync_id: &'a str,
    pub(crate) discovered_at: &'a str,
}

impl ResourceRow<'_> {
    pub(crate) fn insert(&self, database: &mut Database) -> io::Result<()> {
        database.insert(tables::RESOURCES, &self.values())
    }

    fn values(&self) -> [Value<'_>; 7] {
        [
            Value::from(self.resource_type_id),
            Value::from(self.external_id),
            nullable(self.parent_resource_type_id),
            nullable(self.parent_resource_id),
            Value::Blob(self.data),
            Value::from(self.sync_id),
            Value::from(self.discovered_at),
        ]
    }
}

/// A row of `v1_entitlements`.
#[derive(Debug)]
pub(crate) struct EntitlementRow<'a> {
    pub(crate) resource_type_id: &'a str,
    pub(crate) resource_id: &'a str,
    pub(crate) external_id: &'a str,
    pub(crate) data: &'a [u8],
    pub(crate) sync_id: &'a str,
    pub(crate) discovered_at: &'a str,
}

impl EntitlementRow<'_> {
    pub(crate) fn insert(&self, database: &mut Database) -> io::Result<()> {
        database.insert(tables::ENTITLEMENTS, &self.values())
    }

    fn values(&self) -> [Value<'_>; 6] {
        [
            Value::from(self.resource_type_id),
            Value::from(self.resource_id),
            Value::from(self.external_id),
            Value::Blob(self.data),
            Value::from(self.sync_id),
            Value::from(self.discovered_at),
        ]
    }
}

/// A row of `v1_grants`.
#[derive(Debug)]
pub(crate) struct GrantRow<'a> {
    pub(crate) resource_type_id: &'a str,
    pub(crate) resource_id: &'a str,
    pub(crate) entitlement_id: &'a str,
    pub(crate) principal_resource_type_id: &'a str,
    pub(crate) principal_resource_id: &'a str,
    pub(crate) external_id: &'a str,
    pub(crate) expansion: Option<&'a [u8]>,
    pub(crate) needs_expansion: bool,
    pub(crate) data: &'a [u8],
    pub(crate) sync_id: &'a str,
    pub(crate) discovered_at: &'a str,
}

impl GrantRow<'_> {
    pub(crate) fn insert(&self, database: &mut Database) -> io::Result<()> {
        database.insert(tables::GRANTS, &self.values())
    }

    fn values(&self) -> [Value<'_>; 11] {
        [
            Value::from(self.resource_type_id),
            Value::from(self.resource_id),
            Value::from(self.entitlement_id),
            Value::from(self.principal_resource_type_id),
            Value::from(self.principal_resource_id),
            Value::from(self.external_id),
            self.expansion.map_or(Value::Null, Value::Blob),
            Value::Integer(self.needs_expansion.into()),
            Value::Blob(self.data),
            Value::from(self.sync_id),
            Value::from(self.discovered_at),
        ]
    }
}

/// A row of `v1_assets`.
#[derive(Debug)]
pub(crate) struct AssetRow<'a> {
    pub(crate) external_id: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) data: &'a [u8],
    pub(crate) sync_id: &'a str,
    pub(crate) discovered_at: &'a str,
}

impl AssetRow<'_> {
    pub(crate) fn insert(&self, database: &mut Database) -> io::Result<()> {
        database.insert(tables::ASSETS, &self.values())
    }

    fn values(&self) -> [Value<'_>; 5] {
        [
            Value::from(self.external_id),
            Value::from(self.content_type),
            Value::Blob(self.data),
            Value::from(self.sync_id),
            Value::from(self.discovered_at),
        ]
    }
}

/// A row of `v1_sync_runs`. Grants always have their expansion in its column, so `grants_backfilled` is set.
#[derive(Debug)]
pub(crate) struct SyncRunRow<'a> {
    pub(crate) sync_id: &'a str,
    pub(crate) started_at: &'a str,
    pub(crate) ended_at: Option<&'a str>,
    pub(crate) sync_token: &'a str,
    pub(crate) sync_type: &'a str,
    pub(crate) parent_sync_id: &'a str,
    pub(crate) linked_sync_id: &'a str,
    pub(crate) supports_diff: bool,
    pub(crate) stats: Option<&'a str>,
    pub(crate) ingest_invariant_generation: &'a str,
    pub(crate) ingest_invariant_coverage: &'a str,
    pub(crate) ingest_invariant_mode: &'a str,
}

impl SyncRunRow<'_> {
    pub(crate) fn insert(&self, database: &mut Database) -> io::Result<()> {
        database.insert(tables::SYNC_RUNS, &self.values())
    }

    fn values(&self) -> [Value<'_>; 13] {
        const GRANTS_BACKFILLED: i64 = 1;
        [
            Value::from(self.sync_id),
            Value::from(self.started_at),
            nullable(self.ended_at),
            Value::from(self.sync_token),
            Value::from(self.sync_type),
            Value::from(self.parent_sync_id),
            Value::from(self.linked_sync_id),
            Value::Integer(self.supports_diff.into()),
            Value::Integer(GRANTS_BACKFILLED),
            nullable(self.stats),
            Value::from(self.ingest_invariant_generation),
            Value::from(self.ingest_invariant_coverage),
            Value::from(self.ingest_invariant_mode),
        ]
    }
}

fn nullable(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::Null, Value::from)
}

/// The `external_id` of a resource, `<resource type>:<resource>` (docs/reference/c1z.md §2.3), in place of what `out` holds.
pub(crate) fn external_id(id: &ResourceId, out: &mut String) {
    out.clear();
    out.push_str(&id.resource_type);
    out.push(':');
    out.push_str(&id.resource);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every field of a row that holds its own name must stand in the column of that name.
    fn assert_by_name(table: usize, values: &[Value<'_>]) {
        let columns = tables::TABLES[table].columns;
        assert_eq!(values.len(), columns.len());
        for (column, value) in columns.iter().zip(values) {
            match value {
                Value::Text(bytes) | Value::Blob(bytes) => {
                    assert_eq!(std::str::from_utf8(bytes).unwrap(), column.name);
                }
                _ => assert!(column.declaration.starts_with("integer"), "{}", column.name),
            }
        }
    }

    #[test]
    fn fields_are_in_the_columns_of_their_names() {
        let row = ResourceTypeRow {
            external_id: "external_id",
            data: b"data",
            sync_id: "sync_id",
            discovered_at: "discovered_at",
        };
        assert_by_name(tables::RESOURCE_TYPES, &row.values());
        let row = ResourceRow {
            resource_type_id: "resource_type_id",
            external_id: "external_id",
            parent_resource_type_id: Some("parent_resource_type_id"),
            parent_resource_id: Some("parent_resource_id"),
            data: b"data",
            sync_id: "sync_id",
            discovered_at: "discovered_at",
        };
        assert_by_name(tables::RESOURCES, &row.values());
        let row = EntitlementRow {
            resource_type_id: "resource_type_id",
            resource_id: "resource_id",
            external_id: "external_id",
            data: b"data",
            sync_id: "sync_id",
            discovered_at: "discovered_at",
        };
        assert_by_name(tables::ENTITLEMENTS, &row.values());
        let row = GrantRow {
            resource_type_id: "resource_type_id",
            resource_id: "resource_id",
            entitlement_id: "entitlement_id",
            principal_resource_type_id: "principal_resource_type_id",
            principal_resource_id: "principal_resource_id",
            external_id: "external_id",
            expansion: Some(b"expansion"),
            needs_expansion: true,
            data: b"data",
            sync_id: "sync_id",
            discovered_at: "discovered_at",
        };
        assert_by_name(tables::GRANTS, &row.values());
        let row = AssetRow {
            external_id: "external_id",
            content_type: "content_type",
            data: b"data",
            sync_id: "sync_id",
            discovered_at: "discovered_at",
        };
        assert_by_name(tables::ASSETS, &row.values());
        let row = SyncRunRow {
            sync_id: "sync_id",
            started_at: "started_at",
            ended_at: Some("ended_at"),
            sync_token: "sync_token",
            sync_type: "sync_type",
            parent_sync_id: "parent_sync_id",
            linked_sync_id: "linked_sync_id",
            supports_diff: true,
            stats: Some("stats"),
            ingest_invariant_generation: "ingest_invariant_generation",
            ingest_invariant_coverage: "ingest_invariant_coverage",
            ingest_invariant_mode: "ingest_invariant_mode",
        };
        assert_by_name(tables::SYNC_RUNS, &row.values());
    }
}
