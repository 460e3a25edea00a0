//! Tests of the pipeline with adapters in memory.

mod comparison_model;
mod failures;
mod fakes;
mod guard_edges;
mod properties;
mod shrink_guard;
mod silence;
mod success;
