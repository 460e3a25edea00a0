//! The access sink of service mode: an [`Uploader`] delivers the file that an inner sink writes.
//!
//! Nothing is sent until the file is complete. Publishing is the upload: if it fails, the sync is not published, and
//! the sinks after this one publish nothing. The file is temporary: the owner of its folder removes it.
//!
//! The ids of the last delivery are kept for the shrink guard: in memory, or in a [`StateFolder`], which outlives the process. File
//! system calls block in place, because nothing else of the sync runs at that time.

mod state;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use access_core::Diagnostic;
use access_core::model::{AccessBatch, Baseline, SyncOrigin, SyncRun, SyncType};
use access_core::ports::{AccessSink, Prepared, Receipt, SinkError, SinkWriter, Warning};
use access_core::sync::{Comparer, Comparison, CurrentSync, SyncSummary};
use async_trait::async_trait;

use state::StateFile;
pub use state::{PendingState, StateError, StateFolder};

/// Delivers files.
#[async_trait]
pub trait Uploader: Send + Sync {
    /// Where to, for people.
    fn destination(&self) -> String;

    /// Sends a file; when this returns, the receiver has all of it. Gives its size in bytes.
    ///
    /// # Errors
    /// [`SinkError`] if it has not arrived, or if that is unknown.
    async fn upload(&self, file: &Path) -> Result<u64, SinkError>;
}

/// The full sync that was delivered last: its size and its ids. The receiver does not report its contents, so they are kept from
/// one sync to the next.
#[derive(Debug, Clone, Default)]
pub struct LastDelivery {
    /// The delivery of this process; with a folder, only one that could not be stored there.
    in_memory: Arc<Mutex<Option<Delivery>>>,
    folder: Option<Arc<StateFolder>>,
}

#[derive(Debug, Clone)]
struct Delivery {
    baseline: Baseline,
    origin: SyncOrigin,
    ids: Arc<CurrentSync>,
}

/// The last delivery, in memory or in a folder.
enum Last {
    InMemory(Delivery),
    InFolder(StateFile),
}

impl Last {
    fn baseline(&self) -> Baseline {
        match self {
            Self::InMemory(delivery) => delivery.baseline.clone(),
            Self::InFolder(state) => state.header.baseline(),
        }
    }

    fn origin(&self) -> SyncOrigin {
        match self {
            Self::InMemory(delivery) => delivery.origin.clone(),
            Self::InFolder(state) => state.header.origin(),
        }
    }
}

impl LastDelivery {
    /// The last delivery in a folder, across processes.
    #[must_use]
    pub fn in_folder(folder: StateFolder) -> Self {
        Self {
            folder: Some(Arc::new(folder)),
            ..Self::default()
        }
    }

    fn last(&self, tenant: &str) -> Result<Option<Last>, StateError> {
        let in_memory = self
            .in_memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let in_folder = match &self.folder {
            Some(folder) => folder.read(tenant)?,
            None => None,
        };
        Ok(match (in_memory, in_folder) {
            (Some(delivery), Some(state)) if delivery.baseline.sync_id > state.header.baseline().sync_id => {
                Some(Last::InMemory(delivery))
            }
            (_, Some(state)) => Some(Last::InFolder(state)),
            (in_memory, None) => in_memory.map(Last::InMemory),
        })
    }

    fn set(&self, delivered: Option<Delivery>) {
        *self.in_memory.lock().unwrap_or_else(PoisonError::into_inner) = delivered;
    }
}

/// Delivers the file that `inner` writes.
pub struct UploadSink<S> {
    inner: S,
    file: PathBuf,
    uploader: Arc<dyn Uploader>,
    delivered: LastDelivery,
}

impl<S: AccessSink> UploadSink<S> {
    /// A sink over one that publishes to `file`.
    #[must_use]
    pub fn new(inner: S, file: PathBuf, uploader: Arc<dyn Uploader>, delivered: LastDelivery) -> Self {
        Self {
            inner,
            file,
            uploader,
            delivered,
        }
    }
}

#[async_trait]
impl<S: AccessSink> AccessSink for UploadSink<S> {
    fn name(&self) -> String {
        format!("upload to {}", self.uploader.destination())
    }

