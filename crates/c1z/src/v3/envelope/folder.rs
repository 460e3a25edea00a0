//! The folder that a payload is unpacked to. Names were checked to stay in it; the system may still not have them.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::C1zError;

#[derive(Debug)]
pub(super) struct Folder<'p> {
    /// The file that is unpacked.
    packed: &'p Path,
    root: &'p Path,
    made: HashSet<PathBuf>,
}

impl<'p> Folder<'p> {
    pub(super) fn create(packed: &'p Path, root: &'p Path) -> Result<Self, C1zError> {
        let mut folder = Self {
            packed,
            root,
            made: HashSet::new(),
        };
        folder.folder("")?;
        Ok(folder)
    }

    /// Makes a folder in it.
    pub(super) fn folder(&mut self, name: &str) -> Result<(), C1zError> {
        let path = self.root.join(name);
        if !self.made.contains(&path) {
            fs::create_dir_all(&path).map_err(|error| self.refused(name, &path, error))?;
            self.made.insert(path);
        }
        Ok(())
    }

    /// Makes a file in it, and tells its path.
    pub(super) fn file(&mut self, name: &str) -> Result<(File, PathBuf), C1zError> {
        if let Some((folder, _)) = name.rsplit_once('/') {
            self.folder(folder)?;
        }
        let path = self.root.join(name);
        let file = File::create_new(&path).map_err(|error| self.refused(name, &path, error))?;
        Ok((file, path))
    }

    fn refused(&self, name: &str, path: &Path, error: io::Error) -> C1zError {
        use io::ErrorKind::{AlreadyExists, InvalidFilename, InvalidInput, IsADirectory, NotADirectory};

        match error.kind() {
            AlreadyExists | InvalidFilename | InvalidInput | IsADirectory | NotADirectory => {
                C1zError::Corrupt {
                    path: self.packed.to_owned(),
                    detail: format!("{name:?} in it cannot be the name of a file: {error}"),
                }
            }
            // Not about the name: the disk, or the folder for temporary files.
            _ => C1zError::io("unpacking to", path, error),
        }
    }
}
