//! Where a dataset lives: a folder, or a bucket of an object store.

mod contained;
mod environment;
mod http_connector;
mod local;
mod location;
mod object;
mod object_store;
mod open;
mod redact;
mod response;

pub(crate) use contained::MAX_OBJECT_BYTES;
use std::fs::File;
use std::path::Path;

use async_trait::async_trait;
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::error::DatasetError;
pub use environment::document as document_cloud_variables;
pub use environment::secret_cloud_variables;
pub use location::{BucketUrl, Location, LocationError, StoreKind};
pub use object::{BucketFile, ObjectVersion};
pub(crate) use open::{open, open_to_read};

/// The prefix of the names of scratch folders.
pub(crate) const SCRATCH: &str = "_scratch-";

/// The version of a small object when it was read, for a conditional replacement.
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

/// The result of a conditional replacement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SwapOutcome {
    Done,
    /// Another version is there.
    Changed,
}

/// A store of files. Paths are relative to the root, with `/`.
#[async_trait]
pub(crate) trait Store: Send + Sync + std::fmt::Debug {
    /// The location of a path, for people.
    fn describe(&self, path: &str) -> String;

    /// Stores a file durably.
    async fn put_file(&self, path: &str, from: &Path) -> Result<(), DatasetError>;

    /// Opens a stored file; a bucket's file is copied into `scratch` first.
    async fn open(&self, path: &str, scratch: &Path) -> Result<File, DatasetError>;

    /// Stores a small object durably, whatever was there.
    async fn put(&self, path: &str, bytes: Vec<u8>) -> Result<(), DatasetError>;

    /// Reads a small object.
    async fn get(&self, path: &str) -> Result<Option<StoredObject>, DatasetError>;

    /// Replaces a small object atomically, if its version is unchanged.
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

/// A folder for temporary files that other users cannot read.
pub(crate) fn private_folder(parent: &Path) -> std::io::Result<TempDir> {
    let mut folder = tempfile::Builder::new();
    folder.prefix(SCRATCH);
    // Otherwise other users could read it, as the umask allows.
    #[cfg(unix)]
    folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    folder.tempdir_in(parent)
}
