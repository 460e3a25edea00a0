//! The access sink of service mode: what an inner sink writes into a file is delivered by an [`Uploader`].
//!
//! Until the file is sealed nothing is sent. Publishing is the upload: when it fails, the sync is not published, and
//! sinks that come after this one publish nothing. The file is a means: whoever made its folder removes it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use access_core::model::{AccessBatch, Baseline, SyncRun, SyncType};
use access_core::ports::{AccessSink, Prepared, Receipt, SinkError, SinkWriter};
use access_core::sync::SyncSummary;
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

/// The size of the full sync that was delivered last. The receiver does not tell, so it is kept from one sync to the next.
#[derive(Debug, Clone, Default)]
pub struct Delivered(Arc<Mutex<Option<Baseline>>>);

impl Delivered {
    fn get(&self) -> Option<Baseline> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, delivered: Baseline) {
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
            prepared: None,
        }))
    }
}

struct UploadWriter {
    inner: Box<dyn SinkWriter>,
    file: PathBuf,
    uploader: Arc<dyn Uploader>,
    delivered: Delivered,
    prepared: Option<Baseline>,
}

#[async_trait]
impl SinkWriter for UploadWriter {
    fn baseline(&self) -> Option<Baseline> {
        self.delivered.get()
    }

    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError> {
        self.inner.write(batch).await
    }

    async fn prepare(&mut self, summary: &SyncSummary) -> Result<Prepared, SinkError> {
        self.prepared = (summary.run.sync_type == SyncType::Full).then(|| summary.baseline());
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
