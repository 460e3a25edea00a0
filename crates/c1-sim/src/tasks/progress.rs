use std::path::PathBuf;
use std::time::Instant;

use baton_proto::connectorapi_baton_v1::{BatonServiceHelloRequest, Task};
use tonic::Code;

use super::Finish;

/// What became of a task so far.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskProgress {
    /// The task.
    pub task: Task,
    /// Where it is.
    pub state: TaskState,
    /// Its heartbeats are answered with "cancelled", and it is not assigned again.
    pub cancelled: bool,
    /// When it was assigned.
    pub deliveries: Vec<Instant>,
    /// When a heartbeat for it came.
    pub heartbeats: Vec<Instant>,
    /// Its uploads, the attempts that failed too.
    pub uploads: Vec<Upload>,
    /// Every report of its end. A second one is recorded, not refused.
    pub finishes: Vec<Finish>,
}

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// The next free poll gets it.
    Queued,
    /// A connector has it.
    GivenOut,
    /// Its end was reported; for a hello task: its `Hello` arrived.
    Finished,
}

/// One attempt to upload an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// When it began.
    pub began: Instant,
    /// Bytes of each chunk of data.
    pub chunks: Vec<usize>,
    /// Where what came lies, until the tenant is dropped.
    pub path: PathBuf,
    /// How it ended.
    pub outcome: UploadOutcome,
}

/// How an upload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadOutcome {
    /// Not yet.
    Receiving,
    /// All came, and the checksum is right.
    Complete,
    /// It was refused with this code and text.
    Refused(Code, String),
    /// The stream broke.
    Cut,
}

/// One greeting.
#[derive(Debug, Clone, PartialEq)]
pub struct Hello {
    /// When it came.
    pub at: Instant,
    /// All that it said.
    pub request: BatonServiceHelloRequest,
}

impl TaskProgress {
    /// The uploads that came to a good end, oldest first.
    #[must_use]
    pub fn assets(&self) -> impl DoubleEndedIterator<Item = &Upload> {
        self.uploads
            .iter()
            .filter(|upload| upload.outcome == UploadOutcome::Complete)
    }
}
