//! Atomic private files.

use std::io::Write;
use std::path::Path;

use access_core::StatusCode;

use crate::failure::Failure;

/// Writes a file that only its owner can read; replaces an existing one.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = temporary(path, bytes).and_then(|file| file.persist(path).map_err(|error| error.error));
    written.map(|_| ()).map_err(|error| failed(path, &error))
}

/// Writes a file that only its owner can read; fails if it exists.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written =
        temporary(path, bytes).and_then(|file| file.persist_noclobber(path).map_err(|error| error.error));
    match written {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(Failure::new(
            format!("{} exists already; evidence is never replaced", path.display()),
            Some("name another file with --to".to_owned()),
            StatusCode::AlreadyExists,
        )),
        Err(error) => Err(failed(path, &error)),
    }
}

/// Writes a temporary file beside the target.
fn temporary(path: &Path, bytes: &[u8]) -> std::io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        format!("cannot write {}: {error}", path.display()),
        None,
        StatusCode::FailedPrecondition,
    )
}
