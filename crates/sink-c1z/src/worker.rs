//! The thread that owns the file while a sync is written.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use access_core::model::{
    AccessBatch, Entitlement, EntitlementId, GrantGroup, NativeId, Resource, ResourceId, ResourceTypeId,
    SyncType,
};
use access_core::sync::{Comparison, CurrentSync, SyncSummary};
use baton_proto::connector_v2 as v2;
use baton_proto::prost::Message as _;
use c1z::{GrantTemplate, PreparedFile, Published, Writer};
use tokio::sync::{mpsc, oneshot};

use crate::error::C1zSinkError;
use crate::{earlier, note};

/// What the thread is asked to do.
pub(crate) enum Job {
    Write(Arc<AccessBatch>),
    Compare {
        current: Arc<CurrentSync>,
        done: oneshot::Sender<Option<Comparison>>,
    },
    Prepare {
        summary: Box<SyncSummary>,
        done: oneshot::Sender<PreparedRows>,
    },
    Publish {
        done: oneshot::Sender<Published>,
    },
    SetAside {
        summary: Box<SyncSummary>,
        done: oneshot::Sender<PathBuf>,
    },
}

/// What came of preparing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PreparedRows {
    pub(crate) rows: u64,
    /// Syncs that the file has no room for.
    pub(crate) left_out: usize,
    pub(crate) too_large_for_others: bool,
}

/// Works until there are no more jobs. An error ends the thread; whoever waits for an answer then sees that the thread
/// is gone and asks it why by joining it.
pub(crate) fn run(
    writer: Writer,
    planned: SyncType,
    mut jobs: mpsc::Receiver<Job>,
) -> Result<(), C1zSinkError> {
    let mut rows = RowWriter::new(writer, planned);
    let (summary, done) = loop {
        match jobs.blocking_recv() {
            Some(Job::Write(batch)) => rows.write(&batch)?,
            Some(Job::Compare { current, done }) => {
                let _ = done.send(earlier::compare(&mut rows.writer, current)?);
            }
            Some(Job::Prepare { summary, done }) => break (summary, done),
            Some(Job::SetAside { summary, done }) => {
                let _ = done.send(rows.complete(&summary)?.quarantine()?);
                return Ok(());
            }
            Some(Job::Publish { .. }) | None => return Ok(()),
        }
    };
    let prepared = rows.complete(&summary)?;
    // The other side is gone when the run was stopped meanwhile; then there is nothing to publish either.
    let _ = done.send(PreparedRows {
        rows: prepared.stats().rows(),
        left_out: prepared.left_out(),
        too_large_for_others: prepared.is_too_large_for_others(),
    });
    if let Some(Job::Publish { done }) = jobs.blocking_recv() {
        let _ = done.send(prepared.publish()?);
    }
    Ok(())
}

/// Encodes rows. Keeps what later rows embed: types, resources that can have entitlements, entitlements. The latter two are kept
/// encoded, which takes a tenth of the memory of messages.
struct RowWriter {
    writer: Writer,
    /// What the sync was to be when it began.
    planned: SyncType,
    types: HashMap<ResourceTypeId, v2::ResourceType>,
    without_entitlements: Vec<ResourceTypeId>,
    resources: HashMap<ResourceId, Box<[u8]>>,
    entitlements: HashMap<EntitlementId, (Box<[u8]>, bool)>,
    /// The template of the entitlement whose grants are coming in.
    current: Option<(EntitlementId, ResourceTypeId, GrantTemplate)>,
}

impl RowWriter {
    fn new(writer: Writer, planned: SyncType) -> Self {
        Self {
            writer,
            planned,
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

    fn write(&mut self, batch: &AccessBatch) -> Result<(), C1zSinkError> {
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
        self.writer.put_resource(&message)?;
        if !self.without_entitlements.contains(&row.id.resource_type) {
            self.resources
                .insert(row.id.clone(), message.encode_to_vec().into_boxed_slice());
        }
        Ok(())
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
