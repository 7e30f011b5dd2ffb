#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cellar::policy::fuzzing::dockerfile(bytes));
