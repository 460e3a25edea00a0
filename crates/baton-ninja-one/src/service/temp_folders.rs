//! Folders for files on their way to ConductorOne. They are gone when they are dropped; those of processes that were
//! killed are found by the next one, because nobody holds their lock any more.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use access_core::{Classified, StatusCode};
use tempfile::TempDir;

const PREFIX: &str = "baton-ninja-one-sync-";
const LOCK: &str = "lock";

/// A folder that is in use.
#[derive(Debug)]
pub(super) struct TempFolder {
    folder: TempDir,
    /// Held while the folder is in use.
    _lock: File,
}

/// No folder can be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a temporary folder in {}: {source}", parent.display())]
pub(super) struct TempFolderError {
    parent: PathBuf,
    source: std::io::Error,
}

impl Classified for TempFolderError {
    fn status(&self) -> StatusCode {
        StatusCode::FailedPrecondition
    }

    fn hint(&self) -> Option<String> {
        Some("--c1z-temp-dir must name a folder that this user may write".to_owned())
    }
}

impl TempFolder {
    /// A fresh folder.
    pub(super) fn new(parent: &Path) -> Result<Self, TempFolderError> {
        let refuse = |source| TempFolderError {
            parent: parent.to_owned(),
            source,
        };
        let mut folder = tempfile::Builder::new();
        folder.prefix(PREFIX);
        // Without this others could read what is in it, as the umask allows.
        #[cfg(unix)]
        folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = folder.tempdir_in(parent).map_err(refuse)?;
        let lock = File::create(folder.path().join(LOCK)).map_err(refuse)?;
        lock.lock().map_err(refuse)?;
        Ok(Self { folder, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what killed processes have left. Folders without a lock file are too young to judge.
pub(super) fn sweep(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let Ok(lock) = File::open(entry.path().join(LOCK)) else {
            continue;
        };
        match lock.try_lock() {
            Ok(()) => {
                let removed = fs::remove_dir_all(entry.path());
                tracing::info!(folder = %entry.path().display(), removed = removed.is_ok(), "left by a process that was killed");
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_swept() {
        let parent = tempfile::tempdir().unwrap();
        let held = TempFolder::new(parent.path()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(held.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        let left = parent.path().join(format!("{PREFIX}left"));
        fs::create_dir(&left).unwrap();
        File::create(left.join(LOCK)).unwrap();
        let foreign = parent.path().join("somebody-else");
        fs::create_dir(&foreign).unwrap();
        sweep(parent.path());
        assert!(held.path().exists() && foreign.exists() && !left.exists());
        let path = held.path().to_owned();
        drop(held);
        assert!(!path.exists());
    }
}
