//! The access source: the async side and the reading thread.

use std::collections::BTreeMap;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use access_core::model::{
    AccessBatch, EntitlementId, GrantGroup, GrantId, GrantOrigin, NativeId, Resource, ResourceType,
    ResourceTypeId, SyncScope, TraitKind,
};
use access_core::ports::{
    AccessSource, ApiUsage, CheckOutcome, CheckReport, EndpointCheck, ResourceQuery, SourceError, SourceEvent,
};
use access_dataset::Table;
use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::decode::{BareGrantColumns, EntitlementColumns};
use crate::error::DatasetSourceError;
use crate::open_sync::DatasetConfig;
use crate::open_sync::OpenSync;
use crate::snapshot::{DatasetSnapshot, read_resources, read_types};

/// Rows in a batch.
const BATCH_ROWS: usize = 2_000;
/// Bytes of texts in a batch, beyond which it has fewer rows.
const BATCH_BYTES: usize = 4 << 20;
/// Batches that wait for the pipeline.
const QUEUE_BATCHES: usize = 4;

/// One published sync of a dataset as an [`AccessSource`].
pub struct DatasetSource {
    opened: OpenSync,
    kinds: Vec<ResourceType>,
    threads: Mutex<Vec<ReadingThread>>,
}

/// A thread that reads. Dropping it ends the thread, whatever it waits for, and removes its temporary files.
struct ReadingThread {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ReadingThread {
    fn spawn(
        stop: Arc<AtomicBool>,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<Self, DatasetSourceError> {
        let spawned = thread::Builder::new().name("dataset-read".to_owned()).spawn(work);
        Ok(Self {
            stop,
            thread: Some(spawned.map_err(DatasetSourceError::NoThread)?),
        })
    }

    fn join(mut self) {
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Drop for ReadingThread {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.stop.store(true, Ordering::Relaxed);
            let _ = thread.join();
        }
    }
}

impl DatasetSource {
    /// Opens the dataset, finds the sync and reads its resource types.
    ///
    /// # Errors
    /// [`DatasetSourceError`] if there is no such dataset or sync, or it cannot be read.
    pub async fn open(config: DatasetConfig) -> Result<Self, DatasetSourceError> {
        let stop = Arc::<AtomicBool>::default();
        let opened = OpenSync::open(config).await?.with_stop(Arc::clone(&stop));
        let (handle, reading) = (Handle::current(), opened.clone());
        let (done, read) = oneshot::channel();
        let thread = ReadingThread::spawn(stop, move || {
            let mut kinds = Vec::new();
            let read = read_types(&reading, &handle, |_, _, kind| kinds.push(kind));
            drop(reading);
            let _ = done.send(read.map(|()| kinds));
        })?;
        let kinds = read.await.unwrap_or(Err(DatasetSourceError::ThreadLost));
        thread.join();
        Ok(Self {
            opened,
            kinds: kinds?,
            threads: Mutex::default(),
        })
    }

    /// The sync that is read.
    #[must_use]
    pub fn opened(&self) -> &OpenSync {
        &self.opened
    }

    /// The same sync, for point queries. Must be called within a runtime.
    #[must_use]
    pub fn snapshot(&self) -> DatasetSnapshot {
        DatasetSnapshot::new(self.opened.clone().with_stop(Arc::default()))
    }
}

/// An event of the reading thread. Only the last one makes a list complete.
enum ReaderEvent {
    Event(SourceEvent),
    Failed(DatasetSourceError),
    Done,
}

#[async_trait]
impl AccessSource for DatasetSource {
    async fn check(&self) -> Result<CheckReport, SourceError> {
        let sync = self.opened.sync();
        let detail = format!(
            "{}, {} resource types",
            sync.run.sync_type.as_str(),
            self.kinds.len()
        );
        Ok(CheckReport {
            tenant: self.tenant(),
            id_scheme: None,
            endpoints: vec![EndpointCheck {
                endpoint: format!("sync {}", sync.run.id),
                purpose: "everything",
                outcome: CheckOutcome::Ok { detail },
            }],
            scopes: Vec::new(),
        })
    }

    fn tenant(&self) -> String {
        self.opened.sync().run.tenant.clone()
    }

