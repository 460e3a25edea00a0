//! Errors of c1z files.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use regular_file::{FileError, OtherType};

/// Why a c1z file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum C1zError {
    /// The target is a directory.
    #[error("{} is a directory, not a file", path.display())]
    IsDirectory {
        /// The target.
        path: PathBuf,
    },
    /// The path names something other than a regular file: a device, a pipe, a loop of links.
    #[error(transparent)]
    NotAFile(FileError),
    /// The folder of the target, or the folder for temporary files, does not exist.
    #[error("the folder {} does not exist", path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Another process is writing the same file.
    #[error("another run is writing {}", path.display())]
    Locked {
        /// The target.
        path: PathBuf,
    },
    /// The target holds something that is not a c1z.
    #[error("{} is not a c1z file (it begins with {begins_with}); it is not overwritten", path.display())]
    Foreign {
        /// The target.
        path: PathBuf,
        /// Its first bytes, escaped.
        begins_with: String,
    },
    /// A c1z v3 file that uses a feature which is not supported.
    #[error("{} is a c1z v3 file (Pebble) that cannot be read here: {what}", path.display())]
    UnsupportedV3 {
        /// The file.
        path: PathBuf,
        /// The feature.
        what: Cow<'static, str>,
    },
    /// A c1z v3 file of the first engine, whose store has no version of its layout.
    #[error("{} is a c1z v3 file (Pebble) that cannot be read: its engine is the first one, \"pebble\", which no version of baton-sdk reads any more", path.display())]
    OldestV3 {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a c1z.
    #[error("{} is not a c1z file", path.display())]
    NotC1z {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error("{} is damaged: {detail}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The file unpacks to more than [`Limits::decoded_bytes`](crate::Limits::decoded_bytes).
    #[error("{} unpacks to more than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The new file would unpack to more than is allowed, even without any other sync in it, so it could not be read again.
    #[error("the new {} would unpack to {bytes} bytes; readers accept no more than {limit}", path.display())]
    TooLargeToRead {
        /// The target.
        path: PathBuf,
        /// Its unpacked size, in bytes.
        bytes: u64,
        /// The limit, in bytes.
        limit: u64,
    },
    /// Reading the file takes more memory at a time than is allowed.
    #[error("{} needs more than {limit} bytes of memory at once ({what})", path.display())]
    TooMuchMemory {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        limit: u64,
        /// What takes the memory.
        what: &'static str,
    },
    /// The same id was written twice.
    #[error("two rows of {table} have the same id {id}")]
    Duplicate {
        /// The table.
        table: &'static str,
        /// The id.
        id: String,
    },
    /// A sync that became partial would leave the file without a full one.
    #[error("a partial sync would evict the last full sync from {}", path.display())]
    LastFullSync {
        /// The target.
        path: PathBuf,
    },
    /// The same for a v3 file, which holds one sync.
    #[error("a partial sync would replace the full sync in {}: a v3 file holds one sync", path.display())]
    OneSync {
        /// The target.
        path: PathBuf,
    },
    /// The file does not have the requested sync.
    #[error("{} has no sync {requested}", path.display())]
    NoSuchSync {
        /// The file.
        path: PathBuf,
        /// The requested sync.
        requested: String,
    },
    /// The file has no finished sync.
    #[error("{} has no finished sync", path.display())]
    NoneFinished {
        /// The file.
        path: PathBuf,
    },
    /// The new file exists already.
    #[error("{} already exists; it is not overwritten", path.display())]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// The file already has the requested format.
    #[error("{} is already a c1z {format} file", path.display())]
    SameFormat {
        /// The file.
        path: PathBuf,
        /// `v1` or `v3`.
        format: &'static str,
    },
    /// A row lacks ids that a v3 file needs.
    #[error("a {kind} of {} lacks ids that v3 needs: {name:?}", path.display())]
    MissingIds {
        /// The file.
        path: PathBuf,
        /// The type of row.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The file does not exist.
    #[error("there is no file {}", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// The disk or a quota is full.
    #[error("no space left while {doing} {}", path.display())]
    NoSpace {
        /// The operation, as a phrase: `writing`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
    },
    /// Another resource of the system is exhausted: memory, open files, threads, the maximum size of a file.
    #[error("{doing} {}: {source}", path.display())]
    Exhausted {
        /// The operation, as a phrase: `writing`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Permission is denied.
    #[error("not allowed: {doing} {}", path.display())]
    Denied {
        /// The operation, as a phrase: `writing`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The new file is visible, but syncing its folder to disk failed.
    #[error("{} holds the new sync, but the disk did not confirm it", path.display())]
    NotConfirmed {
        /// The target.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The work was cancelled.
    #[error("stopped on request")]
    Stopped,
    /// Any other error of the operating system.
    #[error("{doing} {}", path.display())]
    Io {
        /// The operation, as a phrase: `writing`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl C1zError {
    /// Classifies an error of the operating system.
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { doing, path },
            _ if is_exhausted(&source) => Self::Exhausted { doing, path, source },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Denied { doing, path, source }
            }
            io::ErrorKind::Interrupted => Self::Stopped,
            io::ErrorKind::IsADirectory => Self::IsDirectory { path },
            _ => Self::Io { doing, path, source },
        }
    }

    /// A thread could not be started.
    pub(crate) fn thread(path: &Path, source: io::Error) -> Self {
        Self::Exhausted {
            doing: "starting a thread for",
            path: path.to_owned(),
            source,
        }
    }

    /// Classifies an error of zstd: about the file, or about the system.
    pub(crate) fn zstd(path: &Path, max_window_bytes: u64, error: io::Error) -> Self {
        if error.raw_os_error().is_some() || is_exhausted(&error) {
            return Self::io("reading", path, error);
        }
        let path = path.to_owned();
        match error.to_string() {
            detail if detail.contains(WINDOW_TOO_LARGE) => Self::TooMuchMemory {
                path,
                limit: max_window_bytes,
                what: "the window of its compression",
            },
            detail => Self::Corrupt { path, detail },
        }
    }

    /// Classifies why a file that a user named could not be opened.
    pub(crate) fn file(doing: &'static str, path: &Path, error: FileError) -> Self {
        match error {
            FileError::Io(source) => Self::io(doing, path, source),
            FileError::NotRegular {
                found: OtherType::Directory,
                ..
            } => Self::IsDirectory {
                path: path.to_owned(),
            },
            other => Self::NotAFile(other),
        }
    }

    /// The gRPC status code that fits the error.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::Stopped => 1,
            Self::Io { .. } | Self::NotConfirmed { .. } => 2,
            Self::IsDirectory { .. }
            | Self::NotAFile(_)
            | Self::NoFolder { .. }
            | Self::NotC1z { .. }
            | Self::SameFormat { .. } => 3,
            Self::NoSuchSync { .. } | Self::NoFile { .. } => 5,
            Self::Exists { .. } => 6,
            Self::Denied { .. } => 7,
            Self::NoSpace { .. }
            | Self::Exhausted { .. }
            | Self::TooLarge { .. }
            | Self::TooLargeToRead { .. }
            | Self::TooMuchMemory { .. } => 8,
            Self::Foreign { .. }
            | Self::NoneFinished { .. }
            | Self::LastFullSync { .. }
            | Self::OneSync { .. }
            | Self::MissingIds { .. } => 9,
            Self::Locked { .. } => 10,
            Self::UnsupportedV3 { .. } | Self::OldestV3 { .. } => 12,
            Self::Duplicate { .. } => 13,
            Self::Corrupt { .. } => 15,
        }
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Locked { .. })
    }
}

/// zstd's message for a frame whose window is larger than it may be.
const WINDOW_TOO_LARGE: &str = "too much memory";
/// zstd's message when it gets no memory.
const NO_MEMORY: &str = "not enough memory";
/// `ENFILE` and `EMFILE`, for which `io::ErrorKind` has no variant. The numbers are the same on every Unix.
const NO_DESCRIPTOR_LEFT: [i32; 2] = [23, 24];

/// Whether a resource of the system is exhausted, so that nothing is known to be wrong with the file.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, OutOfMemory};

    let of_number = error
        .raw_os_error()
        .is_some_and(|number| cfg!(unix) && NO_DESCRIPTOR_LEFT.contains(&number));
    let of_zstd = || {
        error
            .get_ref()
            .is_some_and(|carried| carried.to_string().contains(NO_MEMORY))
    };
    matches!(error.kind(), FileTooLarge | OutOfMemory) || of_number || of_zstd()
}
