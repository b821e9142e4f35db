//! Seeds: one number for a campaign, from which every run's own number follows.
//!
//! Invariant: a run's seed depends on nothing but the campaign seed, the test's name and the
//! iteration, so any run can be repeated alone, in any order, on any machine.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::num::{NonZeroU32, ParseIntError};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A seed, printed and read in decimal.
///
/// Those that dstest draws and derives are below 2^53, so that `parseLong`, JSON in JavaScript and jq,
/// and signed arithmetic in a shell read them as they are. Any number of 64 bits can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Hash)]
#[serde(transparent)]
pub struct Seed(u64);

impl Seed {
    /// The seed with this value.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// A fresh seed, from the operating system's randomness.
    ///
    /// It stays below 2^53, so that it survives tools that read JSON numbers as floating point.
    #[must_use]
    pub fn fresh() -> Self {
        Self(SeedWidth::Bits53.of(RandomState::new().build_hasher().finish()))
    }

    /// The seed that follows from a text, the same on any machine.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        Self(SeedWidth::Bits53.of(splitmix64(fnv1a(text.as_bytes()))))
    }

    /// The number itself.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The seed this many after this one, wrapping around at the width it fits into.
    #[must_use]
    pub const fn plus(self, count: u32) -> Self {
        let sum = self.0.wrapping_add(count as u64);
        Self(if self.0 < SEEDS_53 { sum % SEEDS_53 } else { sum })
    }

    /// The seed of one run of a campaign with this seed.
    ///
    /// ```
    /// use dstest::seed::{Iteration, Seed, SeedWidth};
    ///
    /// let derive = |test, iteration| Seed::new(7).derive(test, iteration, SeedWidth::Bits53);
    /// let first = derive("backup_2b", Iteration::FIRST);
    /// assert_eq!(first, derive("backup_2b", Iteration::FIRST));
    /// assert_ne!(first, derive("backup_2b", Iteration::FIRST.next()));
    /// assert_ne!(first, derive("rejoin_2b", Iteration::FIRST));
    /// ```
    #[must_use]
    pub fn derive(self, test: &str, iteration: Iteration, width: SeedWidth) -> Self {
        let of_test = splitmix64(splitmix64(self.0) ^ fnv1a(test.as_bytes()));
        Self(width.of(splitmix64(of_test ^ u64::from(iteration.number()))))
    }
}

/// The width of the seeds that a campaign derives for its runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SeedWidth {
    /// All bits, as in campaigns that name no width: those of earlier versions.
    #[default]
    #[serde(rename = "64")]
    Bits64,
    /// Below 2^53, the integers that floating point holds exactly.
    #[serde(rename = "53")]
    Bits53,
}

impl SeedWidth {
    const fn of(self, bits: u64) -> u64 {
        match self {
            Self::Bits64 => bits,
            Self::Bits53 => bits >> 11,
        }
    }
}

/// The number of seeds below 2^53.
const SEEDS_53: u64 = 1 << 53;

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Seed {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// The number of a repetition of a test, from 1 through the whole campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Iteration(NonZeroU32);

impl Iteration {
    /// The first repetition.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// The repetition with this number; `None` for 0.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The number, from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0.get()
    }

    /// The repetition after this one; stays at the largest number there is.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Iteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Random numbers that follow from a seed, for simulations: the sequence of `SplitMix64`.
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number from 0 to 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        let bits = splitmix64(self.0);
        self.0 = self.0.wrapping_add(GAMMA);
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The finaliser of Steele, Lea and Flood's `SplitMix64`: a bijection that mixes every bit.
const fn splitmix64(value: u64) -> u64 {
    let value = value.wrapping_add(GAMMA);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The step of `SplitMix64`, the golden ratio.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The 64-bit FNV-1a hash: the same on every machine and in every version, unlike std's hasher.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix_matches_the_published_sequence() {
        // The first output of the reference generator for the seed 1234567.
        assert_eq!(splitmix64(1_234_567), 6_457_827_717_110_365_317);
    }

    #[test]
    fn the_seed_of_a_run_never_changes() {
        let derive = |width| Seed::new(42).derive("backup_2b", Iteration::FIRST, width).value();
        let old = 16_838_284_254_202_422_174;
        assert_eq!(derive(SeedWidth::Bits64), old, "stored campaigns resume by it");
        assert_eq!(derive(SeedWidth::Bits53), old >> 11);
    }

    #[test]
    fn seeds_survive_floating_point() {
        let campaign = Seed::fresh();
        let iterations = (1..100).filter_map(Iteration::new);
        let derived = iterations.map(|i| campaign.derive("a", i, SeedWidth::Bits53));
        let last = Seed::new(SEEDS_53 - 1);
        for seed in derived.chain([campaign, last, last.plus(1), last.plus(u32::MAX)]) {
            assert_eq!(seed.value() as f64 as u64, seed.value());
        }
        let recorded = Seed::new(u64::MAX - 1);
        assert_eq!(recorded.plus(1), Seed::new(u64::MAX), "of an older campaign");
    }
}
