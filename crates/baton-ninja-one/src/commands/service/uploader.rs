//! Delivers sealed files to ConductorOne.

use std::path::Path;

use access_core::ports::SinkError;
use access_core::{Diagnostic, StatusCode};
use async_trait::async_trait;
use c1_service::{C1Client, C1Error, CancelToken, TaskId};
use sink_upload::Uploader;

use crate::observability::metrics::Metrics;

/// Uploads a file as the asset of one task.
pub(super) struct TaskUploader {
    pub(super) client: C1Client,
    pub(super) task: TaskId,
    pub(super) stop: CancelToken,
    pub(super) metrics: Metrics,
}

#[derive(Debug, thiserror::Error)]
enum UploadError {
    #[error(transparent)]
    ConductorOne(#[from] C1Error),
    #[error("stopped on request")]
    Stopped,
}

impl Diagnostic for UploadError {
    fn status(&self) -> StatusCode {
        match self {
            Self::ConductorOne(error) => error.status(),
            Self::Stopped => StatusCode::Cancelled,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::ConductorOne(error) => error.hint(),
            Self::Stopped => None,
        }
    }
}

#[async_trait]
impl Uploader for TaskUploader {
    fn destination(&self) -> String {
        self.client.authority().to_owned()
    }

    async fn upload(&self, file: &Path) -> Result<u64, SinkError> {
        let uploaded = tokio::select! {
            uploaded = self.client.upload(&self.task, file) => uploaded.map_err(UploadError::from),
            () = self.stop.clone().cancelled() => Err(UploadError::Stopped),
        };
        let receipt = uploaded.map_err(SinkError::new)?;
        self.metrics.uploaded(receipt.bytes);
        tracing::info!(task = %self.task, bytes = receipt.bytes, attempts = receipt.attempts, "uploaded");
        Ok(receipt.bytes)
    }
}
