//! The file that becomes the report: locked from the start, written to a sibling, renamed when it is complete.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use private_fs::{folder_of, sync_folder};
use regular_file::beside;

use crate::error::ReportError;

/// A locked path. Until [`Target::publish`] the existing file stays unchanged.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    temp: PathBuf,
    /// The temporary file, whose lock is the lock of the path. The unlocked one of a killed run is replaced.
    file: File,
    renamed: bool,
}

impl Target {
    /// Locks a path. A symbolic link stays; the file that it leads to is the target.
    ///
    /// # Errors
    /// [`ReportError`] if it is not a regular file, another run has it, or its folder cannot be written to.
    pub(crate) fn lock(path: &Path) -> Result<Self, ReportError> {
        let resolved =
            regular_file::resolve_output(path).map_err(|error| ReportError::file("writing", path, error))?;
        let path = resolved.as_path();
        let folder = folder_of(path);
        if !folder.is_dir() {
            let path = folder.to_owned();
            return Err(ReportError::NoFolder { path });
        }
        let temp = beside(path, ".tmp");
        let failed = |source| ReportError::io("writing beside", path, source);
        match private_fs::lock_new(&temp).map_err(failed)? {
            Some(file) => Ok(Self {
                path: path.to_owned(),
                temp,
                file,
                renamed: false,
            }),
            None => Err(ReportError::Locked {
                path: path.to_owned(),
            }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file, reads it back, and makes it durable.
    pub(crate) fn fill(&mut self, bytes: &[u8]) -> Result<(), ReportError> {
        let failed = |source| ReportError::io("writing", &self.temp, source);
        self.file.write_all(bytes).map_err(failed)?;
        private_fs::apply_permissions(&self.file, &self.path).map_err(failed)?;
        self.file.sync_all().map_err(failed)?;
        let mut back = Vec::with_capacity(bytes.len());
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        self.file.read_to_end(&mut back).map_err(failed)?;
        if back == bytes {
            Ok(())
        } else {
            Err(failed(io::Error::new(
                io::ErrorKind::InvalidData,
                "what was read back differs from what was written",
            )))
        }
    }

    /// Makes the written file visible at its own path or at a sibling.
    pub(crate) fn publish(mut self, at: &Path) -> Result<(), ReportError> {
        let failed = |source| ReportError::io("renaming to", at, source);
        if !private_fs::is_named_by(&self.file, &self.temp) {
            return Err(failed(io::Error::other(
                "the temporary file was replaced during the run",
            )));
        }
        std::fs::rename(&self.temp, at).map_err(failed)?;
        self.renamed = true;
        sync_folder(folder_of(at)).map_err(|source| ReportError::NotConfirmed {
            path: at.to_owned(),
            source,
        })
    }
}

/// Refuses a path where no report can be written, without touching it.
///
/// # Errors
/// [`ReportError`] if it is not a regular file.
pub fn refuse_target(path: &Path) -> Result<(), ReportError> {
    let resolved = regular_file::resolve_output(path);
    resolved.map_err(|error| ReportError::file("writing", path, error))?;
    Ok(())
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.renamed {
            // Still locked, so that no other run can be using it.
            let _ = std::fs::remove_file(&self.temp);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn one_run_at_a_time_without_leftovers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        let first = Target::lock(&path).unwrap();
        assert!(matches!(Target::lock(&path), Err(ReportError::Locked { .. })));
        drop(first);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        fs::write(folder.path().join("report.html.tmp"), b"half a file").unwrap();
        let mut again = Target::lock(&path).unwrap();
        again.fill(b"whole").unwrap();
        again.publish(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_symlink_as_temporary_file_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, b"precious").unwrap();
        std::os::unix::fs::symlink(&victim, folder.path().join("report.html.tmp")).unwrap();
        Target::lock(&folder.path().join("report.html")).unwrap_err();
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
    }
}
