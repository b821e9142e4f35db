//! Shards: shares of the iterations of a campaign, for several machines.

use std::fmt;
use std::num::NonZeroU32;

use crate::seed::Iteration;

/// A share of the iterations: `index` of `count`, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    count: NonZeroU32,
}

impl Shard {
    /// All of them.
    pub const WHOLE: Self = Self { index: 1, count: NonZeroU32::MIN };

    /// Shard `index` of `count`; `None` unless 1 ≤ `index` ≤ `count`.
    #[must_use]
    pub fn new(index: u32, count: u32) -> Option<Self> {
        let count = NonZeroU32::new(count)?;
        (1 <= index && index <= count.get()).then_some(Self { index, count })
    }

    /// Reads `I/M`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (index, count) = text.split_once('/')?;
        Self::new(index.parse().ok()?, count.parse().ok()?)
    }

    /// Its number, from 1.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }

    /// The number of shares.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.count.get()
    }

    /// The number of iterations in it, of so many in all.
    #[must_use]
    pub const fn size(self, iterations: u32) -> u32 {
        let (count, before) = (self.count.get(), self.index - 1);
        if iterations > before { (iterations - before).div_ceil(count) } else { 0 }
    }

    /// Membership of an iteration in this share.
    #[must_use]
    pub fn holds(self, iteration: Iteration) -> bool {
        (iteration.number() - 1) % self.count.get() == self.index - 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_as_it_is_written() {
        for text in ["1/1", "2/4"] {
            assert_eq!(Shard::parse(text).map(|shard| shard.to_string()).as_deref(), Some(text));
        }
        assert!(
            ["0/4", "5/4", "1/0", "1", "a/b", ""].iter().all(|text| Shard::parse(text).is_none())
        );
    }

    #[test]
    fn a_share_has_as_many_iterations_as_it_holds() {
        for (index, count, iterations) in [(1, 1, 5), (1, 3, 7), (2, 3, 7), (3, 3, 7), (3, 3, 2)] {
            let shard = Shard::new(index, count).unwrap();
            let held = (1..=iterations).filter_map(Iteration::new).filter(|i| shard.holds(*i));
            assert_eq!(shard.size(iterations) as usize, held.count(), "{shard} of {iterations}");
        }
    }
}
