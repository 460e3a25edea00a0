//! Reads complete grants as records of a v3.

use baton_proto::connector_v2::{GrantExpandable, GrantSources, ResourceId};
use baton_proto::find_annotation;
use baton_proto::prost::Name;
use baton_proto::prost_types::Any;
use baton_proto::storage_v3::{
    EntitlementRef, GrantExpandableRecord, GrantRecord, GrantSourceRecord, PrincipalRef,
};
use prost::Message;
use rusqlite::Row;
use rusqlite::types::ValueRef;
use time::OffsetDateTime;

use crate::error::C1zError;
use crate::reader::Reader;
use crate::reader::columns::{bytes, text, time};
use crate::v1::tables;
use crate::v3;

/// The parts of a `Grant` that no column has. The embedded objects, most of its bytes, are skipped.
#[derive(Clone, PartialEq, Message)]
struct InData {
    #[prost(message, optional, tag = "2")]
    principal: Option<Principal>,
    #[prost(message, repeated, tag = "4")]
    annotations: Vec<Any>,
    #[prost(message, optional, tag = "5")]
    sources: Option<GrantSources>,
}

/// The parent of a `Resource`.
#[derive(Clone, PartialEq, Message)]
struct Principal {
    #[prost(message, optional, tag = "2")]
    parent_resource_id: Option<ResourceId>,
}

const COLUMNS: &str = "entitlement_id, resource_type_id, resource_id, principal_resource_type_id, \
                       principal_resource_id, external_id, data, cast(discovered_at as text)";

impl Reader {
    /// Calls `visit` with every grant of a sync, by entitlement, principal type, principal and row. Expansions are in the field
    /// that v3 has for them, wherever the writer stored them (docs/reference/c1z.md §2.3).
    pub(super) fn grant_records(
        &self,
        sync_id: &str,
        started_at: OffsetDateTime,
        mut visit: impl FnMut(GrantRecord) -> Result<(), C1zError>,
    ) -> Result<(), C1zError> {
        let known = self.columns(tables::GRANTS)?;
        let has = |column: &str| known.iter().any(|name| name == column);
        let in_columns = has("expansion") && has("needs_expansion");
        let in_data = !in_columns || !self.is_backfilled(sync_id)?;
        let more = if in_columns {
            "expansion, needs_expansion"
        } else {
            "null, 0"
        };
        let sql = self.ordered_grants_sql(&format!("select {COLUMNS}, {more}"), "sync_id = ?1")?;
        self.each(&known, &sql, &[sync_id], |row| {
            visit(self.grant_record(row, started_at, in_data)?)
        })
    }

    fn grant_record(
        &self,
        row: &Row<'_>,
        started_at: OffsetDateTime,
        in_data: bool,
    ) -> Result<GrantRecord, C1zError> {
        let data: InData = self.decode(bytes(row, 6))?;
        let parent = data.principal.and_then(|principal| principal.parent_resource_id);
        let parent = parent.unwrap_or_default();
        let mut annotations = data.annotations;
        let mut expansion = match row.get_ref(8) {
            Ok(ValueRef::Blob(bytes)) => Some(self.decode::<GrantExpandable>(bytes)?),
            _ => None,
        };
        let mut needs_expansion = matches!(row.get_ref(9), Ok(ValueRef::Integer(1)));
        if in_data && expansion.is_none() {
            expansion = find_annotation(&annotations).map_err(|error| self.unreadable(&error))?;
            let name = GrantExpandable::full_name();
            annotations.retain(|any| any.type_url.rsplit('/').next() != Some(name.as_str()));
            // An expansion without entitlements has no effect.
            let names_some = |found: &GrantExpandable| {
                let mut ids = found.entitlement_ids.iter();
                ids.any(|id| !id.trim().is_empty())
            };
            expansion = expansion.filter(names_some);
            needs_expansion = expansion.is_some();
        }
        let sources = data.sources.unwrap_or_default().sources.into_iter();
        Ok(GrantRecord {
            external_id: text(row, 5).into_owned(),
            entitlement: Some(EntitlementRef {
                entitlement_id: text(row, 0).into_owned(),
                resource_type_id: text(row, 1).into_owned(),
                resource_id: text(row, 2).into_owned(),
            }),
            principal: Some(PrincipalRef {
                resource_type_id: text(row, 3).into_owned(),
                resource_id: text(row, 4).into_owned(),
                parent_resource_type_id: parent.resource_type,
                parent_resource_id: parent.resource,
            }),
            discovered_at: Some(v3::proto_timestamp(time(row, 7).unwrap_or(started_at))),
            expansion: expansion.map(|found| GrantExpandableRecord {
                entitlement_ids: found.entitlement_ids,
                shallow: found.shallow,
                resource_type_ids: found.resource_type_ids,
            }),
            needs_expansion,
            annotations,
            sources: sources
                .map(|(id, source)| {
                    let record = GrantSourceRecord {
                        is_direct: source.is_direct,
                        ..GrantSourceRecord::default()
                    };
                    (id, record)
                })
                .collect(),
            source_scope_key: String::new(),
        })
    }
}
