//! The fuzz target of `checks/receiver.rs`, which tests of the crate run too.
#![no_main]

#[path = "../checks/receiver.rs"]
mod receiver;

libfuzzer_sys::fuzz_target!(|input: &[u8]| receiver::check(input));
