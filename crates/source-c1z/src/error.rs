//! Errors of the source.

use std::fmt;
use std::path::{Path, PathBuf};

use access_core::model::{EntitlementId, ResourceId, SyncIdError};
use access_core::{Diagnostic, StatusCode};
use c1z::{C1zError, SyncRow};

/// Why a file could not be read as a source.
#[derive(Debug, thiserror::Error)]
pub enum C1zSourceError {
    /// The file format's own error.
    #[error(transparent)]
    File(#[from] C1zError),
    /// The file has no sync with the requested id.
    #[error("{} has no sync {requested}; it has {}", path.display(), listed(syncs))]
    UnknownSync {
        /// The file.
        path: PathBuf,
        /// The requested id.
        requested: String,
        /// The syncs of the file.
        syncs: Vec<KnownSync>,
    },
    /// The requested sync was never finished.
    #[error("the sync {requested} in {} is not finished; the file has {}", path.display(), listed(syncs))]
    Unfinished {
        /// The file.
        path: PathBuf,
        /// The requested id.
        requested: String,
        /// The syncs of the file.
        syncs: Vec<KnownSync>,
    },
    /// No sync of the file is finished.
    #[error("{} has no finished sync; it has {}", path.display(), listed(syncs))]
    NoneFinished {
        /// The file.
        path: PathBuf,
        /// The syncs of the file.
        syncs: Vec<KnownSync>,
    },
    /// Neither the file nor the options name the tenant.
    #[error("{} does not name its tenant", path.display())]
    UnknownTenant {
        /// The file.
        path: PathBuf,
    },
    /// The sync lists removals, not what exists.
    #[error("the sync {sync_id} in {} lists deletions only ({sync_type})", path.display())]
    DeletionsOnly {
        /// The file.
        path: PathBuf,
        /// The sync.
        sync_id: String,
        /// Its type, as in the file.
        sync_type: String,
    },
    /// Other tools do not accept the id of the sync.
    #[error("a sync in {} has an invalid id", path.display())]
    NotAKsuid {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: SyncIdError,
    },
    /// A time of the sync cannot be read.
    #[error("the sync {sync_id} in {} has `{text}` as its {which}, which is not a time", path.display())]
    NotATime {
        /// The file.
        path: PathBuf,
        /// The sync.
        sync_id: String,
        /// Which of its times: `start` or `end`.
        which: &'static str,
        /// The text in the file.
        text: String,
    },
    /// A grant expands an entitlement of another resource than its principal, which the format forbids (docs/reference/c1z.md §5.4).
    #[error(
        "the grant of {entitlement} to {principal} expands {source_id}, an entitlement of another resource"
    )]
    ForeignExpansion {
        /// The entitlement of the grant.
        entitlement: EntitlementId,
        /// The principal of the grant.
        principal: ResourceId,
        /// The expanded entitlement.
        source_id: EntitlementId,
    },
    /// Single resources were requested.
    #[error("single resources cannot be selected in a file")]
    TargetsUnsupported,
    /// The receiver was dropped.
    #[error("stopped on request")]
    Stopped,
    /// No thread can be started for the file.
    #[error("cannot start a thread: {0}")]
    NoThread(#[source] std::io::Error),
    /// The reading thread ended without saying why.
    #[error("the thread that reads the file ended unexpectedly")]
    ThreadLost,
}

/// A sync of a file, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSync {
    /// Its id.
    pub sync_id: String,
    /// Its type, as in the file, e.g. `full`.
    pub sync_type: String,
    /// Whether it was finished.
    pub finished: bool,
}

impl From<&SyncRow> for KnownSync {
    fn from(row: &SyncRow) -> Self {
        Self {
            sync_id: row.sync_id.clone(),
            sync_type: row.sync_type.clone(),
            finished: row.ended_at.is_some(),
        }
    }
}

impl fmt::Display for KnownSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.finished { "" } else { ", unfinished" };
        write!(f, "{} ({}{state})", self.sync_id, self.sync_type)
    }
}

fn listed(syncs: &[KnownSync]) -> String {
    if syncs.is_empty() {
        return "none".to_owned();
    }
    let each: Vec<String> = syncs.iter().map(KnownSync::to_string).collect();
    each.join(", ")
}

impl Diagnostic for C1zSourceError {
    fn status(&self) -> StatusCode {
        match self {
            Self::File(error) => StatusCode::from_number(error.status()).unwrap_or(StatusCode::Unknown),
            Self::UnknownSync { .. } => StatusCode::NotFound,
            Self::Unfinished { .. }
            | Self::NoneFinished { .. }
            | Self::DeletionsOnly { .. }
            | Self::UnknownTenant { .. }
            | Self::NotAKsuid { .. } => StatusCode::FailedPrecondition,
            Self::NotATime { .. } | Self::ForeignExpansion { .. } => StatusCode::DataLoss,
            Self::TargetsUnsupported => StatusCode::Unimplemented,
            Self::Stopped => StatusCode::Cancelled,
            Self::NoThread(_) => StatusCode::ResourceExhausted,
            Self::ThreadLost => StatusCode::Internal,
        }
    }

    fn retryable(&self) -> bool {
        matches!(self, Self::File(error) if error.retryable())
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::File(
                C1zError::IsDirectory { .. }
                | C1zError::NotAFile(_)
                | C1zError::NotC1z { .. }
                | C1zError::NoFile { .. },
            ) => "name a c1z file that a connector has written, e.g. sync.c1z",
            Self::File(C1zError::UnsupportedV3 { path, .. }) => return Some(rewriting(path)),
            Self::File(C1zError::OldestV3 { .. }) => {
                "such a file cannot be converted; run the connector that wrote it again"
            }
            Self::File(C1zError::NoSpace { .. } | C1zError::NoFolder { .. }) => {
                "free space for the unpacked file, or put temporary files elsewhere with --c1z-temp-dir"
            }
            Self::File(C1zError::TooLarge { .. }) => {
                "raise BATON_DECODER_MAX_DECODED_SIZE_MB (MiB) if you trust the file"
            }
            Self::File(C1zError::TooMuchMemory { .. }) => {
                "raise BATON_DECODER_MAX_MEMORY_MB (MiB) if you trust the file"
            }
            Self::File(C1zError::Exhausted { .. }) | Self::NoThread(_) => access_core::EXHAUSTED_HINT,
            Self::File(C1zError::Io { .. }) => "check the disk, and run it again",
            Self::File(C1zError::Denied { .. }) => {
                "check the permissions to read the file and to write temporary files"
            }
            Self::File(C1zError::Corrupt { .. }) | Self::NotATime { .. } | Self::ForeignExpansion { .. } => {
                "write the file again with the connector that wrote it"
            }
            Self::UnknownSync { .. } | Self::Unfinished { .. } => {
                "name a finished sync of the file, or none to take the latest"
            }
            Self::File(C1zError::NoneFinished { .. })
            | Self::NoneFinished { .. }
            | Self::NotAKsuid { .. } => "run the connector again until it completes a sync",
            Self::UnknownTenant { .. } => "name it with --tenant, e.g. --tenant https://tenant.example",
            Self::DeletionsOnly { .. } => "name another sync of the file",
            Self::TargetsUnsupported => "remove the filter, or filter by resource type",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Hints for getting a readable file.
fn rewriting(path: &Path) -> String {
    format!(
        "rewrite it with the baton tool of baton-sdk v0.25.0 (cmd/baton): baton export c1z --file {} --out readable.c1z; \
         or let the connector that wrote it write v1 (--storage-engine sqlite)",
        path.display()
    )
}
