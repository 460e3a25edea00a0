//! Uploading a file (docs/reference/conductorone.md §3.5, full sync, step 5).

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use access_core::{Diagnostic, StatusCode};
use baton_proto::connectorapi_baton_v1::BatonServiceUploadAssetRequest;
use baton_proto::connectorapi_baton_v1::baton_service_upload_asset_request::{
    Msg, UploadData, UploadEof, UploadMetadata,
};
use futures::{Stream, stream};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{C1Client, C1Error, TaskId, UploadReceipt};

const CALL: &str = "UploadAsset";
/// Size of a data message.
const CHUNK_BYTES: usize = 512 << 10;
/// Waits before the second and the third attempt, which is the last.
const RETRY_WAITS: [Duration; 2] = [Duration::ZERO, Duration::from_secs(1)];

/// Progress of an upload. Clones share the counters.
#[derive(Debug, Clone, Default)]
pub struct UploadProgress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    total: AtomicU64,
}

impl UploadProgress {
    /// Bytes sent in the current attempt.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// Size of the file in bytes; 0 until it is known.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.total.load(Ordering::Relaxed)
    }
}

/// A file to upload.
#[derive(Debug, Clone)]
struct Asset {
    path: PathBuf,
    bytes: u64,
    sha256: [u8; 32],
}

impl C1Client {
    /// Uploads a file as the asset of a task. It is read twice, and from the start in each of up to three attempts;
    /// only a few chunks are in memory.
    ///
    /// # Errors
    /// [`C1Error`] of the last attempt.
    pub async fn upload(&self, task: &TaskId, path: &Path) -> Result<UploadReceipt, C1Error> {
        self.upload_with_progress(task, path, &UploadProgress::default())
            .await
    }

    /// Uploads a file and counts its progress.
    ///
    /// # Errors
    /// Same as [`C1Client::upload`].
    pub async fn upload_with_progress(
        &self,
        task: &TaskId,
        path: &Path,
        progress: &UploadProgress,
    ) -> Result<UploadReceipt, C1Error> {
        let asset = measure(path).await?;
        progress.0.total.store(asset.bytes, Ordering::Relaxed);
        let mut waits = RETRY_WAITS.into_iter();
        let mut attempts = 1;
        loop {
            let failure = match self.attempt(task, &asset, progress).await {
                Ok(()) => {
                    return Ok(UploadReceipt {
                        bytes: asset.bytes,
                        sha256: asset.sha256,
                        attempts,
                    });
                }
                Err(failure) => failure,
            };
            // A wrong checksum may be caused by the transmission.
            let may_retry = failure.is_transient() || failure.status() == StatusCode::DataLoss;
            let Some(wait) = waits.next().filter(|_| may_retry) else {
                return Err(failure);
            };
            tracing::warn!(task = %task, cause = %failure, sent = progress.sent(), "uploading again from the start");
            tokio::time::sleep(wait).await;
            attempts += 1;
        }
    }

    async fn attempt(&self, task: &TaskId, asset: &Asset, progress: &UploadProgress) -> Result<(), C1Error> {
        let metadata = UploadMetadata {
            host_id: self.inner.host_id.clone(),
            task_id: task.to_string(),
            annotations: Vec::new(),
        };
        let stall = self.inner.retry_policy.upload_stall;
        let send = |mut rpc: super::rpc::Rpc, generation| {
            let (metadata, progress) = (metadata.clone(), progress.clone());
            async move {
                let (failed, mut failure) = mpsc::channel(1);
                let file = File::open(&asset.path).await;
                let file = file.map_err(|error| asset.unreadable(&error))?;
                progress.0.sent.store(0, Ordering::Relaxed);
                let messages = messages(metadata, file, asset.clone(), progress.clone(), failed);
                tokio::select! {
                    // An unreadable file ends the call before the server complains of a missing end.
                    biased;
                    Some(failure) = failure.recv() => Err(failure),
                    answer = rpc.upload_asset(messages) => Ok(answer),
                    () = wait_for_stall(&progress, stall) => {
                        self.inner.channel.discard(generation);
                        Err(C1Error::Timeout { call: CALL, after: stall })
                    }
                }
            }
        };
        self.with_token(CALL, send).await.map(drop)
    }
}

