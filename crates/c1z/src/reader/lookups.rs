//! Looks up single rows of a sync through the indexes of the format.

use baton_proto::connector_v2::{Entitlement, Resource};
use prost::Message;

use crate::error::C1zError;
use crate::reader::Reader;
use crate::reader::columns::bytes;
use crate::reader::grants::GrantRow;
use crate::v1::tables;

/// Index and columns for resources in the order of their ids.
const BY_RESOURCE: (&str, &str) = ("idx_resources_parent_resource_id_v1", "external_id,sync_id");
/// Index and columns for the grants of a principal.
const BY_PRINCIPAL: (&str, &str) = (
    "idx_grants_principal_id_v1",
    "principal_resource_type_id,principal_resource_id",
);
/// Covering index and its columns for the number of grants of each entitlement.
const BY_ENTITLEMENT_AND_SYNC: (&str, &str) = (
    "idx_grants_entitlement_sync_grant_v1",
    "entitlement_id,sync_id,id",
);

impl Reader {
    /// One resource.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if the row cannot be read.
    pub fn resource(
        &self,
        sync_id: &str,
        resource_type: &str,
        id: &str,
    ) -> Result<Option<Resource>, C1zError> {
        let key = format!("{resource_type}:{id}");
        let mut found = None;
        self.select(
            tables::RESOURCES,
            "",
            "external_id = ?2 and resource_type_id = ?3",
            &[sync_id, &key, resource_type],
            |row: Resource| {
                found = Some(row);
                Ok::<(), C1zError>(())
            },
        )?;
        Ok(found)
    }

    /// Calls `visit` with the resources of a sync, or of one type in it, ordered by type and id.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read; what `visit` returns.
    pub fn resources_in_order<E: From<C1zError>>(
        &self,
        sync_id: &str,
        resource_type: Option<&str>,
        visit: impl FnMut(Resource) -> Result<(), E>,
    ) -> Result<(), E> {
        match resource_type {
            Some(resource_type) => self.select(
                tables::RESOURCES,
                &self.hint(BY_RESOURCE)?,
                "resource_type_id = ?2 order by external_id",
                &[sync_id, resource_type],
                visit,
            ),
            None => self.select(
                tables::RESOURCES,
                "",
                "true order by resource_type_id, external_id",
                &[sync_id],
                visit,
            ),
        }
    }

    /// One entitlement.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if the row cannot be read.
    pub fn entitlement(&self, sync_id: &str, id: &str) -> Result<Option<Entitlement>, C1zError> {
        let mut found = None;
        self.select(
            tables::ENTITLEMENTS,
            "",
            "external_id = ?2",
            &[sync_id, id],
            |row: Entitlement| {
                found = Some(row);
                Ok::<(), C1zError>(())
            },
        )?;
        Ok(found)
    }

    /// Calls `visit` with the entitlements of a sync, or of one resource in it, ordered by id.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read; what `visit` returns.
    pub fn entitlements_in_order<E: From<C1zError>>(
        &self,
        sync_id: &str,
        on: Option<(&str, &str)>,
        visit: impl FnMut(Entitlement) -> Result<(), E>,
    ) -> Result<(), E> {
        match on {
            Some((resource_type, id)) => self.select(
                tables::ENTITLEMENTS,
                "",
                "resource_type_id = ?2 and resource_id = ?3 order by external_id",
                &[sync_id, resource_type, id],
                visit,
            ),
            None => self.select(
                tables::ENTITLEMENTS,
                "",
                "true order by external_id",
                &[sync_id],
                visit,
            ),
        }
    }

    /// Calls `visit` with every grant of a principal, ordered by entitlement and row.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read; what `visit` returns.
    pub fn grants_of_principal<E: From<C1zError>>(
        &self,
        sync_id: &str,
        principal_type: &str,
        principal: &str,
        visit: impl FnMut(GrantRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = format!(
            "{} from v1_grants {}where sync_id = ?1 and principal_resource_type_id = ?2 \
             and principal_resource_id = ?3 order by +entitlement_id, +id",
            Self::GRANT_COLUMNS,
            self.hint(BY_PRINCIPAL)?,
        );
        self.each_grant(&sql, &[sync_id, principal_type, principal], visit)
    }

    /// The number of grants of each entitlement that has any, ordered by entitlement.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read.
    pub fn grant_counts(&self, sync_id: &str) -> Result<Vec<(String, u64)>, C1zError> {
        if self.columns(tables::GRANTS)?.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "select entitlement_id, count(*) from v1_grants {}where sync_id = ? group by 1 order by 1",
            self.hint(BY_ENTITLEMENT_AND_SYNC)?
        );
        let mut statement = self
            .connection()
            .prepare(&sql)
            .map_err(|error| self.damaged(&error))?;
        let mut row_budget = self.row_budget();
        let counts = statement.query_map([sync_id], |row| {
            row_budget.add(row)?;
            Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
        });
        counts
            .and_then(Iterator::collect)
            .map_err(|error| self.damaged(&error))
    }

