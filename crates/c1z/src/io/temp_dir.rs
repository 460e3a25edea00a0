//! A private temporary folder for an unpacked copy. It is removed when it is dropped. The folder of a killed process is removed
//! by the next one, because its lock is free.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::TempDir;

const PREFIX: &str = "c1z-read-";

/// A locked folder.
#[derive(Debug)]
pub(crate) struct LockedTempDir {
    folder: TempDir,
    /// The handle that holds the lock. `None` where folders cannot be locked; nothing is swept there.
    _lock: Option<File>,
}

impl LockedTempDir {
    /// Creates a folder in `parent`, and removes those of killed processes.
    pub(crate) fn new(parent: &Path) -> io::Result<Self> {
        sweep(parent);
        // Another process may remove the folder before it is locked. Then another one is created.
        loop {
            let mut folder = tempfile::Builder::new();
            folder.prefix(PREFIX);
            // Without this, other users could read it if the umask allows.
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
        // Only folders of this user count. The handle keeps the lock until the folder is removed.
        let Ok(lock) = private_fs::open_own_folder(&folder.path()) else {
            continue;
        };
        if lock.try_lock().is_ok() {
            // A folder that cannot be removed now is tried again next time.
            let _ = fs::remove_dir_all(folder.path());
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_unlocked_folders_are_swept() {
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
