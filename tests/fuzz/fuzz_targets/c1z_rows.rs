#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| source_c1z::fuzzing::rows(input));
