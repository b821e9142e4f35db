//! The fuzz target of `checks/layers.rs`, which tests of the crate run too.
#![no_main]

#[path = "../checks/layers.rs"]
mod layers;

libfuzzer_sys::fuzz_target!(|input: &[u8]| layers::check(input));
