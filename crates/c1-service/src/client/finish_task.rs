//! Reporting the result of a task reliably (docs/reference/conductorone.md §3.5, `FinishTask` encoding).

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

/// Maximum length of annotation lists.
const MAX_ANNOTATIONS: usize = 16;
/// Maximum length of messages. The protocol has no limit.
const MAX_MESSAGE_BYTES: usize = 8 << 10;
const INITIAL_BACKOFF: Duration = Duration::from_millis(500);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

impl C1Client {
    /// Reports the result of a task. Transient failures are retried for 30 seconds, as in the reference; overlong lists
    /// and texts are truncated.
    ///
    /// # Errors
    /// [`C1Error`] of the last attempt.
    pub async fn finish(&self, task: &TaskId, end: TaskResult) -> Result<(), C1Error> {
        let retry_policy = &self.inner.retry_policy;
        let request = encode(&self.inner.host_id, task, end);
        let deadline = Instant::now() + retry_policy.finish;
        let mut backoff = INITIAL_BACKOFF;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let limit = retry_policy.finish_attempt.min(left);
            let call = self.unary("FinishTask", limit, |mut rpc| {
                let request = request.clone();
                async move { rpc.finish_task(request).await }
            });
            let attempt = tokio::time::timeout_at(deadline, call).await;
            let failure = match attempt {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(failure)) => failure,
                Err(_) => C1Error::Timeout {
                    call: "FinishTask",
                    after: retry_policy.finish,
                },
            };
            let wait = backoff.mul_f64(rand::rng().random_range(0.5..=1.0));
            if !failure.is_transient() || Instant::now() + wait >= deadline {
                return Err(failure);
            }
            tracing::warn!(task = %task, cause = %failure, wait = ?wait, "reporting the end of the task again");
            tokio::time::sleep(wait).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
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
                annotations: limit_annotations(annotations, "annotations"),
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
                message: truncate_message(redact(&message).into_owned()),
                details: limit_annotations(details, "details"),
            };
            let error = Error {
                non_retryable: !retryable,
                annotations: limit_annotations(annotations, "annotations"),
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

fn limit_annotations(mut list: Vec<Any>, what: &'static str) -> Vec<Any> {
    if list.len() > MAX_ANNOTATIONS {
        tracing::warn!(
            what,
            left_off = list.len() - MAX_ANNOTATIONS,
            "too many for the wire"
        );
        list.truncate(MAX_ANNOTATIONS);
    }
    list
}

fn truncate_message(mut message: String) -> String {
    if message.len() > MAX_MESSAGE_BYTES {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES - '…'.len_utf8()));
        message.push('…');
    }
    message
}
