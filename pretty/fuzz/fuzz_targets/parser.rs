//! The fuzz target of `checks/parser.rs`, which tests of the crate run too.
#![no_main]

#[path = "../checks/parser.rs"]
mod parser;

libfuzzer_sys::fuzz_target!(|input: &[u8]| parser::check(input));
