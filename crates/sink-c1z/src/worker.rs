//! The file while a sync is written, on the worker's thread.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use access_core::model::{
    AccessBatch, Baseline, Entitlement, EntitlementId, GrantGroup, NativeId, Resource, ResourceId,
    ResourceTypeId, SyncOrigin, SyncType,
};
use access_core::ports::Warning;
use access_core::sync::{Comparison, CurrentSync, SyncSummary};
use baton_proto::connector_v2 as v2;
use baton_proto::prost::Message as _;
use c1z::{GrantTemplate, PreparedFile, SyncStats, Writer};
use sink_worker::{FileJob, PreparedJob, PublishedFile, WorkerLost};

use crate::error::C1zSinkError;
use crate::{earlier, note};

impl WorkerLost for C1zSinkError {
    fn worker_lost() -> Self {
        Self::ThreadLost
    }
}

impl FileJob for RowWriter {
    type Error = C1zSinkError;
    type Prepared = PreparedC1z;

    fn baseline(&self) -> Option<Baseline> {
        let (sync_id, stats) = self.writer.previous()?;
        Some(baseline(sync_id, stats))
    }

    fn origin(&self) -> SyncOrigin {
        self.origin.clone()
    }

    fn write(&mut self, batch: &AccessBatch) -> Result<(), C1zSinkError> {
        self.write_batch(batch)
    }

    fn compare(&mut self, current: Arc<CurrentSync>) -> Result<Option<Comparison>, C1zSinkError> {
        earlier::compare(&mut self.writer, &current)
    }

    fn prepare(self, summary: &SyncSummary) -> Result<PreparedC1z, C1zSinkError> {
        let path = self.path.clone();
        let file = self.complete(summary)?;
        Ok(PreparedC1z { file, path })
    }

    fn quarantine(self, summary: &SyncSummary) -> Result<PathBuf, C1zSinkError> {
        Ok(self.complete(summary)?.quarantine()?)
    }
}

/// A c1z file that is complete and not visible.
pub(crate) struct PreparedC1z {
    file: PreparedFile,
    path: PathBuf,
}

impl PreparedJob for PreparedC1z {
    type Error = C1zSinkError;

    fn rows(&self) -> u64 {
        self.file.stats().rows()
    }

    fn warnings(&self) -> Vec<Warning> {
        let file = self.path.display();
        let mut warnings = Vec::new();
        if self.file.left_out() > 0 {
            let (count, are) = match self.file.left_out() {
                1 => ("1 earlier sync".to_owned(), "is"),
                count => (format!("{count} earlier syncs"), "are"),
            };
            warnings.push(Warning {
                code: "syncs_not_kept",
                message: format!(
                    "{count} {are} not kept in {file}: with them it would unpack to more than readers take (BATON_DECODER_MAX_DECODED_SIZE_MB, at most 10 GiB)"
                ),
            });
        }
        if self.file.is_too_large_for_others() {
            warnings.push(Warning {
                code: "too_large_for_others",
                message: format!(
                    "{file} unpacks to more than 10 GiB, which other readers take only if they are set up to"
                ),
            });
        }
        warnings
    }

    fn publish(self) -> Result<PublishedFile, C1zSinkError> {
        let published = self.file.publish()?;
        Ok(PublishedFile {
            path: published.path,
            bytes: published.bytes,
            rows: published.rows,
        })
    }
}

fn baseline(sync_id: &str, stats: &SyncStats) -> Baseline {
    let typed = |counts: &BTreeMap<String, u64>| {
        let typed = counts
            .iter()
            .filter_map(|(id, count)| Some((ResourceTypeId::new(id).ok()?, *count)));
        typed.collect()
    };
    Baseline {
        sync_id: sync_id.parse().ok(),
        resources: typed(&stats.resources_by_resource_type),
        grants: typed(&stats.grants_by_resource_type),
    }
}

/// Encodes rows into the file. Keeps the messages that later rows embed: types, resources that can have entitlements, entitlements.
/// The latter two are kept encoded, which takes a tenth of the memory.
pub(crate) struct RowWriter {
    writer: Writer,
    path: PathBuf,
    /// The type of the sync when it began.
    planned: SyncType,
    /// Where the syncs of the file came from.
    origin: SyncOrigin,
    types: HashMap<ResourceTypeId, v2::ResourceType>,
    without_entitlements: Vec<ResourceTypeId>,
    resources: HashMap<ResourceId, Box<[u8]>>,
    entitlements: HashMap<EntitlementId, (Box<[u8]>, bool)>,
    /// The template of the current entitlement's grants.
    current: Option<(EntitlementId, ResourceTypeId, GrantTemplate)>,
}

