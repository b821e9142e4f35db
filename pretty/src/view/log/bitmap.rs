//! Sets of lines, a bit a line.

use std::ops::Range;

/// A set of lines, by their numbers.
///
/// ```
/// use pretty::view::Bitmap;
///
/// let odd: Bitmap = (0..10).filter(|line| line % 2 == 1).collect();
/// assert!(odd.contains(3) && !odd.contains(4) && !odd.contains(1_000_000));
/// assert_eq!(odd.count(), 5);
/// assert_eq!((odd.next(4), odd.previous(4)), (Some(5), Some(3)));
/// assert_eq!(odd.iter().collect::<Vec<_>>(), [1, 3, 5, 7, 9]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Bitmap {
    words: Vec<u64>,
}

impl PartialEq for Bitmap {
    /// Words that are missing at the end hold no lines.
    fn eq(&self, other: &Self) -> bool {
        let words = self.words.len().max(other.words.len());
        (0..words).all(|at| self.word(at) == other.word(at))
    }
}

impl Eq for Bitmap {}

impl Bitmap {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The set of all lines below `lines`.
    #[must_use]
    pub fn full(lines: usize) -> Self {
        let mut words = vec![u64::MAX; lines.div_ceil(BITS)];
        if let (Some(last), rest @ 1..) = (words.last_mut(), lines % BITS) {
            *last = (1 << rest) - 1;
        }
        Self { words }
    }

    /// Adds a line.
    pub fn insert(&mut self, line: usize) {
        if self.words.len() <= line / BITS {
            self.words.resize(line / BITS + 1, 0);
        }
        self.words[line / BITS] |= 1 << (line % BITS);
    }

    /// Takes a line out.
    pub fn remove(&mut self, line: usize) {
        if let Some(word) = self.words.get_mut(line / BITS) {
            *word &= !(1 << (line % BITS));
        }
    }

    /// Tells whether a line is in the set.
    #[must_use]
    pub fn contains(&self, line: usize) -> bool {
        self.word(line / BITS) >> (line % BITS) & 1 == 1
    }

    /// Lines in the set.
    #[must_use]
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Tells whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The first line of the set at or after `line`.
    #[must_use]
    pub fn next(&self, line: usize) -> Option<usize> {
        let first = self.word(line / BITS) & (u64::MAX << (line % BITS));
        let rest = self.words.iter().copied().enumerate().skip(line / BITS + 1);
        let mut words = std::iter::once((line / BITS, first)).chain(rest);
        words.find(|(_, word)| *word != 0).map(|(at, word)| at * BITS + trailing_zeros(word))
    }

    /// The last line of the set before `line`.
    #[must_use]
    pub fn previous(&self, line: usize) -> Option<usize> {
        let last = self.word(line / BITS) & !(u64::MAX << (line % BITS));
        let whole = self.words.iter().copied().enumerate().take(line / BITS).rev();
        let mut words = std::iter::once((line / BITS, last)).chain(whole);
        let found = words.find(|(_, word)| *word != 0);
        found.map(|(at, word)| at * BITS + (BITS - 1 - word.leading_zeros() as usize))
    }

