//! Reads a payload that is a tar archive (docs/reference/c1z.md §1.2), as older writers wrote it.
//!
//! Files and folders are unpacked. Of the entries that describe the next one, only its name is used.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::path::{Component, Path};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::folder::UnpackFolder;
use crate::error::C1zError;
use crate::io::retry::retry_interrupted;
use crate::options::Limits;

/// The bits of a mode that are allowed.
const ALLOWED_MODE: u32 = 0o777;
/// Maximum length of a name or list of properties; that of Go's reader.
const MAX_SPECIAL_BYTES: u64 = 1 << 20;
const CHUNK_BYTES: usize = 256 << 10;

/// Unpacks the archive in the file `packed`. What follows its end is ignored.
pub(super) fn unpack(
    archive: impl Read,
    packed: &Path,
    to: &Path,
    limits: Limits,
    stop: &AtomicBool,
) -> Result<(), C1zError> {
    let reason = Rc::default();
    let limited = LimitedReader {
        archive,
        packed,
        limits,
        left: limits.decoded_bytes,
        stop,
        reason: Rc::clone(&reason),
    };
    each(limited, packed, to).map_err(|error| {
        // The tar reader may have wrapped the error; the original is in `reason`.
        reason.take().unwrap_or(error)
    })
}

fn each(archive: impl Read, packed: &Path, to: &Path) -> Result<(), C1zError> {
    let broken = |error: io::Error| corrupt(packed, format!("its archive is not readable: {error}"));
    let mut folder = UnpackFolder::create(packed, to)?;
    let mut archive = Archive::new(archive);
    // Raw entries: otherwise the tar reader would read names of any length into memory.
    let entries = archive.entries().map_err(broken)?.raw(true);
    let mut next_name: Option<String> = None;
    for entry in entries {
        let mut entry = entry.map_err(broken)?;
        match entry.header().entry_type() {
            EntryType::XHeader => next_name = pax_name(&special(&mut entry, packed)?, packed)?.or(next_name),
            EntryType::GNULongName => {
                let mut name = special(&mut entry, packed)?;
                name.retain(|byte| *byte != 0);
                next_name = Some(text(name, packed)?);
            }
            EntryType::Directory => {
                let name = name_of(&entry, next_name.take(), packed)?;
                folder.folder(&name)?;
            }
            EntryType::Regular | EntryType::Continuous => {
                let name = name_of(&entry, next_name.take(), packed)?;
                let (file, path) = folder.file(&name)?;
                copy(&mut entry, file, &path).map_err(|failed| match failed {
                    CopyError::Reading(error) => broken(error),
                    CopyError::Writing(error) => error,
                })?;
            }
            EntryType::XGlobalHeader => {}
            _ => next_name = None,
        }
    }
    Ok(())
}

enum CopyError {
    Reading(io::Error),
    Writing(C1zError),
}

fn copy(entry: &mut Entry<'_, impl Read>, mut out: std::fs::File, path: &Path) -> Result<(), CopyError> {
    let mut left = entry.size();
    let mut chunk = vec![0; CHUNK_BYTES];
    while left > 0 {
        let got = entry.read(&mut chunk).map_err(CopyError::Reading)?;
        if got == 0 {
            let early = io::Error::from(io::ErrorKind::UnexpectedEof);
            return Err(CopyError::Reading(early));
        }
        left = left.saturating_sub(got as u64);
        let written = out.write_all(&chunk[..got]);
        written.map_err(|error| CopyError::Writing(C1zError::io("unpacking to", path, error)))?;
    }
    Ok(())
}

/// The content of an entry that describes the next one.
fn special(entry: &mut Entry<'_, impl Read>, packed: &Path) -> Result<Vec<u8>, C1zError> {
    if entry.size() > MAX_SPECIAL_BYTES {
        return Err(corrupt(packed, "a name in its archive is too long".to_owned()));
    }
    let mut bytes = Vec::new();
    let read = entry.read_to_end(&mut bytes);
    read.map_err(|error| corrupt(packed, format!("its archive is not readable: {error}")))?;
    Ok(bytes)
}

/// The name of the next entry in a list of PAX properties.
fn pax_name(properties: &[u8], packed: &Path) -> Result<Option<String>, C1zError> {
    let mut name = None;
    for property in PaxExtensions::new(properties) {
        let property = property.map_err(|error| {
            let detail = format!("its archive is not readable: {error}");
            corrupt(packed, detail)
        })?;
        match property.key_bytes() {
            b"path" => name = Some(text(property.value_bytes().to_vec(), packed)?),
            // Features that a plain header does not have: sizes over 8 GiB, and holes.
            b"size" | b"GNU.sparse.major" | b"GNU.sparse.map" => {
                return Err(C1zError::UnsupportedV3 {
                    path: packed.to_owned(),
                    what: "its archive has files of more than 8 GiB, or with holes".into(),
                });
            }
            _ => {}
        }
    }
    Ok(name)
}

fn name_of(
    entry: &Entry<'_, impl Read>,
    next_name: Option<String>,
    packed: &Path,
) -> Result<String, C1zError> {
    let name = match next_name {
        Some(name) => name,
        None => text(entry.path_bytes().into_owned(), packed)?,
    };
    let mode = entry.header().mode();
    if mode.is_ok_and(|mode| mode & !ALLOWED_MODE != 0) {
        return Err(corrupt(
            packed,
            format!("{name:?} in its archive has an unusual mode"),
        ));
    }
    local(&name).ok_or_else(|| corrupt(packed, format!("{name:?} in its archive leads elsewhere")))
}

/// Normalises a relative name; `None` if it leaves the folder.
fn local(name: &str) -> Option<String> {
    if name.is_empty() || name.contains(['\\', '\0']) {
        return None;
    }
    let parts = Path::new(name).components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_str()),
        Component::CurDir => None,
        _ => Some(None),
    });
    let parts: Option<Vec<&str>> = parts.collect();
    Some(parts?.join("/"))
}

fn text(bytes: Vec<u8>, packed: &Path) -> Result<String, C1zError> {
    String::from_utf8(bytes)
        .map_err(|_| corrupt(packed, "a name in its archive is not valid text".to_owned()))
}

fn corrupt(path: &Path, detail: String) -> C1zError {
    C1zError::Corrupt {
        path: path.to_owned(),
        detail,
    }
}

/// Reads no more than is allowed, and keeps the reason why it ended.
struct LimitedReader<'p, R> {
    archive: R,
    packed: &'p Path,
    limits: Limits,
    left: u64,
    stop: &'p AtomicBool,
    reason: Rc<RefCell<Option<C1zError>>>,
}

impl<R> LimitedReader<'_, R> {
    fn end(&self, reason: C1zError) -> io::Error {
        let error = io::Error::other(reason.to_string());
        self.reason.replace(Some(reason));
        error
    }
}

impl<R: Read> Read for LimitedReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(self.end(C1zError::Stopped));
        }
        let got = match retry_interrupted(|| self.archive.read(buffer)) {
            Ok(got) => got,
            Err(error) => {
                let reason = C1zError::zstd(self.packed, self.limits.window_bytes, error);
                return Err(self.end(reason));
            }
        };
        match self.left.checked_sub(got as u64) {
            Some(left) => {
                self.left = left;
                Ok(got)
            }
            None => Err(self.end(C1zError::TooLarge {
                path: self.packed.to_owned(),
                limit: self.limits.decoded_bytes,
            })),
        }
    }
}
