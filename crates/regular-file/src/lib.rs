//! Opens files that a user names, for reading and writing.
//!
//! - [`open`] opens a file to read it. It never blocks: a pipe that nobody writes to is refused like everything else that is
//!   not a regular file, and the type is taken from the open descriptor, so that nothing can be exchanged in between.
//! - [`read_input`] reads a small file, or what a pipe brings.
//! - [`resolve_output`] returns the file that an atomic replacement must replace: a symbolic link stays, and its target is
//!   replaced.
//! - [`open_to_append`] opens a log, which may be a terminal or a pipe as well.

mod input;

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, FileType, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

pub use input::read_input;

/// Maximum number of symbolic links in a chain, as on Linux.
const MAX_LINKS: usize = 40;

/// Types of files other than regular ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherType {
    /// A directory.
    Directory,
    /// A character or block device.
    Device,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// Anything else.
    Unknown,
}

impl OtherType {
    /// The type, unless it is a regular file.
    #[must_use]
    pub fn from_file_type(file_type: FileType) -> Option<Self> {
        if file_type.is_file() {
            return None;
        }
        if file_type.is_dir() {
            return Some(Self::Directory);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt;

            if file_type.is_block_device() || file_type.is_char_device() {
                return Some(Self::Device);
            }
            if file_type.is_fifo() {
                return Some(Self::Fifo);
            }
            if file_type.is_socket() {
                return Some(Self::Socket);
            }
        }
        Some(Self::Unknown)
    }
}

impl fmt::Display for OtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "a directory",
            Self::Device => "a device",
            Self::Fifo => "a pipe",
            Self::Socket => "a socket",
            Self::Unknown => "of an unknown type",
        })
    }
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is something else.
    #[error("{} is {found}, not a regular file", path.display())]
    NotRegular {
        /// The path as the user gave it.
        path: PathBuf,
        /// What it is.
        found: OtherType,
    },
    /// The path is `-`, which means standard output in other programs.
    #[error("`-` is not a file; this output needs a file with a name")]
    StandardStream,
    /// Links that lead to each other.
    #[error("{} is a symbolic link that leads nowhere: too many levels of links", path.display())]
    LinkLoop {
        /// The path as the user gave it.
        path: PathBuf,
    },
    /// The system's own error.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl FileError {
    /// Converts to an I/O error, for callers that classify by kind.
    #[must_use]
    pub fn into_io(self) -> io::Error {
        match self {
            Self::Io(error) => error,
            refused => io::Error::new(io::ErrorKind::InvalidInput, refused.to_string()),
        }
    }
}

/// Opens a regular file for reading. Never blocks.
///
/// # Errors
/// [`FileError::NotRegular`] for anything else, or the system's error.
pub fn open(path: &Path) -> Result<File, FileError> {
    let file = open_without_blocking(path)?;
    match OtherType::from_file_type(file.metadata()?.file_type()) {
        Some(found) => Err(FileError::NotRegular {
            path: path.to_owned(),
            found,
        }),
        None => Ok(file),
    }
}

/// Opens whatever has the path, without waiting for a writer of a pipe.
fn open_without_blocking(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, non_blocking());
    options.open(path).map_err(|error| refused_type(path, error))
}

/// Reads a regular file to its end.
///
/// # Errors
/// Those of [`open`], and [`io::ErrorKind::FileTooLarge`] if it has more than `max_bytes`.
pub fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>, FileError> {
    use io::Read;

    let mut bytes = Vec::new();
    open(path)?
        .take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        let message = format!("it has more than {max_bytes} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message).into());
    }
    Ok(bytes)
}

