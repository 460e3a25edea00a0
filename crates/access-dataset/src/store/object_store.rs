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
use super::redact::without_secrets;
use crate::error::DatasetError;
use crate::manifest::POINTER;

/// Bytes of one part of an upload. At 10,000 parts a file can be 80 GB.
const PART_BYTES: usize = 8 << 20;
/// Parts under way at a time.
const PARTS_AT_A_TIME: usize = 2;

/// The longest quotation of a store's message, in bytes.
const LONGEST_REASON: usize = 600;

#[derive(Debug)]
pub(super) struct Bucket {
    url: BucketUrl,
    prefix: Key,
    store: Arc<dyn ObjectStore>,
}

impl Bucket {
    /// Opens a bucket, without a request.
    pub(super) fn open(url: &BucketUrl) -> Result<Self, DatasetError> {
        Self::open_patient(url, READ_TIMEOUT)
    }

    /// The same with another read timeout, for requests that take long.
    pub(super) fn open_patient(url: &BucketUrl, read_timeout: Duration) -> Result<Self, DatasetError> {
        let unusable = |reason: String| DatasetError::Unusable {
            place: url.to_string(),
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
                    place: bucket.describe(""),
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
        let answer = match self.store.get(&self.key(path)).await {
            Ok(answer) => answer,
            Err(error @ Error::NotFound { .. })
                if StoreResponse::by(&error).meaning(&error) == FailureClass::NoObject =>
            {
                return Ok(None);
            }
            Err(error) => return Err(failed(error)),
        };
        let too_large = |bytes| DatasetError::ObjectTooLarge {
            place: self.describe(path),
            bytes,
            limit: max_bytes,
        };
        if answer.meta.size > max_bytes {
            return Err(too_large(answer.meta.size));
        }
        let version = Version {
            tag: answer.meta.e_tag.clone(),
            version: answer.meta.version.clone(),
        };
        let mut stream = answer.into_stream();
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
        let (place, said) = (self.describe(path), StoreResponse::by(error));
        match said.meaning(error) {
            FailureClass::WrongRegion => DatasetError::WrongRegion {
                place: self.describe(""),
                region: said.region,
                reason: said.reason,
            },
            FailureClass::NoBucket => DatasetError::Missing {
                place: self.describe(""),
                reason: said.reason,
            },
            meaning => meaning.error_at(place, said.reason),
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

/// A store's response to a failed request.
struct StoreResponse {
    /// Its code, e.g. `NoSuchBucket`.
    code: Option<String>,
    /// The HTTP status.
    status: Option<u16>,
    /// The region that it names.
    region: Option<String>,
    /// On one line, for people.
    reason: String,
}

/// The class of a failure. Only failures that may pass are [`Self::Unavailable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FailureClass {
    WrongRegion,
    NoBucket,
    NoObject,
    Unauthenticated,
    Denied,
    ChecksumRequired,
    WrongClock,
    Unsupported,
    Refused,
    Unavailable,
}

impl FailureClass {
    fn error_at(self, place: String, reason: String) -> DatasetError {
        match self {
            Self::WrongRegion => DatasetError::WrongRegion {
                place,
                reason,
                region: None,
            },
            Self::NoBucket | Self::NoObject => DatasetError::Missing { place, reason },
            Self::Unauthenticated => DatasetError::Unauthenticated { place, reason },
            Self::Denied => DatasetError::Denied { place, reason },
            Self::ChecksumRequired => DatasetError::ChecksumRequired { place, reason },
            Self::WrongClock => DatasetError::WrongClock { place, reason },
            Self::Unsupported => DatasetError::Unsupported { place, reason },
            Self::Refused => DatasetError::Refused { place, reason },
            Self::Unavailable => DatasetError::Unavailable { place, reason },
        }
    }
}

impl StoreResponse {
    fn by(error: &Error) -> Self {
        let text = error_chain(error);
        let region = element(&text, "Region").or_else(|| {
            let (_, rest) = text.split_once("expecting '")?;
            Some(rest.split_once('\'')?.0)
        });
        let status = text.split_once("status code: ");
        Self {
            code: element(&text, "Code").map(str::to_owned),
            status: status.and_then(|(_, rest)| rest.get(..3)?.parse().ok()),
            region: region.filter(|region| !region.is_empty()).map(str::to_owned),
            reason: one_line(&text),
        }
    }

    /// The class by the store's code if it sends one: its status and the library's error are less precise.
    fn meaning(&self, error: &Error) -> FailureClass {
        let says = |words: &str| self.reason.contains(words);
        match self.code.as_deref().unwrap_or_default() {
            "PermanentRedirect" | "IllegalLocationConstraintException" => return FailureClass::WrongRegion,
            "AuthorizationHeaderMalformed" if self.region.is_some() || says("region") => {
                return FailureClass::WrongRegion;
            }
            "NoSuchBucket" | "ContainerNotFound" => return FailureClass::NoBucket,
            "NoSuchKey" | "NoSuchVersion" | "BlobNotFound" => return FailureClass::NoObject,
            "RequestTimeTooSkewed" | "RequestExpired" => return FailureClass::WrongClock,
            // Azure's code for a wrong key and for a wrong time is the same.
            "AuthenticationFailed" if says("date header") => return FailureClass::WrongClock,
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "TokenRefreshRequired"
            | "AuthorizationHeaderMalformed"
            | "AuthenticationFailed"
            | "AuthorizationFailure"
            | "InvalidAuthenticationInfo"
            | "NoAuthenticationInformation" => return FailureClass::Unauthenticated,
            "InvalidRequest" | "MissingContentMD5" if says("Content-MD5") || says("checksum") => {
                return FailureClass::ChecksumRequired;
            }
            "NotImplemented" => return FailureClass::Unsupported,
            _ => {}
        }
        match error {
            // There are no credentials in a file, and no metadata service of a cloud answers.
            _ if says("169.254.169.254") || says("Failed to read token file") => {
                FailureClass::Unauthenticated
            }
            Error::Unauthenticated { .. } => FailureClass::Unauthenticated,
            Error::PermissionDenied { .. } => FailureClass::Denied,
            // A proxy can answer so; only the store itself, by its code, can state that an object does not exist.
            Error::NotFound { .. } => FailureClass::Unavailable,
            Error::NotImplemented { .. } | Error::NotSupported { .. } => FailureClass::Unsupported,
            _ if says("ETag Header missing") || says("ETag required") => FailureClass::Unsupported,
            // Lists and removals of many say no more than this.
            _ => match self.status {
                Some(401) => FailureClass::Unauthenticated,
                Some(403) => FailureClass::Denied,
                Some(501) => FailureClass::Unsupported,
                // A proxy's 404, timeout, conflict with another request, too early, too many.
                Some(404 | 408 | 409 | 412 | 425 | 429) => FailureClass::Unavailable,
                Some(400..=499) => FailureClass::Refused,
                _ => FailureClass::Unavailable,
            },
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

/// An error with its causes, each once.
fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// A message on one line and without secrets; a store's XML response as its code and message.
fn one_line(text: &str) -> String {
    let said: Vec<&str> = ["Code", "Message"]
        .iter()
        .filter_map(|name| element(text, name))
        .collect();
    let text = if said.is_empty() { text } else { &said.join(": ") };
    let text = without_secrets(text);
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() > LONGEST_REASON {
        line.truncate(line.floor_char_boundary(LONGEST_REASON));
        line.push('…');
    }
    line
}

/// The text of the first XML element of a name.
pub(super) fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once("</")?.0)
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
                    place: self.describe(path),
                    reason: one_line(&error_chain(&error)),
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

    async fn get(&self, path: &str) -> Result<Option<StoredObject>, DatasetError> {
        let answer = match self.store.get(&self.key(path)).await {
            Ok(answer) => answer,
            Err(error @ Error::NotFound { .. })
                if StoreResponse::by(&error).meaning(&error) == FailureClass::NoObject =>
            {
                return Ok(None);
            }
            Err(error) => return Err(self.failed(path, &error)),
        };
        let version = Version {
            tag: answer.meta.e_tag.clone(),
            version: answer.meta.version.clone(),
        };
        let modified = OffsetDateTime::from_unix_timestamp(answer.meta.last_modified.timestamp()).ok();
        let bytes = answer.bytes().await.map_err(|error| self.failed(path, &error))?;
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
                if StoreResponse::by(&error).meaning(&error) == FailureClass::NoObject =>
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A response as the store's library reports it.
    fn answer(status: u16, body: &str) -> Error {
        let words = format!("Server returned non-2xx status code: {status} Words: {body}");
        let source = io::Error::other(words).into();
        let path = String::new();
        match status {
            401 => Error::Unauthenticated { path, source },
            403 => Error::PermissionDenied { path, source },
            404 => Error::NotFound { path, source },
            409 => Error::AlreadyExists { path, source },
            412 => Error::Precondition { path, source },
            _ => Error::Generic { store: "S3", source },
        }
    }

    fn said(code: &str, message: &str) -> String {
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>")
    }

    #[test]
    fn what_never_gets_better_is_not_unavailable() {
        use FailureClass::*;

        let malformed = "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-central-1'";
        let locked = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters";
        let old = "Request date header too old: 'Mon, 30 Nov 2026 12:00:00 GMT'";
        let azure = "Server failed to authenticate the request.";
        for (status, code, message, meaning) in [
            (400, "PermanentRedirect", "look elsewhere", WrongRegion),
            (400, "AuthorizationHeaderMalformed", malformed, WrongRegion),
            (
                400,
                "AuthorizationHeaderMalformed",
                "no credential",
                Unauthenticated,
            ),
            (400, "InvalidRequest", locked, ChecksumRequired),
            (400, "InvalidRequest", "something else", Refused),
            (400, "InvalidArgument", "no", Refused),
            (403, "RequestTimeTooSkewed", "too large", WrongClock),
            (403, "AuthenticationFailed", old, WrongClock),
            (403, "AuthenticationFailed", azure, Unauthenticated),
            (403, "AuthorizationFailure", "not authorized", Unauthenticated),
            (403, "InvalidAccessKeyId", "no such key", Unauthenticated),
            (403, "AuthorizationPermissionMismatch", "no", Denied),
            (403, "AccessDenied", "no", Denied),
            (404, "NoSuchBucket", "no", NoBucket),
            (404, "ContainerNotFound", "no", NoBucket),
            (404, "BlobNotFound", "no", NoObject),
            (404, "NoSuchKey", "no", NoObject),
            (404, "", "not found", Unavailable),
            (404, "RouteNotFound", "a proxy's", Unavailable),
            (501, "NotImplemented", "a header", Unsupported),
            (501, "Other", "a header", Unsupported),
            (500, "InternalError", "sorry", Unavailable),
            (503, "SlowDown", "sorry", Unavailable),
            (429, "TooManyRequests", "sorry", Unavailable),
            (409, "OperationAborted", "sorry", Unavailable),
        ] {
            let error = answer(status, &said(code, message));
            assert_eq!(
                StoreResponse::by(&error).meaning(&error),
                meaning,
                "{status} {code}: {message}"
            );
        }
        let region = StoreResponse::by(&answer(400, &said("AuthorizationHeaderMalformed", malformed))).region;
        assert_eq!(region.as_deref(), Some("eu-central-1"));
        for (words, meaning) in [
            (
                "Unable to extract metadata from headers: ETag Header missing from response",
                Unsupported,
            ),
            (
                "Failed to read token file '/var/run/token': No such file or directory",
                Unauthenticated,
            ),
            ("error sending request: connection refused", Unavailable),
        ] {
            let error = Error::Generic {
                store: "S3",
                source: io::Error::other(words).into(),
            };
            assert_eq!(StoreResponse::by(&error).meaning(&error), meaning, "{words}");
        }
    }
}
