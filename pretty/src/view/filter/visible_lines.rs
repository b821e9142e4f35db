//! The lines that are shown, with their positions among each other.

use std::ops::Range;

use crate::view::log::bitmap::{BITS, Bitmap};

/// The lines that are shown. Invariant: `ranks[i]` is how many of them are before line
/// `i * RANK_WORDS * 64`; one more at the end has them all.
#[derive(Debug)]
pub(crate) struct VisibleLines {
    lines: Bitmap,
    ranks: Vec<u32>,
}

impl Default for VisibleLines {
    fn default() -> Self {
        Self { lines: Bitmap::new(), ranks: vec![0] }
    }
}

impl VisibleLines {
    /// Replaces the lines of some words: `word` gives the bits of each.
    pub(crate) fn set(&mut self, words: Range<usize>, all: usize, word: impl Fn(usize) -> u64) {
        for at in words.clone() {
            self.lines.set_word(at, word(at));
        }
        let blocks = all.div_ceil(RANK_WORDS * BITS);
        self.ranks.resize(blocks + 1, 0);
        for block in words.start / RANK_WORDS..blocks {
            let words = block * RANK_WORDS..(block + 1) * RANK_WORDS;
            let count: u32 = words.map(|at| self.lines.word(at).count_ones()).sum();
            self.ranks[block + 1] = self.ranks[block] + count;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ranks.last().map_or(0, |all| *all as usize)
    }

    pub(crate) fn contains(&self, line: usize) -> bool {
        self.lines.contains(line)
    }

    /// The line at a position among those shown.
    pub(crate) fn line(&self, position: usize) -> Option<usize> {
        let rank = u32::try_from(position).ok().filter(|_| position < self.len())?;
        let block = self.ranks.partition_point(|before| *before <= rank) - 1;
        let mut left = rank - self.ranks[block];
        for at in block * RANK_WORDS.. {
            let word = self.lines.word(at);
            match left.checked_sub(word.count_ones()) {
                Some(rest) => left = rest,
                None => return Some(at * BITS + nth_bit(word, left)),
            }
        }
        None
    }

    /// The number of lines shown before this one.
    pub(crate) fn position(&self, line: usize) -> usize {
        let block = (line / (RANK_WORDS * BITS)).min(self.ranks.len() - 1);
        let first = block * RANK_WORDS * BITS;
        self.ranks[block] as usize + self.lines.count_in(first..line)
    }

    /// The first line shown at or after this one.
    pub(crate) fn next(&self, line: usize) -> Option<usize> {
        self.lines.next(line)
    }

    /// The last line shown before this one.
    pub(crate) fn previous(&self, line: usize) -> Option<usize> {
        self.lines.previous(line)
    }

    pub(crate) fn lines(&self) -> &Bitmap {
        &self.lines
    }
}

/// The place of the set bit of a word that has `before` set bits below it.
fn nth_bit(mut word: u64, before: u32) -> usize {
    for _ in 0..before {
        word &= word - 1;
    }
    word.trailing_zeros() as usize
}

/// Words between two ranks.
const RANK_WORDS: usize = 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Positions and lines are each other's inverse, also after a part has been replaced.
        #[test]
        fn positions_are_those_of_a_list(
            lines in prop::collection::btree_set(0_usize..3_000, 0..200),
            others in prop::collection::btree_set(0_usize..3_000, 0..200),
            words in (0_usize..47, 0_usize..47),
        ) {
            let bits = |set: &std::collections::BTreeSet<usize>| set.iter().copied().collect::<Bitmap>();
            let (old, new) = (bits(&lines), bits(&others));
            let mut shown = VisibleLines::default();
            shown.set(0..47, 3_000, |at| old.word(at));
            let part = words.0.min(words.1)..words.0.max(words.1);
            shown.set(part.clone(), 3_000, |at| new.word(at));
            let part = part.start * 64..part.end * 64;
            let list: Vec<_> = (0..3_000)
                .filter(|line| if part.contains(line) { &others } else { &lines }.contains(line))
                .collect();
            prop_assert_eq!(shown.len(), list.len());
            for (position, line) in list.iter().enumerate() {
                prop_assert_eq!(shown.line(position), Some(*line));
                prop_assert_eq!(shown.position(*line), position);
            }
            prop_assert_eq!(shown.line(list.len()), None);
            prop_assert_eq!(shown.position(10_000), list.len());
        }
    }
}
