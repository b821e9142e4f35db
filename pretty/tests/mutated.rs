//! The checks of the fuzz targets on changed seeds. It runs for seconds; `FUZZ_INPUTS` is another number
//! of inputs, and `FUZZ_SEED` brings the same ones again.
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail them")]

use std::hash::{BuildHasher as _, RandomState};
use std::panic::catch_unwind;
use std::{env, fs};

#[path = "../fuzz/checks/layers.rs"]
mod layers;
#[path = "../fuzz/checks/parser.rs"]
mod parser;
#[path = "../fuzz/checks/rows.rs"]
mod rows;

/// Pseudo-random numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }
}

/// Puts a seed into `bytes`, with some pieces replaced by other bytes, or by pieces of another seed.
fn mutate(seeds: &[Vec<u8>], random: &mut Random, bytes: &mut Vec<u8>) {
    bytes.clone_from(&seeds[random.below(seeds.len())]);
    for _ in 0..random.below(6) {
        let at = random.below(bytes.len() + 1);
        let replaced = at..bytes.len().min(at + random.below(9));
        let size = random.below(9);
        match random.below(3) {
            0 => drop(bytes.splice(replaced, (0..size).map(|_| random.below(256) as u8))),
            1 => {
                let odd = [0, 1, 0x7f, 0x80, 0xff][random.below(5)];
                bytes.splice(replaced, (0..size).map(|_| odd));
            }
            _ => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len() + 1);
                bytes.splice(replaced, other[from..].iter().take(4 * size).copied());
            }
        }
    }
}

/// Checks so many changed seeds.
fn run(inputs: u64, check: fn(&[u8])) {
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds")).unwrap();
    let mut seeds: Vec<_> = files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
    seeds.sort();
    let number = |name: &str| env::var(name).ok().map(|text| text.parse().expect("a number"));
    let inputs = number("FUZZ_INPUTS").unwrap_or(inputs);
    let seed = number("FUZZ_SEED").unwrap_or_else(|| RandomState::new().hash_one(()));
    let (mut random, mut bytes) = (Random(seed.max(1)), Vec::new());
    for input in 0..inputs {
        mutate(&seeds, &mut random, &mut bytes);
        let checked = catch_unwind(|| check(&bytes));
        assert!(checked.is_ok(), "FUZZ_SEED={seed}, input {input}: {bytes:?}");
    }
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
