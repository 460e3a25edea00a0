//! The audit log as a file of JSON lines.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use access_core::ports::{AuditError, AuditLog};
use access_core::provisioning::AuditEntry;
use access_core::secrets::redact;
use access_core::{Diagnostic, StatusCode, is_exhausted};
use async_trait::async_trait;

/// An append-only file. Several processes may share it: every line is one write.
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
    status: StatusCode,
}

impl AuditFileError {
    fn new(path: &Path, error: &std::io::Error) -> Self {
        Self {
            path: path.to_owned(),
            reason: error.to_string(),
            status: if is_exhausted(error) {
                StatusCode::ResourceExhausted
            } else {
                StatusCode::FailedPrecondition
            },
        }
    }
}

impl Diagnostic for AuditFileError {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn hint(&self) -> Option<String> {
        Some("--audit-log must name a file that this user may write, on a disk with free space".to_owned())
    }
}

impl AuditFile {
    /// Opens the file, or creates one that only its owner can read.
    pub(crate) fn open(path: &Path) -> Result<Self, AuditFileError> {
        // A file that cannot be looked at may be new; opening it shows what is wrong.
        let is_new = !matches!(path.try_exists(), Ok(true));
        let opened = regular_file::open_to_append(path, Some(0o600)).and_then(|file| {
            if is_new {
                sync_folder(path)?;
            }
            Ok(file)
        });
        match opened {
            Ok(file) => Ok(Self {
                path: path.to_owned(),
                file: Mutex::new(file),
            }),
            Err(error) => Err(AuditFileError::new(path, &error.into_io())),
        }
    }

    fn write(&self, entry: &AuditEntry) -> std::io::Result<()> {
        let json = serde_json::to_string(entry)?;
        let mut line = redact(&json).into_owned().into_bytes();
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if has_incomplete_line(&self.path).unwrap_or(false) {
            line.insert(0, b'\n');
        }
        file.write_all(&line)?;
        // An audit log may be a pipe or a device, which cannot be synced.
        match file.sync_data() {
            Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => Ok(()),
            other => other,
        }
    }
}

/// Syncs the folder of a new file, so that a power failure does not lose the file.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if cfg!(unix) {
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Whether the last line is incomplete, because of a full disk or a killed writer.
fn has_incomplete_line(path: &Path) -> std::io::Result<bool> {
    if !std::fs::metadata(path)?.is_file() {
        return Ok(false);
    }
    let mut file = File::open(path)?;
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    Ok(last != *b"\n")
}

#[async_trait]
impl AuditLog for AuditFile {
    async fn append(&self, entry: &AuditEntry) -> Result<(), AuditError> {
        self.write(entry)
            .map_err(|error| AuditError::new(AuditFileError::new(&self.path, &error)))
    }
}
