//! Telling how a task ended, so that it arrives (docs/reference/conductorone.md §3.5, `FinishTask` encoding).

use std::time::Duration;

use access_core::secrets::redact;
use baton_proto::connectorapi_baton_v1::BatonServiceFinishTaskRequest;
use baton_proto::connectorapi_baton_v1::baton_service_finish_task_request::{Error, FinalState, Success};
use baton_proto::prost_types::Any;
use baton_proto::rpc;
use rand::RngExt;
use tokio::time::Instant;

use super::C1Client;
use super::C1Error;
use super::TaskId;
use super::TaskResult;

/// Entries of every list of annotations.
const MOST_ANNOTATIONS: usize = 16;
/// The wire has no limit for messages, but the answer to "what went wrong" is no place for megabytes.
const LONGEST_MESSAGE: usize = 8 << 10;
const FIRST_BACK_OFF: Duration = Duration::from_millis(500);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(5);

impl C1Client {
    /// Tells how a task ended. What may pass is tried again for as long as the reference gives it, 30 seconds; lists and
    /// texts that are too long for the wire are cut.
    ///
    /// # Errors
    /// [`C1Error`] of the last attempt.
    pub async fn finish(&self, task: &TaskId, end: TaskResult) -> Result<(), C1Error> {
        let patience = &self.inner.patience;
        let request = encode(&self.inner.host_id, task, end);
        let deadline = Instant::now() + patience.finish;
        let mut back_off = FIRST_BACK_OFF;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let limit = patience.finish_attempt.min(left);
            let call = self.unary("FinishTask", limit, |mut rpc| {
                let request = request.clone();
                async move { rpc.finish_task(request).await }
            });
            let attempt = tokio::time::timeout_at(deadline, call).await;
            let failure = match attempt {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(failure)) => failure,
                Err(_) => C1Error::Late {
                    call: "FinishTask",
                    after: patience.finish,
                },
            };
            let wait = back_off.mul_f64(rand::rng().random_range(0.5..=1.0));
            if !failure.is_passing() || Instant::now() + wait >= deadline {
                return Err(failure);
            }
            tracing::warn!(task = %task, cause = %failure, wait = ?wait, "reporting the end of the task again");
            tokio::time::sleep(wait).await;
            back_off = (back_off * 2).min(LONGEST_BACK_OFF);
        }
    }
}

fn encode(host_id: &str, task: &TaskId, end: TaskResult) -> BatonServiceFinishTaskRequest {
    let (status, state) = match end {
        TaskResult::Success {
            response,
            annotations,
        } => {
            let success = Success {
                annotations: at_most(annotations, "annotations"),
                response,
            };
            (None, FinalState::Success(success))
        }
        TaskResult::Failure {
            code,
            message,
            details,
            annotations,
            retryable,
        } => {
            let status = rpc::Status {
                code: code.number().into(),
                message: cut(redact(&message).into_owned()),
                details: at_most(details, "details"),
            };
            let error = Error {
                non_retryable: !retryable,
                annotations: at_most(annotations, "annotations"),
                response: None,
            };
            (Some(status), FinalState::Error(error))
        }
    };
    BatonServiceFinishTaskRequest {
        host_id: host_id.to_owned(),
        task_id: task.to_string(),
        status,
        final_state: Some(state),
    }
}

fn at_most(mut list: Vec<Any>, what: &'static str) -> Vec<Any> {
    if list.len() > MOST_ANNOTATIONS {
        tracing::warn!(
            what,
            left_off = list.len() - MOST_ANNOTATIONS,
            "too many for the wire"
        );
        list.truncate(MOST_ANNOTATIONS);
    }
    list
}

fn cut(mut message: String) -> String {
    if message.len() > LONGEST_MESSAGE {
        message.truncate(message.floor_char_boundary(LONGEST_MESSAGE - '…'.len_utf8()));
        message.push('…');
    }
    message
}
