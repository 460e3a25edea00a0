//! Rows between arriving and being written: sorted, resolved, and on disk rather than in memory.
//!
//! Memory: about a hundred bytes for each resource and entitlement, nothing for grants.

mod collector;
mod detail;
mod directory;
mod drain;
mod grant_runs;
mod pairs;
mod spool;

pub(crate) use collector::Collector;
pub(crate) use drain::{DrainFailure, Tables, microseconds};
