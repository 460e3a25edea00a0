//! Rules of all requests but `Hello`.

use baton_proto::connectorapi_baton_v1::baton_service_finish_task_request::FinalState;
use baton_proto::connectorapi_baton_v1::baton_service_upload_asset_request::{
    UploadData, UploadEof, UploadMetadata,
};
use baton_proto::connectorapi_baton_v1::{
    BatonServiceFinishTaskRequest, BatonServiceGetTaskRequest, BatonServiceGetTasksRequest,
    BatonServiceHeartbeatRequest,
};

use super::Checked;
use super::Ruled;
use super::Violation;
use super::annotations;
use super::host_id;
use super::task_id;
use super::within;

impl Ruled for BatonServiceGetTaskRequest {
    fn check(&self) -> Checked {
        host_id("host_id", &self.host_id)
    }
}

impl Ruled for BatonServiceGetTasksRequest {
    fn check(&self) -> Checked {
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

impl Ruled for BatonServiceHeartbeatRequest {
    fn check(&self) -> Checked {
        host_id("host_id", &self.host_id)?;
        task_id("task_id", &self.task_id)?;
        annotations("annotations", &self.annotations)?;
        within("task_ids", self.task_ids.len(), &(0..=100), "entries")?;
        for (position, id) in self.task_ids.iter().enumerate() {
            task_id(&format!("task_ids[{position}]"), id)?;
        }
        Ok(())
    }
}

impl Ruled for BatonServiceFinishTaskRequest {
    fn check(&self) -> Checked {
        host_id("host_id", &self.host_id)?;
        task_id("task_id", &self.task_id)?;
        match &self.final_state {
            None => Err(Violation::new("final_state", "there must be one")),
            Some(FinalState::Error(error)) => annotations("error.annotations", &error.annotations),
            Some(FinalState::Success(success)) => annotations("success.annotations", &success.annotations),
        }
    }
}

impl Ruled for UploadMetadata {
    fn check(&self) -> Checked {
        host_id("metadata.host_id", &self.host_id)?;
        task_id("metadata.task_id", &self.task_id)?;
        annotations("metadata.annotations", &self.annotations)
    }
}

impl Ruled for UploadData {
    fn check(&self) -> Checked {
        within("data.data", self.data.len(), &(1..=1 << 20), "bytes")
    }
}

impl Ruled for UploadEof {
    fn check(&self) -> Checked {
        within(
            "eof.sha256_checksum",
            self.sha256_checksum.len(),
            &(32..=32),
            "bytes",
        )?;
        annotations("eof.annotations", &self.annotations)
    }
}
