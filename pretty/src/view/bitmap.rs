//! Sets of lines, a bit a line.

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bitmap {
    /// Invariant: the last word is not 0, so that equal sets are equal.
    words: Vec<u64>,
}

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
        self.trim();
    }

    /// Whether a line is in the set.
    #[must_use]
    pub fn contains(&self, line: usize) -> bool {
        self.word(line / BITS) >> (line % BITS) & 1 == 1
    }

    /// Lines in the set.
    #[must_use]
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no line is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
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
        self.trim();
    }

    /// Takes out all lines of another set.
    pub fn subtract(&mut self, other: &Self) {
        for (own, other) in self.words.iter_mut().zip(&other.words) {
            *own &= !other;
        }
        self.trim();
    }

    fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or(0)
    }

    fn trim(&mut self) {
        while self.words.last() == Some(&0) {
            self.words.pop();
        }
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

const BITS: usize = 64;

fn trailing_zeros(word: u64) -> usize {
    word.trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// It is a set of numbers, whatever is done to it.
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

        #[test]
        fn a_full_one_has_all(lines in 0_usize..300) {
            prop_assert_eq!(Bitmap::full(lines), (0..lines).collect::<Bitmap>());
        }
    }
}
