//! Rows on their way to the thread that sorts them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use access_core::model::AccessBatch;
use sink_worker::{Queue, Worker};

use crate::error::DatasetError;
use crate::rows::Collector;
use crate::schema::Contract;

type CollectorResult = Result<Collector, std::io::Error>;

/// A thread with a [`Collector`].
pub(crate) struct CollectorThread {
    folder: PathBuf,
    worker: Worker<Arc<AccessBatch>, CollectorResult>,
}

impl CollectorThread {
    /// Starts the thread; its files are in the folder and have no names.
    pub(crate) fn start(name: &str, contract: Contract, folder: &Path) -> Result<Self, DatasetError> {
        let collector = Collector::new(contract, folder)?;
        let worker = Worker::start(&format!("{name}-rows"), move |batches| {
            collect(collector, batches)
        });
        Ok(Self {
            folder: folder.to_owned(),
            worker: worker.map_err(DatasetError::thread)?,
        })
    }

    /// Sends a batch to the thread.
    pub(crate) async fn send(&mut self, batch: &Arc<AccessBatch>) -> Result<(), DatasetError> {
        if self.worker.send(Arc::clone(batch)).await {
            return Ok(());
        }
        Err(self.finish().await.err().unwrap_or(DatasetError::WorkerPanicked))
    }

    /// Waits for the thread's end.
    pub(crate) async fn finish(&mut self) -> Result<Collector, DatasetError> {
        match self.worker.join().await {
            Some(Ok(collector)) => Ok(collector),
            Some(Err(error)) => Err(DatasetError::scratch(&self.folder, error)),
            None => Err(DatasetError::WorkerPanicked),
        }
    }
}

fn collect(mut collector: Collector, batches: Queue<Arc<AccessBatch>>) -> CollectorResult {
    for batch in batches {
        collector.take(&batch)?;
    }
    Ok(collector)
}
