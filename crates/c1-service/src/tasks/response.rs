//! Responses to tasks and failures of tasks, as ConductorOne receives them.

use access_core::StatusCode;
use baton_proto::pack;
use baton_proto::prost::{Message, Name};
use baton_proto::prost_types::Any;

use crate::TaskResult;
use crate::connector::TaskFailure;

/// What to report for a task.
#[derive(Debug)]
pub(crate) enum TaskDisposition {
    /// Report this result.
    Finish(TaskResult),
    /// Report nothing: the task was answered already, or ConductorOne expects no result.
    NoFinish,
}

/// The response to a task.
pub(crate) struct TaskResponse {
    response: Any,
    annotations: Vec<Any>,
}

impl TaskResponse {
    pub(super) fn new<M: Message + Name>(response: &M, annotations: Vec<Any>) -> Self {
        Self {
            response: pack(response),
            annotations,
        }
    }

    pub(super) fn into_result(self) -> TaskResult {
        TaskResult::Success {
            response: Some(self.response),
            annotations: self.annotations,
        }
    }
}

pub(super) fn task_failure(failure: TaskFailure, retryable: bool) -> TaskResult {
    TaskResult::Failure {
        code: failure.status,
        message: failure.message,
        details: Vec::new(),
        annotations: Vec::new(),
        retryable,
    }
}

/// The failure of a task that lacks what its type requires.
pub(super) fn malformed(task: &str) -> TaskFailure {
    TaskFailure::new(StatusCode::InvalidArgument, format!("malformed {task} task"))
}
