//! The pipeline against in-memory adapters.

mod comparison_model;
mod failures;
mod guard_edges;
mod in_memory;
mod properties;
mod shrinkage;
mod silence;
mod whole_runs;
