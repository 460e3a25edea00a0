//! What is kept from sync to sync: `changes`, `grants_history`, `users_history`.
//!
//! At each publish the history of the sync before and the new sync are merged into the new history; nothing but the sync before
//! is looked at. Where that has none, or one that is not what its manifest says, all syncs from the first are gone through
//! again, which gives the same bytes.

mod chain;
mod changes;
mod grants;
mod rebuild;
mod step;
mod users;
mod validity;

pub(crate) use chain::{Earlier, earlier, follow};
pub use rebuild::{Rebuilt, rebuild};
pub(crate) use step::{History, MadeHistory, local_files};