/// The file that a user's path leads to, so that it can be replaced by a rename: every symbolic link is followed, also one to a
/// file that does not exist yet. Its folder need not exist.
///
/// # Errors
/// [`FileError::NotRegular`] if something else is there, however empty; [`FileError::LinkLoop`]; [`FileError::StandardStream`].
pub fn resolve_output(path: &Path) -> Result<PathBuf, FileError> {
    if path.as_os_str() == "-" {
        return Err(FileError::StandardStream);
    }
    // Links of /proc lead to what has no name, so the system's answer counts before that of the links.
    match std::fs::metadata(path) {
        Ok(metadata) => refuse_other(path, metadata.file_type())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) if is_loop(&error) => {
            return Err(FileError::LinkLoop {
                path: path.to_owned(),
            });
        }
        Err(error) => return Err(error.into()),
    }
    let mut resolved = path.to_owned();
    for _ in 0..=MAX_LINKS {
        match std::fs::symlink_metadata(&resolved) {
            Ok(metadata) if metadata.file_type().is_symlink() => {
                let target = std::fs::read_link(&resolved)?;
                let folder = resolved.parent().unwrap_or(Path::new(""));
                resolved = folder.join(target);
            }
            Ok(metadata) => {
                refuse_other(path, metadata.file_type())?;
                return Ok(resolved);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(resolved),
            Err(error) => return Err(error.into()),
        }
    }
    Err(FileError::LinkLoop {
        path: path.to_owned(),
    })
}

/// Opens a log to append to it, or creates it with a mode. A terminal, another character device and a pipe that somebody reads
/// are logs too; directories, sockets, block devices and pipes that nobody reads are refused at once.
///
/// # Errors
/// [`FileError`].
pub fn open_to_append(path: &Path, mode: Option<u32>) -> Result<File, FileError> {
    if path.as_os_str() == "-" {
        return Err(FileError::StandardStream);
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        options.custom_flags(non_blocking());
        if let Some(mode) = mode {
            options.mode(mode);
        }
    }
    #[cfg(not(unix))]
    let _ = mode;
    let file = options.open(path).map_err(|error| refused_type(path, error))?;
    let file_type = file.metadata()?.file_type();
    let refused = match OtherType::from_file_type(file_type) {
        Some(OtherType::Device) if is_block_device(file_type) => Some(OtherType::Device),
        None | Some(OtherType::Device | OtherType::Fifo) => None,
        other => other,
    };
    if let Some(found) = refused {
        return Err(FileError::NotRegular {
            path: path.to_owned(),
            found,
        });
    }
    blocking_again(&file)?;
    Ok(file)
}

fn refuse_other(path: &Path, file_type: FileType) -> Result<(), FileError> {
    OtherType::from_file_type(file_type).map_or(Ok(()), |found| {
        Err(FileError::NotRegular {
            path: path.to_owned(),
            found,
        })
    })
}

/// Explains the errors of opening sockets and pipes without a reader.
fn refused_type(path: &Path, error: io::Error) -> FileError {
    if is_loop(&error) {
        return FileError::LinkLoop {
            path: path.to_owned(),
        };
    }
    let other = std::fs::metadata(path)
        .ok()
        .and_then(|metadata| OtherType::from_file_type(metadata.file_type()));
    match other {
        Some(found) if error.kind() != io::ErrorKind::PermissionDenied => FileError::NotRegular {
            path: path.to_owned(),
            found,
        },
        _ => error.into(),
    }
}

#[cfg(unix)]
fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_loop(_error: &io::Error) -> bool {
    false
}

#[cfg(unix)]
fn non_blocking() -> i32 {
    // A terminal must not become the controlling terminal of this program.
    (rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY)
        .bits()
        .cast_signed()
}

#[cfg(unix)]
fn is_block_device(file_type: FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_block_device(&file_type)
}

#[cfg(not(unix))]
fn is_block_device(_file_type: FileType) -> bool {
    false
}

/// Makes I/O block again, so that no line is lost while a pipe is full.
#[cfg(unix)]
fn blocking_again(file: &File) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(file)?;
    rustix::fs::fcntl_setfl(file, flags - rustix::fs::OFlags::NONBLOCK)?;
    Ok(())
}

#[cfg(not(unix))]
fn blocking_again(_file: &File) -> io::Result<()> {
    Ok(())
}

/// The path of a file beside another one, with a suffix added to its name.
#[must_use]
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

#[cfg(all(test, unix))]
mod tests;

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
