//! A bucket of an object store, through the `object_store` crate. Credentials, regions and endpoints come from the
//! clouds' usual environment variables.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use access_core::error_chain;
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::buffered::BufWriter;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path as Key;
use object_store::{
    BackoffConfig, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig, UpdateVersion,
};
use time::OffsetDateTime;
use tokio::io::AsyncWriteExt;

use super::Store;
use super::StoredObject;
use super::SwapOutcome;
use super::Version;
use super::environment::Environment;
use super::http_connector::Connector;
use super::http_connector::READ_TIMEOUT;
use super::location::BucketUrl;
use super::location::StoreKind;
use super::response::FailureClass;
use super::response::StoreResponse;
use super::response::one_line;
use crate::error::DatasetError;
use crate::manifest::POINTER;

/// Bytes of one part of an upload. At 10,000 parts a file can be 80 GB.
const PART_BYTES: usize = 8 << 20;
/// Parts under way at a time.
const PARTS_AT_A_TIME: usize = 2;

#[derive(Debug)]
pub(super) struct Bucket {
    url: BucketUrl,
    prefix: Key,
    store: Arc<dyn ObjectStore>,
}

impl Bucket {
    /// Opens a bucket, without a request.
    pub(super) fn open(url: &BucketUrl) -> Result<Self, DatasetError> {
        Self::open_with_timeout(url, READ_TIMEOUT)
    }

    /// The same with another read timeout, for requests that take long.
    pub(super) fn open_with_timeout(url: &BucketUrl, read_timeout: Duration) -> Result<Self, DatasetError> {
        let unusable = |reason: String| DatasetError::Unusable {
            location: url.to_string(),
            reason,
        };
        let environment = Environment::read(url.kind())?;
        let ca_bundle = environment.ca_bundle.as_deref().map(Path::new);
        let connector = Connector::new(url.ca_file().into_iter().chain(ca_bundle), read_timeout)?;
        let built = build(url, environment, connector);
        Ok(Self {
            prefix: Key::parse(url.prefix()).map_err(|error| unusable(error.to_string()))?,
            store: built.map_err(|error| unusable(one_line(&error_chain(&error))))?,
            url: url.clone(),
        })
    }

    /// Opens the bucket of a dataset. Earlier versions used another prefix for the same URL: if the dataset is there and not here, that is
    /// an error, because the new prefix would begin a dataset without a history.
    pub(super) async fn open_dataset(url: &BucketUrl) -> Result<Self, DatasetError> {
        let bucket = Self::open(url)?;
        if let Some(encoded) = url.encoded_prefix()
            && let Ok(prefix) = Key::parse(&encoded)
        {
            let earlier = Self {
                url: url.with_prefix(encoded),
                prefix,
                store: Arc::clone(&bucket.store),
            };
            if bucket.get(POINTER).await?.is_none() && earlier.get(POINTER).await?.is_some() {
                return Err(DatasetError::EncodedPrefix {
                    location: bucket.describe(""),
                    earlier: earlier.describe(""),
                });
            }
        }
        Ok(bucket)
    }

    /// Gives an object's bytes piece by piece. `None` if there is none.
    pub(super) async fn stream(
        &self,
        path: &str,
        max_bytes: u64,
        take: &mut (dyn FnMut(&[u8]) -> Result<(), DatasetError> + Send),
    ) -> Result<Option<Version>, DatasetError> {
        let failed = |error: Error| self.failed(path, &error);
        let error_response = match self.store.get(&self.key(path)).await {
            Ok(error_response) => error_response,
            Err(error @ Error::NotFound { .. })
                if StoreResponse::from_error(&error).meaning(&error) == FailureClass::NoObject =>
            {
                return Ok(None);
            }
            Err(error) => return Err(failed(error)),
        };
        let too_large = |bytes| DatasetError::ObjectTooLarge {
            location: self.describe(path),
            bytes,
            limit: max_bytes,
        };
        if error_response.meta.size > max_bytes {
            return Err(too_large(error_response.meta.size));
        }
        let version = Version {
            tag: error_response.meta.e_tag.clone(),
            version: error_response.meta.version.clone(),
        };
        let mut stream = error_response.into_stream();
        let mut total = 0;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(failed)?;
            total += chunk.len() as u64;
            if total > max_bytes {
                return Err(too_large(total));
            }
            take(&chunk)?;
        }
        Ok(Some(version))
    }

    fn key(&self, path: &str) -> Key {
        path.split('/')
            .filter(|part| !part.is_empty())
            .fold(self.prefix.clone(), object_store::path::Path::join)
    }

    fn failed(&self, path: &str, error: &Error) -> DatasetError {
        let (location, response) = (self.describe(path), StoreResponse::from_error(error));
        let reason = response.short_reason();
        match response.meaning(error) {
            FailureClass::WrongRegion => DatasetError::WrongRegion {
                location: self.describe(""),
                region: response.region,
                reason,
            },
            FailureClass::NoBucket => DatasetError::Missing {
                location: self.describe(""),
                reason,
            },
            meaning => meaning.error_at(location, reason),
        }
    }
}

