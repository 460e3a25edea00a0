#![no_main]

#[path = "../bodies/source_c1z.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|input: &[u8]| body::rows(input));
