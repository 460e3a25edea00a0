//! What is kept from sync to sync: `changes`, `grants_history`, `users_history`.
//!
//! At each publish the history of the sync before and the new sync are merged into the new history; nothing but the sync before
//! is looked at. Where that has none, or one that is not what its manifest says, all syncs from the first are gone through
//! again, which gives the same bytes.

mod batched_table;
mod changes_table;
mod grants_history;
mod previous_syncs;
mod rebuild;
mod update;
mod users_history;
mod validity_merge;

pub(crate) use previous_syncs::PreviousSyncs;
pub(crate) use previous_syncs::earlier;
pub(crate) use previous_syncs::follow;
pub use rebuild::{Rebuilt, rebuild};
pub(crate) use update::HistoryFiles;
pub(crate) use update::HistoryUpdate;
pub(crate) use update::local_files;