impl Asset {
    fn unreadable(&self, error: &io::Error) -> C1Error {
        C1Error::File {
            path: self.path.clone(),
            reason: error.to_string(),
        }
    }
}

/// Reads size and checksum of a file.
async fn measure(path: &Path) -> Result<Asset, C1Error> {
    let unreadable = |reason: String| C1Error::File {
        path: path.to_owned(),
        reason,
    };
    let own = path.to_owned();
    let measuring = tokio::task::spawn_blocking(move || -> io::Result<Asset> {
        let mut file = fs::File::open(&own)?;
        let (mut digest, mut bytes) = (Sha256::new(), 0);
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            match file.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(0) => break,
                Ok(read) => {
                    digest.update(&buffer[..read]);
                    bytes += read as u64;
                }
            }
        }
        Ok(Asset {
            path: own,
            bytes,
            sha256: digest.finalize().into(),
        })
    });
    let measured = measuring.await.map_err(|error| unreadable(error.to_string()))?;
    measured.map_err(|error| unreadable(error.to_string()))
}

/// The next message of a stream.
enum Step {
    Metadata(UploadMetadata),
    Data,
    End,
}

struct MessageStream {
    step: Step,
    file: File,
    left: u64,
    asset: Asset,
    progress: UploadProgress,
    failed: mpsc::Sender<C1Error>,
}

/// Streams metadata, data and the end; each message is created when the connection is ready for it.
fn messages(
    metadata: UploadMetadata,
    file: File,
    asset: Asset,
    progress: UploadProgress,
    failed: mpsc::Sender<C1Error>,
) -> impl Stream<Item = BatonServiceUploadAssetRequest> + Send + 'static {
    let sending = MessageStream {
        step: Step::Metadata(metadata),
        file,
        left: asset.bytes,
        asset,
        progress,
        failed,
    };
    stream::unfold(sending, |mut sending| async move {
        let message = sending.next().await?;
        Some((BatonServiceUploadAssetRequest { msg: Some(message) }, sending))
    })
}

impl MessageStream {
    async fn next(&mut self) -> Option<Msg> {
        match std::mem::replace(&mut self.step, Step::Data) {
            Step::Metadata(metadata) => Some(Msg::Metadata(metadata)),
            Step::Data if self.left > 0 => match self.chunk().await {
                Ok(data) => Some(Msg::Data(UploadData { data })),
                Err(error) => {
                    let _ = self.failed.send(self.asset.unreadable(&error)).await;
                    // The receiver drops this stream.
                    std::future::pending().await
                }
            },
            Step::Data => {
                self.step = Step::End;
                Some(Msg::Eof(UploadEof {
                    sha256_checksum: self.asset.sha256.to_vec(),
                    annotations: Vec::new(),
                }))
            }
            Step::End => {
                self.step = Step::End;
                None
            }
        }
    }

    async fn chunk(&mut self) -> io::Result<Vec<u8>> {
        let length = CHUNK_BYTES.min(usize::try_from(self.left).unwrap_or(CHUNK_BYTES));
        let mut data = vec![0; length];
        read_exact(&mut self.file, &mut data).await.map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                io::Error::other("it became shorter during the upload")
            } else {
                error
            }
        })?;
        self.left -= length as u64;
        self.progress.0.sent.fetch_add(length as u64, Ordering::Relaxed);
        Ok(data)
    }
}

/// Fills the buffer; retries after signals.
async fn read_exact(file: &mut File, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        match file.read(buffer).await {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(got) => buffer = &mut buffer[got..],
        }
    }
    Ok(())
}

/// Waits until there is no progress for this long.
async fn wait_for_stall(progress: &UploadProgress, limit: Duration) {
    let mut seen = (progress.sent(), Instant::now());
    loop {
        tokio::time::sleep((limit / 16).max(Duration::from_millis(10))).await;
        if progress.sent() != seen.0 {
            seen = (progress.sent(), Instant::now());
        } else if seen.1.elapsed() >= limit {
            return;
        }
    }
}
