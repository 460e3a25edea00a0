//! Folders for files on their way to ConductorOne. They are gone when they are dropped; those of processes that were
//! killed are found by the next one, because nobody holds their lock any more.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use access_core::{Diagnostic, StatusCode, is_exhausted};
use tempfile::TempDir;

const PREFIX: &str = "baton-ninja-one-sync-";
/// Whether folders can be locked themselves.
const FOLDERS_LOCK: bool = cfg!(unix);
const LOCK: &str = "lock";

/// A folder that is in use.
#[derive(Debug)]
pub(crate) struct TempFolder {
    folder: TempDir,
    /// Held while the folder is in use.
    _lock: File,
}

/// No folder can be made.
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
    /// A fresh folder.
    pub(crate) fn new(parent: &Path) -> Result<Self, TempFolderError> {
        let refuse = |source| TempFolderError {
            parent: parent.to_owned(),
            source,
        };
        // Between making and locking it, another process may take it for a leftover; the next one is then tried.
        loop {
            let mut folder = tempfile::Builder::new();
            folder.prefix(PREFIX);
            // Without this others could read what is in it, as the umask allows.
            #[cfg(unix)]
            folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
            let folder = folder.tempdir_in(parent).map_err(refuse)?;
            if !FOLDERS_LOCK {
                File::create(folder.path().join(LOCK)).map_err(refuse)?;
            }
            let lock = lock_of(folder.path()).map_err(refuse)?;
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

/// What is locked while a folder is in use: itself, so that one is never without its lock, or a file in it.
fn lock_of(folder: &Path) -> std::io::Result<File> {
    if FOLDERS_LOCK {
        // Whatever others have put there under such a name is none.
        private_fs::open_own_folder(folder)
    } else {
        File::open(folder.join(LOCK))
    }
}

/// Removes what killed processes have left.
pub(crate) fn sweep(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let Ok(lock) = lock_of(&entry.path()) else {
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
