//! The sync pipeline into memory, for the bodies that read complete syncs.

use std::future::pending;
use std::sync::{Arc, Mutex};

use access_core::model::{AccessBatch, SyncId, SyncRun};
use access_core::ports::{
    AccessSink, AccessSource, Clock, NoopObserver, Prepared, Receipt, SinkError, SinkWriter, SyncIdGenerator,
};
use access_core::sync::{SyncError, SyncPipeline, SyncRequest, SyncSummary};
use async_trait::async_trait;
use time::OffsetDateTime;

/// Runs the pipeline into memory.
///
/// # Panics
/// If the ledger counts other rows than the sink received.
pub(super) async fn run_pipeline(source: &dyn AccessSource) -> Result<(), SyncError> {
    let sink = Arc::new(Counting::default());
    let pipeline = SyncPipeline {
        source,
        sinks: &[Arc::clone(&sink) as Arc<dyn AccessSink>],
        clock: &Fixed,
        ids: &Fixed,
        observer: &NoopObserver,
    };
    let outcome = pipeline.run(&SyncRequest::default(), pending()).await?;
    let written: u64 = outcome
        .summary
        .ledger
        .iter()
        .map(|(_, entry)| entry.written)
        .sum();
    assert_eq!(
        written,
        *sink.0.lock().expect("one thread"),
        "the ledger counts other rows"
    );
    Ok(())
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH
    }
}

impl SyncIdGenerator for Fixed {
    fn next_id(&self, started_at: OffsetDateTime) -> SyncId {
        SyncId::from_parts(started_at, [7; 16])
    }
}

#[derive(Clone, Default)]
struct Counting(Arc<Mutex<u64>>);

#[async_trait]
impl AccessSink for Counting {
    fn name(&self) -> String {
        "counting".to_owned()
    }

    async fn begin(&self, _: &SyncRun) -> Result<Box<dyn SinkWriter>, SinkError> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl SinkWriter for Counting {
    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError> {
        *self.0.lock().expect("one thread") += batch.rows();
        Ok(())
    }

    async fn prepare(&mut self, _: &SyncSummary) -> Result<Prepared, SinkError> {
        let rows = *self.0.lock().expect("one thread");
        Ok(Prepared { rows })
    }

    async fn publish(self: Box<Self>) -> Result<Receipt, SinkError> {
        Ok(Receipt {
            location: "nowhere".to_owned(),
            bytes: None,
            rows: 0,
        })
    }

    async fn abort(self: Box<Self>) {}
}
