//! A bucket of an object store, through the `object_store` crate. Credentials, regions and endpoints come from the
//! clouds' usual environment variables.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

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
use tokio::io::AsyncWriteExt;
use url::Url;

use super::connector::Connector;
use super::{Store, Stored, Swap, Version};
use crate::error::DatasetError;

/// Bytes of one part of an upload. At 10,000 parts a file can be 80 GB.
const PART_BYTES: usize = 8 << 20;
/// Parts under way at a time.
const PARTS_AT_A_TIME: usize = 2;

/// How much of a store's own words is repeated, in bytes.
const LONGEST_REASON: usize = 600;

#[derive(Debug)]
pub(super) struct Bucket {
    url: Url,
    prefix: Key,
    store: Arc<dyn ObjectStore>,
}

impl Bucket {
    pub(super) fn open(url: &Url) -> Result<Self, DatasetError> {
        let place = url.to_string();
        let unusable = |reason: String| DatasetError::Unusable {
            place: place.clone(),
            reason,
        };
        let connector = Connector::new().map_err(&unusable)?;
        let store: Result<Arc<dyn ObjectStore>, Error> = match url.scheme() {
            "gs" => GoogleCloudStorageBuilder::from_env()
                .with_url(url.as_str())
                .with_retry(retry())
                .with_http_connector(connector)
                .build()
                .map(|store| Arc::new(store) as _),
            "az" => MicrosoftAzureBuilder::from_env()
                .with_url(url.as_str())
                .with_retry(retry())
                .with_http_connector(connector)
                .build()
                .map(|store| Arc::new(store) as _),
            _ => AmazonS3Builder::from_env()
                .with_url(url.as_str())
                .with_retry(retry())
                .with_http_connector(connector)
                .build()
                .map(|store| Arc::new(store) as _),
        };
        Ok(Self {
            prefix: Key::parse(url.path().trim_matches('/')).map_err(|error| unusable(error.to_string()))?,
            store: store.map_err(|error| unusable(chain(&error)))?,
            url: url.clone(),
        })
    }

    fn key(&self, path: &str) -> Key {
        path.split('/')
            .filter(|part| !part.is_empty())
            .fold(self.prefix.clone(), object_store::path::Path::join)
    }

    fn failed(&self, path: &str, error: &Error) -> DatasetError {
        let (place, reason) = (self.describe(path), chain(error));
        let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
        match error {
            _ if says(&[
                "InvalidAccessKeyId",
                "SignatureDoesNotMatch",
                "ExpiredToken",
                "169.254.169.254",
            ]) =>
            {
                DatasetError::Unauthenticated { place, reason }
            }
            Error::Unauthenticated { .. } => DatasetError::Unauthenticated { place, reason },
            Error::PermissionDenied { .. } => DatasetError::Denied { place, reason },
            Error::NotFound { .. } => DatasetError::Missing { place, reason },
            _ => DatasetError::Unavailable { place, reason },
        }
    }
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

/// An error with its causes, each said once, on one line; a store's XML answer as its code and message.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    let said: Vec<&str> = ["Code", "Message"]
        .iter()
        .filter_map(|name| element(&text, name))
        .collect();
    let text = if said.is_empty() {
        text.as_str()
    } else {
        &said.join(": ")
    };
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() > LONGEST_REASON {
        line.truncate(line.floor_char_boundary(LONGEST_REASON));
        line.push('…');
    }
    line
}

/// The text of the first XML element of a name.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once("</")?.0)
}

#[async_trait]
impl Store for Bucket {
    fn describe(&self, path: &str) -> String {
        let root = self.url.as_str().trim_end_matches('/');
        if path.is_empty() {
            root.to_owned()
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
                // What was uploaded of it costs money until it is given up; the error says more than a failure of that.
                let _ = upload.abort().await;
                Err(error)
            }
        };
        sent.map_err(
            |error| match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
                Some(inner) => self.failed(path, inner),
                None => DatasetError::Unavailable {
                    place: self.describe(path),
                    reason: chain(&error),
                },
            },
        )
    }

    async fn open(&self, path: &str, scratch: &Path) -> Result<File, DatasetError> {
        let failed = |error: Error| self.failed(path, &error);
        let answer = self.store.get(&self.key(path)).await.map_err(failed)?;
        let mut stream = answer.into_stream();
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

    async fn get(&self, path: &str) -> Result<Option<Stored>, DatasetError> {
        let answer = match self.store.get(&self.key(path)).await {
            Ok(answer) => answer,
            Err(error @ Error::NotFound { .. }) if chain(&error).contains("NoSuchBucket") => {
                return Err(self.failed("", &error));
            }
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.failed(path, &error)),
        };
        let version = Version {
            tag: answer.meta.e_tag.clone(),
            version: answer.meta.version.clone(),
        };
        let bytes = answer.bytes().await.map_err(|error| self.failed(path, &error))?;
        Ok(Some(Stored {
            bytes: bytes.into(),
            version,
        }))
    }

    async fn swap(&self, path: &str, bytes: Vec<u8>, was: Option<&Version>) -> Result<Swap, DatasetError> {
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
            Ok(_) => Ok(Swap::Done),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Swap::Changed),
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
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
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
