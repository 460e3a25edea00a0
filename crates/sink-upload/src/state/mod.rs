//! What was delivered last, kept in a folder from one process to the next, for several processes at once.

mod error;
mod file;
mod folder;

pub use error::StateError;
pub use folder::{PendingState, StateFolder};

pub(crate) use file::StateFile;
