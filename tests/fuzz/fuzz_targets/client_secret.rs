#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| c1_service::fuzzing::client_secret(input));
