//! A private folder for an unpacked copy. It is gone when it is dropped; that of a process that was killed is removed by the
//! next one, because nobody holds its lock any more.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::TempDir;

const PREFIX: &str = "c1z-read-";

/// A folder that is in use.
#[derive(Debug)]
pub(crate) struct LockedTempDir {
    folder: TempDir,
    /// The folder itself, locked. Where folders cannot be locked, nothing is, and nothing is swept.
    _lock: Option<File>,
}

impl LockedTempDir {
    /// A fresh folder; what killed processes left beside it is removed.
    pub(crate) fn new(parent: &Path) -> io::Result<Self> {
        sweep(parent);
        // Between making and locking it, another process may take it for a leftover; the next one is then tried.
        loop {
            let mut folder = tempfile::Builder::new();
            folder.prefix(PREFIX);
            // Without this others could read what is in it, as the umask allows.
            #[cfg(unix)]
            folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
            let folder = folder.tempdir_in(parent)?;
            let lock = File::open(folder.path()).ok();
            let lock = lock.filter(|lock| lock.lock().is_ok());
            if folder.path().try_exists()? {
                return Ok(Self { folder, _lock: lock });
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn sweep(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for folder in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        // Whatever others have put there under such a name is none. Held until it is gone.
        let Ok(lock) = private_fs::open_own_folder(&folder.path()) else {
            continue;
        };
        if lock.try_lock().is_ok() {
            // What cannot be removed now is met again.
            let _ = fs::remove_dir_all(folder.path());
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_swept() {
        let parent = tempfile::tempdir().unwrap();
        let held = LockedTempDir::new(parent.path()).unwrap();
        let left = parent.path().join("c1z-read-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("db"), "rows").unwrap();
        let foreign = parent.path().join("somebody-else");
        fs::create_dir(&foreign).unwrap();
        let other = LockedTempDir::new(parent.path()).unwrap();
        assert!(held.path().exists() && foreign.exists() && !left.exists());
        let path = other.path().to_owned();
        drop(other);
        assert!(!path.exists());
    }
}
