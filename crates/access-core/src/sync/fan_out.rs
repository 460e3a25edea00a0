//! Every batch to every sink, each at its own pace behind a short queue.

use std::future::Future;
use std::sync::Arc;

use futures::channel::mpsc;
use futures::future::{Either, join_all, select};
use futures::{SinkExt, StreamExt, stream};

use crate::error_chain;
use crate::model::{AccessBatch, IdScheme, SyncRun};
use crate::ports::{AccessSink, Prepared, SinkError, SinkWriter, SyncObserver, Warning};

use super::comparison::Comparison;
use super::current::CurrentSync;
use super::error::{SinkStage, SyncError};
use super::summary::{SinkReceipt, SyncSummary};

/// Batches that may wait in front of one sink. The slowest sink sets the pace; memory stays flat.
const QUEUE_BATCHES: usize = 4;

/// Sinks that are prepared at the same time. That is when a sink takes the most memory, and two keep the processor and
/// the disk busy.
const PREPARED_AT_ONCE: usize = 2;

/// A sink with a sync on its way into it.
pub(super) struct OpenSink {
    pub(super) name: String,
    pub(super) writer: Box<dyn SinkWriter>,
}

/// What a sink is to replace, compared.
pub(super) struct SinkComparison {
    pub(super) sink: String,
    /// `None`: it holds no full sync, or nobody knows.
    pub(super) comparison: Option<Comparison>,
    /// Whether it may hold a full sync that cannot be compared with.
    pub(super) unknown: bool,
}

/// All sinks of a run.
pub(super) struct FanOut {
    sinks: Vec<OpenSink>,
}

/// Hands batches to all sinks.
pub(super) struct SinkFeed {
    queues: Vec<mpsc::Sender<Arc<AccessBatch>>>,
}

/// A sink has stopped taking rows; its own error tells why.
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
    /// Opens all sinks; if one cannot, those already open are aborted.
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

    /// How ids are made in the locations that say so, by sink.
    pub(super) fn id_schemes(&self) -> Vec<(String, IdScheme)> {
        let schemes = self.sinks.iter();
        schemes
            .filter_map(|sink| Some((sink.name.clone(), sink.writer.id_scheme()?)))
            .collect()
    }

    /// Compares with what each sink is to replace, one after the other. Sinks that hold the same sync need it once.
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

    /// Runs `produce`, which feeds the sinks, beside the sinks themselves, until all have ended.
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
                (sender, lane(sink, receiver))
            })
            .unzip();
        let (produced, written) = futures::join!(produce(SinkFeed { queues }), join_all(lanes));
        (produced, written.into_iter().collect())
    }

    /// Prepares all sinks, a few side by side.
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

    /// Has every sink keep aside what it has, and tells where. One that cannot is passed over: why nothing is published is
    /// what matters.
    pub(super) async fn quarantine(
        &mut self,
        summary: &SyncSummary,
        observer: &dyn SyncObserver,
    ) -> Vec<String> {
        let mut places = Vec::new();
        for sink in &mut self.sinks {
            match sink.writer.quarantine(summary).await {
                Ok(place) => places.extend(place),
                Err(error) => {
                    let message = format!(
                        "{} could not keep what is not published: {}",
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
        places
    }

    /// Publishes all sinks, one after the other.
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

async fn lane(sink: &mut OpenSink, mut queue: mpsc::Receiver<Arc<AccessBatch>>) -> Result<(), SyncError> {
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

/// Runs `work` unless `stop` comes first.
pub(super) async fn unless<T>(stop: impl Future + Unpin, work: impl Future<Output = T>) -> Option<T> {
    match select(stop, std::pin::pin!(work)).await {
        Either::Left(_) => None,
        Either::Right((done, _)) => Some(done),
    }
}