impl RowWriter {
    pub(crate) fn new(writer: Writer, path: PathBuf, planned: SyncType, origin: SyncOrigin) -> Self {
        Self {
            writer,
            path,
            planned,
            origin,
            types: HashMap::new(),
            without_entitlements: Vec::new(),
            resources: HashMap::new(),
            entitlements: HashMap::new(),
            current: None,
        }
    }

    fn complete(mut self, summary: &SyncSummary) -> Result<PreparedFile, C1zSinkError> {
        if summary.run.sync_type != self.planned {
            self.writer.mark_partial()?;
        }
        self.writer.set_note(&note::note(summary));
        Ok(self.writer.prepare(summary.ended_at)?)
    }

    fn write_batch(&mut self, batch: &AccessBatch) -> Result<(), C1zSinkError> {
        match batch {
            AccessBatch::ResourceTypes(rows) => {
                for row in rows {
                    let message = access_wire::resource_type(row);
                    self.writer.put_resource_type(&message)?;
                    self.types.insert(row.id.clone(), message);
                    if row.skip_entitlements_and_grants {
                        self.without_entitlements.push(row.id.clone());
                    }
                }
                Ok(())
            }
            AccessBatch::Resources(rows) => rows.iter().try_for_each(|row| self.write_resource(row)),
            AccessBatch::Entitlements(rows) => rows.iter().try_for_each(|row| self.write_entitlement(row)),
            AccessBatch::Grants(groups) => groups.iter().try_for_each(|group| self.write_grants(group)),
        }
    }

    fn write_resource(&mut self, row: &Resource) -> Result<(), C1zSinkError> {
        let message = access_wire::resource(row);
        if !self.without_entitlements.contains(&row.id.resource_type) {
            self.resources
                .insert(row.id.clone(), message.encode_to_vec().into_boxed_slice());
        }
        Ok(self.writer.put_resource(message)?)
    }

    fn write_entitlement(&mut self, row: &Entitlement) -> Result<(), C1zSinkError> {
        let dangling = |missing: String| C1zSinkError::Dangling {
            row: row.id.to_string(),
            missing,
        };
        let resource = self
            .resources
            .get(&row.resource)
            .ok_or_else(|| dangling(row.resource.to_string()))?;
        // It was encoded here.
        let resource = v2::Resource::decode(&**resource).map_err(|_| C1zSinkError::ThreadLost)?;
        // A type that a filter left out is named by its id alone.
        let holder = |id: &ResourceTypeId| {
            let stub = || v2::ResourceType {
                id: id.to_string(),
                ..v2::ResourceType::default()
            };
            self.types.get(id).cloned().unwrap_or_else(stub)
        };
        let grantable_to = row.grantable_to.iter().map(holder).collect();
        let message = access_wire::entitlement(row, resource, grantable_to);
        self.writer.put_entitlement(&message)?;
        let encoded = message.encode_to_vec().into_boxed_slice();
        self.entitlements.insert(row.id.clone(), (encoded, row.immutable));
        Ok(())
    }

    fn write_grants(&mut self, group: &GrantGroup) -> Result<(), C1zSinkError> {
        let fits = |(entitlement, principal_type, _): &(EntitlementId, ResourceTypeId, GrantTemplate)| {
            *entitlement == group.entitlement && *principal_type == group.principal_type
        };
        if !self.current.as_ref().is_some_and(fits) {
            let dangling = || C1zSinkError::Dangling {
                row: format!("a grant of {}", group.entitlement),
                missing: "its entitlement".to_owned(),
            };
            let (entitlement, immutable) = self.entitlements.get(&group.entitlement).ok_or_else(dangling)?;
            let annotations = access_wire::grant_annotations(*immutable);
            // It was encoded here.
            let entitlement =
                v2::Entitlement::decode(&**entitlement).map_err(|_| C1zSinkError::ThreadLost)?;
            let template = GrantTemplate::new(&entitlement, group.principal_type.as_str(), &annotations);
            self.current = Some((group.entitlement.clone(), group.principal_type.clone(), template));
        }
        if let Some((_, _, template)) = &self.current {
            self.writer
                .put_grants(template, group.principals.iter().map(NativeId::as_str))?;
        }
        Ok(())
    }
}
