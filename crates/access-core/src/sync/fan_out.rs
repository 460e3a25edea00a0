//! Sends every batch to every sink through bounded queues.

use std::future::Future;
use std::sync::Arc;

use futures::channel::mpsc;
use futures::future::{Either, join_all, select};
use futures::{SinkExt, StreamExt, stream};

use crate::error_chain;
use crate::model::{AccessBatch, SyncOrigin, SyncRun};
use crate::ports::{AccessSink, Prepared, SinkError, SinkWriter, SyncObserver, Warning};

use super::comparison::Comparison;
use super::current::CurrentSync;
use super::error::{SinkStage, SyncError};
use super::outcome::SinkReceipt;
use super::summary::SyncSummary;

/// Capacity of the queue of a sink, in batches. The slowest sink sets the pace, and memory stays bounded.
const QUEUE_BATCHES: usize = 4;

/// Maximum number of sinks prepared concurrently. Preparation takes the most memory, and two keep CPU and disk busy.
const PREPARED_AT_ONCE: usize = 2;

/// An open sink.
pub(super) struct OpenSink {
    pub(super) name: String,
    pub(super) writer: Box<dyn SinkWriter>,
}

/// The comparison with the previous sync of a sink.
pub(super) struct SinkComparison {
    pub(super) sink: String,
    /// `None`: it has no full sync, or it is unknown.
    pub(super) comparison: Option<Comparison>,
    /// Whether it may contain a full sync that cannot be compared.
    pub(super) unknown: bool,
}

/// The sinks of a run.
pub(super) struct FanOut {
    sinks: Vec<OpenSink>,
}

/// Sends batches to all sinks.
pub(super) struct SinkFeed {
    queues: Vec<mpsc::Sender<Arc<AccessBatch>>>,
}

/// A sink stopped accepting rows; its own error has the reason.
#[derive(Debug)]
pub(super) struct SinkClosed;

impl SinkFeed {
    pub(super) async fn send(&mut self, batch: AccessBatch) -> Result<(), SinkClosed> {
        let batch = Arc::new(batch);
        let sends = self.queues.iter_mut().map(|queue| queue.send(Arc::clone(&batch)));
        let sent = join_all(sends).await;
        if sent.iter().all(Result::is_ok) {
            Ok(())
        } else {
            Err(SinkClosed)
        }
    }
}

impl FanOut {
    /// Opens all sinks; on an error those already open are aborted.
    pub(super) async fn begin(sinks: &[Arc<dyn AccessSink>], run: &SyncRun) -> Result<Self, SyncError> {
        let mut open = Self {
            sinks: Vec::with_capacity(sinks.len()),
        };
        for sink in sinks {
            match Self::begin_one(sink, run).await {
                Ok(writer) => open.sinks.push(OpenSink {
                    name: sink.name(),
                    writer,
                }),
                Err(error) => {
                    open.abort().await;
                    return Err(error);
                }
            }
        }
        Ok(open)
    }

    pub(super) async fn begin_one(
        sink: &Arc<dyn AccessSink>,
        run: &SyncRun,
    ) -> Result<Box<dyn SinkWriter>, SyncError> {
        sink.begin(run).await.map_err(|source| SyncError::Sink {
            sink: sink.name(),
            stage: SinkStage::Begin,
            source,
        })
    }

    pub(super) fn sinks(&self) -> impl Iterator<Item = &OpenSink> {
        self.sinks.iter()
    }

    /// What the locations record of where their syncs came from, by sink.
    pub(super) fn origins(&self) -> Vec<(String, SyncOrigin)> {
        let sinks = self.sinks.iter();
        sinks
            .map(|sink| (sink.name.clone(), sink.writer.origin()))
            .collect()
    }

    /// Compares the current data with the previous sync of each sink. Sinks with the same previous sync share the
    /// result.
    pub(super) async fn compare(
        &mut self,
        current: &Arc<CurrentSync>,
    ) -> Result<Vec<SinkComparison>, SyncError> {
        let mut compared: Vec<SinkComparison> = Vec::with_capacity(self.sinks.len());
        for sink in &mut self.sinks {
            let same = sink.writer.baseline().and_then(|baseline| baseline.sync_id);
            let known = compared
                .iter()
                .filter_map(|known| known.comparison.as_ref())
                .find(|known| same.is_some() && known.sync_id == same);
            let comparison = match known {
                Some(known) => Some(known.clone()),
                None => sink
                    .writer
                    .compare(current)
                    .await
                    .map_err(|source| SyncError::Sink {
                        sink: sink.name.clone(),
                        stage: SinkStage::Compare,
                        source,
                    })?,
            };
            compared.push(SinkComparison {
                unknown: comparison.is_none() && sink.writer.has_unknown_baseline(),
                sink: sink.name.clone(),
                comparison,
            });
        }
        Ok(compared)
    }

