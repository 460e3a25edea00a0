#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| c1z::fuzzing::v3::file(input));
