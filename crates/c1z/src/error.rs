//! What can go wrong with a c1z file.

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
    /// The path names something else than a regular file: a device, a pipe, a loop of links.
    #[error(transparent)]
    NotAFile(FileError),
    /// The folder of the target, or the folder for temporary data, is not there.
    #[error("the folder {} does not exist", path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Somebody else is writing the same file.
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
    /// A c1z v3 file that is stored in a way that is not understood here.
    #[error("{} is a c1z v3 file (Pebble) that cannot be read here: {what}", path.display())]
    UnsupportedV3 {
        /// The file.
        path: PathBuf,
        /// What is not understood.
        what: Cow<'static, str>,
    },
    /// A c1z v3 file of the first engine, whose store has no version that tells its layout.
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
    /// The file unpacks to more than is allowed.
    #[error("{} unpacks to more than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The new file would unpack to more than is allowed, also with no other sync in it, so nobody could go on with it.
    #[error("the new {} would unpack to {bytes} bytes; readers accept no more than {limit}", path.display())]
    TooLargeToRead {
        /// The target.
        path: PathBuf,
        /// What it needs, in bytes.
        bytes: u64,
        /// The limit, in bytes.
        limit: u64,
    },
    /// Reading it takes more memory at once than is allowed.
    #[error("{} needs more than {limit} bytes of memory at once ({what})", path.display())]
    TooMuchMemory {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        limit: u64,
        /// What is as large.
        what: &'static str,
    },
    /// The same object was given twice.
    #[error("two rows of {table} have the same id {id}")]
    Duplicate {
        /// The table.
        table: &'static str,
        /// The id.
        id: String,
    },
    /// A sync that turned out to be partial would leave the file without a full one.
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
    /// The file has no such sync.
    #[error("{} has no sync {wanted}", path.display())]
    NoSuchSync {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        wanted: String,
    },
    /// The file has no finished sync.
    #[error("{} has no finished sync", path.display())]
    NoneFinished {
        /// The file.
        path: PathBuf,
    },
    /// Something is where the new file was to be.
    #[error("{} already exists; it is not overwritten", path.display())]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// The file has the format that it was to get.
    #[error("{} is already a c1z {format} file", path.display())]
    SameFormat {
        /// The file.
        path: PathBuf,
        /// `v1` or `v3`.
        format: &'static str,
    },
    /// A row without the ids by which a v3 file names rows.
    #[error("a {kind} of {} lacks ids that v3 needs: {name:?}", path.display())]
    Nameless {
        /// The file.
        path: PathBuf,
        /// What kind of row.
        kind: &'static str,
        /// What it is called.
        name: String,
    },
    /// There is no such file.
    #[error("there is no file {}", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// The disk or a quota is full.
    #[error("no space left while {doing} {}", path.display())]
    NoSpace {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
    },
    /// The system has run out of something else: memory, open files, threads, the size that a file may have.
    #[error("{doing} {}: {source}", path.display())]
    Exhausted {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file system does not let us.
    #[error("not allowed: {doing} {}", path.display())]
    Denied {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The new file is visible, but the disk did not confirm its name.
    #[error("{} holds the new sync, but the disk did not confirm it", path.display())]
    NotConfirmed {
        /// The target.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody asked to stop.
    #[error("stopped on request")]
    Stopped,
    /// Anything else that the system refused.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl C1zError {
    /// Classifies an error of the system.
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

    /// No thread can be started.
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

    /// Classifies why a file that a user named cannot be opened.
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

    /// The gRPC number of the failure's class.
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
            | Self::Nameless { .. } => 9,
            Self::Locked { .. } => 10,
            Self::UnsupportedV3 { .. } | Self::OldestV3 { .. } => 12,
            Self::Duplicate { .. } => 13,
            Self::Corrupt { .. } => 15,
        }
    }

    /// Whether the same call, later and unchanged, may succeed.
    #[must_use]
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Locked { .. })
    }
}

/// zstd's message for a frame whose window is larger than it may be.
const WINDOW_TOO_LARGE: &str = "too much memory";
/// What zstd says where it gets no memory.
const NO_MEMORY: &str = "not enough memory";
/// Open files of the system and of the process, which have no kind of their own; the numbers are those of every Unix.
const NO_DESCRIPTOR_LEFT: [i32; 2] = [23, 24];

/// Whether the system has run out of something: nothing is wrong then with the file.
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
