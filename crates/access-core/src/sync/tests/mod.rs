//! The pipeline against in-memory adapters.

mod failures;
mod in_memory;
mod properties;
mod shrinkage;
mod silence;
mod whole_runs;
