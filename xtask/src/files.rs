//! Creates and copies files and folders.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use sha2::{Digest, Sha256};

use crate::process::Failure;

/// The SHA-256 of bytes, in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Creates an empty folder, replacing an existing one.
pub(crate) fn fresh_folder(path: &Path) -> Result<(), Failure> {
    let failed = |source| Failure::file(path, source);
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    fs::create_dir_all(path).map_err(failed)
}

/// Copies a folder with everything in it to a new folder.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<(), Failure> {
    fresh_folder(to)?;
    for entry in entries(from)? {
        let Some(name) = entry.file_name() else { continue };
        if entry.is_dir() {
            copy_folder(&entry, &to.join(name))?;
        } else {
            copy(&entry, &to.join(name))?;
        }
    }
    Ok(())
}

/// The paths in a folder.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |source| Failure::file(folder, source);
    let entries = fs::read_dir(folder).map_err(failed)?;
    entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(failed))
        .collect()
}

/// Copies a file.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::copy(from, to)
        .map(|_| ())
        .map_err(|source| Failure::file(from, source))
}
