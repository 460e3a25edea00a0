//! Files and folders on a machine that is shared with other users: this program reuses, removes and trusts only its own.
//! A name in a folder that others can write to may be a file of another user, a link, a pipe or a device.

mod publishing;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

pub use publishing::{apply_permissions, folder_of, permit_reading, sync_folder};

/// Maximum number of attempts to open and lock a name whose file other processes replace in between.
const MAX_TRIES: u32 = 16;

/// Creates a temporary file that no other process can have open, and locks it; `None` if a running process has it. A file
/// that a killed process of the same user left under this name is removed, never reused: others may have it open.
///
/// # Errors
/// An error of the system, or [`io::ErrorKind::PermissionDenied`] if something else has the name: a file of another user, a
/// hard link, a link, a pipe, a device.
pub fn lock_new(path: &Path) -> io::Result<Option<File>> {
    for _ in 0..MAX_TRIES {
        let (file, is_new) = open_or_make(path)?;
        match file.try_lock() {
            // Between opening and locking, whoever held the lock may have renamed or removed the file.
            Ok(()) if !is_named_by(&file, path) => {}
            Ok(()) if cfg!(not(unix)) => {
                file.set_len(0)?;
                return Ok(Some(file));
            }
            Ok(()) if is_new => return Ok(Some(file)),
            Ok(()) => match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            },
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => {
                // Locking is not supported here, so no process has locked it; a file with content is not this process's.
                if file.metadata().is_ok_and(|file| file.len() == 0) {
                    let _ = fs::remove_file(path);
                }
                return Err(error);
            }
        }
    }
    Ok(None)
}

/// The file of this name, if it is this user's own, or a new one; whether it is new.
#[cfg(unix)]
fn open_or_make(path: &Path) -> io::Result<(File, bool)> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(NO_FOLLOW);
    // Once more if it is created or removed in between.
    for _ in 0..MAX_TRIES {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            // Checked before opening: for a file of another user the system would only deny permission.
            Ok(found) if !found.is_file() => return Err(refused(path, "it is not a regular file")),
            Ok(found) if !is_own(found.uid(), path) => {
                let problem = format!("it belongs to another user (uid {})", found.uid());
                return Err(refused(path, &problem));
            }
            Ok(found) if found.nlink() != 1 => return Err(refused(path, "it has a second hard link")),
            Ok(found) => {
                let file = match options.open(path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    opened => opened?,
                };
                let opened = file.metadata()?;
                if (opened.dev(), opened.ino()) == (found.dev(), found.ino()) {
                    return Ok((file, false));
                }
                continue;
            }
        }
        match options.clone().create_new(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return Ok((created?, true)),
        }
    }
    Err(refused(path, "it changes all the time"))
}

#[cfg(not(unix))]
fn open_or_make(path: &Path) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    Ok((options.open(path)?, true))
}

#[cfg(unix)]
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW
    .union(rustix::fs::OFlags::NONBLOCK)
    .bits()
    .cast_signed();

#[cfg(unix)]
fn refused(path: &Path, problem: &str) -> io::Error {
    let problem = format!("{} is in the way: {problem}", path.display());
    io::Error::new(io::ErrorKind::PermissionDenied, problem)
}

