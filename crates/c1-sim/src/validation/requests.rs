//! Rules of all requests but `Hello`.

use baton_proto::connectorapi_baton_v1::baton_service_finish_task_request::FinalState;
use baton_proto::connectorapi_baton_v1::baton_service_upload_asset_request::{
    UploadData, UploadEof, UploadMetadata,
};
use baton_proto::connectorapi_baton_v1::{
    BatonServiceFinishTaskRequest, BatonServiceGetTaskRequest, BatonServiceGetTasksRequest,
    BatonServiceHeartbeatRequest,
};

use super::Validate;
use super::ValidationResult;
use super::Violation;
use super::annotations;
use super::check_count;
use super::host_id;
use super::task_id;

impl Validate for BatonServiceGetTaskRequest {
    fn validate(&self) -> ValidationResult {
        host_id("host_id", &self.host_id)
    }
}

impl Validate for BatonServiceGetTasksRequest {
    fn validate(&self) -> ValidationResult {
        host_id("host_id", &self.host_id)?;
        if !(1..=100).contains(&self.page_size) {
            let rule = format!("{} is not within 1 to 100", self.page_size);
            return Err(Violation::new("page_size", rule));
        }
        for (position, id) in self.known_task_ids.iter().enumerate() {
            task_id(&format!("known_task_ids[{position}]"), id)?;
        }
        annotations("annotations", &self.annotations)
    }
}

impl Validate for BatonServiceHeartbeatRequest {
    fn validate(&self) -> ValidationResult {
        host_id("host_id", &self.host_id)?;
        task_id("task_id", &self.task_id)?;
        annotations("annotations", &self.annotations)?;
        check_count("task_ids", self.task_ids.len(), &(0..=100), "entries")?;
        for (position, id) in self.task_ids.iter().enumerate() {
            task_id(&format!("task_ids[{position}]"), id)?;
        }
        Ok(())
    }
}

impl Validate for BatonServiceFinishTaskRequest {
    fn validate(&self) -> ValidationResult {
        host_id("host_id", &self.host_id)?;
        task_id("task_id", &self.task_id)?;
        match &self.final_state {
            None => Err(Violation::new("final_state", "there must be one")),
            Some(FinalState::Error(error)) => annotations("error.annotations", &error.annotations),
            Some(FinalState::Success(success)) => annotations("success.annotations", &success.annotations),
        }
    }
}

impl Validate for UploadMetadata {
    fn validate(&self) -> ValidationResult {
        host_id("metadata.host_id", &self.host_id)?;
        task_id("metadata.task_id", &self.task_id)?;
        annotations("metadata.annotations", &self.annotations)
    }
}

impl Validate for UploadData {
    fn validate(&self) -> ValidationResult {
        check_count("data.data", self.data.len(), &(1..=1 << 20), "bytes")
    }
}

impl Validate for UploadEof {
    fn validate(&self) -> ValidationResult {
        check_count(
            "eof.sha256_checksum",
            self.sha256_checksum.len(),
            &(32..=32),
            "bytes",
        )?;
        annotations("eof.annotations", &self.annotations)
    }
}
