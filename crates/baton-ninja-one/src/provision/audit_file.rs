//! The audit log as a file of JSON lines.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use access_core::ports::{AuditError, AuditLog};
use access_core::provisioning::AuditEntry;
use access_core::{Classified, StatusCode};
use async_trait::async_trait;

/// A file that lines are added to. Several processes may share it: every line is one write to its end.
#[derive(Debug)]
pub(crate) struct AuditFile {
    path: PathBuf,
    file: Mutex<File>,
}

/// The audit log cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the audit log {}: {reason}", path.display())]
pub(crate) struct AuditFileError {
    path: PathBuf,
    reason: String,
}

impl Classified for AuditFileError {
    fn status(&self) -> StatusCode {
        StatusCode::FailedPrecondition
    }

    fn hint(&self) -> Option<String> {
        Some("--audit-log must name a file that this user may write, on a disk with room".to_owned())
    }
}

impl AuditFile {
    /// Opens the file, or makes one that only its owner may read.
    pub(crate) fn open(path: &Path) -> Result<Self, AuditFileError> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(path) {
            Ok(file) => Ok(Self {
                path: path.to_owned(),
                file: Mutex::new(file),
            }),
            Err(error) => Err(AuditFileError {
                path: path.to_owned(),
                reason: error.to_string(),
            }),
        }
    }

    fn write(&self, entry: &AuditEntry) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line)?;
        // Pipes and devices, which an audit log may be too, cannot be synced.
        match file.sync_data() {
            Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => Ok(()),
            other => other,
        }
    }
}

#[async_trait]
impl AuditLog for AuditFile {
    async fn append(&self, entry: &AuditEntry) -> Result<(), AuditError> {
        self.write(entry).map_err(|error| {
            AuditError::new(AuditFileError {
                path: self.path.clone(),
                reason: error.to_string(),
            })
        })
    }
}
