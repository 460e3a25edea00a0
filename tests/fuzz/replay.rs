//! Replays the corpus without the fuzzer; included by the tests of every crate with targets.

use std::path::Path;

/// Runs a target over each input of its corpus. Inputs that once failed are there as `regress-…`.
pub(crate) fn corpus(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fuzz/corpus")
        .join(target);
    let mut inputs: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} holds no inputs", folder.display());
    for input in inputs {
        // Shown only if the target fails.
        println!("{}", input.display());
        run(&std::fs::read(&input).unwrap());
    }
}
