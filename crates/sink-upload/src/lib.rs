//! The access sink of service mode: what an inner sink writes into a file is delivered by an [`Uploader`].
//!
//! Until the file is sealed nothing is sent. Publishing is the upload: when it fails, the sync is not published, and
//! sinks that come after this one publish nothing. The file is a means: whoever made its folder removes it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use access_core::model::{AccessBatch, Baseline, SyncRun, SyncType};
use access_core::ports::{AccessSink, Prepared, Receipt, SinkError, SinkWriter};
use access_core::sync::{Comparer, Comparison, CurrentSync, SyncSummary};
use async_trait::async_trait;

/// Sends files away.
#[async_trait]
pub trait Uploader: Send + Sync {
    /// Where to, for people.
    fn destination(&self) -> String;

    /// Sends a file; it has arrived whole when this returns. Gives its size in bytes.
    ///
    /// # Errors
    /// [`SinkError`] if it has not arrived, or nobody knows.
    async fn upload(&self, file: &Path) -> Result<u64, SinkError>;
}

/// The full sync that was delivered last: its size and its ids. The receiver does not say what it holds, so it is kept from
/// one sync to the next.
#[derive(Debug, Clone, Default)]
pub struct Delivered(Arc<Mutex<Option<Delivery>>>);

#[derive(Debug, Clone)]
struct Delivery {
    baseline: Baseline,
    ids: Arc<CurrentSync>,
}

impl Delivered {
    fn get(&self) -> Option<Delivery> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, delivered: Delivery) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(delivered);
    }
}

/// Delivers what `inner` writes to `file`.
pub struct UploadSink<S> {
    inner: S,
    file: PathBuf,
    uploader: Arc<dyn Uploader>,
    delivered: Delivered,
}

impl<S: AccessSink> UploadSink<S> {
    /// A sink over one that publishes to `file`.
    #[must_use]
    pub fn new(inner: S, file: PathBuf, uploader: Arc<dyn Uploader>, delivered: Delivered) -> Self {
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
        Ok(Box::new(UploadWriter {
            inner: self.inner.begin(sync).await?,
            file: self.file.clone(),
            uploader: Arc::clone(&self.uploader),
            delivered: self.delivered.clone(),
            current: None,
            prepared: None,
        }))
    }
}

struct UploadWriter {
    inner: Box<dyn SinkWriter>,
    file: PathBuf,
    uploader: Arc<dyn Uploader>,
    delivered: Delivered,
    current: Option<Arc<CurrentSync>>,
    prepared: Option<Delivery>,
}

#[async_trait]
impl SinkWriter for UploadWriter {
    fn baseline(&self) -> Option<Baseline> {
        self.delivered.get().map(|delivery| delivery.baseline)
    }

    async fn compare(&mut self, current: &Arc<CurrentSync>) -> Result<Option<Comparison>, SinkError> {
        self.current = Some(Arc::clone(current));
        Ok(self.delivered.get().map(|delivery| {
            let mut comparer = Comparer::new(Arc::clone(current), delivery.baseline.sync_id);
            delivery.ids.replay(&mut comparer);
            comparer.finish()
        }))
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
            ids,
        });
        self.inner.prepare(summary).await
    }

    async fn publish(self: Box<Self>) -> Result<Receipt, SinkError> {
        let sealed = self.inner.publish().await?;
        let bytes = self.uploader.upload(&self.file).await?;
        if let Some(prepared) = self.prepared {
            self.delivered.set(prepared);
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
