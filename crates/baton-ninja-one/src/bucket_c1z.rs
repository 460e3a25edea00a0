//! A c1z file in a bucket: the existing file is copied to the temporary folder and continued like a local file, and the new
//! file replaces it unless another writer replaced it meanwhile.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access_core::model::{AccessBatch, Baseline, SyncOrigin, SyncRun};
use access_core::ports::{AccessSink, Prepared, Receipt, SinkError, SinkWriter};
use access_core::sync::{Comparison, CurrentSync, SyncSummary};
use access_core::{Diagnostic, StatusCode};
use access_dataset::{BucketFile, BucketUrl, ObjectVersion};
use async_trait::async_trait;
use sink_c1z::{C1zSink, C1zSinkConfig};

use crate::commands::service::work_dir::TempFolder;
use crate::commands::service::work_dir::sweep;
use crate::failure::Failure;

/// A local copy of a file in a bucket, removed on drop.
#[derive(Debug)]
pub(crate) struct LocalCopy {
    folder: TempFolder,
    path: PathBuf,
    url: BucketUrl,
    /// `None` if there is no such file.
    version: Option<ObjectVersion>,
}

impl LocalCopy {
    /// Copies the file of a bucket, if there is one.
    async fn download(file: &BucketFile, temp_folder: &Path, max_bytes: u64) -> Result<Self, CopyError> {
        sweep(temp_folder);
        let folder = TempFolder::new(temp_folder)?;
        let url = file.url().clone();
        let name = url.prefix().rsplit('/').next().unwrap_or_default();
        let path = folder.path().join(name);
        let version = file.download(&path, max_bytes).await?;
        Ok(Self {
            folder,
            path,
            url,
            version,
        })
    }

    /// Copies the file of a bucket; a missing file is an error.
    pub(crate) async fn of(url: &BucketUrl, temp_folder: &Path, max_bytes: u64) -> Result<Self, Failure> {
        let copy = Self::download(&BucketFile::open(url)?, temp_folder, max_bytes).await?;
        if copy.version.is_none() {
            let hint = "`inspect` takes the URL of a c1z or of a dataset; check the bucket and the key";
            return Err(Failure::new(
                format!("there is no file {url}"),
                Some(hint.to_owned()),
                StatusCode::NotFound,
            ));
        }
        Ok(copy)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the path of the copy in a failure by the URL.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        failure.with_message(|message| self.renamed(message))
    }

    fn renamed(&self, text: &str) -> String {
        text.replace(&*self.path.to_string_lossy(), &self.url.to_string())
            .replace(&*self.folder.path().to_string_lossy(), "the temporary folder")
    }
}

/// Why there is no local copy.
#[derive(Debug, thiserror::Error)]
enum CopyError {
    #[error(transparent)]
    Folder(#[from] crate::commands::service::work_dir::TempFolderError),
    #[error(transparent)]
    Bucket(#[from] access_dataset::DatasetError),
}

impl Diagnostic for CopyError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Folder(error) => error.status(),
            Self::Bucket(error) => error.status(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Folder(error) => error.retryable(),
            Self::Bucket(error) => error.retryable(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Folder(error) => error.hint(),
            Self::Bucket(error) => error.hint(),
        }
    }
}

/// Writes each sync into a c1z file of a bucket.
pub(crate) struct BucketC1zSink {
    url: BucketUrl,
    /// Configuration of the local copy; its path is set later.
    config: C1zSinkConfig,
}

impl BucketC1zSink {
    pub(crate) fn new(url: BucketUrl, config: C1zSinkConfig) -> Self {
        Self { url, config }
    }
}

#[async_trait]
impl AccessSink for BucketC1zSink {
    fn name(&self) -> String {
        format!("c1z {}", self.url)
    }

    async fn begin(&self, sync: &SyncRun) -> Result<Box<dyn SinkWriter>, SinkError> {
        let file = BucketFile::open(&self.url).map_err(SinkError::new)?;
        file.probe().await.map_err(SinkError::new)?;
        let limit = self.config.limits.decoded_bytes;
        let copy = LocalCopy::download(&file, &self.config.temp_folder, limit).await;
        let copy = copy.map_err(SinkError::new)?;
        let config = C1zSinkConfig {
            path: copy.path.clone(),
            ..self.config.clone()
        };
        let inner = C1zSink::new(config).begin(sync).await;
        let inner = inner.map_err(|error| explained(&copy, error))?;
        Ok(Box::new(BucketC1zWriter { inner, file, copy }))
    }
}

struct BucketC1zWriter {
    inner: Box<dyn SinkWriter>,
    file: BucketFile,
    copy: LocalCopy,
}

#[async_trait]
impl SinkWriter for BucketC1zWriter {
    fn baseline(&self) -> Option<Baseline> {
        self.inner.baseline()
    }

    fn origin(&self) -> SyncOrigin {
        self.inner.origin()
    }

    async fn compare(&mut self, current: &Arc<CurrentSync>) -> Result<Option<Comparison>, SinkError> {
        let compared = self.inner.compare(current).await;
        compared.map_err(|error| explained(&self.copy, error))
    }

    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError> {
        let written = self.inner.write(batch).await;
        written.map_err(|error| explained(&self.copy, error))
    }

    async fn prepare(&mut self, summary: &SyncSummary) -> Result<Prepared, SinkError> {
        let prepared = self.inner.prepare(summary).await;
        prepared.map_err(|error| explained(&self.copy, error))
    }

    async fn publish(self: Box<Self>) -> Result<Receipt, SinkError> {
        let Self { inner, file, copy } = *self;
        let sealed = inner.publish().await.map_err(|error| explained(&copy, error))?;
        let bytes = file.replace(&copy.path, copy.version.as_ref()).await;
        Ok(Receipt {
            location: file.url().to_string(),
            bytes: Some(bytes.map_err(SinkError::new)?),
            rows: sealed.rows,
        })
    }

    async fn quarantine(&mut self, summary: &SyncSummary) -> Result<Option<String>, SinkError> {
        let kept = self.inner.quarantine(summary).await;
        let Some(path) = kept.map_err(|error| explained(&self.copy, error))? else {
            return Ok(None);
        };
        let put = self.file.put_beside(Path::new(&path), ".candidate").await;
        put.map(Some).map_err(SinkError::new)
    }

    async fn abort(self: Box<Self>) {
        self.inner.abort().await;
    }
}

/// A failure of the local copy, with the URL in place of the path.
#[derive(Debug)]
struct Explained {
    message: String,
    inner: SinkError,
}

fn explained(copy: &LocalCopy, inner: SinkError) -> SinkError {
    SinkError::new(Explained {
        message: copy.renamed(&inner.to_string()),
        inner,
    })
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Explained {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source()
    }
}

impl Diagnostic for Explained {
    fn status(&self) -> StatusCode {
        self.inner.status()
    }

    fn retryable(&self) -> bool {
        self.inner.retryable()
    }

    fn hint(&self) -> Option<String> {
        self.inner.hint()
    }
}