    fn resource_types(&self) -> Vec<ResourceType> {
        self.kinds.clone()
    }

    fn read(&self, scope: &SyncScope) -> BoxStream<'_, Result<SourceEvent, SourceError>> {
        if scope.targets.is_some() {
            let refused = SourceError::new(DatasetSourceError::TargetsUnsupported);
            return stream::iter([Err(refused)]).boxed();
        }
        let (outlet, queue) = mpsc::channel(QUEUE_BATCHES);
        let reading = Reading {
            opened: self.opened.clone(),
            handle: Handle::current(),
            scope: scope.clone(),
            kinds: self
                .kinds
                .iter()
                .map(|kind| (kind.id.clone(), kind.trait_kind))
                .collect(),
            outlet,
        };
        match ReadingThread::spawn(self.opened.stop(), move || reading.run()) {
            Ok(thread) => {
                let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
                threads.push(thread);
            }
            Err(lost) => return stream::iter([Err(SourceError::new(lost))]).boxed(),
        }
        stream::unfold(Some(queue), |queue| async move {
            let mut queue = queue?;
            match queue.recv().await {
                Some(ReaderEvent::Event(event)) => Some((Ok(event), Some(queue))),
                Some(ReaderEvent::Failed(error)) => Some((Err(SourceError::new(error)), None)),
                Some(ReaderEvent::Done) => None,
                None => Some((Err(SourceError::new(DatasetSourceError::ThreadLost)), None)),
            }
        })
        .boxed()
    }

    fn usage(&self) -> ApiUsage {
        ApiUsage::default()
    }
}

/// The receiver was dropped, or reading failed.
enum ReadOutcome {
    Unheard,
    Failed(DatasetSourceError),
}

impl From<DatasetSourceError> for ReadOutcome {
    fn from(error: DatasetSourceError) -> Self {
        Self::Failed(error)
    }
}

/// One pass over the sync, in the order that the port requires.
struct Reading {
    opened: OpenSync,
    handle: Handle,
    scope: SyncScope,
    kinds: BTreeMap<ResourceTypeId, TraitKind>,
    outlet: mpsc::Sender<ReaderEvent>,
}

impl Reading {
    fn run(&self) {
        let last = match self.all() {
            Ok(()) => ReaderEvent::Done,
            Err(ReadOutcome::Failed(error)) => ReaderEvent::Failed(error),
            Err(ReadOutcome::Unheard) => return,
        };
        let _ = self.outlet.blocking_send(last);
    }

    fn all(&self) -> Result<(), ReadOutcome> {
        self.types()?;
        self.resources()?;
        if self.scope.includes_entitlements() {
            let held = self.entitlements()?;
            if self.scope.includes_grants() {
                self.grants(held.as_deref())?;
            }
        }
        Ok(())
    }

    fn send(&self, event: SourceEvent) -> Result<(), ReadOutcome> {
        self.outlet
            .blocking_send(ReaderEvent::Event(event))
            .map_err(|_| ReadOutcome::Unheard)
    }

    fn types(&self) -> Result<(), ReadOutcome> {
        let (mut rows, mut states) = (Vec::new(), Vec::new());
        read_types(&self.opened, &self.handle, |columns, row, kind| {
            if self.scope.includes_type(&kind.id) {
                states.push((kind.id.clone(), columns.completeness(row)));
                rows.push(kind);
            }
        })?;
        self.send(SourceEvent::Batch(AccessBatch::ResourceTypes(rows)))?;
        for (id, completeness) in states {
            self.send(SourceEvent::Completeness(id, completeness))?;
        }
        Ok(())
    }

    fn resources(&self) -> Result<(), ReadOutcome> {
        let mut rows: Vec<Resource> = Vec::new();
        let mut bytes = 0;
        let mut unheard = false;
        read_resources(
            &self.opened,
            &self.handle,
            &self.kinds,
            ResourceQuery::All,
            |row| {
                if self.scope.includes_type(&row.id.resource_type) {
                    bytes += row.text_bytes();
                    rows.push(row);
                }
                if rows.len() == BATCH_ROWS || bytes >= BATCH_BYTES {
                    bytes = 0;
                    let batch = AccessBatch::Resources(std::mem::take(&mut rows));
                    unheard = self.send(SourceEvent::Batch(batch)).is_err();
                }
                if unheard { Break(()) } else { Continue(()) }
            },
        )?;
        if unheard {
            return Err(ReadOutcome::Unheard);
        }
        self.send(SourceEvent::Batch(AccessBatch::Resources(rows)))
    }

