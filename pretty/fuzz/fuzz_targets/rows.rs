//! The fuzz target of `checks/rows.rs`, which tests of the crate run too.
#![no_main]

#[path = "../checks/rows.rs"]
mod rows;

libfuzzer_sys::fuzz_target!(|input: &[u8]| rows::check(input));
