//! The sync pipeline: source → validation → fan-out → prepare all → publish all.

mod comparison;
mod current;
mod error;
mod fan_out;
mod judgement;
mod ledger;
mod loss;
mod outcome;
mod pipeline;
mod resource_index;
mod shrink_guard;
mod summary;
mod tenant_check;
#[cfg(test)]
mod tests;
mod unstated_index;
mod validation;

pub use comparison::{Comparer, Comparison, LostRow, TypeComparison, TypeTally};
pub use current::CurrentSync;
pub use error::{ContractViolation, SinkStage, SyncError};
pub use ledger::{DropReason, Ledger, LedgerEntry, LedgerKey};
pub use loss::{AcceptedLoss, Loss};
pub use outcome::{SinkReceipt, SyncOutcome};
pub use pipeline::{SinkReadiness, SyncIdentity, SyncPipeline, SyncRequest};
pub use shrink_guard::{AcceptDrop, ShrinkGuard};
pub use summary::{GuardReport, SyncSummary};
