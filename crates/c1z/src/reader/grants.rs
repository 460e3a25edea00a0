//! Grants by their columns: ordered by entitlement, and those that are to be expanded.

use baton_proto::connector_v2::{GrantExpandable, GrantSources};
use baton_proto::find_annotation;
use baton_proto::prost_types::Any;
use prost::Message;
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::error::C1zError;
use crate::reader::Reader;
use crate::reader::columns;
use crate::v1::tables;

/// The index that has the order in which grants are read.
const BY_ENTITLEMENT: &str = "idx_grants_entitlement_id_principal_id_v1";
/// That order, as its columns.
const ORDER: &str = "entitlement_id,principal_resource_type_id,principal_resource_id";

/// A grant, from its columns. This works also for rows that embed neither entitlement nor principal (docs/reference/c1z.md §2.3,
/// slim grants).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRow<'r> {
    /// Its id.
    pub id: &'r str,
    /// The type of the entitlement's resource.
    pub resource_type: &'r str,
    /// The id of the entitlement.
    pub entitlement: &'r str,
    /// The principal's type.
    pub principal_type: &'r str,
    /// The id of the principal within its type.
    pub principal: &'r str,
    /// Sorted ids of the entitlements through which the grant is effective; empty if it is only a direct one.
    pub sources: Vec<String>,
}

/// A grant that extends its entitlement to the principals of other entitlements (docs/reference/c1z.md §5.5).
#[derive(Debug, Clone, PartialEq)]
pub struct ExpandableGrant<'r> {
    /// The id of the entitlement.
    pub entitlement: &'r str,
    /// The principal's type.
    pub principal_type: &'r str,
    /// The id of the principal within its type.
    pub principal: &'r str,
    /// The other entitlements, and which of their principals count.
    pub expansion: GrantExpandable,
}

/// The sources of a `Grant`. The embedded objects, most of its bytes, are skipped.
#[derive(Clone, PartialEq, Message)]
struct SourcesOnly {
    #[prost(message, optional, tag = "5")]
    sources: Option<GrantSources>,
}

/// The annotations of a `Grant`.
#[derive(Clone, PartialEq, Message)]
struct AnnotationsOnly {
    #[prost(message, repeated, tag = "4")]
    annotations: Vec<Any>,
}

