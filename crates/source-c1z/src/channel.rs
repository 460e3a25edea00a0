//! The queue from the reading thread to the pipeline, filled in batches.

use std::collections::BTreeMap;

use access_core::model::{AccessBatch, Entitlement, Resource, ResourceType, ResourceTypeId, RowKind};
use access_core::ports::{SkipReason, SkippedRows, SourceEvent, Warning};
use tokio::sync::mpsc;

use crate::error::C1zSourceError;

/// Rows in a batch.
pub(crate) const BATCH_ROWS: usize = 2_000;

/// The sender of the reading thread.
#[derive(Debug)]
pub(crate) struct EventSender(mpsc::Sender<SourceEvent>);

impl EventSender {
    /// Creates a queue for this many events.
    pub(crate) fn new(capacity: usize) -> (Self, mpsc::Receiver<SourceEvent>) {
        let (events, receiver) = mpsc::channel(capacity);
        (Self(events), receiver)
    }

    /// Sends an event; [`C1zSourceError::Stopped`] if the receiver was dropped.
    fn send(&self, event: SourceEvent) -> Result<(), C1zSourceError> {
        self.0.blocking_send(event).map_err(|_| C1zSourceError::Stopped)
    }

    pub(crate) fn batch(&self, batch: AccessBatch) -> Result<(), C1zSourceError> {
        if batch.rows() == 0 {
            return Ok(());
        }
        self.send(SourceEvent::Batch(batch))
    }

    pub(crate) fn warn(&self, code: &'static str, message: String) -> Result<(), C1zSourceError> {
        self.send(SourceEvent::Warning(Warning { code, message }))
    }
}

/// Buffers rows of one kind until there are enough for a batch.
#[derive(Debug)]
pub(crate) struct BatchBuffer<'a, T> {
    outlet: &'a EventSender,
    rows: Vec<T>,
    bytes: usize,
    batch: fn(Vec<T>) -> AccessBatch,
}

/// Maximum number of text bytes in a batch; beyond it a batch has fewer rows.
const BATCH_BYTES: usize = 4 << 20;

/// A row with texts.
pub(crate) trait TextBytes {
    /// Number of bytes of its texts.
    fn text_bytes(&self) -> usize;
}

impl TextBytes for Resource {
    fn text_bytes(&self) -> usize {
        Resource::text_bytes(self)
    }
}

impl TextBytes for Entitlement {
    fn text_bytes(&self) -> usize {
        let grantable_to = self.grantable_to.iter().map(|id| id.as_str().len());
        grantable_to.sum::<usize>() + self.display_name.as_str().len()
    }
}

impl TextBytes for ResourceType {
    fn text_bytes(&self) -> usize {
        self.display_name.as_str().len()
    }
}

impl<'a, T: TextBytes> BatchBuffer<'a, T> {
    pub(crate) fn new(outlet: &'a EventSender, batch: fn(Vec<T>) -> AccessBatch) -> Self {
        Self {
            outlet,
            rows: Vec::new(),
            bytes: 0,
            batch,
        }
    }

    pub(crate) fn push(&mut self, row: T) -> Result<(), C1zSourceError> {
        self.bytes += row.text_bytes();
        self.rows.push(row);
        if self.rows.len() < BATCH_ROWS && self.bytes < BATCH_BYTES {
            return Ok(());
        }
        self.flush()
    }

    pub(crate) fn flush(&mut self) -> Result<(), C1zSourceError> {
        self.bytes = 0;
        self.outlet.batch((self.batch)(std::mem::take(&mut self.rows)))
    }
}

/// Counts skipped rows of one kind, by resource type.
#[derive(Debug)]
pub(crate) struct SkipCounts {
    kind: RowKind,
    counts: BTreeMap<(ResourceTypeId, SkipReason), u64>,
}

impl SkipCounts {
    pub(crate) fn new(kind: RowKind) -> Self {
        Self {
            kind,
            counts: BTreeMap::new(),
        }
    }

    /// Counts a row. A type that is no valid id itself is counted as `unknown`.
    pub(crate) fn add(&mut self, resource_type: &str, reason: SkipReason) {
        let resource_type =
            ResourceTypeId::new(resource_type).unwrap_or_else(|_| ResourceTypeId::from_static("unknown"));
        *self.counts.entry((resource_type, reason)).or_default() += 1;
    }

    pub(crate) fn hand_over(self, outlet: &EventSender) -> Result<(), C1zSourceError> {
        for ((resource_type, reason), count) in self.counts {
            outlet.send(SourceEvent::Skipped(SkippedRows {
                kind: self.kind,
                resource_type,
                reason,
                count,
                rows: Vec::new(),
            }))?;
        }
        Ok(())
    }
}
