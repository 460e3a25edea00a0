//! The manifest of a v3 file, in front of its payload (docs/reference/c1z.md §3.1).

use std::collections::BTreeMap;
use std::path::Path;

use baton_proto::c1z_v3::{
    C1zManifestV3, GrantDigestRoot, PayloadEncoding, PebbleIdIndexFormat, SyncRunSummary,
};
use baton_proto::prost_types::FileDescriptorSet;
use baton_proto::storage_v3::{SyncRunRecord, SyncStatsRecord, SyncType};
use prost::Message;
use time::OffsetDateTime;

use super::envelope::Envelope;
use super::grant_digests::Sum;
use super::pebble;
use super::record;
use crate::error::C1zError;
use crate::options::Limits;
use crate::stats::SyncStats;
use crate::sync_row::{Lineage, SyncRow};

/// The name of the engine in baton-sdk, for the current layout of the store.
pub(crate) const ENGINE: &str = "pebble3";
const DIGEST_VERSION: u32 = 1;

/// A finished sync.
#[derive(Debug)]
pub(crate) struct Summary<'s> {
    pub(crate) sync_id: &'s str,
    pub(crate) sync_type: &'s str,
    pub(crate) started_at: OffsetDateTime,
    pub(crate) ended_at: OffsetDateTime,
    pub(crate) lineage: &'s Lineage,
    pub(crate) stats: &'s SyncStats,
}

fn sync_type(text: &str) -> SyncType {
    match text {
        "full" => SyncType::Full,
        "resources_only" => SyncType::ResourcesOnly,
        "partial_upserts" => SyncType::PartialUpserts,
        "partial_deletions" => SyncType::PartialDeletions,
        _ => SyncType::Partial,
    }
}

/// The name of a sync type in v1.
pub(crate) fn sync_type_name(sync_type: SyncType) -> &'static str {
    match sync_type {
        SyncType::Full => "full",
        SyncType::ResourcesOnly => "resources_only",
        SyncType::PartialUpserts => "partial_upserts",
        SyncType::PartialDeletions => "partial_deletions",
        SyncType::Partial | SyncType::Unspecified => "partial",
    }
}

impl Summary<'_> {
    /// The record of the sync in the store.
    pub(super) fn run(&self) -> SyncRunRecord {
        SyncRunRecord {
            sync_id: self.sync_id.to_owned(),
            r#type: sync_type(self.sync_type).into(),
            started_at: Some(record::proto_timestamp(self.started_at)),
            ended_at: Some(record::proto_timestamp(self.ended_at)),
            sync_token: self.lineage.token.clone(),
            parent_sync_id: self.lineage.parent_sync_id.clone(),
            linked_sync_id: self.lineage.linked_sync_id.clone(),
            supports_diff: self.lineage.supports_diff,
            ingest_invariant_generation: self.lineage.ingest_checks.generation.clone(),
            ingest_invariant_coverage: self.lineage.ingest_checks.coverage.clone(),
            ingest_invariant_mode: self.lineage.ingest_checks.mode.clone(),
            ..SyncRunRecord::default()
        }
    }

    /// The counts of the sync in the store.
    pub(super) fn stats(&self) -> SyncStatsRecord {
        let counts = |counts: &BTreeMap<String, u64>| {
            let counts = counts.iter().map(|(id, count)| (id.clone(), count.cast_signed()));
            counts.collect()
        };
        let stats = self.stats;
        SyncStatsRecord {
            sync_id: self.sync_id.to_owned(),
            resource_types: stats.resource_types.cast_signed(),
            resources: stats.resources.cast_signed(),
            entitlements: stats.entitlements.cast_signed(),
            grants: stats.grants.cast_signed(),
            assets: stats.assets.cast_signed(),
            resources_by_resource_type: counts(&stats.resources_by_resource_type),
            grants_by_entitlement_resource_type: counts(&stats.grants_by_resource_type),
            entitlements_by_resource_type: counts(&stats.entitlements_by_resource_type),
            written_at: Some(record::proto_timestamp(self.ended_at)),
            ..SyncStatsRecord::default()
        }
    }

    /// The manifest of the file.
    pub(super) fn manifest(&self, sum: Sum) -> C1zManifestV3 {
        let run = self.run();
        let summary = SyncRunSummary {
            sync_id: run.sync_id,
            r#type: run.r#type,
            started_at: run.started_at,
            ended_at: run.ended_at,
            parent_sync_id: run.parent_sync_id,
            stats: Some(self.stats()),
        };
        C1zManifestV3 {
            engine: ENGINE.to_owned(),
            engine_schema_version: pebble::FORMAT_VERSION,
            payload_encoding: PayloadEncoding::IndexedZstd.into(),
            // Always decodable: the build wrote it.
            descriptors: FileDescriptorSet::decode(baton_proto::STORAGE_DESCRIPTORS).ok(),
            sync_runs: vec![summary],
            pebble_id_index_format: PebbleIdIndexFormat::StructuredV1.into(),
            grant_digest_root: Some(GrantDigestRoot {
                xor_digest: sum.xor.to_vec(),
                count: sum.count.cast_signed(),
                abi_version: DIGEST_VERSION,
            }),
            ..C1zManifestV3::default()
        }
    }
}

/// The syncs that the manifest of a file lists. If it lists none, the file may still have one.
pub(crate) fn syncs(path: &Path, limits: Limits) -> Result<Vec<SyncRow>, C1zError> {
    let mut envelope = Envelope::open(path, limits)?;
    envelope.check()?;
    let rows = envelope.manifest().sync_runs.iter().map(|run| SyncRow {
        sync_id: run.sync_id.clone(),
        started_at: record::time_text(run.started_at),
        ended_at: run.ended_at.map(|end| record::time_text(Some(end))),
        sync_type: sync_type_name(run.r#type()).to_owned(),
        linked_sync_id: String::new(),
        stats: run.stats.as_ref().map(stats_from_record),
    });
    Ok(rows.collect())
}

pub(crate) fn stats_from_record(stats: &SyncStatsRecord) -> SyncStats {
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    let counts = |counts: &BTreeMap<String, i64>| {
        let counts = counts.iter().map(|(id, number)| (id.clone(), count(*number)));
        counts.collect()
    };
    SyncStats {
        resource_types: count(stats.resource_types),
        resources: count(stats.resources),
        entitlements: count(stats.entitlements),
        grants: count(stats.grants),
        resources_by_resource_type: counts(&stats.resources_by_resource_type),
        grants_by_resource_type: counts(&stats.grants_by_entitlement_resource_type),
        entitlements_by_resource_type: counts(&stats.entitlements_by_resource_type),
        assets: count(stats.assets),
    }
}
