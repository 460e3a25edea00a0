//! Opens files within a dataset's folder. The contents of the folder must not lead a reader elsewhere or block it: no link is
//! followed below the root, anything but a regular file (a FIFO, a device, a socket) is refused without blocking, and small objects
//! have a size limit.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::error::DatasetError;

/// The largest pointer, manifest or claim, in bytes. A manifest has some 300 bytes a file.
pub(crate) const MAX_OBJECT_BYTES: u64 = 4 << 20;

/// Opens a file to read it.
///
/// # Errors
/// [`DatasetError::Damaged`] if there is something else, or a link on the way to it.
pub(super) fn open(root: &Path, path: &str) -> Result<File, DatasetError> {
    let shown = root.join(path);
    let file = open_no_follow(root, path).map_err(|error| {
        if check_no_links(root, path).is_err() {
            return not_regular(&shown, "it is a symbolic link, or behind one");
        }
        DatasetError::io(&shown, error)
    })?;
    let found = file.metadata().map_err(|error| DatasetError::io(&shown, error))?;
    if found.is_file() {
        Ok(file)
    } else {
        Err(not_regular(&shown, "it is not a regular file"))
    }
}

/// Reads a small object; nothing if there is none.
///
/// # Errors
/// As [`open`], and [`DatasetError::Damaged`] if it is too large.
pub(super) fn read(root: &Path, path: &str) -> Result<Option<Vec<u8>>, DatasetError> {
    let shown = root.join(path);
    let file = match open(root, path) {
        Ok(file) => file,
        Err(DatasetError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    let read = file.take(MAX_OBJECT_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| DatasetError::io(&shown, error))?;
    if bytes.len() as u64 > MAX_OBJECT_BYTES {
        return Err(not_regular(
            &shown,
            &format!("it has more than {} MiB", MAX_OBJECT_BYTES >> 20),
        ));
    }
    Ok(Some(bytes))
}

/// Checks that no part of a path below the root is a link. Missing parts are fine.
///
/// # Errors
/// The link, or the system's error.
pub(super) fn check_no_links(root: &Path, path: &str) -> io::Result<()> {
    let mut at = root.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        at.push(part);
        match fs::symlink_metadata(&at) {
            Ok(found) if found.is_symlink() => {
                let what = format!("{} is a symbolic link", at.display());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn not_regular(path: &Path, reason: &str) -> DatasetError {
    DatasetError::damaged(&path.display().to_string(), reason)
}

/// Opens part by part, so that no link can be put there between a check and the opening.
#[cfg(unix)]
fn open_no_follow(root: &Path, path: &str) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open, openat};

    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let root = if root.as_os_str().is_empty() {
        Path::new(".")
    } else {
        root
    };
    let mut folder = open(root, flags | OFlags::DIRECTORY, Mode::empty())?;
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    for part in folders.split('/').filter(|part| !part.is_empty()) {
        let below = flags | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        folder = openat(&folder, part, below, Mode::empty())?;
    }
    // Without waiting for the writer of a FIFO.
    let file = openat(
        &folder,
        name,
        flags | OFlags::NOFOLLOW | OFlags::NONBLOCK,
        Mode::empty(),
    )?;
    Ok(file.into())
}

#[cfg(not(unix))]
fn open_no_follow(root: &Path, path: &str) -> io::Result<File> {
    check_no_links(root, path)?;
    File::open(root.join(path))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::symlink;

    use access_core::{Diagnostic, StatusCode};

    use super::*;

    fn status<T: std::fmt::Debug>(result: Result<T, DatasetError>) -> StatusCode {
        result.unwrap_err().status()
    }

    #[test]
    fn only_regular_files_below_the_root_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("ds");
        fs::create_dir_all(root.join("users/a")).unwrap();
        fs::write(root.join("users/a/file"), "x").unwrap();
        fs::write(folder.path().join("outside"), "secret").unwrap();
        open(&root, "users/a/file").unwrap();
        assert_eq!(read(&root, "users/a/file").unwrap().unwrap(), b"x");
        assert_eq!(read(&root, "users/b/file").unwrap(), None);

        symlink("file", root.join("users/a/link")).unwrap();
        symlink("../outside", root.join("latest.json")).unwrap();
        symlink("/dev/zero", root.join("zero")).unwrap();
        symlink("a", root.join("users/linked")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            root.join("fifo"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from(0o600),
            0,
        )
        .unwrap();
        for path in [
            "users/a/link",
            "latest.json",
            "zero",
            "users/linked/file",
            "fifo",
            "users",
        ] {
            assert_eq!(status(open(&root, path)), StatusCode::DataLoss, "{path}");
            assert_eq!(status(read(&root, path)), StatusCode::DataLoss, "{path}");
        }
        // The root itself is the user's choice.
        symlink(&root, folder.path().join("root")).unwrap();
        open(&folder.path().join("root"), "users/a/file").unwrap();
    }

    #[test]
    fn small_objects_are_small() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = File::create(folder.path().join("latest.json")).unwrap();
        file.write_all(&vec![b' '; usize::try_from(MAX_OBJECT_BYTES).unwrap()])
            .unwrap();
        read(folder.path(), "latest.json").unwrap();
        file.write_all(b" ").unwrap();
        assert_eq!(status(read(folder.path(), "latest.json")), StatusCode::DataLoss);
    }
}
