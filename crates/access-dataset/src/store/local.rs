//! A folder of this machine. Everything is durable before it counts: files are written to their disk, moved, and the
//! folder that names them is written too.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access_core::hex;
use async_trait::async_trait;
use private_fs::{permit_reading, sync_folder};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use super::SCRATCH;
use super::Store;
use super::StoredObject;
use super::SwapOutcome;
use super::Version;
use super::contained;
use crate::error::DatasetError;

/// The lock of the run that publishes.
const LOCK: &str = "_lock";

#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    /// Locked as long as it is open; nothing if it is only read.
    _lock: Option<File>,
    /// Locked during an operation, also after its caller was cancelled.
    turn: Arc<Mutex<()>>,
}

impl Folder {
    pub(super) async fn open(root: PathBuf) -> Result<Self, DatasetError> {
        blocking(move || {
            match fs::metadata(&root) {
                Ok(found) if !found.is_dir() => {
                    let location = root.display().to_string();
                    return Err(DatasetError::NotAFolder { location });
                }
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(DatasetError::io(&root, error));
                }
                _ => {}
            }
            make_root(&root).map_err(|error| DatasetError::io(&root, error))?;
            let path = root.join(LOCK);
            let lock = open_lock(&path)?;
            match lock.try_lock() {
                Ok(()) => {
                    remove_leftovers(&root).map_err(|error| DatasetError::io(&root, error))?;
                    Ok(Self {
                        root,
                        _lock: Some(lock),
                        turn: Arc::default(),
                    })
                }
                Err(TryLockError::WouldBlock) => Err(DatasetError::Locked {
                    location: root.display().to_string(),
                }),
                Err(TryLockError::Error(error)) => Err(DatasetError::io(&path, error)),
            }
        })
        .await
    }

    pub(super) async fn open_to_read(root: PathBuf) -> Result<Self, DatasetError> {
        blocking(move || {
            let location = root.display().to_string();
            match fs::metadata(&root) {
                Ok(found) if found.is_dir() => Ok(Self {
                    root,
                    _lock: None,
                    turn: Arc::default(),
                }),
                Ok(_) => Err(DatasetError::NotAFolder { location }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Err(DatasetError::Missing {
                    location: format!("folder {location}"),
                    reason: error.to_string(),
                }),
                Err(error) => Err(DatasetError::io(&root, error)),
            }
        })
        .await
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Runs one operation after the other. An operation of a cancelled run ends on its own thread; without this it could store a file
    /// after the cleanup.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, DatasetError> + Send + 'static,
    ) -> Result<T, DatasetError> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        blocking(move || {
            let done = work();
            drop(turn);
            done
        })
        .await
    }
}

/// Opens or creates the lock file without following a link or blocking on a FIFO.
fn open_lock(path: &Path) -> Result<File, DatasetError> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(DatasetError::damaged(
            &path.display().to_string(),
            "it is not a regular file",
        ));
    }
    private_fs::open_lock(path).map_err(|error| DatasetError::io(path, error))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DatasetError> + Send + 'static,
) -> Result<T, DatasetError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(DatasetError::WorkerPanicked))
}

/// Removes the scratch folders of killed runs. The caller has the lock.
fn remove_leftovers(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(SCRATCH) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Creates the root and its missing parents, durably.
fn make_root(root: &Path) -> io::Result<()> {
    let mut missing: Vec<&Path> = Vec::new();
    for folder in root.ancestors() {
        if folder.try_exists()? {
            break;
        }
        missing.push(folder);
    }
    fs::create_dir_all(root)?;
    // The empty path, which a relative one ends in, exists nowhere.
    let parents = missing.into_iter().filter_map(Path::parent);
    parents.into_iter().try_for_each(|folder| {
        sync_folder(if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        })
    })
}

/// Makes the folder of a path, and names it durably. Nothing is written behind a link.
fn make_folder(root: &Path, path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    if let Some(below) = folder.strip_prefix(root).ok().and_then(Path::to_str) {
        contained::check_no_links(root, below)?;
    }
    fs::create_dir_all(folder)?;
    let mut named = folder;
    while let Some(parent) = named.parent().filter(|_| named != root) {
        sync_folder(parent)?;
        named = parent;
    }
    Ok(())
}

/// Writes in the root, where leftovers are found, and moves it to the path, durably.
fn replace(root: &Path, path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    rename_to(root, path, write)?;
    sync_folder(path.parent().unwrap_or(root))
}

/// As [`replace`], but the new name is not durable yet.
fn rename_to(root: &Path, path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    make_folder(root, path)?;
    let mut scratch = tempfile::Builder::new().prefix(SCRATCH).tempfile_in(root)?;
    write(scratch.as_file_mut())?;
    permit_reading(scratch.as_file())?;
    scratch.as_file().sync_all()?;
    let (_file, scratch) = scratch.into_parts();
    fs::rename(&scratch, path)?;
    // It has another name now, so there is nothing to remove.
    let _ = scratch.keep();
    Ok(())
}

