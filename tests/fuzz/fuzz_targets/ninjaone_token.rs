#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| ninjaone::fuzzing::token(input));
