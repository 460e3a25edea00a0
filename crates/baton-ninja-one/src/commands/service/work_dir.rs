//! Folders for files that are delivered to ConductorOne. They are removed on drop. Leftovers of killed processes are found
//! by the next process, because their locks are free.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use access_core::{Diagnostic, StatusCode, is_exhausted};
use tempfile::TempDir;

const PREFIX: &str = "baton-ninja-one-sync-";
/// Whether folders themselves can be locked.
const FOLDERS_LOCK: bool = cfg!(unix);
const LOCK: &str = "lock";

/// A folder in use.
#[derive(Debug)]
pub(crate) struct TempFolder {
    folder: TempDir,
    /// The lock, held while the folder is in use.
    _lock: File,
}

/// A folder cannot be created.
#[derive(Debug, thiserror::Error)]
#[error("cannot create a temporary folder in {}: {source}", parent.display())]
pub(crate) struct TempFolderError {
    parent: PathBuf,
    source: std::io::Error,
}

impl Diagnostic for TempFolderError {
    fn status(&self) -> StatusCode {
        match self.source.kind() {
            _ if is_exhausted(&self.source) => StatusCode::ResourceExhausted,
            ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::NotFound
            | ErrorKind::NotADirectory => StatusCode::FailedPrecondition,
            _ => StatusCode::Unknown,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self.status() {
            StatusCode::ResourceExhausted => "free some space, or name another folder with --c1z-temp-dir",
            StatusCode::FailedPrecondition => "--c1z-temp-dir must name a folder that this user may write",
            _ => "check the disk under --c1z-temp-dir",
        };
        Some(hint.to_owned())
    }
}

impl TempFolder {
    /// Creates a folder.
    pub(crate) fn new(parent: &Path) -> Result<Self, TempFolderError> {
        let refuse = |source| TempFolderError {
            parent: parent.to_owned(),
            source,
        };
        // Another process may remove it as a leftover before it is locked; then the next name is tried.
        loop {
            let mut folder = tempfile::Builder::new();
            folder.prefix(PREFIX);
            // Otherwise the umask could let others read it.
            #[cfg(unix)]
            folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
            let folder = folder.tempdir_in(parent).map_err(refuse)?;
            if !FOLDERS_LOCK {
                File::create(folder.path().join(LOCK)).map_err(refuse)?;
            }
            let lock = open_lock(folder.path()).map_err(refuse)?;
            lock.lock().map_err(refuse)?;
            if folder.path().try_exists().map_err(refuse)? {
                return Ok(Self { folder, _lock: lock });
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Opens the lock of a folder: the folder itself, so that it never lacks its lock, or a file in it.
fn open_lock(folder: &Path) -> std::io::Result<File> {
    if FOLDERS_LOCK {
        // Other files with such a name are ignored.
        private_fs::open_own_folder(folder)
    } else {
        File::open(folder.join(LOCK))
    }
}

/// Removes leftovers of killed processes.
pub(crate) fn sweep(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let Ok(lock) = open_lock(&entry.path()) else {
            continue;
        };
        match lock.try_lock() {
            Ok(()) => {
                let removed = fs::remove_dir_all(entry.path());
                tracing::info!(folder = %entry.path().display(), removed = removed.is_ok(), "found the folder of a process that was killed");
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unlocked_folders_are_removed() {
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
        #[cfg(unix)]
        for (name, kind) in [
            ("pipe", rustix::fs::FileType::Fifo),
            ("socket", rustix::fs::FileType::Socket),
        ] {
            let path = parent.path().join(format!("{PREFIX}{name}"));
            rustix::fs::mknodat(rustix::fs::CWD, path, kind, 0o600.into(), 0).unwrap();
        }
        let kept = foreign.join("kept");
        fs::write(&kept, "").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&foreign, parent.path().join(format!("{PREFIX}link"))).unwrap();
        sweep(parent.path());
        assert!(held.path().exists() && kept.exists() && !left.exists());
        let path = held.path().to_owned();
        drop(held);
        assert!(!path.exists());
    }
}
