//! Errors of datasets and of their file formats.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use access_core::location::LocationConflict;
use access_core::memory::MemoryExhausted;
use access_core::{Diagnostic, EXHAUSTED_HINT, StatusCode, is_exhausted};

use crate::schema::Table;

/// The error of a format's library.
pub type FormatError = Box<dyn Error + Send + Sync>;

/// Reading a file would take more memory than allowed.
#[derive(Debug, thiserror::Error)]
#[error("{0}, which is more than can be read")]
pub struct FormatTooLarge(pub String);

/// Why a dataset could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The location is a file where a folder is needed, or its parent is not a folder.
    #[error("{location} is not a folder")]
    NotAFolder {
        /// The path.
        location: String,
    },
    /// Another run publishes to the same location.
    #[error("another run is publishing to {location}")]
    Locked {
        /// The root.
        location: String,
    },
    /// The store cannot be used as it is set up.
    #[error("{location} cannot be used: {reason}")]
    Unusable {
        /// The store.
        location: String,
        /// Why.
        reason: String,
    },
    /// An environment variable for a store has an unusable value.
    #[error("{variable}: {reason}")]
    CloudVariable {
        /// The variable.
        variable: String,
        /// Why not; never its value.
        reason: String,
    },
    /// Data would leave this machine in plain text.
    #[error(
        "{variable} names a store over plain HTTP: names, access and session tokens would be sent unencrypted"
    )]
    PlainHttp {
        /// The variable that names the store.
        variable: String,
        /// The variable that allows it.
        leave: &'static str,
    },
    /// The file with certificate authorities cannot be used.
    #[error("cannot use the certificate authorities in {}: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// An earlier version of this program wrote the dataset to another prefix for the same URL.
    #[error(
        "{location} is empty, but {earlier} holds a dataset: earlier versions percent-encoded the prefix"
    )]
    EncodedPrefix {
        /// The location.
        location: String,
        /// Where the dataset is.
        earlier: String,
    },
    /// Another writer replaced a file in a bucket since it was read.
    #[error("another process replaced {location} during the run")]
    ObjectChanged {
        /// The file.
        location: String,
    },
    /// A file in a bucket is larger than may be read or written.
    #[error("{location} has {bytes} bytes, more than {limit}")]
    ObjectTooLarge {
        /// The file.
        location: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The bucket or container is not there.
    #[error("there is no {location}: {reason}")]
    Missing {
        /// The object or bucket of the request.
        location: String,
        /// The store's own message.
        reason: String,
    },
    /// The credentials were not accepted, or there are none.
    #[error("{location} did not accept the credentials: {reason}")]
    Unauthenticated {
        /// The object or bucket of the request.
        location: String,
        /// The store's own message.
        reason: String,
    },
    /// Reading or writing is not allowed.
    #[error("no permission for {location}: {reason}")]
    PermissionDenied {
        /// The object or bucket of the request.
        location: String,
        /// The store's own message.
        reason: String,
    },
    /// The disk is full.
    #[error("no space left for {location}")]
    NoSpace {
        /// The object of the write.
        location: String,
    },
    /// The system has run out of something else: memory, open files, threads, the size that a file may have.
    #[error("{location}: {source}")]
    Exhausted {
        /// The operation or the path.
        location: String,
        /// The system's error.
        source: io::Error,
    },
    /// Any other failure of the file system.
    #[error("{location}: {source}")]
    Io {
        /// The path.
        location: String,
        /// Why.
        source: io::Error,
    },
    /// The pointer was moved, but the disk did not confirm it.
    #[error("{pointer} names the new sync, but the disk did not confirm it: {reason}")]
    DurabilityUnknown {
        /// The pointer.
        pointer: String,
        /// The system's error.
        reason: String,
    },
    /// The store failed, and so did the retry.
    #[error("{location} failed: {reason}")]
    Unavailable {
        /// The object or bucket of the request.
        location: String,
        /// The store's own message.
        reason: String,
    },
    /// The store does not know the bucket in this region.
    #[error("{location} is in another region: {reason}")]
    WrongRegion {
        /// The object or bucket of the request.
        location: String,
        /// The store's own message.
        reason: String,
        /// The region that the store names.
        region: Option<String>,
    },
    /// The store wants a checksum with every upload, as buckets with Object Lock do.
    #[error("{location} requires a checksum for uploads: {reason}")]
    ChecksumRequired {
        /// The object or bucket of the request.
        location: String,
        /// The store's own message.
        reason: String,
    },
    /// The clocks of this machine and of the store are too far apart.
    #[error("{location} refused the time of the request: {reason}")]
    WrongClock {
        /// The object or bucket of the request.
        location: String,
        /// The store's own message.
        reason: String,
    },
    /// The store refused a request that it will never accept.
    #[error("{location} refused the request: {reason}")]
    Refused {
        /// The object or bucket of the request.
        location: String,
        /// The store's own message.
        reason: String,
    },
    /// The store cannot replace the pointer safely.
    #[error(
        "this store cannot replace the pointer safely; it needs conditional writes: {location}: {reason}"
    )]
    Unsupported {
        /// The operation.
        location: String,
        /// Its result.
        reason: String,
    },
    /// The location holds something else, see [`LocationConflict`].
    #[error("cannot write this sync to {location}: {conflict}")]
    Conflict {
        /// The root.
        location: String,
        /// How it conflicts.
        #[source]
        conflict: LocationConflict,
    },
    /// A full sync that is not later than the published one, such as an export of an earlier sync.
    #[error(
        "sync {sync_id} cannot become the latest in {location}: it began before the sync {latest} ended, which is the latest"
    )]
    Outdated {
        /// The sync.
        sync_id: String,
        /// The root.
        location: String,
        /// The sync that the pointer names.
        latest: String,
    },
    /// A full sync that the pointer does not lead to.
    #[error(
        "sync {sync_id} in {location} is not linked: it cannot be reached from the pointer, so its integrity is not proven"
    )]
    Unlinked {
        /// The sync.
        sync_id: String,
        /// The root.
        location: String,
    },
    /// The pointer was moved, and then another run replaced it.
    #[error("another process replaced {pointer} right after this run had moved it; it names sync {to}")]
    Overtaken {
        /// The pointer.
        pointer: String,
        /// The sync that it names now.
        to: String,
    },
    /// Another run moved the pointer since this run began.
    #[error("another process moved {pointer} during the run, to sync {to}")]
    PointerConflict {
        /// The pointer.
        pointer: String,
        /// The sync that it names now.
        to: String,
    },
    /// The same sync was published with other content.
    #[error("sync {sync_id} already exists in {location} with different content")]
    ContentConflict {
        /// The sync.
        sync_id: String,
        /// The root.
        location: String,
    },
    /// The pointer or a manifest cannot be read.
    #[error("{location} is damaged: {reason}")]
    Damaged {
        /// The file.
        location: String,
        /// The problem.
        reason: String,
    },
    /// The bytes that were read back differ from those that were written.
    #[error("verification of {location} failed: expected {written}, found {found}")]
    ReadBackMismatch {
        /// The file.
        location: String,
        /// The bytes that were read.
        found: String,
        /// The bytes that were written.
        written: String,
    },
    /// A file of a table cannot be written.
    #[error("cannot write the {format} file of {dataset}: {source}")]
    Format {
        /// The format.
        format: &'static str,
        /// The table.
        dataset: Table,
        /// Why.
        source: FormatError,
    },
    /// Files of a format that this program cannot read.
    #[error("files of the format `{name}` cannot be read")]
    UnknownFormat {
        /// Its name in the manifest.
        name: String,
    },
    /// The location has no dataset, or not the requested sync.
    #[error("there is no {what} in {location}")]
    NotFound {
        /// The root.
        location: String,
        /// What is missing.
        what: String,
    },
    /// Rows that do not hang together. The pipeline's checks rule that out.
    #[error("cannot encode rows: {reason}")]
    Rows {
        /// The problem.
        reason: String,
    },
    /// Reading a file would take more memory than allowed.
    #[error("{location}: {reason}")]
    TooLarge {
        /// The file.
        location: String,
        /// Which part is too large.
        reason: String,
    },
    /// The memory budget was spent while rows were read.
    #[error("{location}: {spent}")]
    MemoryExhausted {
        /// The file, or the root.
        location: String,
        /// The memory in use.
        spent: MemoryExhausted,
    },
    /// A worker thread ended without saying why.
    #[error("the thread that writes the dataset ended unexpectedly")]
    WorkerPanicked,
    /// The run was stopped.
    #[error("stopped on request")]
    Stopped,
}

