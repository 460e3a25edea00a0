//! One pass: source → checks → fan-out → prepare all → publish all.

mod admission;
mod error;
mod fan_out;
mod ledger;
mod pipeline;
mod resource_index;
mod shrink_guard;
mod summary;
#[cfg(test)]
mod tests;

pub use error::{ContractViolation, SinkStage, SyncError};
pub use ledger::{DropReason, Ledger, LedgerEntry, LedgerKey};
pub use pipeline::{SyncPipeline, SyncRequest};
pub use shrink_guard::{Accepted, Loss, ShrinkGuard};
pub use summary::{SinkReceipt, SyncOutcome, SyncSummary};
