//! Seeds: one number for a campaign, from which every run's own number follows.
//!
//! Invariant: a run's seed depends on nothing but the campaign seed, the test's name and the
//! iteration, so any run can be repeated alone, in any order, on any machine.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::num::{NonZeroU32, ParseIntError};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A 64-bit seed, printed and read in decimal.
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
        Self(RandomState::new().build_hasher().finish() >> 11)
    }

    /// The number itself.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The seed this many after this one, wrapping around.
    #[must_use]
    pub const fn plus(self, count: u32) -> Self {
        Self(self.0.wrapping_add(count as u64))
    }

    /// The seed of one run of a campaign with this seed.
    ///
    /// ```
    /// use dstest::seed::{Iteration, Seed};
    ///
    /// let campaign = Seed::new(7);
    /// let first = campaign.derive("backup_2b", Iteration::FIRST);
    /// assert_eq!(first, campaign.derive("backup_2b", Iteration::FIRST));
    /// assert_ne!(first, campaign.derive("backup_2b", Iteration::FIRST.next()));
    /// assert_ne!(first, campaign.derive("rejoin_2b", Iteration::FIRST));
    /// ```
    #[must_use]
    pub fn derive(self, test: &str, iteration: Iteration) -> Self {
        let of_test = splitmix64(splitmix64(self.0) ^ fnv1a(test.as_bytes()));
        Self(splitmix64(of_test ^ u64::from(iteration.number())))
    }
}

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

/// The finaliser of Steele, Lea and Flood's `SplitMix64`: a bijection that mixes every bit.
const fn splitmix64(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

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
        let seed = Seed::new(42).derive("backup_2b", Iteration::FIRST);
        assert_eq!(seed, Seed::new(16_838_284_254_202_422_174), "stored campaigns replay by it");
    }

    #[test]
    fn a_fresh_seed_survives_floating_point() {
        for _ in 0..100 {
            assert!(Seed::fresh().value() < 1 << 53);
        }
    }
}
