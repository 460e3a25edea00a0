//! Where a dataset lives: a folder, or a bucket of an object store.

mod contained;
mod environment;
mod http_connector;
mod local;
mod location;
mod object;
mod object_store;
mod redact;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::error::DatasetError;
pub use environment::document as document_cloud_variables;
pub use environment::secret_cloud_variables;
pub use location::{BucketUrl, Location, LocationError, StoreKind};
pub use object::{BucketFile, ObjectVersion};

/// How the names of scratch folders begin.
pub(crate) const SCRATCH: &str = "_scratch-";

/// What a small object held when it was read, so that it is only replaced if it still does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    tag: Option<String>,
    version: Option<String>,
}

#[cfg(any(test, fuzzing))]
impl Version {
    /// That of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self {
            tag: Some(String::from_utf8_lossy(bytes).into_owned()),
            version: None,
        }
    }
}

/// A small object.
#[derive(Debug, Clone)]
pub(crate) struct StoredObject {
    pub(crate) bytes: Vec<u8>,
    pub(crate) version: Version,
    /// When it was stored, by the store's own clock; of no use in a folder.
    pub(crate) modified: Option<OffsetDateTime>,
}

/// What became of the attempt to replace a small object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SwapOutcome {
    Done,
    /// It is no longer what it was.
    Changed,
}

/// A place for files. Paths are relative to the root, with `/`.
#[async_trait]
pub(crate) trait Store: Send + Sync + std::fmt::Debug {
    /// The place, for people.
    fn describe(&self, path: &str) -> String;

    /// Stores a file durably.
    async fn put_file(&self, path: &str, from: &Path) -> Result<(), DatasetError>;

    /// Opens what is stored there; a copy of it is made in `scratch` where it cannot be opened in its place.
    async fn open(&self, path: &str, scratch: &Path) -> Result<File, DatasetError>;

    /// Stores a small object durably, whatever was there.
    async fn put(&self, path: &str, bytes: Vec<u8>) -> Result<(), DatasetError>;

    /// Reads a small object.
    async fn get(&self, path: &str) -> Result<Option<StoredObject>, DatasetError>;

    /// Replaces a small object if it is still what it was, all at once.
    async fn swap(
        &self,
        path: &str,
        bytes: Vec<u8>,
        was: Option<&Version>,
    ) -> Result<SwapOutcome, DatasetError>;

    /// The paths that begin with a folder.
    async fn list(&self, folder: &str) -> Result<Vec<String>, DatasetError>;

    /// Removes a file; one that is not there is removed already.
    async fn delete(&self, path: &str) -> Result<(), DatasetError>;

    /// Whether no other run can be writing here as long as this store is open.
    fn is_exclusive(&self) -> bool;

    /// A folder from which files can be moved into the store instead of being copied.
    fn scratch(&self) -> Option<&Path>;
}

/// Opens a place that is only read. A folder must be there, and is not locked.
pub(crate) async fn open_to_read(location: &Location) -> Result<Arc<dyn Store>, DatasetError> {
    Ok(match location {
        Location::Folder(path) => Arc::new(local::Folder::open_to_read(path.clone()).await?),
        Location::Bucket(url) => Arc::new(object_store::Bucket::open_dataset(url).await?),
    })
}

/// A folder for temporary files that nobody else can look into.
pub(crate) fn private_folder(parent: &Path) -> std::io::Result<TempDir> {
    let mut folder = tempfile::Builder::new();
    folder.prefix(SCRATCH);
    // Without this others could read what is in it, as the umask allows.
    #[cfg(unix)]
    folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    folder.tempdir_in(parent)
}

/// Opens a place. A folder is made if need be, and locked.
pub(crate) async fn open(location: &Location) -> Result<Arc<dyn Store>, DatasetError> {
    Ok(match location {
        Location::Folder(path) => Arc::new(local::Folder::open(path.clone()).await?),
        Location::Bucket(url) => Arc::new(object_store::Bucket::open_dataset(url).await?),
    })
}
