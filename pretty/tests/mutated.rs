//! The checks of the fuzz targets on changed seeds.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail them")]

use std::fs;

#[path = "../fuzz/checks/layers.rs"]
mod layers;
#[path = "../fuzz/checks/parser.rs"]
mod parser;
#[path = "../fuzz/checks/rows.rs"]
mod rows;

fn run(inputs: u64, check: fn(&[u8])) {
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds")).unwrap();
    let mut seeds: Vec<_> = files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
    seeds.sort();
    fuzz_loop::run(&seeds, inputs, check);
}

#[test]
fn changed_seeds_are_read_in_every_format() {
    run(300, parser::check);
}

#[test]
fn changed_seeds_are_read_through_every_layer() {
    run(2_000, layers::check);
}

#[test]
fn changed_seeds_are_drawn_within_the_screen() {
    run(2_000, rows::check);
}
