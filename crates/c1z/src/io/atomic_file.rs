//! A file that is replaced atomically: its existing format, the lock against other runs, and the temporary file beside it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use private_fs::{folder_of, sync_folder};
use regular_file::beside;

use crate::error::C1zError;
use crate::format::Container;

/// What to do with an existing file that is not a c1z.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExistingFilePolicy {
    /// Fail with [`C1zError::Foreign`].
    #[default]
    Refuse,
    /// Replace it when the new sync is complete, whatever it is. An existing c1z is replaced too.
    Replace,
}

/// A locked path that a file will be written to. The visible file stays unchanged until
/// [`PreparedFile::publish`](crate::PreparedFile::publish).
#[derive(Debug)]
pub struct Target {
    path: PathBuf,
    holds: Container,
    temp: TempFile,
}

/// The temporary file beside the target. Its lock is the lock of the target. One that a killed run left behind is not locked, and
/// is replaced.
#[derive(Debug)]
struct TempFile {
    path: PathBuf,
    file: File,
    renamed: bool,
}

impl Target {
    /// Detects the format of the existing file and locks the path. A symbolic link is followed, and stays.
    ///
    /// # Errors
    /// [`C1zError`] if the path is not a regular file, is foreign or locked by another run, or its folder cannot be written to.
    /// Nothing is changed then.
    pub fn open(path: &Path, on_foreign: ExistingFilePolicy) -> Result<Self, C1zError> {
        let resolved =
            regular_file::resolve_output(path).map_err(|error| C1zError::file("writing", path, error))?;
        let path = resolved.as_path();
        let folder = folder_of(path);
        match std::fs::metadata(folder) {
            Ok(found) if found.is_dir() => {}
            Err(error) if !is_missing(&error) => return Err(C1zError::io("looking at", folder, error)),
            _ => {
                return Err(C1zError::NoFolder {
                    path: folder.to_owned(),
                });
            }
        }
        let mut holds = Container::detect(path)?;
        match (&holds, on_foreign) {
            (Container::Absent, _) | (Container::V1 | Container::V3, ExistingFilePolicy::Refuse) => {}
            (_, ExistingFilePolicy::Replace) => holds = Container::Absent,
            (Container::Foreign(first), ExistingFilePolicy::Refuse) => {
                let begins_with = format!("\"{}\"", first.escape_ascii());
                return Err(C1zError::Foreign {
                    path: path.to_owned(),
                    begins_with,
                });
            }
        }
        let temp = TempFile::lock(path)?;
        Ok(Self {
            path: path.to_owned(),
            holds,
            temp,
        })
    }

    /// The path, with symbolic links resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The format of the file that is continued: [`Container::V1`], [`Container::V3`], or [`Container::Absent`] if there is none.
    #[must_use]
    pub fn existing_format(&self) -> &Container {
        &self.holds
    }

    pub(crate) fn temp_file(&self) -> (&File, &Path) {
        (&self.temp.file, &self.temp.path)
    }

    /// Sets the permissions that the file will have when it is visible, durably.
    pub(crate) fn apply_permissions(&self) -> io::Result<()> {
        private_fs::apply_permissions(&self.temp.file, &self.path)?;
        self.temp.file.sync_all()
    }

    /// Renames the temporary file to the target. Returns its size in bytes.
    pub(crate) fn publish(mut self) -> Result<u64, C1zError> {
        let failed = |error| C1zError::io("renaming to", &self.path, error);
        self.temp.rename_to(&self.path).map_err(failed)?;
        // A candidate of an earlier run is obsolete now. One that cannot be removed does no harm.
        let _ = std::fs::remove_file(beside(&self.path, ".candidate"));
        sync_folder(folder_of(&self.path)).map_err(|source| C1zError::NotConfirmed {
            path: self.path.clone(),
            source,
        })?;
        Ok(self.temp.file.metadata().map_err(failed)?.len())
    }

