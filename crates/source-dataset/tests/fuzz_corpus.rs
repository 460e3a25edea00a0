//! Inputs that the fuzzer has found, replayed.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking"
)]

#[expect(unreachable_pub, reason = "the fuzz target uses it as a crate of its own")]
#[path = "../../../tests/fuzz/bodies/dataset_parquet.rs"]
mod body;
#[path = "../../../tests/fuzz/replay.rs"]
mod replay;

#[test]
fn the_corpus_holds() {
    replay::corpus("dataset_parquet", body::file);
}
