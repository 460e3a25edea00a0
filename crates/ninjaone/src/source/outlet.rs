//! From the reading to the pipeline: a short queue that both async code and parser threads can fill.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use access_core::model::{AccessBatch, Completeness, ResourceId, ResourceTypeId, RowKind};
use access_core::ports::{SkipReason, Skipped, SourceError, SourceEvent, Warning};
use futures::Stream;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use crate::NinjaOneError;
use crate::client::Remark;

pub(super) type Event = Result<SourceEvent, SourceError>;

/// The reading's end of the queue.
#[derive(Debug, Clone)]
pub(crate) struct Outlet {
    events: mpsc::Sender<Event>,
    /// Single resources that were asked for and have not come yet.
    missing: Arc<Mutex<BTreeSet<ResourceId>>>,
}

impl Outlet {
    pub(super) fn new(capacity: usize, targets: BTreeSet<ResourceId>) -> (Self, mpsc::Receiver<Event>) {
        let (events, receiver) = mpsc::channel(capacity);
        (
            Self {
                events,
                missing: Arc::new(Mutex::new(targets)),
            },
            receiver,
        )
    }

    /// The single resources that have not come.
    pub(super) fn missing(&self) -> BTreeSet<ResourceId> {
        self.missing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, batch: &AccessBatch) {
        if let AccessBatch::Resources(resources) = batch {
            let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
            if !missing.is_empty() {
                missing.retain(|id| !resources.iter().any(|resource| resource.id == *id));
            }
        }
    }

    /// Hands something over; [`NinjaOneError::Stopped`] if nobody listens any more.
    pub(super) async fn send(&self, event: Event) -> Result<(), NinjaOneError> {
        self.events.send(event).await.map_err(|_| NinjaOneError::Stopped)
    }

    pub(super) async fn batch(&self, batch: AccessBatch) -> Result<(), NinjaOneError> {
        if batch.rows() == 0 {
            return Ok(());
        }
        self.note(&batch);
        self.send(Ok(SourceEvent::Batch(batch))).await
    }

    pub(super) async fn warn(&self, code: &'static str, message: String) -> Result<(), NinjaOneError> {
        self.send(Ok(SourceEvent::Warning(Warning { code, message })))
            .await
    }

    /// Hands over what the client has to warn of.
    pub(super) async fn remarks(&self, remarks: Vec<Remark>) {
        for remark in remarks {
            // If nobody listens there is nobody to warn.
            let _ = self.warn(remark.code, remark.message.clone()).await;
            if let Some(resource_type) = remark.incomplete {
                let incomplete = Completeness::Incomplete {
                    reason: remark.message,
                };
                let _ = self
                    .send(Ok(SourceEvent::Completeness(resource_type, incomplete)))
                    .await;
            }
        }
    }

    /// Hands a batch over from a parser's thread; false if nobody listens any more.
    pub(super) fn batch_from_thread(&self, batch: AccessBatch) -> bool {
        self.note(&batch);
        batch.rows() == 0 || self.events.blocking_send(Ok(SourceEvent::Batch(batch))).is_ok()
    }

    /// Books rows that came but are of no use.
    pub(super) async fn skipped(
        &self,
        kind: RowKind,
        resource_type: &ResourceTypeId,
        skips: Skips,
    ) -> Result<(), NinjaOneError> {
        for (reason, count) in skips.by_reason() {
            let skipped = Skipped {
                kind,
                resource_type: resource_type.clone(),
                reason,
                count,
                rows: Vec::new(),
            };
            self.send(Ok(SourceEvent::Skipped(skipped))).await?;
        }
        Ok(())
    }
}

/// Rows of a list that are of no use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Skips {
    pub(super) unusable: u64,
    pub(super) duplicate: u64,
    pub(super) wrong_shape: u64,
}

impl Skips {
    fn by_reason(self) -> impl Iterator<Item = (SkipReason, u64)> {
        let counts = [
            (SkipReason::UnusableId, self.unusable),
            (SkipReason::Duplicate, self.duplicate),
            (SkipReason::WrongShape, self.wrong_shape),
        ];
        counts.into_iter().filter(|(_, count)| *count > 0)
    }
}

/// The pipeline's end: what arrives, while the reading behind it is driven on. Dropping it stops the reading.
pub(super) struct Events<'a> {
    driver: Option<BoxFuture<'a, ()>>,
    events: mpsc::Receiver<Event>,
}

impl<'a> Events<'a> {
    pub(super) fn new(driver: impl Future<Output = ()> + Send + 'a, events: mpsc::Receiver<Event>) -> Self {
        Self {
            driver: Some(Box::pin(driver)),
            events,
        }
    }
}

impl Stream for Events<'_> {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(driver) = &mut self.driver
            && driver.as_mut().poll(context).is_ready()
        {
            self.driver = None;
        }
        self.events.poll_recv(context)
    }
}
