#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| access_dataset::fuzzing::published(input));
