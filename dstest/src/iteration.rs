//! Repetitions of a test, counted through a whole campaign, and shares of them.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

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
