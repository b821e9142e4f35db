//! Checks of fuzz targets as ordinary tests: seeds with changed bytes, for some seconds. `FUZZ_INPUTS` is
//! another number of inputs, and `FUZZ_SEED` brings the same ones again.
#![forbid(unsafe_code)]

use std::env;
use std::hash::{BuildHasher as _, RandomState};
use std::panic::catch_unwind;

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

/// Checks so many changed seeds, or as many as `FUZZ_INPUTS` says. Their order follows from `FUZZ_SEED`,
/// which is drawn and printed with a failure.
///
/// # Panics
/// The check panics, or a variable of the environment is not a number.
pub fn run(seeds: &[Vec<u8>], inputs: u64, check: fn(&[u8])) {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse().expect("a number"));
    let inputs = number("FUZZ_INPUTS").unwrap_or(inputs);
    let seed = number("FUZZ_SEED").unwrap_or_else(|| RandomState::new().hash_one(()));
    let (mut random, mut bytes) = (Random(seed.max(1)), Vec::new());
    for input in 0..inputs {
        mutate(seeds, &mut random, &mut bytes);
        let checked = catch_unwind(|| check(&bytes));
        assert!(checked.is_ok(), "FUZZ_SEED={seed}, input {input}: {bytes:?}");
    }
}
