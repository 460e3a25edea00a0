//! Parameters and results of calls.

use std::fmt;
use std::time::Duration;

use access_core::StatusCode;
use baton_proto::connector_v2::ConnectorMetadata;
use baton_proto::connectorapi_baton_v1::task::TaskType;
use baton_proto::prost_types::Any;

use crate::{BuildInfo, OsInfo};

/// Maximum length of a task id.
const MAX_ID_CHARS: usize = 256;

/// The id of a task. Current ids have 27 letters and digits (docs/reference/conductorone.md §3.5); any printable id is
/// accepted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(String);

/// An invalid task id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a task id must have 1 to {MAX_ID_CHARS} visible characters")]
pub struct InvalidTaskId;

impl TaskId {
    /// Parses an id.
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

/// A task.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The id.
    pub id: TaskId,
    /// Whether ConductorOne requests detailed logs.
    pub debug: bool,
    /// The type; `None` if this version does not know it.
    pub kind: Option<TaskType>,
}

/// The response to a poll.
#[derive(Debug, Clone, PartialEq)]
pub struct PollResponse {
    /// The task, if there is one.
    pub task: Option<Task>,
    /// Wait before the next poll: 0 to 5 minutes.
    pub next_poll: Duration,
}

/// The response to a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Wait before the next heartbeat: 1 second to 5 minutes.
    pub next: Duration,
    /// Whether the task was cancelled.
    pub cancelled: bool,
}

/// The announcement of a connector.
#[derive(Debug, Clone, PartialEq)]
pub struct Hello {
    /// The hello task that this responds to, if any.
    pub task_id: Option<TaskId>,
    /// Metadata and capabilities of the connector.
    pub metadata: ConnectorMetadata,
    /// The machine; see [`crate::host_info`].
    pub os_info: OsInfo,
    /// The build.
    pub build_info: BuildInfo,
}

/// The result of a task (docs/reference/conductorone.md §3.5, `FinishTask` encoding).
#[derive(Debug, Clone, PartialEq)]
pub enum TaskResult {
    /// The task succeeded.
    Success {
        /// The response, if the task type has one.
        response: Option<Any>,
        /// Annotations; at most 16.
        annotations: Vec<Any>,
    },
    /// The task failed.
    Failure {
        /// The status.
        code: StatusCode,
        /// The message.
        message: String,
        /// Details for programs, e.g. a `google.rpc.ErrorInfo`.
        details: Vec<Any>,
        /// Annotations; at most 16.
        annotations: Vec<Any>,
        /// Whether ConductorOne may retry it.
        retryable: bool,
    },
}

/// A completed upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadReceipt {
    /// Size of the file, in bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Number of attempts.
    pub attempts: u32,
}