impl DatasetError {
    /// Rows that do not fit their columns.
    pub(crate) fn rows(error: &arrow::error::ArrowError) -> Self {
        Self::Rows {
            reason: error.to_string(),
        }
    }

    /// A value that cannot be written as JSON.
    pub(crate) fn json(error: &serde_json::Error) -> Self {
        Self::Rows {
            reason: error.to_string(),
        }
    }

    /// A pointer, manifest or file that cannot be read as what it should be.
    pub(crate) fn damaged(location: &str, reason: impl Into<String>) -> Self {
        Self::Damaged {
            location: location.to_owned(),
            reason: reason.into(),
        }
    }

    /// A failure of the file system at a path.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let location = path.display().to_string();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { location },
            _ if is_exhausted(&source) => Self::Exhausted { location, source },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::PermissionDenied {
                location,
                reason: source.to_string(),
            },
            io::ErrorKind::NotADirectory => Self::NotAFolder { location },
            io::ErrorKind::Interrupted => Self::Stopped,
            _ => Self::Io { location, source },
        }
    }

    /// No thread can be started.
    pub(crate) fn thread(source: io::Error) -> Self {
        Self::Exhausted {
            location: "no thread can be started".to_owned(),
            source,
        }
    }

    /// A failure of temporary files in a folder.
    pub(crate) fn scratch(folder: &Path, source: io::Error) -> Self {
        if !is_exhausted(&source) && source.kind() == io::ErrorKind::Other {
            let reason = source.to_string();
            return Self::Rows { reason };
        }
        Self::io(&scratch_of(folder), source)
    }
}

