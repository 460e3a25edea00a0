//! Why the state of earlier deliveries cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use access_core::{Diagnostic, StatusCode};

/// Why the state of earlier deliveries cannot be used. None of these means that nothing was delivered.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The folder is not there, or is a file.
    #[error("the state folder {} is not a folder", path.display())]
    NotAFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder of the state is not this user's, or others may write to it.
    #[error("{} cannot be trusted: {reason}", path.display())]
    Untrusted {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// The state is about another tenant or another connector.
    #[error("{} is the state of {held}, not of {wanted}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its owner.
        held: String,
        /// The expected owner.
        wanted: String,
    },
    /// A later version of this program wrote it.
    #[error("{} has version {version}, which is newer than this program", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// The file is damaged.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The problem.
        reason: &'static str,
    },
    /// Another process has had the lock for too long.
    #[error("{} is locked by another process", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// The system refused something.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl StateError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Io { path, source }
    }
}

impl Diagnostic for StateError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotAFolder { .. } => StatusCode::InvalidArgument,
            Self::Untrusted { .. } | Self::Foreign { .. } => StatusCode::FailedPrecondition,
            Self::Newer { .. } => StatusCode::Unimplemented,
            Self::Damaged { .. } => StatusCode::DataLoss,
            Self::Locked { .. } => StatusCode::Aborted,
            Self::Io { source, .. } => StatusCode::from_io_error(source),
        }
    }

    fn retryable(&self) -> bool {
        matches!(self, Self::Locked { .. })
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotAFolder { .. } => "create the folder that --state-dir names",
            Self::Untrusted { .. } => {
                "--state-dir must be a folder of the user that the program runs as; nobody else may write to what is in it"
            }
            Self::Foreign { .. } => "give each connector a --state-dir of its own",
            Self::Newer { .. } => "run the later version, or name another --state-dir",
            Self::Damaged { .. } => {
                "restore the file, or move it away: the next full sync is then compared with nothing"
            }
            Self::Locked { .. } => "stop the other process if it hangs",
            Self::Io { .. } => match self.status() {
                StatusCode::ResourceExhausted => "free some space in --state-dir, or raise the limit",
                StatusCode::PermissionDenied => "--state-dir must be readable and writable for this user",
                _ => "check the disk under --state-dir",
            },
        };
        Some(hint.to_owned())
    }
}
