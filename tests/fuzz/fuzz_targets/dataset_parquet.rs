#![no_main]

#[path = "../bodies/dataset_parquet.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|input: &[u8]| body::file(input));