/// Whether a file that this user creates in that folder has this owner. Some file systems give every file the same owner.
#[cfg(unix)]
fn is_own(owner: u32, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    if owner == rustix::process::geteuid().as_raw() {
        return true;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let probe = tempfile::tempfile_in(folder.unwrap_or(Path::new(".")));
    probe
        .and_then(|probe| probe.metadata())
        .is_ok_and(|probe| probe.uid() == owner)
}

/// Whether a name is still that of an open file.
#[cfg(unix)]
#[must_use]
pub fn is_named_by(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let (Ok(ours), Ok(named)) = (file.metadata(), fs::symlink_metadata(path)) else {
        return false;
    };
    (ours.dev(), ours.ino()) == (named.dev(), named.ino())
}

/// Whether a name is still that of an open file.
#[cfg(not(unix))]
#[must_use]
pub fn is_named_by(_file: &File, path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

/// Opens a folder of this user to lock or remove it. Does not follow a link and does not block on anything else with that
/// name.
///
/// # Errors
/// An error of the system; [`io::ErrorKind::PermissionDenied`] if it belongs to another user.
#[cfg(unix)]
pub fn open_own_folder(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

    let flags = NO_FOLLOW | rustix::fs::OFlags::DIRECTORY.bits().cast_signed();
    let folder = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let owner = folder.metadata()?.uid();
    if is_own(owner, path) {
        Ok(folder)
    } else {
        Err(refused(
            path,
            &format!("it belongs to another user (uid {owner})"),
        ))
    }
}

/// Opens a folder to lock or remove it.
///
/// # Errors
/// An error of the system.
#[cfg(not(unix))]
pub fn open_own_folder(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Opens or creates a lock file that only users with write permission for its folder can open: whoever can open a file can
/// hold its lock. The group of a folder with group write permission shares it.
///
/// # Errors
/// An error of the system; [`io::ErrorKind::PermissionDenied`] if something else than a file has the name.
#[cfg(unix)]
pub fn open_lock(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};

    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let lock = options.custom_flags(NO_FOLLOW).open(path)?;
    let found = lock.metadata()?;
    if !found.is_file() {
        return Err(refused(path, "it is not a regular file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = fs::metadata(folder.unwrap_or(Path::new(".")))?;
    let shared = folder.mode() & 0o020 != 0 && folder.gid() == found.gid();
    let mode = if shared { 0o660 } else { 0o600 };
    // Only the owner can do this, and an existing lock file may have another mode.
    if found.mode() & 0o777 != mode && found.uid() == rustix::process::geteuid().as_raw() {
        lock.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    Ok(lock)
}

/// Opens or creates a lock file.
///
/// # Errors
/// An error of the system.
#[cfg(not(unix))]
pub fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).open(path)
}

/// Opens a trusted file, e.g. a config file, and checks that no other user can have written it: it and its folder belong to
/// this user or to root, and others cannot write to them. A group can if it is the user's own.
///
/// # Errors
/// An error of the system; [`io::ErrorKind::PermissionDenied`], with the reason, if it is not trusted.
#[cfg(unix)]
pub fn open_trusted(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

    let (user, group) = (
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let judge = |what: &str, found: &fs::Metadata| {
        // A group with the same number as its user is that user's own.
        let own_group = found.gid() == 0 || (found.gid() == group && group == user);
        let problem = if found.uid() != user && found.uid() != 0 {
            format!("{what} belongs to another user (uid {})", found.uid())
        } else if found.mode() & 0o002 != 0 {
            format!(
                "every user may write to {what} (mode {:04o})",
                found.mode() & 0o7777
            )
        } else if found.mode() & 0o020 != 0 && !own_group {
            format!(
                "the group {} may write to {what} (mode {:04o})",
                found.gid(),
                found.mode() & 0o7777
            )
        } else {
            return Ok(());
        };
        Err(io::Error::new(io::ErrorKind::PermissionDenied, problem))
    };
    let is_link = |found: &fs::Metadata| found.file_type().is_symlink();
    let named = fs::symlink_metadata(path)?;
    if is_link(&named) && named.uid() != user && named.uid() != 0 {
        let problem = format!("the link belongs to another user (uid {})", named.uid());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    }
    let not_blocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(not_blocking)
        .open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it is not a regular file",
        ));
    }
    judge("it", &found)?;
    judge(
        &format!("its folder {}", folder.display()),
        &fs::metadata(folder)?,
    )?;
    Ok(file)
}

/// Opens a trusted file.
///
/// # Errors
/// An error of the system.
#[cfg(not(unix))]
pub fn open_trusted(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn make_pipe(path: &Path) {
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    }

    fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    #[test]
    fn leftovers_are_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync.c1z.tmp");
        fs::write(&path, "half a file").unwrap();
        set_mode(&path, 0o666);
        let held_open = File::open(&path).unwrap();
        let file = lock_new(&path).unwrap().unwrap();
        assert_ne!(
            file.metadata().unwrap().ino(),
            held_open.metadata().unwrap().ino()
        );
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
        assert!(is_named_by(&file, &path) && !is_named_by(&held_open, &path));
        assert!(lock_new(&path).unwrap().is_none(), "it is locked");
        drop(file);
        assert!(lock_new(&path).unwrap().is_some());
    }

    #[test]
    fn files_in_the_way_are_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("precious"), "precious").unwrap();
        symlink(path("precious"), path("link")).unwrap();
        symlink(path("nothing"), path("dangling")).unwrap();
        fs::hard_link(path("precious"), path("hard")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        make_pipe(&path("pipe"));
        for name in ["link", "dangling", "hard", "folder", "pipe"] {
            let error = lock_new(&path(name)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{name}: {error}");
        }
        assert_eq!(fs::read(path("precious")).unwrap(), b"precious");
        assert!(!path("nothing").exists());
    }

    #[test]
    fn files_of_other_users_are_rejected() {
        if !is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.tmp");
        fs::write(&path, "theirs").unwrap();
        std::os::unix::fs::chown(&path, Some(12_345), None).unwrap();
        let error = lock_new(&path).unwrap_err().to_string();
        assert!(error.contains("another user (uid 12345)"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        let theirs = folder.path().join("folder");
        fs::create_dir(&theirs).unwrap();
        open_own_folder(&theirs).unwrap();
        std::os::unix::fs::chown(&theirs, Some(12_345), None).unwrap();
        open_own_folder(&theirs).unwrap_err();
    }

    #[test]
    fn only_folders_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        make_pipe(&path("pipe"));
        symlink(folder.path(), path("link")).unwrap();
        fs::write(path("file"), "").unwrap();
        for name in ["pipe", "link", "file", "missing"] {
            open_own_folder(&path(name)).unwrap_err();
        }
        open_own_folder(folder.path()).unwrap();
    }

    #[test]
    fn locking_needs_write_permission() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("_lock");
        let mode = || fs::metadata(&path).unwrap().mode() & 0o777;
        for (folder_mode, lock_mode) in [(0o755, 0o600), (0o775, 0o660), (0o777, 0o660), (0o700, 0o600)] {
            set_mode(folder.path(), folder_mode);
            drop(open_lock(&path).unwrap());
            assert_eq!(mode(), lock_mode, "{folder_mode:o}");
            set_mode(&path, 0o644);
            drop(open_lock(&path).unwrap());
            assert_eq!(mode(), lock_mode, "one of an older version, {folder_mode:o}");
        }
        let pipe = folder.path().join("pipe");
        make_pipe(&pipe);
        open_lock(&pipe).unwrap_err();
    }

    #[test]
    fn only_files_that_others_cannot_write_are_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".baton.yaml");
        fs::write(&path, "").unwrap();
        set_mode(&path, 0o644);
        let problem = || open_trusted(&path).err().map(|error| error.to_string());
        assert_eq!(problem(), None);
        set_mode(&path, 0o666);
        assert!(problem().unwrap().contains("every user may write to it"));
        set_mode(&path, 0o644);
        set_mode(folder.path(), 0o1777);
        assert!(problem().unwrap().contains("every user may write to its folder"));
        set_mode(folder.path(), 0o755);
        assert_eq!(problem(), None);
        if is_root() {
            let give =
                |path: &Path, user, group| std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
            give(&path, 12_345, 0);
            assert!(problem().unwrap().contains("it belongs to another user"));
            give(&path, 0, 12_345);
            assert_eq!(problem(), None);
            set_mode(&path, 0o664);
            assert!(problem().unwrap().contains("the group 12345 may write to it"));
            give(&path, 0, 0);
            assert_eq!(problem(), None);
            give(folder.path(), 12_345, 0);
            assert!(problem().unwrap().contains("its folder"));
        }
        fs::remove_file(&path).unwrap();
        make_pipe(&path);
        assert!(problem().unwrap().contains("not a regular file"));
    }
}

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