/// The library's store, configured by the validated environment.
fn build(
    url: &BucketUrl,
    environment: Environment,
    connector: Connector,
) -> Result<Arc<dyn ObjectStore>, Error> {
    let settings = environment.settings.into_iter();
    // Plain HTTP was checked already.
    Ok(match url.kind() {
        StoreKind::Gcs => {
            let mut builder = GoogleCloudStorageBuilder::new();
            for (key, value) in settings {
                builder = builder.with_config(key.parse()?, value);
            }
            let builder = builder.with_bucket_name(url.bucket()).with_retry(retry());
            Arc::new(builder.with_http_connector(connector).build()?)
        }
        StoreKind::Azure => {
            let mut builder = MicrosoftAzureBuilder::new();
            for (key, value) in settings {
                builder = builder.with_config(key.parse()?, value);
            }
            let builder = builder
                .with_container_name(url.bucket())
                .with_allow_http(true)
                .with_retry(retry());
            Arc::new(builder.with_http_connector(connector).build()?)
        }
        StoreKind::S3 => {
            let mut builder = AmazonS3Builder::new();
            for (key, value) in settings {
                builder = builder.with_config(key.parse()?, value);
            }
            let builder = builder
                .with_bucket_name(url.bucket())
                .with_allow_http(true)
                .with_retry(retry());
            Arc::new(builder.with_http_connector(connector).build()?)
        }
    })
}

/// A few tries within half a minute; after that a person should know.
fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        max_retries: 4,
        retry_timeout: Duration::from_secs(30),
    }
}

#[async_trait]
impl Store for Bucket {
    fn describe(&self, path: &str) -> String {
        let root = &self.url;
        if path.is_empty() {
            root.to_string()
        } else {
            format!("{root}/{path}")
        }
    }

    async fn put_file(&self, path: &str, from: &Path) -> Result<(), DatasetError> {
        let reading = |error| DatasetError::io(from, error);
        let mut file = tokio::fs::File::open(from).await.map_err(reading)?;
        let mut upload = BufWriter::with_capacity(Arc::clone(&self.store), self.key(path), PART_BYTES)
            .with_max_concurrency(PARTS_AT_A_TIME);
        let sent = match tokio::io::copy_buf(
            &mut tokio::io::BufReader::with_capacity(1 << 20, &mut file),
            &mut upload,
        )
        .await
        {
            Ok(_) => upload.shutdown().await,
            Err(error) => {
                // The uploaded parts cost money until they are removed. The error matters more than a failure of that.
                let _ = upload.abort().await;
                Err(error)
            }
        };
        sent.map_err(
            |error| match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
                Some(inner) => self.failed(path, inner),
                None => DatasetError::Unavailable {
                    location: self.describe(path),
                    reason: one_line(&error_chain(&error)),
                },
            },
        )
    }

    async fn open(&self, path: &str, scratch: &Path) -> Result<File, DatasetError> {
        let failed = |error: Error| self.failed(path, &error);
        let error_response = self.store.get(&self.key(path)).await.map_err(failed)?;
        let mut stream = error_response.into_stream();
        let unwritable = |error: io::Error| DatasetError::io(scratch, error);
        let mut copy = tempfile::tempfile_in(scratch).map_err(unwritable)?;
        while let Some(chunk) = stream.next().await {
            copy.write_all(&chunk.map_err(failed)?).map_err(unwritable)?;
        }
        copy.seek(SeekFrom::Start(0)).map_err(unwritable)?;
        Ok(copy)
    }

    async fn put(&self, path: &str, bytes: Vec<u8>) -> Result<(), DatasetError> {
        let stored = self.store.put(&self.key(path), bytes.into()).await;
        stored.map(|_| ()).map_err(|error| self.failed(path, &error))
    }

    async fn get(&self, path: &str) -> Result<Option<StoredObject>, DatasetError> {
        let error_response = match self.store.get(&self.key(path)).await {
            Ok(error_response) => error_response,
            Err(error @ Error::NotFound { .. })
                if StoreResponse::from_error(&error).meaning(&error) == FailureClass::NoObject =>
            {
                return Ok(None);
            }
            Err(error) => return Err(self.failed(path, &error)),
        };
        let version = Version {
            tag: error_response.meta.e_tag.clone(),
            version: error_response.meta.version.clone(),
        };
        let modified =
            OffsetDateTime::from_unix_timestamp(error_response.meta.last_modified.timestamp()).ok();
        let bytes = error_response
            .bytes()
            .await
            .map_err(|error| self.failed(path, &error))?;
        Ok(Some(StoredObject {
            bytes: bytes.into(),
            version,
            modified,
        }))
    }

    async fn swap(
        &self,
        path: &str,
        bytes: Vec<u8>,
        was: Option<&Version>,
    ) -> Result<SwapOutcome, DatasetError> {
        let mode = match was {
            None => PutMode::Create,
            Some(was) => PutMode::Update(UpdateVersion {
                e_tag: was.tag.clone(),
                version: was.version.clone(),
            }),
        };
        let key = self.key(path);
        match self
            .store
            .put_opts(&key, bytes.into(), PutOptions::from(mode))
            .await
        {
            Ok(_) => Ok(SwapOutcome::Done),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(SwapOutcome::Changed),
            Err(error) => Err(self.failed(path, &error)),
        }
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, DatasetError> {
        let top = self.key(folder);
        let listed = self.store.list(Some(&top));
        let mut paths: Vec<String> = listed
            .try_filter_map(|meta| async move {
                let parts = meta.location.prefix_match(&self.prefix);
                Ok(parts.map(|parts| {
                    parts
                        .map(|part| part.as_ref().to_owned())
                        .collect::<Vec<_>>()
                        .join("/")
                }))
            })
            .try_collect()
            .await
            .map_err(|error| self.failed(folder, &error))?;
        paths.sort_unstable();
        Ok(paths)
    }

    async fn delete(&self, path: &str) -> Result<(), DatasetError> {
        match self.store.delete(&self.key(path)).await {
            Ok(()) => Ok(()),
            Err(error @ Error::NotFound { .. })
                if StoreResponse::from_error(&error).meaning(&error) == FailureClass::NoObject =>
            {
                Ok(())
            }
            Err(error) => Err(self.failed(path, &error)),
        }
    }

    fn is_exclusive(&self) -> bool {
        false
    }

    fn scratch(&self) -> Option<&Path> {
        None
    }
}
