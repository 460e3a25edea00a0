//! Records of a v3 as rows of a v1 (docs/reference/c1z.md §3.4).

use std::io;

use baton_proto::connector_v2::{Entitlement, GrantExpandable};
use baton_proto::storage_v3::{
    AssetRecord, EntitlementRecord, GrantRecord, ResourceRecord, ResourceTypeRecord, SyncRunRecord,
};
use prost::Message;

use crate::stats::SyncStats;
use crate::sync_row::IngestChecks;
use crate::v1::rows::{
    AssetRow, EntitlementRow, GrantRow, ResourceRow, ResourceTypeRow, SyncRunRow, external_id,
};
use crate::v1::sqlite::Database;
use crate::v3::manifest;
use crate::v3::record::{self, time_text};

pub(crate) fn insert_sync_run(
    database: &mut Database,
    run: &SyncRunRecord,
    stats: Option<&SyncStats>,
) -> io::Result<()> {
    let checks = IngestChecks {
        generation: run.ingest_invariant_generation.clone(),
        coverage: run.ingest_invariant_coverage.clone(),
        mode: run.ingest_invariant_mode.clone(),
    };
    let started_at = time_text(run.started_at);
    let ended_at = run.ended_at.map(|end| time_text(Some(end)));
    let stats = stats.and_then(|stats| serde_json::to_string(stats).ok());
    let row = SyncRunRow {
        sync_id: &run.sync_id,
        started_at: &started_at,
        ended_at: ended_at.as_deref(),
        sync_token: &run.sync_token,
        sync_type: manifest::sync_type_name(run.r#type()),
        parent_sync_id: &run.parent_sync_id,
        linked_sync_id: &run.linked_sync_id,
        supports_diff: run.supports_diff,
        stats: stats.as_deref(),
        ingest_invariant_generation: &checks.generation,
        ingest_invariant_coverage: &checks.coverage_text(),
        ingest_invariant_mode: &checks.mode,
    };
    row.insert(database)
}

pub(crate) fn insert_resource_type(
    database: &mut Database,
    sync_id: &str,
    record: ResourceTypeRecord,
) -> io::Result<()> {
    let discovered_at = time_text(record.discovered_at);
    let message = record::resource_type_message(record);
    let row = ResourceTypeRow {
        external_id: &message.id,
        data: &message.encode_to_vec(),
        sync_id,
        discovered_at: &discovered_at,
    };
    row.insert(database)
}

pub(crate) fn insert_resource(
    database: &mut Database,
    sync_id: &str,
    record: ResourceRecord,
) -> io::Result<()> {
    let discovered_at = time_text(record.discovered_at);
    let message = record::resource_message(record);
    let id = message.id.clone().unwrap_or_default();
    let mut key = String::new();
    external_id(&id, &mut key);
    let parent = message.parent_resource_id.as_ref();
    let row = ResourceRow {
        resource_type_id: &id.resource_type,
        external_id: &key,
        parent_resource_type_id: parent.map(|id| id.resource_type.as_str()),
        parent_resource_id: parent.map(|id| id.resource.as_str()),
        data: &message.encode_to_vec(),
        sync_id,
        discovered_at: &discovered_at,
    };
    row.insert(database)
}

pub(crate) fn insert_entitlement(
    database: &mut Database,
    sync_id: &str,
    record: EntitlementRecord,
) -> io::Result<()> {
    let discovered_at = time_text(record.discovered_at);
    let resource = record.resource.clone().unwrap_or_default();
    let message = record::entitlement_message(record);
    let row = EntitlementRow {
        resource_type_id: &resource.resource_type_id,
        resource_id: &resource.resource_id,
        external_id: &message.id,
        data: &message.encode_to_vec(),
        sync_id,
        discovered_at: &discovered_at,
    };
    row.insert(database)
}

/// Inserts a grant that embeds `entitlement`; without one it names its entitlement by the ids.
pub(crate) fn insert_grant(
    database: &mut Database,
    sync_id: &str,
    record: GrantRecord,
    entitlement: Option<&Entitlement>,
) -> io::Result<()> {
    let discovered_at = time_text(record.discovered_at);
    let expansion = record.expansion.as_ref().map(|expansion| GrantExpandable {
        entitlement_ids: expansion.entitlement_ids.clone(),
        shallow: expansion.shallow,
        resource_type_ids: expansion.resource_type_ids.clone(),
    });
    let expansion = expansion.map(|expansion| expansion.encode_to_vec());
    let needs_expansion = record.needs_expansion;
    let entitlement_ref = record.entitlement.clone().unwrap_or_default();
    let principal_ref = record.principal.clone().unwrap_or_default();
    let mut message = record::grant_message(record);
    if let Some(complete) = entitlement {
        message.entitlement = Some(complete.clone());
    }
    let row = GrantRow {
        resource_type_id: &entitlement_ref.resource_type_id,
        resource_id: &entitlement_ref.resource_id,
        entitlement_id: &entitlement_ref.entitlement_id,
        principal_resource_type_id: &principal_ref.resource_type_id,
        principal_resource_id: &principal_ref.resource_id,
        external_id: &message.id,
        expansion: expansion.as_deref(),
        needs_expansion,
        data: &message.encode_to_vec(),
        sync_id,
        discovered_at: &discovered_at,
    };
    row.insert(database)
}

pub(crate) fn insert_asset(database: &mut Database, sync_id: &str, record: &AssetRecord) -> io::Result<()> {
    let row = AssetRow {
        external_id: &record.external_id,
        content_type: &record.content_type,
        data: &record.data,
        sync_id,
        discovered_at: &time_text(record.discovered_at),
    };
    row.insert(database)
}
