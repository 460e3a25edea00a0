//! Why a store could not be read, and what that is for the file that it is in.

use std::io;
use std::path::Path;

use prost::Message;

use super::pebble::StoreError;
use crate::error::C1zError;
use crate::message::{self, MessageError};
use crate::options::Limits;

/// Why the rows of a store could not be read or translated.
pub(crate) enum StoreReadError {
    Store(StoreError),
    /// Temporary files could not be written.
    Writing(io::Error),
    /// Two rows of a table have the same id.
    Duplicate {
        table: &'static str,
        id: String,
    },
    /// A row of a table is not the message that it should be.
    Undecodable(&'static str, prost::DecodeError),
    /// A table could not be unpacked.
    Unpacking(C1zError),
    TooLarge,
    Stopped,
}

impl From<StoreError> for StoreReadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for StoreReadError {
    fn from(error: io::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<C1zError> for StoreReadError {
    fn from(error: C1zError) -> Self {
        Self::Unpacking(error)
    }
}

impl StoreReadError {
    /// Decodes a row of a table.
    pub(crate) fn decode<M: Message + Default>(table: &'static str, bytes: &[u8]) -> Result<M, Self> {
        message::decode(bytes).map_err(|error| match error {
            MessageError::TooLarge => StoreError::TooLarge("a row").into(),
            MessageError::Invalid(error) => Self::Undecodable(table, error),
        })
    }

    /// The error for the file at `path`, whose temporary files are in `folder`.
    pub(crate) fn into_c1z_error(self, path: &Path, folder: &Path, limits: Limits) -> C1zError {
        let path = path.to_owned();
        match self {
            Self::Store(StoreError::Io(error)) => C1zError::io("reading the unpacked copy of", &path, error),
            Self::Store(StoreError::Damaged(detail)) => C1zError::Corrupt { path, detail },
            Self::Store(StoreError::Unknown(what)) => C1zError::UnsupportedV3 {
                path,
                what: what.into(),
            },
            Self::Store(StoreError::TooLarge(what)) => C1zError::TooMuchMemory {
                path,
                limit: limits.window_bytes,
                what,
            },
            Self::Writing(error) => C1zError::io("writing temporary files in", folder, error),
            Self::Duplicate { table, id } => C1zError::Corrupt {
                path,
                detail: format!("two rows of {table} have the same id {id}"),
            },
            Self::Undecodable(table, error) => C1zError::Corrupt {
                path,
                detail: format!("a row of {table} is not readable: {error}"),
            },
            Self::Unpacking(error) => error,
            Self::TooLarge => C1zError::TooLarge {
                path,
                limit: limits.decoded_bytes,
            },
            Self::Stopped => C1zError::Stopped,
        }
    }
}