    /// Renames the temporary file to `<target>.candidate`, replacing an earlier candidate. Returns its path.
    pub(crate) fn quarantine(mut self) -> Result<PathBuf, C1zError> {
        let aside = beside(&self.path, ".candidate");
        let failed = |error| C1zError::io("renaming to", &aside, error);
        self.temp.rename_to(&aside).map_err(failed)?;
        sync_folder(folder_of(&self.path)).map_err(failed)?;
        Ok(aside)
    }
}

/// Whether the name does not exist, rather than that it cannot be read.
fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

impl TempFile {
    /// Renames the file, unless another file has replaced it.
    fn rename_to(&mut self, path: &Path) -> io::Result<()> {
        if !private_fs::is_named_by(&self.file, &self.path) {
            return Err(io::Error::other("the temporary file was replaced during the run"));
        }
        std::fs::rename(&self.path, path)?;
        self.renamed = true;
        Ok(())
    }

    fn lock(target: &Path) -> Result<Self, C1zError> {
        let path = beside(target, ".tmp");
        let failed = |error| C1zError::io("writing beside", target, error);
        match private_fs::lock_new(&path).map_err(failed)? {
            Some(file) => Ok(Self {
                path,
                file,
                renamed: false,
            }),
            None => Err(C1zError::Locked {
                path: target.to_owned(),
            }),
        }
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if !self.renamed {
            // The lock is still held, so no other run can use the file.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_target_is_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync.c1z");
        let first = Target::open(&path, ExistingFilePolicy::Refuse).unwrap();
        assert!(matches!(
            Target::open(&path, ExistingFilePolicy::Refuse),
            Err(C1zError::Locked { .. })
        ));
        drop(first);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            0,
            "nothing is left behind"
        );
        Target::open(&path, ExistingFilePolicy::Refuse).expect("the lock went with its holder");
    }

    #[test]
    fn leftovers_of_killed_runs_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync.c1z");
        fs::write(folder.path().join("sync.c1z.tmp"), b"half a file").unwrap();
        let target = Target::open(&path, ExistingFilePolicy::Refuse).unwrap();
        assert_eq!(target.temp_file().0.metadata().unwrap().len(), 0);
    }

    #[test]
    fn existing_files_decide() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync.c1z");
        for (content, holds) in [
            (&b""[..], Some(Container::Absent)),
            (b"C1ZF\0rest", Some(Container::V1)),
            (b"C1Z3\0rest", Some(Container::V3)),
            (b"hello\nworld", None),
            (b"C1", None),
        ] {
            fs::write(&path, content).unwrap();
            if let Some(holds) = holds {
                assert_eq!(
                    *Target::open(&path, ExistingFilePolicy::Refuse)
                        .unwrap()
                        .existing_format(),
                    holds
                );
            } else {
                assert_eq!(
                    Target::open(&path, ExistingFilePolicy::Refuse)
                        .unwrap_err()
                        .status(),
                    9
                );
                assert_eq!(
                    *Target::open(&path, ExistingFilePolicy::Replace)
                        .unwrap()
                        .existing_format(),
                    Container::Absent
                );
            }
            assert_eq!(fs::read(&path).unwrap(), content, "opening changes nothing");
        }
        let error = Target::open(folder.path(), ExistingFilePolicy::Replace).unwrap_err();
        assert!(matches!(error, C1zError::IsDirectory { .. }), "{error}");
        let error = Target::open(&folder.path().join("no/sync.c1z"), ExistingFilePolicy::Refuse).unwrap_err();
        assert!(matches!(error, C1zError::NoFolder { .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_symlink_as_temporary_file_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, b"precious").unwrap();
        std::os::unix::fs::symlink(&victim, folder.path().join("sync.c1z.tmp")).unwrap();
        Target::open(&folder.path().join("sync.c1z"), ExistingFilePolicy::Refuse).unwrap_err();
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
    }
}
