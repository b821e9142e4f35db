//! The checks of the fuzz targets on changed seeds. It runs for seconds; `PROPTEST_CASES` asks for more
//! inputs, and `PROPTEST_RNG_SEED` for the same ones again.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail them")]

use std::fs;
use std::hash::{BuildHasher as _, RandomState};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{RngSeed, TestRunner};

#[path = "../fuzz/checks/layers.rs"]
mod layers;
#[path = "../fuzz/checks/parser.rs"]
mod parser;
#[path = "../fuzz/checks/rows.rs"]
mod rows;

/// A seed with some pieces of it replaced by other bytes, or by pieces of another seed.
fn mutated(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let piece =
        (select(seeds.clone()), any::<Index>(), 1..40_usize).prop_map(|(seed, at, size)| {
            let at = at.index(seed.len() + 1);
            seed[at..seed.len().min(at + size)].to_vec()
        });
    let odd = select(vec![0, 1, 0x7f, 0x80, 0xff]);
    let put = prop_oneof![vec(any::<u8>(), 0..4), vec(odd, 0..9), piece];
    let edit = (any::<Index>(), 0..9_usize, put);
    (select(seeds), vec(edit, 0..6)).prop_map(|(mut bytes, edits)| {
        for (at, size, put) in edits {
            let at = at.index(bytes.len() + 1);
            bytes.splice(at..bytes.len().min(at + size), put);
        }
        bytes
    })
}

/// Checks changed seeds: at least so many, or as many as `PROPTEST_CASES` says.
fn run(cases: u32, check: fn(&[u8])) {
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds")).unwrap();
    let mut seeds: Vec<_> = files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
    seeds.sort();
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    config.cases = config.cases.max(cases);
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(RandomState::new().hash_one(()));
    }
    let note = format!("{} inputs, {:?}", config.cases, config.rng_seed);
    let checked = TestRunner::new(config).run(&mutated(seeds), |input| {
        check(&input);
        Ok(())
    });
    assert_eq!(checked, Ok(()), "{note}");
}

#[test]
fn changed_seeds_are_read_in_every_format() {
    run(300, parser::check);
}

#[test]
fn changed_seeds_are_read_through_every_layer() {
    run(1_000, layers::check);
}

#[test]
fn changed_seeds_are_drawn_within_the_screen() {
    run(1_000, rows::check);
}
