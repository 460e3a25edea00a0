//! One `UploadAsset`: a file put together from metadata, chunks and an end (docs/reference/conductorone.md §3.5, step 5).

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use baton_proto::connectorapi_baton_v1::BatonServiceUploadAssetRequest;
use baton_proto::connectorapi_baton_v1::baton_service_upload_asset_request::{Msg, UploadMetadata};
use sha2::{Digest, Sha256};
use tonic::{Code, Status, Streaming};

use crate::call_context::CallContext;
use crate::tasks::{TaskId, TaskQueue, UploadOutcome};
use crate::validation::Ruled;
use crate::validation::Violation;

/// Receives one asset. After `cut_after` chunks the connection is closed.
pub(crate) async fn receive(
    mut stream: Streaming<BatonServiceUploadAssetRequest>,
    tasks: &TaskQueue,
    folder: &Path,
    context: &CallContext,
    cut_after: Option<usize>,
) -> Result<(), Status> {
    let metadata = metadata(&mut stream).await?;
    let id = TaskId::parse(&metadata.task_id).map_err(|error| Status::invalid_argument(error.to_string()))?;
    context.entry.set_subject(&metadata.host_id, Some(id.clone()));
    let path = |number| folder.join(format!("{id}-{number}"));
    let number = tasks
        .begin_upload(&id, path)
        .ok_or_else(|| Status::not_found(format!("there is no task {id}")))?;
    let attempt = Attempt {
        tasks,
        id: &id,
        number,
    };
    if cut_after == Some(0) {
        context.hangup.now(&context.entry).await;
    }
    let file = File::create(path(number)).map_err(|error| internal(&error))?;
    let received = chunks(&mut stream, file, &attempt, context, cut_after).await;
    match &received {
        Ok(()) => attempt.ended(UploadOutcome::Complete),
        Err(Failure::Refused(status)) => {
            attempt.ended(UploadOutcome::Refused(status.code(), status.message().to_owned()));
        }
        Err(Failure::Cut(_)) => attempt.ended(UploadOutcome::Cut),
    }
    received.map_err(|(Failure::Refused(status) | Failure::Cut(status))| status)
}

async fn metadata(stream: &mut Streaming<BatonServiceUploadAssetRequest>) -> Result<UploadMetadata, Status> {
    match stream.message().await?.map(|request| request.msg) {
        Some(Some(Msg::Metadata(metadata))) => {
            metadata.check()?;
            Ok(metadata)
        }
        Some(None) => Err(Violation::new("msg", "there must be one").into()),
        Some(Some(_)) | None => Err(Violation::new("msg", "the first must be metadata").into()),
    }
}

async fn chunks(
    stream: &mut Streaming<BatonServiceUploadAssetRequest>,
    mut file: File,
    attempt: &Attempt<'_>,
    context: &CallContext,
    cut_after: Option<usize>,
) -> Result<(), Failure> {
    let mut digest = Sha256::new();
    let mut count = 0;
    let checksum = loop {
        let request = next(stream)
            .await?
            .ok_or_else(|| Violation::new("msg", "the last must be eof"))?;
        match request.msg {
            Some(Msg::Data(chunk)) => {
                chunk.check()?;
                // Chunks are small and this thread is the simulator's own, so it may block.
                file.write_all(&chunk.data)
                    .map_err(|error| Failure::Refused(internal(&error)))?;
                digest.update(&chunk.data);
                attempt.took(chunk.data.len());
                count += 1;
                if cut_after == Some(count) {
                    context.hangup.now(&context.entry).await;
                }
            }
            Some(Msg::Eof(end)) => {
                end.check()?;
                break end.sha256_checksum;
            }
            Some(Msg::Metadata(_)) => {
                return Err(Violation::new("msg", "metadata must come first and once").into());
            }
            None => return Err(Violation::new("msg", "there must be one").into()),
        }
    };
    if next(stream).await?.is_some() {
        return Err(Violation::new("msg", "nothing may follow eof").into());
    }
    if digest.finalize()[..] != checksum[..] {
        let status = Status::new(Code::DataLoss, "eof.sha256_checksum: is not that of the data");
        return Err(Failure::Refused(status));
    }
    Ok(())
}

async fn next(
    stream: &mut Streaming<BatonServiceUploadAssetRequest>,
) -> Result<Option<BatonServiceUploadAssetRequest>, Failure> {
    stream.message().await.map_err(Failure::Cut)
}

fn internal(error: &io::Error) -> Status {
    Status::internal(format!("cannot keep the asset: {error}"))
}

/// Why an upload is incomplete.
#[derive(Debug)]
enum Failure {
    /// It broke a rule.
    Refused(Status),
    /// Its stream broke.
    Cut(Status),
}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Self {
        Self::Refused(violation.into())
    }
}

/// A recorded upload. If it is dropped because its connection was closed, it counts as cut.
struct Attempt<'a> {
    tasks: &'a TaskQueue,
    id: &'a TaskId,
    number: usize,
}

impl Attempt<'_> {
    fn took(&self, bytes: usize) {
        self.tasks
            .edit_upload(self.id, self.number, |upload| upload.chunks.push(bytes));
    }

    fn ended(&self, outcome: UploadOutcome) {
        self.tasks
            .edit_upload(self.id, self.number, |upload| upload.outcome = outcome);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.tasks.edit_upload(self.id, self.number, |upload| {
            if upload.outcome == UploadOutcome::Receiving {
                upload.outcome = UploadOutcome::Cut;
            }
        });
    }
}