fn version_of(bytes: &[u8]) -> Version {
    Version {
        tag: Some(hex(&Sha256::digest(bytes))),
        version: None,
    }
}

fn read(root: &Path, path: &str) -> Result<Option<StoredObject>, DatasetError> {
    let bytes = contained::read(root, path)?;
    Ok(bytes.map(|bytes| StoredObject {
        version: version_of(&bytes),
        bytes,
        modified: None,
    }))
}

#[async_trait]
impl Store for Folder {
    fn describe(&self, path: &str) -> String {
        let location = if path.is_empty() {
            self.root.clone()
        } else {
            self.path(path)
        };
        location.display().to_string()
    }

    async fn put_file(&self, path: &str, from: &Path) -> Result<(), DatasetError> {
        let (root, path, from) = (self.root.clone(), self.path(path), from.to_owned());
        self.in_turn(move || {
            let moved = make_folder(&root, &path)
                .and_then(|()| File::open(&from))
                .and_then(|file| permit_reading(&file).and_then(|()| file.sync_all()))
                .and_then(|()| fs::rename(&from, &path));
            let stored = match moved {
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => replace(&root, &path, |out| {
                    io::copy(&mut File::open(&from)?, out)?;
                    out.flush()
                }),
                Ok(()) => sync_folder(path.parent().unwrap_or(&root)),
                failed => failed,
            };
            stored.map_err(|error| DatasetError::io(&path, error))
        })
        .await
    }

    async fn open(&self, path: &str, _scratch: &Path) -> Result<File, DatasetError> {
        let (root, path) = (self.root.clone(), path.to_owned());
        self.in_turn(move || contained::open(&root, &path)).await
    }

    async fn put(&self, path: &str, bytes: Vec<u8>) -> Result<(), DatasetError> {
        let (root, path) = (self.root.clone(), self.path(path));
        self.in_turn(move || {
            replace(&root, &path, |out| out.write_all(&bytes)).map_err(|error| DatasetError::io(&path, error))
        })
        .await
    }

    async fn get(&self, path: &str) -> Result<Option<StoredObject>, DatasetError> {
        let (root, path) = (self.root.clone(), path.to_owned());
        self.in_turn(move || read(&root, &path)).await
    }

    async fn swap(
        &self,
        path: &str,
        bytes: Vec<u8>,
        was: Option<&Version>,
    ) -> Result<SwapOutcome, DatasetError> {
        // The lock keeps other runs from coming between the check and the move.
        if self.get(path).await?.map(|stored| stored.version).as_ref() != was {
            return Ok(SwapOutcome::Changed);
        }
        let (root, path) = (self.root.clone(), self.path(path));
        self.in_turn(move || {
            rename_to(&root, &path, |out| out.write_all(&bytes))
                .map_err(|error| DatasetError::io(&path, error))?;
            sync_folder(&root).map_err(|error| DatasetError::DurabilityUnknown {
                pointer: path.display().to_string(),
                reason: error.to_string(),
            })
        })
        .await?;
        Ok(SwapOutcome::Done)
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, DatasetError> {
        let (root, top) = (self.root.clone(), self.path(folder));
        let folder = folder.to_owned();
        self.in_turn(move || {
            let mut found = Vec::new();
            // A link is something that is there, not a way to something else.
            if contained::check_no_links(&root, &folder).is_err() {
                return Ok(vec![folder]);
            }
            let mut folders = vec![top];
            while let Some(folder) = folders.pop() {
                let entries = match fs::read_dir(&folder) {
                    Ok(entries) => entries,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(DatasetError::io(&folder, error)),
                };
                for entry in entries {
                    let entry = entry.map_err(|error| DatasetError::io(&folder, error))?;
                    let path = entry.path();
                    // Links are not followed. A missing entry is no folder; one that cannot be read may be.
                    let is_folder = match entry.file_type() {
                        Ok(file_type) => file_type.is_dir(),
                        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                        Err(error) => return Err(DatasetError::io(&path, error)),
                    };
                    if is_folder {
                        folders.push(path);
                    } else if let Ok(relative) = path.strip_prefix(&root) {
                        let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
                        found.push(parts.join("/"));
                    }
                }
            }
            found.sort_unstable();
            Ok(found)
        })
        .await
    }

    async fn delete(&self, path: &str) -> Result<(), DatasetError> {
        let (root, below) = (self.root.clone(), path.to_owned());
        self.in_turn(move || {
            let path = root.join(&below);
            let folder = below.rsplit_once('/').map_or("", |(folder, _)| folder);
            contained::check_no_links(&root, folder).map_err(|error| DatasetError::io(&path, error))?;
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(DatasetError::io(&path, error));
                }
                _ => {}
            }
            // Folders that are empty now go too; one that is not empty refuses, which is fine.
            let mut folder = path.parent();
            while let Some(empty) = folder.filter(|folder| *folder != root) {
                if fs::remove_dir(empty).is_err() {
                    break;
                }
                folder = empty.parent();
            }
            Ok(())
        })
        .await
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    fn scratch(&self) -> Option<&Path> {
        Some(&self.root)
    }
}
