//! The errors of reports.

use std::io;
use std::path::{Path, PathBuf};

use access_core::location::LocationConflict;
use access_core::{Diagnostic, StatusCode};
use regular_file::{FileError, OtherType};

/// Why a report could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The path is a folder.
    #[error("{} is a folder", path.display())]
    IsFolder {
        /// The path.
        path: PathBuf,
    },
    /// The path is not a regular file: a device, a pipe, a loop of links.
    #[error(transparent)]
    NotAFile(FileError),
    /// The folder is not there.
    #[error("there is no folder {}", path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Another run is writing there.
    #[error("another run is writing {}", path.display())]
    Locked {
        /// The path.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not a report written by this program", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer program wrote it.
    #[error("{} is a report of version {version}; this program supports version {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
        /// The newest that is known.
        known: u64,
    },
    /// The report is damaged or was altered.
    #[error("{} does not match what was written: {reason}", path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// What differs.
        reason: String,
    },
    /// The report must not be followed by this sync.
    #[error("{}: {conflict}", path.display())]
    Location {
        /// The file.
        path: PathBuf,
        /// How it conflicts.
        conflict: LocationConflict,
    },
    /// The report that this one is to follow is of a part of the tenant.
    #[error("{} is not the report of a full sync", path.display())]
    NotFull {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("no space left for {}", path.display())]
    NoSpace {
        /// The file.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("{doing} {}: permission denied", path.display())]
    Denied {
        /// The operation.
        doing: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The file was renamed, but the disk did not confirm it.
    #[error("{} is replaced, but the disk did not confirm it: {source}", path.display())]
    NotConfirmed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The disk failed.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// The operation.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The system has run out of something else: memory, open files, threads, the size that a file may have.
    #[error("{doing} {}: {source}", path.display())]
    Exhausted {
        /// The operation.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A row names something that did not come before it. The pipeline's checks rule that out.
    #[error("a row refers to {id}, which was not written before it")]
    Dangling {
        /// The missing id.
        id: String,
    },
    /// Another file has the name of the temporary file.
    #[error("{doing} {}: {source}", path.display())]
    InTheWay {
        /// The operation.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Which file type it has.
        source: io::Error,
    },
    /// More rows than a report can number.
    #[error("too many rows for a report (limit: 2 billion per type)")]
    TooMany,
    /// The writing thread panicked or was cancelled.
    #[error("the thread that writes the report ended unexpectedly")]
    ThreadLost,
}

impl ReportError {
    /// Whether the file was read and its contents are the problem, so that it may be replaced on request.
    pub(crate) fn is_about_contents(&self) -> bool {
        matches!(
            self,
            Self::Foreign { .. } | Self::Newer { .. } | Self::Altered { .. } | Self::Location { .. }
        )
    }

    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { path },
            // Not an error of the system: the file is not this program's.
            io::ErrorKind::PermissionDenied if source.raw_os_error().is_none() => {
                Self::InTheWay { doing, path, source }
            }
            _ if access_core::is_exhausted(&source) => Self::Exhausted { doing, path, source },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Denied { doing, path }
            }
            _ => Self::Io { doing, path, source },
        }
    }

    /// Classifies why a file that a user named cannot be opened.
    pub(crate) fn file(doing: &'static str, path: &Path, error: FileError) -> Self {
        match error {
            FileError::Io(source) => Self::io(doing, path, source),
            FileError::NotRegular {
                found: OtherType::Directory,
                ..
            } => Self::IsFolder {
                path: path.to_owned(),
            },
            other => Self::NotAFile(other),
        }
    }

    pub(crate) fn altered(path: &Path, reason: impl Into<String>) -> Self {
        Self::Altered {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}

impl Diagnostic for ReportError {
    fn status(&self) -> StatusCode {
        match self {
            Self::IsFolder { .. } | Self::NotAFile(_) | Self::NoFolder { .. } => StatusCode::InvalidArgument,
            Self::Locked { .. } => StatusCode::Aborted,
            Self::Foreign { .. } | Self::Newer { .. } | Self::NotFull { .. } => {
                StatusCode::FailedPrecondition
            }
            Self::Location { conflict, .. } => conflict.status(),
            Self::Altered { .. } => StatusCode::DataLoss,
            Self::NoSpace { .. } | Self::Exhausted { .. } | Self::TooMany => StatusCode::ResourceExhausted,
            Self::Denied { .. } | Self::InTheWay { .. } => StatusCode::PermissionDenied,
            Self::NotConfirmed { .. } | Self::Io { .. } => StatusCode::Unknown,
            Self::Dangling { .. } | Self::ThreadLost => StatusCode::Internal,
        }
    }

    fn retryable(&self) -> bool {
        matches!(self, Self::Locked { .. })
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::IsFolder { .. } | Self::NotAFile(_) => "name a file, e.g. report.html",
            Self::NoFolder { .. } => "create the folder, or name another",
            Self::Locked { .. } => "wait for the other run to end, or write to another file",
            Self::Location { conflict, .. } => return conflict.hint(),
            Self::Foreign { .. } | Self::Newer { .. } => {
                "write to another file, or pass --replace-existing to replace it when the sync is complete"
            }
            Self::Altered { .. } => {
                "move the file away and find out who changed it; --replace-existing replaces it when the sync is complete"
            }
            Self::NotFull { .. } => "name the report of a full sync, or none",
            Self::Exhausted { .. } => access_core::EXHAUSTED_HINT,
            Self::NoSpace { .. } => "free some space; the previous file is untouched",
            Self::Denied { .. } => "check the permissions there; the previous file is untouched",
            Self::InTheWay { .. } => {
                "remove it if it is not needed, or name another file; the previous file is untouched"
            }
            Self::NotConfirmed { .. } => {
                "check the disk and run it again; a power cut may bring the previous file back"
            }
            Self::Io { .. } => "check the disk, and run it again; the previous file is untouched",
            Self::Dangling { .. } | Self::TooMany | Self::ThreadLost => return None,
        };
        Some(hint.to_owned())
    }
}
