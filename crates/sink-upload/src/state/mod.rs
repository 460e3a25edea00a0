//! The last delivery, kept in a folder that several processes may share.

mod error;
mod file;
mod folder;

pub use error::StateError;
pub use folder::{PendingState, StateFolder};

pub(crate) use file::StateFile;
