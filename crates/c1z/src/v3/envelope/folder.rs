//! The folder that a payload is unpacked to. Names are known to stay in it, but the file system may not allow them.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::C1zError;

#[derive(Debug)]
pub(super) struct UnpackFolder<'p> {
    /// The file that is unpacked.
    packed: &'p Path,
    root: &'p Path,
    created: HashSet<PathBuf>,
}

impl<'p> UnpackFolder<'p> {
    pub(super) fn create(packed: &'p Path, root: &'p Path) -> Result<Self, C1zError> {
        let mut folder = Self {
            packed,
            root,
            created: HashSet::new(),
        };
        folder.folder("")?;
        Ok(folder)
    }

    /// Creates a folder in it.
    pub(super) fn folder(&mut self, name: &str) -> Result<(), C1zError> {
        let path = self.root.join(name);
        if !self.created.contains(&path) {
            fs::create_dir_all(&path).map_err(|error| self.refused(name, &path, error))?;
            self.created.insert(path);
        }
        Ok(())
    }

    /// Creates a file in it. Returns it with its path.
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
            // Not about the name, but about the disk or the folder.
            _ => C1zError::io("unpacking to", path, error),
        }
    }
}
