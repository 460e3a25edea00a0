//! What a temporary file needs to replace a published one: a durable name and the mode that readers expect.

use std::fs::File;
use std::io;
use std::path::Path;

/// The folder that a file is in.
///
/// ```
/// use std::path::Path;
///
/// assert_eq!(private_fs::folder_of(Path::new("sync.c1z")), Path::new("."));
/// ```
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Syncs a folder to disk: a rename is durable only after that.
///
/// # Errors
/// An error of the system.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// Gives a complete file the mode of the one that it replaces, or the one that the umask allows. A file of another user cannot
/// make it readable for more people than the umask allows.
///
/// # Errors
/// An error of the system.
pub fn apply_permissions(file: &File, replaced: &Path) -> io::Result<()> {
    match std::fs::metadata(replaced) {
        Ok(old) if is_own(&old) => file.set_permissions(old.permissions()),
        Ok(old) => restrict(file, &old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => permit_reading(file),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn is_own(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    found.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_own(_found: &std::fs::Metadata) -> bool {
    true
}

/// Gives a file the mode of another user's file as far as the umask allows it; its owner can always read and write it.
#[cfg(unix)]
fn restrict(file: &File, old: &std::fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let mode = 0o666 & !umask() & (old.mode() | 0o600);
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(file: &File, _old: &std::fs::Metadata) -> io::Result<()> {
    permit_reading(file)
}

/// Gives a file the mode that the umask allows: temporary files are private, published ones are not.
///
/// # Errors
/// An error of the system.
#[cfg(unix)]
pub fn permit_reading(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    file.set_permissions(std::fs::Permissions::from_mode(0o666 & !umask()))
}

/// As on Unix, where there are modes.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn permit_reading(_file: &File) -> io::Result<()> {
    Ok(())
}

/// The umask. The system call that returns it also sets it, for all threads, so it is read from `/proc`; without it
/// the usual umask is assumed.
#[cfg(unix)]
fn umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    mask.and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok())
        .unwrap_or(0o022)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::*;

    /// Only root can give a file to another user.
    #[test]
    fn the_mode_of_another_users_file_only_restricts() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join("sync.c1z");
        fs::write(&old, "").unwrap();
        for (mode, uid, expected) in [
            (0o666, 0, 0o666),
            (0o666, 65534, 0o666 & !umask()),
            (0o640, 65534, 0o640 & !umask()),
            (0o000, 65534, 0o600),
        ] {
            fs::set_permissions(&old, fs::Permissions::from_mode(mode)).unwrap();
            chown(&old, Some(uid), None).unwrap();
            let file = File::create(folder.path().join("new")).unwrap();
            apply_permissions(&file, &old).unwrap();
            let found = file.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(found, expected, "{mode:o} of {uid}");
        }
    }
}
