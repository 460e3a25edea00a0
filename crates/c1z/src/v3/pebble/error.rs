//! Why a store could not be read.

use std::io;

/// Why a store could not be read. Messages complete a sentence about the file with the store: "it is damaged: …".
#[derive(Debug)]
pub(crate) enum StoreError {
    /// The operating system's error.
    Io(io::Error),
    /// Something in it is not as the format demands.
    Damaged(String),
    /// It uses a part of the format that is not supported.
    Unknown(&'static str),
    /// Something in it takes more memory than is allowed.
    TooLarge(&'static str),
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => damaged("a file of its store ends too early"),
            _ => Self::Io(error),
        }
    }
}

pub(super) fn damaged(detail: &str) -> StoreError {
    StoreError::Damaged(detail.to_owned())
}

/// A little-endian number of four bytes.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Result<u32, StoreError> {
    let four = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    four.map(|four| u32::from_le_bytes(*four))
        .ok_or_else(|| damaged("a block of its store ends too early"))
}
