//! A payload that is a tar archive (docs/reference/c1z.md §1.2), as older writers made it. Nothing here writes one.
//!
//! Two kinds of entries count, files and folders; what says more about the next one is taken in as far as it names it.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::path::{Component, Path};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::folder::Folder;
use crate::error::C1zError;
use crate::io::retry::retry_interrupted;
use crate::options::Limits;

/// Bits of a mode that are allowed.
const MODE: u32 = 0o777;
/// Longest name or list of properties, as Go's reader has it.
const SPECIAL_BYTES: u64 = 1 << 20;
const CHUNK_BYTES: usize = 256 << 10;

/// Unpacks an archive of the file `packed`. What comes after its end is not looked at.
pub(super) fn unpack(
    archive: impl Read,
    packed: &Path,
    to: &Path,
    limits: Limits,
    stop: &AtomicBool,
) -> Result<(), C1zError> {
    let reason = Rc::default();
    let watched = Watched {
        archive,
        packed,
        limits,
        left: limits.decoded_bytes,
        stop,
        reason: Rc::clone(&reason),
    };
    each(watched, packed, to).map_err(|error| {
        // Readers in between may have put it into words of their own.
        reason.take().unwrap_or(error)
    })
}

fn each(archive: impl Read, packed: &Path, to: &Path) -> Result<(), C1zError> {
    let broken = |error: io::Error| corrupt(packed, format!("its archive is not readable: {error}"));
    let mut folder = Folder::create(packed, to)?;
    let mut archive = Archive::new(archive);
    // As they are: the reader of archives would take names of any length into memory.
    let entries = archive.entries().map_err(broken)?.raw(true);
    let mut said: Option<String> = None;
    for entry in entries {
        let mut entry = entry.map_err(broken)?;
        match entry.header().entry_type() {
            EntryType::XHeader => said = pax_name(&special(&mut entry, packed)?, packed)?.or(said),
            EntryType::GNULongName => {
                let mut name = special(&mut entry, packed)?;
                name.retain(|byte| *byte != 0);
                said = Some(text(name, packed)?);
            }
            EntryType::Directory => {
                let name = name_of(&entry, said.take(), packed)?;
                folder.folder(&name)?;
            }
            EntryType::Regular | EntryType::Continuous => {
                let name = name_of(&entry, said.take(), packed)?;
                let (file, path) = folder.file(&name)?;
                copy(&mut entry, file, &path).map_err(|failed| match failed {
                    Failed::Reading(error) => broken(error),
                    Failed::Writing(error) => error,
                })?;
            }
            EntryType::XGlobalHeader => {}
            _ => said = None,
        }
    }
    Ok(())
}

enum Failed {
    Reading(io::Error),
    Writing(C1zError),
}

fn copy(entry: &mut Entry<'_, impl Read>, mut out: std::fs::File, path: &Path) -> Result<(), Failed> {
    let mut left = entry.size();
    let mut chunk = vec![0; CHUNK_BYTES];
    while left > 0 {
        let got = entry.read(&mut chunk).map_err(Failed::Reading)?;
        if got == 0 {
            let early = io::Error::from(io::ErrorKind::UnexpectedEof);
            return Err(Failed::Reading(early));
        }
        left = left.saturating_sub(got as u64);
        let written = out.write_all(&chunk[..got]);
        written.map_err(|error| Failed::Writing(C1zError::io("unpacking to", path, error)))?;
    }
    Ok(())
}

/// The content of an entry that tells about the next one.
fn special(entry: &mut Entry<'_, impl Read>, packed: &Path) -> Result<Vec<u8>, C1zError> {
    if entry.size() > SPECIAL_BYTES {
        return Err(corrupt(packed, "a name in its archive is too long".to_owned()));
    }
    let mut bytes = Vec::new();
    let read = entry.read_to_end(&mut bytes);
    read.map_err(|error| corrupt(packed, format!("its archive is not readable: {error}")))?;
    Ok(bytes)
}

/// The name that a list of properties has for the next entry.
fn pax_name(properties: &[u8], packed: &Path) -> Result<Option<String>, C1zError> {
    let mut name = None;
    for property in PaxExtensions::new(properties) {
        let property = property.map_err(|error| {
            let detail = format!("its archive is not readable: {error}");
            corrupt(packed, detail)
        })?;
        match property.key_bytes() {
            b"path" => name = Some(text(property.value_bytes().to_vec(), packed)?),
            // What cannot be told by the header itself: more than 8 GiB, or holes.
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

fn name_of(entry: &Entry<'_, impl Read>, said: Option<String>, packed: &Path) -> Result<String, C1zError> {
    let name = match said {
        Some(name) => name,
        None => text(entry.path_bytes().into_owned(), packed)?,
    };
    let mode = entry.header().mode();
    if mode.is_ok_and(|mode| mode & !MODE != 0) {
        return Err(corrupt(
            packed,
            format!("{name:?} in its archive has an unusual mode"),
        ));
    }
    local(&name).ok_or_else(|| corrupt(packed, format!("{name:?} in its archive leads elsewhere")))
}

/// A name within the folder, if it stays in there.
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

/// Reads no more than is allowed, and keeps why it ended.
struct Watched<'p, R> {
    archive: R,
    packed: &'p Path,
    limits: Limits,
    left: u64,
    stop: &'p AtomicBool,
    reason: Rc<RefCell<Option<C1zError>>>,
}

impl<R> Watched<'_, R> {
    fn end(&self, reason: C1zError) -> io::Error {
        let error = io::Error::other(reason.to_string());
        self.reason.replace(Some(reason));
        error
    }
}

impl<R: Read> Read for Watched<'_, R> {
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