    /// Calls `visit` with the resources of a type whose encoded row contains a text, ignoring ASCII case, in no order. A text
    /// that is not ASCII matches every resource, so that callers must check matches again.
    ///
    /// # Errors
    /// [`C1zError::Corrupt`] if rows cannot be read; what `visit` returns.
    pub fn resources_matching<E: From<C1zError>>(
        &self,
        sync_id: &str,
        resource_type: &str,
        text: &str,
        mut visit: impl FnMut(Resource) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "select data from v1_resources where sync_id = ?1 and resource_type_id = ?2";
        let parameters = [sync_id, resource_type];
        self.each(&self.columns(tables::RESOURCES)?, sql, &parameters, |row| {
            let data = bytes(row, 0);
            if !text.is_ascii() || contains_ignoring_case(data, text.as_bytes()) {
                visit(self.message(tables::TABLES[tables::RESOURCES].name, data)?)?;
            }
            Ok(())
        })
    }

    /// Calls `visit` with the rows of a table that meet a condition, which may end with an order.
    fn select<M: Message + Default, E: From<C1zError>>(
        &self,
        table: usize,
        hint: &str,
        condition: &str,
        parameters: &[&str],
        mut visit: impl FnMut(M) -> Result<(), E>,
    ) -> Result<(), E> {
        let name = tables::TABLES[table].name;
        let sql = format!("select data from {name} {hint}where sync_id = ?1 and {condition}");
        self.each(&self.columns(table)?, &sql, parameters, |row| {
            visit(self.message(name, bytes(row, 0))?)
        })
    }
}

/// Whether bytes contain an ASCII text, ignoring case.
fn contains_ignoring_case(bytes: &[u8], text: &[u8]) -> bool {
    let Some((first, rest)) = text.split_first() else {
        return true;
    };
    let last = (bytes.len() + 1).saturating_sub(text.len());
    bytes[..last].iter().enumerate().any(|(offset, byte)| {
        byte.eq_ignore_ascii_case(first) && bytes[offset + 1..][..rest.len()].eq_ignore_ascii_case(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::grants::tests::empty_file;

    /// SQLite's plan for a statement.
    fn plan(reader: &Reader, sql: &str) -> Vec<String> {
        let sql = format!("explain query plan {sql}");
        let mut statement = reader.connection().prepare(&sql).unwrap();
        let parameters = vec!["x"; statement.parameter_count()];
        statement
            .query_map(rusqlite::params_from_iter(parameters), |row| row.get(3))
            .and_then(Iterator::collect)
            .unwrap()
    }

    #[test]
    fn texts_are_found_at_any_position() {
        for (bytes, text, found) in [
            (&b"zoe@example.com"[..], &b"ZOE@"[..], true),
            (b"zoe@example.com", b"com", true),
            (b"zoe@example.com", b"comm", false),
            (b"zo", b"zoe", false),
            (b"", b"", true),
            (b"", b"z", false),
            (b"zzzoe", b"zoe", true),
            (b"\xff\x00Park", b"park", true),
        ] {
            assert_eq!(contains_ignoring_case(bytes, text), found, "{text:?}");
        }
    }

    #[test]
    fn single_rows_are_looked_up_by_index() {
        let folder = tempfile::tempdir().unwrap();
        let reader = empty_file(&folder.path().join("sync.c1z"));
        for (table, condition, index) in [
            (
                "v1_resources",
                "external_id = ?2 and resource_type_id = ?3",
                "idx_resources_parent_resource_id_v1",
            ),
            (
                "v1_entitlements",
                "external_id = ?2",
                "idx_entitlements_external_sync_v1",
            ),
            (
                "v1_entitlements",
                "resource_type_id = ?2 and resource_id = ?3 order by external_id",
                "idx_entitlements_resource_id_v1",
            ),
        ] {
            let steps = plan(
                &reader,
                &format!("select data from {table} where sync_id = ?1 and {condition}"),
            );
            assert!(steps[0].contains(index), "{steps:?}");
        }
        let hint = reader.hint(BY_PRINCIPAL).unwrap();
        assert!(hint.contains(BY_PRINCIPAL.0));
        let sql = format!(
            "select data from v1_grants {hint}where sync_id = ?1 and principal_resource_type_id = ?2 \
             and principal_resource_id = ?3 order by +entitlement_id, +id"
        );
        assert!(
            plan(&reader, &sql)[0].starts_with("SEARCH"),
            "{:?}",
            plan(&reader, &sql)
        );
        let hint = reader.hint(BY_ENTITLEMENT_AND_SYNC).unwrap();
        let sql = format!(
            "select entitlement_id, count(*) from v1_grants {hint}where sync_id = ? group by 1 order by 1"
        );
        assert!(
            plan(&reader, &sql)[0].contains("COVERING"),
            "{:?}",
            plan(&reader, &sql)
        );
    }
}