    /// Runs `produce`, which feeds the sinks, concurrently with the sinks until all end.
    pub(super) async fn run<P, F, T>(&mut self, produce: P) -> (T, Result<(), SyncError>)
    where
        P: FnOnce(SinkFeed) -> F,
        F: Future<Output = T>,
    {
        let (queues, lanes): (Vec<_>, Vec<_>) = self
            .sinks
            .iter_mut()
            .map(|sink| {
                let (sender, receiver) = mpsc::channel(QUEUE_BATCHES);
                (sender, drive_sink(sink, receiver))
            })
            .unzip();
        let (produced, written) = futures::join!(produce(SinkFeed { queues }), join_all(lanes));
        (produced, written.into_iter().collect())
    }

    /// Prepares all sinks with limited concurrency.
    pub(super) async fn prepare(&mut self, summary: &SyncSummary) -> Result<(), SyncError> {
        let written = summary.ledger.total_written();
        let prepared = stream::iter(self.sinks.iter_mut().map(|sink| async move {
            let name = sink.name.clone();
            (name, sink.writer.prepare(summary).await)
        }));
        let prepared: Vec<_> = prepared.buffered(PREPARED_AT_ONCE).collect().await;
        for (sink, outcome) in prepared {
            match outcome {
                Ok(Prepared { rows }) if rows == written => {}
                Ok(Prepared { rows }) => {
                    return Err(SyncError::RowsMissing {
                        sink,
                        prepared: rows,
                        written,
                    });
                }
                Err(source) => {
                    return Err(SyncError::Sink {
                        sink,
                        stage: SinkStage::Prepare,
                        source,
                    });
                }
            }
        }
        Ok(())
    }

    /// Quarantines the output of every sink and returns the locations. Errors are only warnings: the reason for not
    /// publishing is more important.
    pub(super) async fn quarantine(
        &mut self,
        summary: &SyncSummary,
        observer: &dyn SyncObserver,
    ) -> Vec<String> {
        let mut locations = Vec::new();
        for sink in &mut self.sinks {
            match sink.writer.quarantine(summary).await {
                Ok(location) => locations.extend(location),
                Err(error) => {
                    let message = format!(
                        "{} could not keep the unpublished sync: {}",
                        sink.name,
                        error_chain(&error)
                    );
                    observer.warning(&Warning {
                        code: "not_kept",
                        message,
                    });
                }
            }
        }
        locations
    }

    /// Publishes all sinks sequentially.
    pub(super) async fn publish(mut self) -> Result<Vec<SinkReceipt>, SyncError> {
        let mut receipts: Vec<SinkReceipt> = Vec::with_capacity(self.sinks.len());
        let mut waiting = std::mem::take(&mut self.sinks).into_iter();
        while let Some(OpenSink { name: sink, writer }) = waiting.next() {
            match writer.publish().await {
                Ok(receipt) => receipts.push(SinkReceipt { sink, receipt }),
                Err(source) => {
                    Self {
                        sinks: waiting.collect(),
                    }
                    .abort()
                    .await;
                    return Err(publish_failure(sink, source, &receipts));
                }
            }
        }
        Ok(receipts)
    }

    /// Aborts all sinks.
    pub(super) async fn abort(self) {
        join_all(self.sinks.into_iter().map(|sink| sink.writer.abort())).await;
    }
}

fn publish_failure(sink: String, source: SinkError, published: &[SinkReceipt]) -> SyncError {
    if published.is_empty() {
        return SyncError::Sink {
            sink,
            stage: SinkStage::Publish,
            source,
        };
    }
    let published = published.iter().map(|receipt| receipt.sink.clone()).collect();
    SyncError::PartlyPublished {
        sink,
        published,
        source,
    }
}

async fn drive_sink(
    sink: &mut OpenSink,
    mut queue: mpsc::Receiver<Arc<AccessBatch>>,
) -> Result<(), SyncError> {
    while let Some(batch) = queue.next().await {
        sink.writer
            .write(&batch)
            .await
            .map_err(|source| SyncError::Sink {
                sink: sink.name.clone(),
                stage: SinkStage::Write,
                source,
            })?;
    }
    Ok(())
}

/// Runs `work` until `stop` completes; `None` if `stop` came first.
pub(super) async fn cancel_on<T>(stop: impl Future + Unpin, work: impl Future<Output = T>) -> Option<T> {
    match select(stop, std::pin::pin!(work)).await {
        Either::Left(_) => None,
        Either::Right((done, _)) => Some(done),
    }
}
