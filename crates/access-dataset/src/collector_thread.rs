//! Rows on their way to the thread that sorts them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use access_core::model::AccessBatch;
use tokio::sync::mpsc;

use crate::error::DatasetError;
use crate::rows::Collector;
use crate::schema::Contract;

/// Batches that may wait in front of the collecting thread.
const QUEUE: usize = 2;

type CollectorResult = Result<Collector, std::io::Error>;

/// A thread that takes batches, and what leads to it.
pub(crate) struct CollectorThread {
    folder: PathBuf,
    batches: Option<mpsc::Sender<Arc<AccessBatch>>>,
    thread: Option<JoinHandle<CollectorResult>>,
}

impl CollectorThread {
    /// Starts the thread; its files are in the folder and have no names.
    pub(crate) fn start(name: &str, contract: Contract, folder: &Path) -> Result<Self, DatasetError> {
        let collector = Collector::new(contract, folder)?;
        let (batches, queue) = mpsc::channel(QUEUE);
        let spawned = std::thread::Builder::new()
            .name(format!("{name}-rows"))
            .spawn(move || collect(collector, queue));
        Ok(Self {
            folder: folder.to_owned(),
            batches: Some(batches),
            thread: Some(spawned.map_err(DatasetError::thread)?),
        })
    }

    /// Hands a batch to the thread.
    pub(crate) async fn send(&mut self, batch: &Arc<AccessBatch>) -> Result<(), DatasetError> {
        let sent = match &self.batches {
            Some(batches) => batches.send(Arc::clone(batch)).await.is_ok(),
            None => false,
        };
        if sent {
            return Ok(());
        }
        Err(self.finish().await.err().unwrap_or(DatasetError::ThreadLost))
    }

    /// Waits for the thread's end.
    pub(crate) async fn finish(&mut self) -> Result<Collector, DatasetError> {
        self.batches = None;
        let thread = self.thread.take().ok_or(DatasetError::ThreadLost)?;
        match tokio::task::spawn_blocking(move || thread.join()).await {
            Ok(Ok(Ok(collector))) => Ok(collector),
            Ok(Ok(Err(error))) => Err(DatasetError::scratch(&self.folder, error)),
            Ok(Err(_)) | Err(_) => Err(DatasetError::ThreadLost),
        }
    }
}

fn collect(mut collector: Collector, mut queue: mpsc::Receiver<Arc<AccessBatch>>) -> CollectorResult {
    while let Some(batch) = queue.blocking_recv() {
        collector.take(&batch)?;
    }
    Ok(collector)
}
