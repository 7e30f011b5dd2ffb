#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cellar::guest::egress::fuzzing::usage(bytes));
