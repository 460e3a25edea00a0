//! The format of a file, by its first five bytes (docs/reference/c1z.md §1).

use std::io::{self, Read};
use std::path::Path;

use regular_file::FileError;

use crate::error::C1zError;

/// The first bytes of a v1 file: zstd frames of a SQLite database follow.
pub(crate) const MAGIC_V1: [u8; 5] = *b"C1ZF\0";
/// The first bytes of a v3 file: a manifest and a Pebble store follow.
pub(crate) const MAGIC_V3: [u8; 5] = *b"C1Z3\0";

/// The format of an existing file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Container {
    /// There is no file, or an empty one.
    Absent,
    /// A c1z with a SQLite database.
    V1,
    /// A c1z with a Pebble store.
    V3,
    /// Another format. The file begins with these bytes.
    Foreign(Vec<u8>),
}

impl Container {
    /// Detects the format of a file.
    ///
    /// # Errors
    /// [`C1zError`] if it is not a regular file or cannot be read.
    pub fn detect(path: &Path) -> Result<Self, C1zError> {
        let failed = |error| C1zError::io("reading", path, error);
        let file = match regular_file::open(path) {
            Err(FileError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Absent),
            opened => opened.map_err(|error| C1zError::file("reading", path, error))?,
        };
        let mut first = Vec::with_capacity(16);
        file.take(16).read_to_end(&mut first).map_err(failed)?;
        Ok(match first.get(..5) {
            _ if first.is_empty() => Self::Absent,
            Some(magic) if magic == MAGIC_V1 => Self::V1,
            Some(magic) if magic == MAGIC_V3 => Self::V3,
            _ => Self::Foreign(first),
        })
    }
}
