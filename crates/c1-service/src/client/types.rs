//! What calls take and give.

use std::fmt;
use std::time::Duration;

use access_core::StatusCode;
use baton_proto::connector_v2::ConnectorMetadata;
use baton_proto::connectorapi_baton_v1::task::TaskType;
use baton_proto::prost_types::Any;

use crate::{BuildInfo, OsInfo};

/// The longest id that is taken, in characters.
const MAX_ID_CHARS: usize = 256;

/// The id of a task. Today's have 27 letters and digits (docs/reference/conductorone.md §3.5); any one that can be told apart
/// and written down is taken.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(String);

/// A text that is no task id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a task id must have 1 to {MAX_ID_CHARS} visible characters")]
pub struct InvalidTaskId;

impl TaskId {
    /// Takes an id.
    ///
    /// # Errors
    /// [`InvalidTaskId`] if it is empty, overlong or not printable.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidTaskId> {
        let text = text.into();
        let fits =
            (1..=MAX_ID_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then_some(Self(text)).ok_or(InvalidTaskId)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Which.
    pub id: TaskId,
    /// Whether ConductorOne wants detailed logs of it.
    pub debug: bool,
    /// What; `None` is a type that this version does not know.
    pub kind: Option<TaskType>,
}

/// The answer to a poll.
#[derive(Debug, Clone, PartialEq)]
pub struct PollResponse {
    /// Something to do, if there is anything.
    pub task: Option<Task>,
    /// How long to wait before the next poll: 0 to 5 minutes.
    pub next_poll: Duration,
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// How long to wait before the next one: 1 second to 5 minutes.
    pub next: Duration,
    /// Whether the task is to be stopped.
    pub cancelled: bool,
}

/// Who is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Hello {
    /// The hello task that this answers, if it does.
    pub task_id: Option<TaskId>,
    /// What the connector is and can do.
    pub metadata: ConnectorMetadata,
    /// Where it runs; [`crate::host_info`] gives it.
    pub os_info: OsInfo,
    /// Which build it is.
    pub build_info: BuildInfo,
}

/// How a task ended (docs/reference/conductorone.md §3.5, `FinishTask` encoding).
#[derive(Debug, Clone, PartialEq)]
pub enum TaskResult {
    /// It was done.
    Success {
        /// The answer, where the type of task has one.
        response: Option<Any>,
        /// Remarks; ConductorOne takes 16.
        annotations: Vec<Any>,
    },
    /// It was not done.
    Failure {
        /// The class.
        code: StatusCode,
        /// What happened, for people.
        message: String,
        /// What happened, for programs, e.g. a `google.rpc.ErrorInfo`.
        details: Vec<Any>,
        /// Remarks; ConductorOne takes 16.
        annotations: Vec<Any>,
        /// Whether ConductorOne may try it again.
        retryable: bool,
    },
}

/// What was uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadReceipt {
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Attempts made, the good one included.
    pub attempts: u32,
}