    async fn begin(&self, sync: &SyncRun) -> Result<Box<dyn SinkWriter>, SinkError> {
        // A state that cannot be read is known before the tenant is read.
        let last = self.delivered.last(&sync.tenant).map_err(SinkError::new)?;
        Ok(Box::new(UploadWriter {
            tenant: sync.tenant.clone(),
            origin: last.as_ref().map(Last::origin).unwrap_or_default(),
            baseline: last.map(|last| last.baseline()),
            inner: self.inner.begin(sync).await?,
            file: self.file.clone(),
            uploader: Arc::clone(&self.uploader),
            delivered: self.delivered.clone(),
            current: None,
            prepared: None,
            pending: None,
        }))
    }
}

struct UploadWriter {
    inner: Box<dyn SinkWriter>,
    file: PathBuf,
    uploader: Arc<dyn Uploader>,
    delivered: LastDelivery,
    tenant: String,
    baseline: Option<Baseline>,
    origin: SyncOrigin,
    current: Option<Arc<CurrentSync>>,
    prepared: Option<Delivery>,
    pending: Option<PendingState>,
}

#[async_trait]
impl SinkWriter for UploadWriter {
    fn baseline(&self) -> Option<Baseline> {
        self.baseline.clone()
    }

    fn has_unknown_baseline(&self) -> bool {
        self.baseline.is_none()
    }

    fn origin(&self) -> SyncOrigin {
        self.origin.clone()
    }

    async fn compare(&mut self, current: &Arc<CurrentSync>) -> Result<Option<Comparison>, SinkError> {
        self.current = Some(Arc::clone(current));
        let last = self.delivered.last(&self.tenant).map_err(SinkError::new)?;
        self.baseline = last.as_ref().map(Last::baseline);
        let Some(last) = last else {
            return Ok(None);
        };
        let mut comparer = Comparer::new(Arc::clone(current), last.baseline().sync_id);
        match (&last, &self.delivered.folder) {
            (Last::InMemory(delivery), _) => comparer.add_sync(&delivery.ids),
            (Last::InFolder(state), Some(folder)) => state
                .replay(&mut comparer)
                .map_err(|unreadable| SinkError::new(folder.damaged(unreadable)))?,
            (Last::InFolder(_), None) => return Ok(None),
        }
        Ok(Some(comparer.finish()))
    }

    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError> {
        self.inner.write(batch).await
    }

    async fn prepare(&mut self, summary: &SyncSummary) -> Result<Prepared, SinkError> {
        let ids = self
            .current
            .take()
            .filter(|_| summary.run.sync_type == SyncType::Full);
        self.prepared = ids.map(|ids| Delivery {
            baseline: summary.baseline(),
            origin: summary.run.provenance.origin(),
            ids,
        });
        // A full disk is known before anything is sent.
        if let (
            Some(Delivery {
                baseline,
                origin,
                ids,
            }),
            Some(folder),
        ) = (&self.prepared, &self.delivered.folder)
        {
            let pending = folder.prepare(&self.tenant, baseline, origin, ids);
            self.pending = Some(pending.map_err(SinkError::new)?);
        }
        self.inner.prepare(summary).await
    }

    fn warnings(&self) -> Vec<Warning> {
        self.inner.warnings()
    }

    async fn publish(self: Box<Self>) -> Result<Receipt, SinkError> {
        let sealed = self.inner.publish().await?;
        let bytes = self.uploader.upload(&self.file).await?;
        if let Some(prepared) = self.prepared {
            let committed = match (self.pending, &self.delivered.folder) {
                (Some(pending), Some(folder)) => folder.commit(pending).map(|()| true),
                _ => Ok(false),
            };
            match committed {
                Ok(true) => self.delivered.set(None),
                Ok(false) => self.delivered.set(Some(prepared)),
                Err(error) => {
                    // It was delivered, and this process knows; a later one compares with the sync before.
                    tracing::error!(%error, hint = error.hint().unwrap_or_default(), "the state of the delivery is not kept");
                    self.delivered.set(Some(prepared));
                }
            }
        }
        Ok(Receipt {
            location: self.uploader.destination(),
            bytes: Some(bytes),
            rows: sealed.rows,
        })
    }

    async fn abort(self: Box<Self>) {
        self.inner.abort().await;
    }
}
