//! One `UploadAsset`: a file from metadata, chunks and an end (docs/reference/conductorone.md §3.5, step 5).

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use baton_proto::connectorapi_baton_v1::BatonServiceUploadAssetRequest;
use baton_proto::connectorapi_baton_v1::baton_service_upload_asset_request::{Msg, UploadMetadata};
use sha2::{Digest, Sha256};
use tonic::{Code, Status, Streaming};

use crate::call_context::CallContext;
use crate::tasks::{TaskId, TaskQueue, UploadOutcome};
use crate::validation::Validate;
use crate::validation::Violation;

/// Receives one asset. After `cut_after` chunks the connection is closed.
pub(crate) async fn receive(
    mut stream: Streaming<BatonServiceUploadAssetRequest>,
    tasks: &TaskQueue,
    folder: &Path,
    context: &CallContext,
    cut_after: Option<usize>,
) -> Result<(), Status> {
    let metadata = receive_metadata(&mut stream).await?;
    let id = TaskId::parse(&metadata.task_id).map_err(|error| Status::invalid_argument(error.to_string()))?;
    context.entry.set_subject(&metadata.host_id, Some(id.clone()));
    let path = |number| folder.join(format!("{id}-{number}"));
    let number = tasks
        .begin_upload(&id, path)
        .ok_or_else(|| Status::not_found(format!("there is no task {id}")))?;
    let recorded = RecordedUpload {
        tasks,
        id: &id,
        number,
    };
    if cut_after == Some(0) {
        context.hangup.hang_up(&context.entry).await;
    }
    let file = File::create(path(number)).map_err(|error| storage_error(&error))?;
    let received = receive_chunks(&mut stream, file, &recorded, context, cut_after).await;
    match &received {
        Ok(()) => recorded.set_outcome(UploadOutcome::Complete),
        Err(UploadFailure::Refused(status)) => {
            recorded.set_outcome(UploadOutcome::Refused(status.code(), status.message().to_owned()));
        }
        Err(UploadFailure::Cut(_)) => recorded.set_outcome(UploadOutcome::Cut),
    }
    received.map_err(|(UploadFailure::Refused(status) | UploadFailure::Cut(status))| status)
}

async fn receive_metadata(
    stream: &mut Streaming<BatonServiceUploadAssetRequest>,
) -> Result<UploadMetadata, Status> {
    match stream.message().await?.map(|request| request.msg) {
        Some(Some(Msg::Metadata(metadata))) => {
            metadata.validate()?;
            Ok(metadata)
        }
        Some(None) => Err(Violation::new("msg", "there must be one").into()),
        Some(Some(_)) | None => Err(Violation::new("msg", "the first must be metadata").into()),
    }
}

async fn receive_chunks(
    stream: &mut Streaming<BatonServiceUploadAssetRequest>,
    mut file: File,
    recorded: &RecordedUpload<'_>,
    context: &CallContext,
    cut_after: Option<usize>,
) -> Result<(), UploadFailure> {
    let mut digest = Sha256::new();
    let mut count = 0;
    let checksum = loop {
        let request = next_message(stream)
            .await?
            .ok_or_else(|| Violation::new("msg", "the last must be eof"))?;
        match request.msg {
            Some(Msg::Data(chunk)) => {
                chunk.validate()?;
                // Chunks are small, and the simulator has its own thread, so this may block.
                file.write_all(&chunk.data)
                    .map_err(|error| UploadFailure::Refused(storage_error(&error)))?;
                digest.update(&chunk.data);
                recorded.record_chunk(chunk.data.len());
                count += 1;
                if cut_after == Some(count) {
                    context.hangup.hang_up(&context.entry).await;
                }
            }
            Some(Msg::Eof(end)) => {
                end.validate()?;
                break end.sha256_checksum;
            }
            Some(Msg::Metadata(_)) => {
                return Err(Violation::new("msg", "metadata must come first and once").into());
            }
            None => return Err(Violation::new("msg", "there must be one").into()),
        }
    };
    if next_message(stream).await?.is_some() {
        return Err(Violation::new("msg", "nothing may follow eof").into());
    }
    if digest.finalize()[..] != checksum[..] {
        let status = Status::new(Code::DataLoss, "eof.sha256_checksum: is not that of the data");
        return Err(UploadFailure::Refused(status));
    }
    Ok(())
}

async fn next_message(
    stream: &mut Streaming<BatonServiceUploadAssetRequest>,
) -> Result<Option<BatonServiceUploadAssetRequest>, UploadFailure> {
    stream.message().await.map_err(UploadFailure::Cut)
}

fn storage_error(error: &io::Error) -> Status {
    Status::internal(format!("cannot keep the asset: {error}"))
}

/// Why an upload failed.
#[derive(Debug)]
enum UploadFailure {
    /// It violated a rule.
    Refused(Status),
    /// Its stream broke.
    Cut(Status),
}

impl From<Violation> for UploadFailure {
    fn from(violation: Violation) -> Self {
        Self::Refused(violation.into())
    }
}

/// A recorded upload. If it is dropped while it receives, its outcome is [`UploadOutcome::Cut`].
struct RecordedUpload<'a> {
    tasks: &'a TaskQueue,
    id: &'a TaskId,
    number: usize,
}

impl RecordedUpload<'_> {
    fn record_chunk(&self, bytes: usize) {
        self.tasks
            .edit_upload(self.id, self.number, |upload| upload.chunks.push(bytes));
    }

    fn set_outcome(&self, outcome: UploadOutcome) {
        self.tasks
            .edit_upload(self.id, self.number, |upload| upload.outcome = outcome);
    }
}

impl Drop for RecordedUpload<'_> {
    fn drop(&mut self) {
        self.tasks.edit_upload(self.id, self.number, |upload| {
            if upload.outcome == UploadOutcome::Receiving {
                upload.outcome = UploadOutcome::Cut;
            }
        });
    }
}
