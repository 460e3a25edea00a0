//! The pipeline into memory.

use std::fmt::Write;
use std::future::pending;
use std::sync::{Arc, Mutex};

use access_core::model::{AccessBatch, EntitlementId, SyncId, SyncRun};
use access_core::ports::{
    AccessSink, Clock, NoopObserver, Prepared, Receipt, SinkError, SinkWriter, SyncIdGenerator,
};
use access_core::sync::{SyncError, SyncOutcome, SyncPipeline, SyncRequest, SyncSummary};
use async_trait::async_trait;
use source_c1z::C1zSource;
use time::OffsetDateTime;

/// What came of a run.
pub(crate) struct Run {
    pub(crate) batches: Vec<AccessBatch>,
    pub(crate) outcome: SyncOutcome,
}

impl Run {
    /// All grants, one a line: entitlement, principal, and the origin if it is known.
    pub(crate) fn grants(&self) -> String {
        let mut text = String::new();
        for batch in &self.batches {
            let AccessBatch::Grants(groups) = batch else {
                continue;
            };
            for group in groups {
                for (n, principal) in group.principals.iter().enumerate() {
                    write!(text, "{} {}:{principal}", group.entitlement, group.principal_type).unwrap();
                    if let Some(origins) = &group.origins {
                        let origin = &origins[n];
                        let sources: Vec<&str> = origin.sources.iter().map(EntitlementId::as_str).collect();
                        let way = if origin.direct { "direct" } else { "effective" };
                        write!(text, " {way} [{}]", sources.join(" ")).unwrap();
                        if let Some(id) = &origin.id {
                            write!(text, " {id}").unwrap();
                        }
                    }
                    text.push('\n');
                }
            }
        }
        text
    }

    /// The ledger, one line for each kind and type.
    pub(crate) fn ledger(&self) -> String {
        let mut text = String::new();
        for (key, entry) in self.outcome.summary.ledger.iter() {
            write!(
                text,
                "{} {}: {} written",
                key.kind, key.resource_type, entry.written
            )
            .unwrap();
            for (reason, count) in &entry.dropped {
                write!(text, ", {count} {reason}").unwrap();
            }
            text.push('\n');
        }
        for warning in &self.outcome.warnings {
            writeln!(text, "warning {}: {}", warning.code, warning.message).unwrap();
        }
        text
    }
}

pub(crate) async fn run(source: &C1zSource) -> Run {
    try_run(source, &SyncRequest::default()).await.unwrap()
}

pub(crate) async fn try_run(source: &C1zSource, request: &SyncRequest) -> Result<Run, SyncError> {
    let sink = Arc::new(Memory::default());
    let pipeline = SyncPipeline {
        source,
        sinks: &[Arc::clone(&sink) as Arc<dyn AccessSink>],
        clock: &Fixed,
        ids: &Fixed,
        observer: &NoopObserver,
    };
    let outcome = pipeline.run(request, pending()).await?;
    let batches = std::mem::take(&mut *sink.0.lock().unwrap());
    Ok(Run { batches, outcome })
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
struct Memory(Arc<Mutex<Vec<AccessBatch>>>);

#[async_trait]
impl AccessSink for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    async fn begin(&self, _sync: &SyncRun) -> Result<Box<dyn SinkWriter>, SinkError> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl SinkWriter for Memory {
    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError> {
        self.0.lock().unwrap().push(AccessBatch::clone(batch));
        Ok(())
    }

    async fn prepare(&mut self, _summary: &SyncSummary) -> Result<Prepared, SinkError> {
        let rows = self.0.lock().unwrap().iter().map(AccessBatch::rows).sum();
        Ok(Prepared { rows })
    }

    async fn publish(self: Box<Self>) -> Result<Receipt, SinkError> {
        Ok(Receipt {
            location: "memory".to_owned(),
            bytes: None,
            rows: 0,
        })
    }

    async fn abort(self: Box<Self>) {}
}