impl Reader {
    /// Calls `visit` with every grant of a sync, by entitlement, principal type, principal and row.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read; what `visit` returns.
    pub fn grants_by_entitlement<E: From<C1zError>>(
        &self,
        sync_id: &str,
        visit: impl FnMut(GrantRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.grant_rows("sync_id = ?1", &[sync_id], visit)
    }

    /// Calls `visit` with every grant of one entitlement, by principal type, principal and row.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read; what `visit` returns.
    pub fn grants_of_entitlement<E: From<C1zError>>(
        &self,
        sync_id: &str,
        entitlement: &str,
        visit: impl FnMut(GrantRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.grant_rows(
            "sync_id = ?1 and entitlement_id = ?2",
            &[sync_id, entitlement],
            visit,
        )
    }

    /// Calls `visit` with the grants of one entitlement to one principal, by row.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read; what `visit` returns.
    pub fn grants_of_entitlement_to<E: From<C1zError>>(
        &self,
        sync_id: &str,
        entitlement: &str,
        (principal_type, principal): (&str, &str),
        visit: impl FnMut(GrantRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.grant_rows(
            "sync_id = ?1 and entitlement_id = ?2 and principal_resource_type_id = ?3 and principal_resource_id = ?4",
            &[sync_id, entitlement, principal_type, principal],
            visit,
        )
    }

    /// Calls `visit` with every grant of a sync that has an expansion, whether or not it was expanded. If the columns for it are
    /// missing or were not filled by the writer, the annotation in the grant is read (docs/reference/c1z.md §2.3).
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read; what `visit` returns.
    pub fn expandable_grants<E: From<C1zError>>(
        &self,
        sync_id: &str,
        mut visit: impl FnMut(ExpandableGrant<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let known = self.columns(tables::GRANTS)?;
        let has = |column: &str| known.iter().any(|name| name == column);
        let in_columns = has("expansion") && has("needs_expansion");
        let (condition, in_data) = match (in_columns, self.is_backfilled(sync_id)?) {
            (true, true) => ("needs_expansion = 1", false),
            (true, false) => ("(needs_expansion = 1 or expansion is null)", true),
            (false, _) => ("true", true),
        };
        let sql = format!(
            "select entitlement_id, principal_resource_type_id, principal_resource_id, {}, {} from v1_grants \
             where sync_id = ?1 and {condition} order by id",
            if in_columns { "expansion" } else { "null" },
            if in_data { "data" } else { "null" },
        );
        self.each(&known, &sql, &[sync_id], |row| {
            let expansion = match (row.get_ref(3), row.get_ref(4)) {
                (Ok(ValueRef::Blob(bytes)), _) => Some(self.decode(bytes)?),
                (_, Ok(ValueRef::Blob(bytes))) => {
                    let AnnotationsOnly { annotations } = self.decode(bytes)?;
                    find_annotation(&annotations).map_err(|error| self.unreadable(&error))?
                }
                _ => None,
            };
            let Some(expansion) = expansion else { return Ok(()) };
            visit(ExpandableGrant {
                entitlement: self.text(row, 0)?,
                principal_type: self.text(row, 1)?,
                principal: self.text(row, 2)?,
                expansion,
            })
        })
    }

    fn grant_rows<E: From<C1zError>>(
        &self,
        condition: &str,
        parameters: &[&str],
        visit: impl FnMut(GrantRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = self.grant_rows_sql(condition)?;
        self.each_grant(&sql, parameters, visit)
    }

    /// The columns that [`each_grant`](Self::each_grant) reads.
    pub(crate) const GRANT_COLUMNS: &'static str = "select external_id, resource_type_id, entitlement_id, \
         principal_resource_type_id, principal_resource_id, data";

    /// Calls `visit` with every grant that a statement selects.
    pub(crate) fn each_grant<E: From<C1zError>>(
        &self,
        sql: &str,
        parameters: &[&str],
        mut visit: impl FnMut(GrantRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each(&self.columns(tables::GRANTS)?, sql, parameters, |row| {
            let SourcesOnly { sources } = self.decode(columns::bytes(row, 5))?;
            visit(GrantRow {
                id: self.text(row, 0)?,
                resource_type: self.text(row, 1)?,
                entitlement: self.text(row, 2)?,
                principal_type: self.text(row, 3)?,
                principal: self.text(row, 4)?,
                sources: sources.map_or_else(Vec::new, |sources| sources.sources.into_keys().collect()),
            })
        })
    }

    /// With the index nothing is sorted and memory does not grow. Without it, which the format allows, SQLite sorts on disk.
    fn grant_rows_sql(&self, condition: &str) -> Result<String, C1zError> {
        self.ordered_grants_sql(Self::GRANT_COLUMNS, condition)
    }

    /// A statement that orders grants by entitlement, principal type, principal and row.
    pub(crate) fn ordered_grants_sql(&self, select: &str, condition: &str) -> Result<String, C1zError> {
        let hint = self.hint((BY_ENTITLEMENT, ORDER))?;
        Ok(format!(
            "{select} from v1_grants {hint}where {condition} order by {ORDER}, id"
        ))
    }

    /// The hint that makes SQLite use an index; empty if the file does not have it with these columns.
    pub(crate) fn hint(&self, (index, columns): (&str, &str)) -> Result<String, C1zError> {
        let sql = "select group_concat(name) from (select name from pragma_index_info(?) order by seqno)";
        let indexed: Option<String> = self
            .connection()
            .query_row(sql, [index], |row| row.get(0))
            .map_err(|error| self.damaged(&error))?;
        Ok(if indexed.as_deref() == Some(columns) {
            format!("indexed by {index} ")
        } else {
            String::new()
        })
    }

    /// Whether the writer of a sync stored expansions in their column instead of in the grants.
    pub(crate) fn is_backfilled(&self, sync_id: &str) -> Result<bool, C1zError> {
        if !self
            .columns(tables::SYNC_RUNS)?
            .iter()
            .any(|name| name == "grants_backfilled")
        {
            return Ok(false);
        }
        let sql = "select coalesce(max(grants_backfilled), 0) = 1 from v1_sync_runs where sync_id = ?";
        self.connection()
            .query_row(sql, [sync_id], |row| row.get(0))
            .map_err(|error| self.damaged(&error))
    }

    /// Calls `visit` with every row of a statement; `columns` are those of its table, and empty if the table is missing.
    pub(crate) fn each<E: From<C1zError>>(
        &self,
        columns: &[String],
        sql: &str,
        parameters: &[&str],
        mut visit: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if columns.is_empty() {
            return Ok(());
        }
        let broken = |error| self.damaged(&error);
        // Cached: single rows are looked up thousands of times.
        let mut statement = self.connection().prepare_cached(sql).map_err(broken)?;
        let parameters = rusqlite::params_from_iter(parameters);
        let mut rows = statement.query(parameters).map_err(broken)?;
        let mut row_budget = self.row_budget();
        while let Some(row) = rows.next().map_err(broken)? {
            row_budget.add(row).map_err(broken)?;
            visit(row)?;
        }
        Ok(())
    }

    /// A column's text; empty where it holds something else.
    fn text<'r>(&self, row: &'r Row<'_>, column: usize) -> Result<&'r str, C1zError> {
        match row.get_ref(column) {
            Ok(ValueRef::Text(bytes)) => std::str::from_utf8(bytes).map_err(|error| self.unreadable(&error)),
            _ => Ok(""),
        }
    }

    pub(crate) fn decode<M: Message + Default>(&self, bytes: &[u8]) -> Result<M, C1zError> {
        self.message("v1_grants", bytes)
    }

    pub(crate) fn unreadable(&self, error: &dyn std::error::Error) -> C1zError {
        C1zError::Corrupt {
            path: self.path().to_owned(),
            detail: format!("a row of v1_grants is not readable: {error}"),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use time::OffsetDateTime;

    use super::*;
    use crate::{
        Compression, ExistingFilePolicy, Limits, Retention, SyncHeader, Target, Writer, WriterOptions,
    };

    pub(crate) fn empty_file(path: &Path) -> Reader {
        let folder = path.parent().unwrap();
        let options = WriterOptions {
            temp_folder: folder.to_owned(),
            engine: None,
            retention: Retention::default(),
            compression: Compression::default(),
            limits: Limits::default(),
            stop: Arc::new(AtomicBool::new(false)),
        };
        let header = SyncHeader {
            sync_id: "2vU7QmBvvjK3kdYyV0000000001".to_owned(),
            sync_type: "full",
            started_at: OffsetDateTime::UNIX_EPOCH,
        };
        let target = Target::open(path, ExistingFilePolicy::Refuse).unwrap();
        let writer = Writer::begin(target, header, options).unwrap();
        let prepared = writer.prepare(OffsetDateTime::UNIX_EPOCH).unwrap();
        prepared.publish().unwrap();
        Reader::open(path, folder, Limits::default(), &AtomicBool::new(false)).unwrap()
    }

    #[test]
    fn grant_queries_use_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let reader = empty_file(&folder.path().join("sync.c1z"));
        for condition in ["sync_id = ?1", "sync_id = ?1 and entitlement_id = ?2"] {
            let sql = reader.grant_rows_sql(condition).unwrap();
            let sql = format!("explain query plan {sql}");
            let mut statement = reader.connection().prepare(&sql).unwrap();
            let parameters = vec!["x"; statement.parameter_count()];
            let steps: Vec<String> = statement
                .query_map(rusqlite::params_from_iter(parameters), |row| row.get(3))
                .and_then(Iterator::collect)
                .unwrap();
            assert_eq!(steps.len(), 1, "{steps:?}");
            assert!(steps[0].contains(BY_ENTITLEMENT), "{steps:?}");
        }
    }
}
