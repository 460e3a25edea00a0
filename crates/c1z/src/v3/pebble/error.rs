//! What can be wrong with a store.

use std::io;

/// Why a store could not be read.
#[derive(Debug)]
pub(crate) enum StoreError {
    /// The system's word.
    Io(io::Error),
    /// It is not what a store is.
    Damaged(String),
    /// It is a store, but this part of it is not understood.
    Unknown(&'static str),
    /// A block takes more memory than is allowed, or all rows more than the file may.
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

/// A number of seven bits a byte, and what follows it.
pub(super) fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), StoreError> {
    let mut number = 0;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok((number, &bytes[at + 1..]));
        }
    }
    Err(damaged("a number in its store has no end"))
}

/// A length as the machine has it.
pub(super) fn length(number: u64) -> Result<usize, StoreError> {
    usize::try_from(number).map_err(|_| damaged("a length in its store is no length"))
}

/// Bytes with their length before them, and what follows them.
pub(super) fn counted(bytes: &[u8]) -> Result<(&[u8], &[u8]), StoreError> {
    let (count, rest) = varint(bytes)?;
    rest.split_at_checked(length(count)?)
        .ok_or_else(|| damaged("a text in its store is longer than what holds it"))
}

/// Four bytes as a number, the low ones first.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Result<u32, StoreError> {
    let four = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    four.map(|four| u32::from_le_bytes(*four))
        .ok_or_else(|| damaged("a block of its store ends too early"))
}
