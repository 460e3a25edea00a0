//! The tables that each sync updates: `changes`, `grants_history`, `users_history`.
//!
//! Each publication merges the history of the previous sync with the new sync; only these two are read. If the previous sync has
//! no history, or a damaged one, the history is rebuilt from all syncs, which gives the same bytes.

mod batched_table;
mod changes_table;
mod grants_history;
mod previous_syncs;
mod rebuild;
mod update;
mod users_history;
mod validity_merge;

pub(crate) use previous_syncs::PreviousSyncs;
pub(crate) use previous_syncs::apply_update;
pub(crate) use previous_syncs::load_history;
pub use rebuild::{Rebuilt, rebuild};
pub(crate) use update::HistoryFiles;
pub(crate) use update::HistoryUpdate;
pub(crate) use update::local_files;
