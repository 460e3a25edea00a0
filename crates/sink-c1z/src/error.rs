//! Errors of the sink.

use std::path::PathBuf;

use access_core::location::LocationConflict;
use access_core::{Diagnostic, StatusCode};
use c1z::C1zError;

/// Why the sink failed.
#[derive(Debug, thiserror::Error)]
pub enum C1zSinkError {
    /// The file format's own error.
    #[error(transparent)]
    File(#[from] C1zError),
    /// The contents of the file do not accept this sync.
    #[error("{}: {conflict}", path.display())]
    Location {
        /// The target.
        path: PathBuf,
        /// The conflict.
        conflict: LocationConflict,
    },
    /// A row refers to something that was not written before it. The pipeline's checks rule that out.
    #[error("{row} refers to {missing}, which was not written before it")]
    Dangling {
        /// The row.
        row: String,
        /// The missing reference.
        missing: String,
    },
    /// No thread can be started for the file.
    #[error("cannot start a thread: {0}")]
    NoThread(#[source] std::io::Error),
    /// The writing thread ended without saying why.
    #[error("the thread that writes the file ended unexpectedly")]
    ThreadLost,
}

impl Diagnostic for C1zSinkError {
    fn status(&self) -> StatusCode {
        match self {
            Self::File(error) => StatusCode::from_number(error.status()).unwrap_or(StatusCode::Unknown),
            Self::Location { conflict, .. } => conflict.status(),
            Self::NoThread(_) => StatusCode::ResourceExhausted,
            Self::Dangling { .. } | Self::ThreadLost => StatusCode::Internal,
        }
    }

    fn retryable(&self) -> bool {
        matches!(self, Self::File(error) if error.retryable())
    }

    fn hint(&self) -> Option<String> {
        let error = match self {
            Self::File(error) => error,
            Self::Location { conflict, .. } => return conflict.hint(),
            Self::NoThread(_) => return Some(access_core::EXHAUSTED_HINT.to_owned()),
            Self::Dangling { .. } | Self::ThreadLost => return None,
        };
        let hint = match error {
            C1zError::IsDirectory { .. } | C1zError::NotAFile(_) => {
                "name a file with --file, e.g. --file sync.c1z"
            }
            C1zError::NoFolder { .. } => "create the folder, or name another with --file or --c1z-temp-dir",
            C1zError::Locked { .. } => "wait for the other run to end, or write to another file with --file",
            C1zError::Foreign { .. } | C1zError::UnsupportedV3 { .. } | C1zError::OldestV3 { .. } => {
                "write to another file with --file, or pass --replace-existing to replace it when the sync is complete"
            }
            C1zError::LastFullSync { .. } => {
                "set BATON_KEEP_SYNC_COUNT to 2 or more, so that the last full sync stays beside it"
            }
            C1zError::OneSync { .. } => "write to another file with --file, or complete a full sync first",
            C1zError::Corrupt { .. } => {
                "move the damaged file away, or pass --replace-existing to replace it when the sync is complete"
            }
            C1zError::NoSpace { .. } => {
                "free some space, or put temporary files elsewhere with --c1z-temp-dir; the previous file is untouched"
            }
            C1zError::Exhausted { .. } => access_core::EXHAUSTED_HINT,
            C1zError::Denied { .. } => "check the permissions there; the previous file is untouched",
            C1zError::NotConfirmed { .. } => {
                "check the disk and run it again; a power cut may bring the previous file back"
            }
            C1zError::Io { .. } => "check the disk, and run it again; the previous file is untouched",
            C1zError::TooLargeToRead { .. } => {
                "raise BATON_DECODER_MAX_DECODED_SIZE_MB (MiB) here and wherever the file is read, or use --sink parquet; the previous file is untouched"
            }
            C1zError::TooLarge { .. } => {
                "raise BATON_DECODER_MAX_DECODED_SIZE_MB (MiB) if you trust the file"
            }
            C1zError::TooMuchMemory { .. } => "raise BATON_DECODER_MAX_MEMORY_MB (MiB) if you trust the file",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
