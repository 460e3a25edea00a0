//! The folder of the state. Processes share it: each reads the last delivery of any of them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use access_core::model::{Baseline, SyncOrigin};
use access_core::sync::CurrentSync;
use private_fs::sync_folder;
use tempfile::NamedTempFile;

use super::error::StateError;
use super::file::{StateFile, StateHeader, Unreadable};

/// In the folder that is named: a volume may be writable for others, and this is not.
const FOLDER: &str = "baton-ninja-one";
const STATE: &str = "delivered.state";
const LOCK: &str = "lock";
/// How the names of unfinished files begin.
const UNFINISHED: &str = "unfinished-";

/// Others hold the lock for milliseconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// Ids of 50 million grants take about a tenth of it.
const MAX_BYTES: u64 = 1 << 30;

/// A folder with the last delivery for one connector and one tenant.
#[derive(Debug)]
pub struct StateFolder {
    folder: PathBuf,
    client: String,
}

/// A state that is complete and durable, and not in effect yet. Dropping it removes it.
#[derive(Debug)]
pub struct PendingState {
    file: NamedTempFile,
    header: StateHeader,
}

impl StateFolder {
    /// Opens a folder for the connector with a client id, checks that it can be written to, and removes the files of killed
    /// processes.
    ///
    /// # Errors
    /// [`StateError`] if it cannot be used. [`read`](Self::read) reads its contents.
    pub fn open(parent: &Path, client: &str) -> Result<Self, StateError> {
        match fs::metadata(parent) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => {
                return Err(StateError::NotAFolder {
                    path: parent.to_owned(),
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StateError::NotAFolder {
                    path: parent.to_owned(),
                });
            }
            Err(error) => return Err(StateError::io(parent, error)),
        }
        let folder = parent.join(FOLDER);
        let mut new = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut new, 0o700);
        match new.create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(StateError::io(&folder, error));
            }
            _ => {}
        }
        let found = fs::symlink_metadata(&folder).map_err(|error| StateError::io(&folder, error))?;
        if !found.is_dir() {
            return Err(StateError::NotAFolder { path: folder });
        }
        trust(&folder, &found)?;
        let state = Self {
            folder,
            client: client.to_owned(),
        };
        let lock = state.lock()?;
        state.remove_leftovers()?;
        // Whatever cannot be written is better known now than after the first delivery.
        drop(state.new_file()?);
        drop(lock);
        Ok(state)
    }

    /// The last delivery of a tenant; `None` only if there certainly is none.
    ///
    /// # Errors
    /// [`StateError`] if it cannot be read, or is another tenant's or connector's.
    pub(crate) fn read(&self, tenant: &str) -> Result<Option<StateFile>, StateError> {
        let path = self.folder.join(STATE);
        let failed = |error| StateError::io(&path, error);
        let mut file = match open_to_read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let found = file.metadata().map_err(failed)?;
        if !found.is_file() {
            return Err(StateError::Untrusted {
                path,
                reason: "it is not a regular file",
            });
        }
        trust(&path, &found)?;
        let damaged = |reason| StateError::Damaged {
            path: path.clone(),
            reason,
        };
        if found.len() > MAX_BYTES {
            return Err(damaged("it is larger than any state"));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let state = StateFile::parse(bytes).map_err(|unreadable| match unreadable {
            Unreadable::Damaged(reason) => damaged(reason),
            Unreadable::Newer(version) => StateError::Newer {
                path: path.clone(),
                version,
            },
        })?;
        let of = |tenant: &str, client: &str| format!("connector {client} for {tenant}");
        if (state.header.tenant.as_str(), state.header.client.as_str()) != (tenant, self.client.as_str()) {
            return Err(StateError::Foreign {
                path,
                held: of(&state.header.tenant, &state.header.client),
                wanted: of(tenant, &self.client),
            });
        }
        Ok(Some(state))
    }

    /// Damage that only the file itself can have, as an error of its reader.
    pub(crate) fn damaged(&self, unreadable: Unreadable) -> StateError {
        let path = self.folder.join(STATE);
        match unreadable {
            Unreadable::Damaged(reason) => StateError::Damaged { path, reason },
            Unreadable::Newer(version) => StateError::Newer { path, version },
        }
    }

    /// Writes the state of the coming delivery durably, beside the current one.
    pub(crate) fn prepare(
        &self,
        tenant: &str,
        baseline: &Baseline,
        origin: &SyncOrigin,
        ids: &CurrentSync,
    ) -> Result<PendingState, StateError> {
        let header = StateHeader::new(tenant, &self.client, baseline, origin);
        let file = {
            let _lock = self.lock()?;
            self.new_file()?
        };
        let failed = |error| StateError::io(&self.folder, error);
        StateFile::write(&header, ids, file.as_file()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        Ok(PendingState { file, header })
    }

    /// Makes the state of a delivery current, unless another process delivered a later sync meanwhile.
    pub(crate) fn commit(&self, pending: PendingState) -> Result<(), StateError> {
        let _lock = self.lock()?;
        let held = self.read(&pending.header.tenant)?;
        // Ids of syncs sort by time.
        if held.is_some_and(|held| held.header.sync_id > pending.header.sync_id) {
            return Ok(());
        }
        let path = self.folder.join(STATE);
        let persisted = pending.file.persist(&path);
        persisted.map_err(|error| StateError::io(&path, error.error))?;
        sync_folder(&self.folder).map_err(|error| StateError::io(&self.folder, error))
    }

    fn new_file(&self) -> Result<NamedTempFile, StateError> {
        let failed = |error| StateError::io(&self.folder, error);
        let file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(&self.folder);
        let file = file.map_err(failed)?;
        // Locked as long as the file is in use: other processes may remove unlocked ones.
        match file.as_file().try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(StateError::Locked {
                path: file.path().to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    fn lock(&self) -> Result<File, StateError> {
        let path = self.folder.join(LOCK);
        let failed = |error| StateError::io(&path, error);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600).custom_flags(careful());
        }
        let lock = options.open(&path).map_err(failed)?;
        let begin = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::WouldBlock) if begin.elapsed() < LOCK_TIMEOUT => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => return Err(StateError::Locked { path }),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }

    fn remove_leftovers(&self) -> Result<(), StateError> {
        let failed = |error| StateError::io(&self.folder, error);
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let is_file = entry.file_type().map_err(failed)?.is_file();
            if !is_file || !entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                continue;
            }
            let file = match open_to_read(&entry.path()) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            if file.try_lock().is_ok() {
                fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// Opens without following a link or blocking on a FIFO.
#[cfg(unix)]
fn careful() -> i32 {
    (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK)
        .bits()
        .cast_signed()
}

fn open_to_read(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, careful());
    options.open(path)
}

/// Refuses a folder that others can write to, because they could mislead the guard. A group may write: Kubernetes gives volumes to
/// one.
#[cfg(unix)]
fn trust(path: &Path, found: &fs::Metadata) -> Result<(), StateError> {
    use std::os::unix::fs::MetadataExt;

    let refuse = |reason| StateError::Untrusted {
        path: path.to_owned(),
        reason,
    };
    let own = rustix::process::geteuid().as_raw();
    if found.uid() != own && found.uid() != 0 {
        return Err(refuse("it belongs to another user"));
    }
    if found.mode() & 0o002 != 0 {
        return Err(refuse("everyone can write to it"));
    }
    if found.is_file() && found.nlink() != 1 {
        return Err(refuse("it has a second hard link"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn trust(_path: &Path, _found: &fs::Metadata) -> Result<(), StateError> {
    Ok(())
}
