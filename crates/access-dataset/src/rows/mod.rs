//! Rows between arriving and being written: sorted, resolved, and on disk rather than in memory.
//!
//! Memory: about a hundred bytes for each resource and entitlement, nothing for grants.

mod collector;
mod external_pair_sort;
mod grant_spool;
mod listed_entitlement;
mod resource_directory;
mod spool;
mod spooled_rows;
mod tables;

pub(crate) use collector::Collector;
pub(crate) use tables::TableError;
pub(crate) use tables::Tables;
pub(crate) use tables::microseconds;