    /// Sends the entitlements. Returns the requested ones, unless all are requested.
    fn entitlements(&self) -> Result<Option<Vec<EntitlementId>>, ReadOutcome> {
        let mut requested = self.scope.types.as_ref().map(|_| Vec::new());
        let mut ended = Ok(());
        let names = EntitlementColumns::NAMES;
        self.opened
            .each_batch(&self.handle, Table::Entitlements, names, |columns| {
                let table = EntitlementColumns::of(columns)?;
                let mut rows = Vec::new();
                for row in 0..columns.batch.num_rows() {
                    let row = table.entitlement(row).map_err(|source| DatasetSourceError::Id {
                        table: Table::Entitlements,
                        source,
                    })?;
                    if self.scope.includes_type(&row.resource.resource_type) {
                        if let Some(requested) = &mut requested {
                            requested.push(row.id.clone());
                        }
                        rows.push(row);
                    }
                }
                ended = self.send(SourceEvent::Batch(AccessBatch::Entitlements(rows)));
                Ok(if ended.is_ok() { Continue(()) } else { Break(()) })
            })?;
        ended.map(|()| requested)
    }

    fn grants(&self, requested: Option<&[EntitlementId]>) -> Result<(), ReadOutcome> {
        let mut ended = Ok(());
        let names = BareGrantColumns::NAMES;
        self.opened
            .each_batch(&self.handle, Table::Grants, names, |columns| {
                let table = BareGrantColumns::of(columns)?;
                let mut groups: Vec<GrantGroup> = Vec::new();
                for row in 0..columns.batch.num_rows() {
                    table
                        .add(row, requested, &mut groups)
                        .map_err(|source| DatasetSourceError::Id {
                            table: Table::Grants,
                            source,
                        })?;
                }
                if !groups.is_empty() {
                    ended = self.send(SourceEvent::Batch(AccessBatch::Grants(groups)));
                }
                Ok(if ended.is_ok() { Continue(()) } else { Break(()) })
            })?;
        ended
    }
}

impl BareGrantColumns {
    /// Adds a grant to the current group, or starts a group.
    fn add(
        &self,
        row: usize,
        requested: Option<&[EntitlementId]>,
        groups: &mut Vec<GrantGroup>,
    ) -> Result<(), access_core::model::IdError> {
        let (entitlement, kind) = (
            self.entitlement_id.required(row),
            self.principal_type_id.required(row),
        );
        let joins = |group: &GrantGroup| {
            group.entitlement.as_str() == entitlement && group.principal_type.as_str() == kind
        };
        if !groups.last().is_some_and(joins) {
            let entitlement = EntitlementId::new(entitlement)?;
            if requested.is_some_and(|requested| requested.binary_search(&entitlement).is_err()) {
                return Ok(());
            }
            groups.push(GrantGroup {
                entitlement,
                principal_type: ResourceTypeId::new(kind)?,
                principals: Vec::new(),
                origins: None,
            });
        }
        let Some(group) = groups.last_mut() else {
            return Ok(());
        };
        let principal = NativeId::new(self.principal_id.required(row))?;
        let id = GrantId::new(self.grant_id.required(row))?;
        let frozen = group.entitlement.grant_to(&group.principal_type, &principal)?;
        let sources = self.sources.get(row);
        let origin = GrantOrigin {
            id: (id != frozen).then_some(id),
            direct: self.is_direct.get(row) != Some(false),
            sources: sources
                .iter()
                .map(|id| EntitlementId::new(id))
                .collect::<Result<_, _>>()?,
        };
        let plain = GrantOrigin {
            id: None,
            direct: true,
            sources: Vec::new(),
        };
        if origin != plain || group.origins.is_some() {
            let before = group.principals.len();
            let origins = group.origins.get_or_insert_with(|| vec![plain; before]);
            origins.push(origin);
        }
        group.principals.push(principal);
        Ok(())
    }
}
