//! Files and folders that opening a sink or a log creates. A check removes them again.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sinks::SinkConfig;

/// Files and folders that did not exist before, the innermost first.
#[derive(Debug, Default)]
pub(super) struct Footprint {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Footprint {
    /// Opening a dataset creates its folder and the lock in it.
    pub(super) fn expect_sink(&mut self, sink: &dyn SinkConfig) {
        if let Some(root) = sink.dataset_folder() {
            let ancestors = root.ancestors().filter(|folder| !folder.as_os_str().is_empty());
            let missing: Vec<PathBuf> = ancestors
                .take_while(|folder| matches!(folder.try_exists(), Ok(false)))
                .map(Path::to_owned)
                .collect();
            // A lock in an existing folder may belong to another run.
            if !missing.is_empty() {
                self.files.push(root.join("_lock"));
            }
            self.folders.extend(missing);
        }
    }

    /// Opening a log creates the file.
    pub(super) fn expect_file(&mut self, path: &Path) {
        if matches!(path.try_exists(), Ok(false)) {
            self.files.push(path.to_owned());
        }
    }

    /// Removes what is empty.
    pub(super) fn remove(mut self) {
        for path in &self.files {
            if fs::symlink_metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0) {
                let _ = fs::remove_file(path);
            }
        }
        self.folders
            .sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
        for folder in &self.folders {
            // Fails if another process has written to it meanwhile.
            let _ = fs::remove_dir(folder);
        }
    }
}
