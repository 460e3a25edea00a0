//! Files as other connectors write them, read through the pipeline.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod expansion;
mod expansion_model;
mod file;
mod fuzz_corpus;
mod our_writer;
mod pipeline;
mod rows;
mod selection;
mod snapshot;
mod streaming;
