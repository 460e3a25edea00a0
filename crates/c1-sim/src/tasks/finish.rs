use std::time::Instant;

use baton_proto::connectorapi_baton_v1::baton_service_finish_task_request::FinalState;
use baton_proto::prost::{DecodeError, Message, Name};
use baton_proto::prost_types::Any;
use baton_proto::{find_annotation, rpc};
use tonic::Code;

/// How a task ended, as the connector reported it (docs/reference/conductorone.md §3.5, `FinishTask` encoding).
#[derive(Debug, Clone, PartialEq)]
pub struct Finish {
    /// Time of the report.
    pub at: Instant,
    /// The reporting host.
    pub host_id: String,
    /// The status, absent on success.
    pub status: Option<rpc::Status>,
    /// Success or error.
    pub end: FinalState,
}

impl Finish {
    /// The code of the status; `Ok` without one.
    #[must_use]
    pub fn code(&self) -> Code {
        self.status
            .as_ref()
            .map_or(Code::Ok, |status| Code::from_i32(status.code))
    }

    /// The message of the status.
    #[must_use]
    pub fn message(&self) -> &str {
        self.status.as_ref().map_or("", |status| status.message.as_str())
    }

    /// Whether it is a success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self.end, FinalState::Success(_))
    }

    /// Whether it is an error that must not be retried.
    #[must_use]
    pub fn non_retryable(&self) -> bool {
        matches!(&self.end, FinalState::Error(error) if error.non_retryable)
    }

    /// The annotations, of a success or an error.
    #[must_use]
    pub fn annotations(&self) -> &[Any] {
        match &self.end {
            FinalState::Success(success) => &success.annotations,
            FinalState::Error(error) => &error.annotations,
        }
    }

    /// The first annotation of a type.
    ///
    /// # Errors
    /// [`DecodeError`] if its bytes are not a message of this type.
    pub fn annotation<M: Message + Name + Default>(&self) -> Result<Option<M>, DecodeError> {
        find_annotation(self.annotations())
    }

    /// The first detail of the status of a type, e.g. `google.rpc.ErrorInfo`.
    ///
    /// # Errors
    /// [`DecodeError`] if its bytes are not a message of this type.
    pub fn detail<M: Message + Name + Default>(&self) -> Result<Option<M>, DecodeError> {
        let details = self.status.as_ref().map_or(&[][..], |status| &status.details);
        find_annotation(details)
    }

    /// The response, if it is of this type.
    ///
    /// # Errors
    /// [`DecodeError`] if its bytes are not a message of this type.
    pub fn response<M: Message + Name + Default>(&self) -> Result<Option<M>, DecodeError> {
        let response = match &self.end {
            FinalState::Success(success) => &success.response,
            FinalState::Error(error) => &error.response,
        };
        find_annotation(response.as_slice())
    }
}