/// Which credentials each type of store needs.
fn credentials_hint(location: &str) -> &'static str {
    match location.split_once("://") {
        Some(("gs", _)) => {
            "set GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_SERVICE_ACCOUNT to a file with a valid key"
        }
        Some(("az", _)) => {
            "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or other Azure credentials"
        }
        _ => "set the store's usual variables, e.g. AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    }
}

fn scratch_of(folder: &Path) -> PathBuf {
    folder.join("(temporary files)")
}

impl Diagnostic for DatasetError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotAFolder { .. }
            | Self::Unusable { .. }
            | Self::CloudVariable { .. }
            | Self::PlainHttp { .. }
            | Self::CaFile { .. }
            | Self::WrongRegion { .. } => StatusCode::InvalidArgument,
            Self::Locked { .. }
            | Self::PointerConflict { .. }
            | Self::Overtaken { .. }
            | Self::ObjectChanged { .. } => StatusCode::Aborted,
            Self::Missing { .. } | Self::NotFound { .. } => StatusCode::NotFound,
            Self::UnknownFormat { .. } | Self::Unsupported { .. } => StatusCode::Unimplemented,
            Self::ChecksumRequired { .. }
            | Self::WrongClock { .. }
            | Self::Refused { .. }
            | Self::Outdated { .. }
            | Self::EncodedPrefix { .. }
            | Self::Unlinked { .. } => StatusCode::FailedPrecondition,
            Self::Conflict { conflict, .. } => conflict.status(),
            Self::Unauthenticated { .. } => StatusCode::Unauthenticated,
            Self::PermissionDenied { .. } => StatusCode::PermissionDenied,
            Self::NoSpace { .. }
            | Self::Exhausted { .. }
            | Self::ObjectTooLarge { .. }
            | Self::TooLarge { .. }
            | Self::MemoryExhausted { .. } => StatusCode::ResourceExhausted,
            Self::Io { .. } | Self::DurabilityUnknown { .. } => StatusCode::Unknown,
            Self::Unavailable { .. } => StatusCode::Unavailable,
            Self::ContentConflict { .. } => StatusCode::AlreadyExists,
            Self::Damaged { .. } | Self::ReadBackMismatch { .. } => StatusCode::DataLoss,
            Self::Format { .. } | Self::Rows { .. } | Self::WorkerPanicked => StatusCode::Internal,
            Self::Stopped => StatusCode::Cancelled,
        }
    }

    fn retryable(&self) -> bool {
        matches!(
            self,
            Self::Locked { .. }
                | Self::PointerConflict { .. }
                | Self::Overtaken { .. }
                | Self::ObjectChanged { .. }
                | Self::Unavailable { .. }
                | Self::ReadBackMismatch { .. }
        )
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotAFolder { .. } => {
                "name a folder, or one that does not exist yet, e.g. --sink parquet=out/access"
            }
            Self::Locked { .. } => "wait for the other run to end, or publish to another location",
            Self::Missing { location, .. } if location.starts_with("folder ") => {
                "check the path; relative paths start at the current folder"
            }
            Self::Missing { .. } => "create the bucket, or check its name, region and endpoint",
            Self::Unauthenticated { location, .. } => credentials_hint(location),
            Self::WrongRegion {
                region: Some(region), ..
            } => return Some(format!("set AWS_REGION={region}")),
            Self::WrongRegion { .. } => "set AWS_REGION to the region of the bucket",
            Self::PlainHttp { leave, .. } => {
                return Some(format!(
                    "use https://, or set {leave}=true if the network is trusted"
                ));
            }
            Self::CaFile { .. } => {
                "--ca-file and AWS_CA_BUNDLE must name a PEM file with at least one certificate"
            }
            Self::EncodedPrefix { earlier, .. } => {
                return Some(format!(
                    "write {earlier} to continue that dataset, or move its objects to the new prefix"
                ));
            }
            Self::ObjectChanged { .. } => "run it again; the bucket has the file of the other run",
            Self::ObjectTooLarge { .. } => {
                "write the file to a folder and upload it with the store's own tools"
            }
            Self::ChecksumRequired { .. } => "set AWS_CHECKSUM_ALGORITHM=sha256",
            Self::WrongClock { .. } => "correct the clock of this machine",
            Self::Refused { .. } => "check the endpoint, the bucket and its settings; retrying does not help",
            Self::Unsupported { .. } => {
                "publish to a store that honours If-Match and If-None-Match of a PUT, or to a folder"
            }
            Self::Conflict { conflict, .. } => return conflict.hint(),
            Self::MemoryExhausted { spent, .. } => return spent.hint(),
            Self::Outdated { .. } => "write an earlier sync to another location",
            Self::Unlinked { .. } => "run `verify` to see which syncs are linked, and use one of them",
            Self::Overtaken { .. } => {
                "find out what else writes there, then run it again; `verify` shows what is linked"
            }
            Self::PermissionDenied { .. } => {
                "check the permissions to read, write and delete there; what was published before is untouched"
            }
            Self::Exhausted { .. } => EXHAUSTED_HINT,
            Self::NoSpace { .. } => "free some space; what was published before is untouched",
            Self::Io { .. } => "check the disk, and run it again; what was published before is untouched",
            Self::DurabilityUnknown { .. } => {
                "check the disk and run it again; a power cut may bring the previous sync back"
            }
            Self::Unavailable { .. } => "run it again later; what was published before is untouched",
            Self::PointerConflict { .. } => {
                "run it again; the pointer names the other run's sync, which is complete"
            }
            Self::ContentConflict { .. } => {
                "publish to another location, or find out who published that sync"
            }
            Self::TooLarge { .. } => {
                "publish to a new location, or start a new chain with --replace-existing"
            }
            Self::Damaged { .. } => {
                "restore the file from a backup, or pass --replace-existing to start a new chain with the next sync"
            }
            Self::ReadBackMismatch { .. } => "run it again; if it persists, the storage loses data",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
