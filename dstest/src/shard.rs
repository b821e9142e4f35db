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
}
