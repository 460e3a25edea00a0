use std::path::PathBuf;
use std::time::Instant;

use baton_proto::connectorapi_baton_v1::{BatonServiceHelloRequest, Task};
use tonic::Code;

use super::Finish;

/// The progress of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskProgress {
    /// The task.
    pub task: Task,
    /// The state.
    pub state: TaskState,
    /// It is cancelled: the answers to its heartbeats report it, and it is not assigned again.
    pub cancelled: bool,
    /// Times of its assignments.
    pub deliveries: Vec<Instant>,
    /// Times of its heartbeats.
    pub heartbeats: Vec<Instant>,
    /// Its uploads, including failed attempts.
    pub uploads: Vec<Upload>,
    /// Every report of its end. A second one is recorded, not refused.
    pub finishes: Vec<Finish>,
}

/// The state of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// Waiting for a poll.
    Queued,
    /// Assigned to a connector.
    Assigned,
    /// Its end was reported; for a hello task: its `Hello` arrived.
    Finished,
}

/// One attempt to upload an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// When it started.
    pub started_at: Instant,
    /// Size of each chunk of data in bytes.
    pub chunks: Vec<usize>,
    /// The file with the received data, which exists until the tenant is dropped.
    pub path: PathBuf,
    /// The outcome.
    pub outcome: UploadOutcome,
}

/// The outcome of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadOutcome {
    /// Not finished yet.
    Receiving,
    /// Complete, with the right checksum.
    Complete,
    /// It was refused with this code and text.
    Refused(Code, String),
    /// The stream broke.
    Cut,
}

/// One `Hello`.
#[derive(Debug, Clone, PartialEq)]
pub struct Hello {
    /// Time of arrival.
    pub at: Instant,
    /// The request.
    pub request: BatonServiceHelloRequest,
}

impl TaskProgress {
    /// The complete uploads, oldest first.
    #[must_use]
    pub fn assets(&self) -> impl DoubleEndedIterator<Item = &Upload> {
        self.uploads
            .iter()
            .filter(|upload| upload.outcome == UploadOutcome::Complete)
    }
}
