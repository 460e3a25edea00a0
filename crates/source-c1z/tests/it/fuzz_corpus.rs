//! Inputs that the fuzzer has found, replayed.

#[expect(unreachable_pub, reason = "the fuzz target uses it as a crate of its own")]
#[path = "../../../../tests/fuzz/bodies/source_c1z.rs"]
mod body;
#[expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "the test names the input that fails"
)]
#[path = "../../../../tests/fuzz/replay.rs"]
mod replay;

#[test]
fn the_corpus_holds() {
    replay::corpus("c1z_rows", body::rows);
}