    /// The lines of the set, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.next(0), |line| self.next(line + 1))
    }

    /// The first line at or after `line` that is not in the set.
    pub(crate) fn next_absent(&self, line: usize) -> usize {
        let first = !self.word(line / BITS) & (u64::MAX << (line % BITS));
        let rest = self.words.iter().map(|word| !word).enumerate().skip(line / BITS + 1);
        let mut words = std::iter::once((line / BITS, first)).chain(rest);
        let found = words.find(|(_, word)| *word != 0);
        found.map_or_else(
            || self.words.len().max(line / BITS + 1) * BITS,
            |(at, word)| at * BITS + word.trailing_zeros() as usize,
        )
    }

    /// The last line before `line` that is not in the set.
    pub(crate) fn previous_absent(&self, line: usize) -> Option<usize> {
        let last = !self.word(line / BITS) & !(u64::MAX << (line % BITS));
        let whole = (0..line / BITS).rev().map(|at| (at, !self.word(at)));
        let mut words = std::iter::once((line / BITS, last)).chain(whole);
        let found = words.find(|(_, word)| *word != 0);
        found.map(|(at, word)| at * BITS + (BITS - 1 - word.leading_zeros() as usize))
    }

    /// Lines in the set from `lines`.
    pub(crate) fn count_in(&self, lines: Range<usize>) -> usize {
        let upto = |line: usize| -> usize {
            let whole = self.words.iter().take(line / BITS).map(|word| word.count_ones() as usize);
            let rest = self.word(line / BITS) & !(u64::MAX << (line % BITS));
            whole.sum::<usize>() + rest.count_ones() as usize
        };
        upto(lines.end) - upto(lines.start.min(lines.end))
    }

    /// Adds all lines of another set.
    pub fn union_with(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (own, other) in self.words.iter_mut().zip(&other.words) {
            *own |= other;
        }
    }

    /// Keeps only the lines that are in another set as well.
    pub fn intersect_with(&mut self, other: &Self) {
        self.words.truncate(other.words.len());
        for (own, other) in self.words.iter_mut().zip(&other.words) {
            *own &= other;
        }
    }

    /// Takes out all lines of another set.
    pub fn subtract(&mut self, other: &Self) {
        for (own, other) in self.words.iter_mut().zip(&other.words) {
            *own &= !other;
        }
    }

    /// Adds those of the `count` lines from `first` on whose bits are set, first line in the
    /// lowest bit. Nothing from `first` on may have been added before.
    pub(crate) fn push_bits(&mut self, first: usize, bits: u64, count: usize) {
        debug_assert!(count <= BITS, "{count} lines have no bits of their own");
        self.words.resize((first + count).div_ceil(BITS), 0);
        let (at, shift) = (first / BITS, first % BITS);
        if let Some(word) = self.words.get_mut(at) {
            *word |= bits << shift;
        }
        if let (Some(word), 1..) = (self.words.get_mut(at + 1), shift) {
            *word |= bits >> (BITS - shift);
        }
    }

    /// Replaces the 64 lines from `64 * at` on.
    pub(crate) fn set_word(&mut self, at: usize, word: u64) {
        if self.words.len() <= at {
            self.words.resize(at + 1, 0);
        }
        self.words[at] = word;
    }

    /// The 64 lines from `64 * at` on.
    pub(crate) fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or(0)
    }
}

impl FromIterator<usize> for Bitmap {
    fn from_iter<I: IntoIterator<Item = usize>>(lines: I) -> Self {
        let mut set = Self::new();
        set.extend(lines);
        set
    }
}

impl Extend<usize> for Bitmap {
    fn extend<I: IntoIterator<Item = usize>>(&mut self, lines: I) {
        lines.into_iter().for_each(|line| self.insert(line));
    }
}

/// Lines of a word.
pub(crate) const BITS: usize = 64;

fn trailing_zeros(word: u64) -> usize {
    word.trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// It is a set of numbers after any operations.
        #[test]
        fn it_is_a_set(
            lines in prop::collection::btree_set(0_usize..300, 0..40),
            others in prop::collection::btree_set(0_usize..300, 0..40),
            at in 0_usize..400,
        ) {
            let set: Bitmap = lines.iter().copied().collect();
            let other: Bitmap = others.iter().copied().collect();
            prop_assert_eq!(set.iter().collect::<BTreeSet<_>>(), lines.clone());
            prop_assert_eq!(set.count(), lines.len());
            prop_assert_eq!(set.is_empty(), lines.is_empty());
            prop_assert_eq!(set.contains(at), lines.contains(&at));
            prop_assert_eq!(set.next(at), lines.range(at..).next().copied());
            prop_assert_eq!(set.previous(at), lines.range(..at).next_back().copied());
            prop_assert_eq!(Some(set.next_absent(at)), (at..).find(|line| !lines.contains(line)));
            let absent = (0..at).rev().find(|line| !lines.contains(line));
            prop_assert_eq!(set.previous_absent(at), absent);
            prop_assert_eq!(set.count_in(7..at), lines.range(7.min(at)..at).count());
            let mut both = set.clone();
            both.union_with(&other);
            prop_assert_eq!(&both, &lines.union(&others).copied().collect::<Bitmap>());
            both.subtract(&other);
            prop_assert_eq!(&both, &lines.difference(&others).copied().collect::<Bitmap>());
            let mut shared = set.clone();
            shared.intersect_with(&other);
            prop_assert_eq!(shared, lines.intersection(&others).copied().collect::<Bitmap>());
            let mut less = set;
            less.remove(at);
            prop_assert!(!less.contains(at));
        }

        /// Bits can be added in pieces of any length.
        #[test]
        fn it_grows_by_bits(pieces in prop::collection::vec((any::<u64>(), 0_usize..=64), 0..9)) {
            let (mut set, mut plain, mut first) = (Bitmap::new(), Bitmap::new(), 0);
            for (bits, count) in pieces {
                let bits = if count == 64 { bits } else { bits & ((1 << count) - 1) };
                set.push_bits(first, bits, count);
                plain.extend((0..count).filter(|at| bits >> at & 1 == 1).map(|at| first + at));
                first += count;
            }
            prop_assert_eq!(set, plain);
        }

        #[test]
        fn a_full_one_has_all(lines in 0_usize..300) {
            prop_assert_eq!(Bitmap::full(lines), (0..lines).collect::<Bitmap>());
        }
    }
}
