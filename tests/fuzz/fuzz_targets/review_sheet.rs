#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| baton_ninja_one::fuzzing::review_sheet(input));
