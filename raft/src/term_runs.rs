//! Runs of entries of one term: what a node knows of the entries that its store holds and its memory
//! does not.
//!
//! Invariants: runs are in order and leave no gap, and terms never fall.

use std::collections::VecDeque;

use crate::types::{EntryId, Index, Term};

/// Consecutive entries, by their terms and, roughly, their sizes.
///
/// ```
/// use raft::{EntryId, Index, Term, TermRuns};
/// let mut runs = TermRuns::default();
/// for (term, index) in [(1, 4), (1, 5), (3, 6)] {
///     runs.push(EntryId::new(Term::new(term), Index::new(index)), 100);
/// }
/// assert_eq!(runs.term_at(Index::new(5)), Some(Term::new(1)));
/// assert_eq!(runs.last(), Some(EntryId::new(Term::new(3), Index::new(6))));
/// assert_eq!(runs.term_at(Index::new(7)), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TermRuns {
    runs: VecDeque<TermRun>,
    /// The last index of the last run.
    last: Index,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct TermRun {
    first: EntryId,
    /// Encoded bytes, also of entries that are gone since.
    bytes: u64,
}

/// A run of more bytes is followed by another one of the same term, so that sizes are known in steps.
const RUN_BYTES: u64 = 256 << 10;

impl TermRuns {
    /// Adds the next entry, of so many encoded bytes.
    ///
    /// # Panics
    /// It does not follow the last one.
    pub fn push(&mut self, id: EntryId, bytes: u64) {
        let known = self.last();
        let follows = known.is_none_or(|it| it.index.next() == id.index && it.term <= id.term);
        assert!(follows, "entry {id} cannot follow {known:?}");
        self.last = id.index;
        match self.runs.back_mut() {
            Some(run) if run.first.term == id.term && run.bytes < RUN_BYTES => run.bytes += bytes,
            Some(_) | None => self.runs.push_back(TermRun { first: id, bytes }),
        }
    }

    /// Adds the next entries, which are of one term.
    ///
    /// # Panics
    /// They do not follow the last one.
    pub fn push_run(&mut self, first: EntryId, last: Index, bytes: u64) {
        self.push(first, bytes);
        assert!(first.index <= last, "a run ends with {last}, before {first}");
        self.last = last;
    }

    /// Returns whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The first entry.
    #[must_use]
    pub fn first(&self) -> Option<EntryId> {
        self.runs.front().map(|run| run.first)
    }

    /// The last entry.
    #[must_use]
    pub fn last(&self) -> Option<EntryId> {
        self.runs.back().map(|run| EntryId { index: self.last, ..run.first })
    }

    /// The term of the entry at `index`.
    #[must_use]
    pub fn term_at(&self, index: Index) -> Option<Term> {
        let run = self.place(index)?;
        (index <= self.last).then(|| self.runs[run].first.term)
    }

    /// Removes the entries from `from` on.
    pub fn truncate(&mut self, from: Index) {
        self.runs.truncate(self.runs.partition_point(|run| run.first.index < from));
        self.last = self.last.min(from.prev());
    }

    /// Removes the entries through `index`.
    pub fn drop_through(&mut self, index: Index) {
        let next = index.next();
        if next > self.last {
            return self.runs.clear();
        }
        let Some(first) = self.place(next) else { return };
        self.runs.drain(..first);
        self.runs[0].first.index = next;
    }

    /// The last entry at or below `index` whose term is at most `term`.
    pub(crate) fn last_at_most(&self, index: Index, term: Term) -> Option<EntryId> {
        let known = |run: &TermRun| run.first.index <= index && run.first.term <= term;
        let next = self.runs.partition_point(known);
        let run = &self.runs[next.checked_sub(1)?];
        let end = self.runs.get(next).map_or(self.last, |run| run.first.index.prev());
        Some(EntryId { index: end.min(index), ..run.first })
    }

    /// At least the encoded bytes of the entries after `after`, through `through`: those of the runs that
    /// have any of them.
    pub(crate) fn bytes_of(&self, after: Index, through: Index) -> u64 {
        if after >= through || after >= self.last {
            return 0;
        }
        let start = self.place(after.next()).unwrap_or(0);
        let runs = self.runs.range(start..).take_while(|run| run.first.index <= through);
        runs.map(|run| run.bytes).sum()
    }

    /// The first entries of runs through `through` and the bytes from there, backwards.
    pub(crate) fn starts_before(&self, through: Index) -> impl Iterator<Item = (EntryId, u64)> {
        let end = self.runs.partition_point(|run| run.first.index <= through);
        self.runs.range(..end).rev().map(|run| (run.first, run.bytes))
    }

    /// The run that has `index`, or would if it were longer.
    fn place(&self, index: Index) -> Option<usize> {
        self.runs.partition_point(|run| run.first.index <= index).checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(term: u64, index: u64) -> EntryId {
        EntryId::new(Term::new(term), Index::new(index))
    }

    /// Entries 4 to 12 of terms 1, 1, 3, 3, 3, 3, 6, 6, 6, of a third of a run each.
    fn runs() -> TermRuns {
        let mut runs = TermRuns::default();
        for (term, index) in [1, 1, 3, 3, 3, 3, 6, 6, 6].into_iter().zip(4..) {
            runs.push(id(term, index), RUN_BYTES / 2);
        }
        runs
    }

    fn terms(runs: &TermRuns) -> Vec<(u64, u64)> {
        let term = |index| Some((index, runs.term_at(Index::new(index))?.number()));
        (0..20).filter_map(term).collect()
    }

    #[test]
    fn terms_are_known_of_the_entries_that_are_left_after_cuts_at_either_end() {
        let all = [(4, 1), (5, 1), (6, 3), (7, 3), (8, 3), (9, 3), (10, 6), (11, 6), (12, 6)];
        for through in 0..15_u64 {
            for from in 1..16_u64 {
                let mut cut = runs();
                cut.drop_through(Index::new(through));
                cut.truncate(Index::new(from));
                let mut other = runs();
                other.truncate(Index::new(from));
                other.drop_through(Index::new(through));
                let left = |(index, _): &(u64, u64)| *index > through && *index < from;
                let expected: Vec<_> = all.into_iter().filter(left).collect();
                assert_eq!(terms(&cut), expected, "after {through}, before {from}");
                assert_eq!(terms(&other), expected, "before {from}, after {through}");
                let ends = |at: Option<&(u64, u64)>| at.map(|(index, term)| id(*term, *index));
                assert_eq!(
                    (cut.first(), cut.last()),
                    (ends(expected.first()), ends(expected.last()))
                );
            }
        }
    }

    #[test]
    fn the_last_entry_of_a_term_or_an_earlier_one_is_found_and_sizes_are_never_too_small() {
        let runs = runs();
        for (index, term, expected) in [
            (12, 6, Some(id(6, 12))),
            (11, 9, Some(id(6, 11))),
            (12, 5, Some(id(3, 9))),
            (7, 3, Some(id(3, 7))),
            (30, 2, Some(id(1, 5))),
            (3, 9, None),
            (12, 0, None),
        ] {
            assert_eq!(runs.last_at_most(Index::new(index), Term::new(term)), expected);
        }
        for (after, through, least) in [(0, 20, 9), (3, 4, 1), (5, 9, 4), (11, 12, 1)] {
            let bytes = runs.bytes_of(Index::new(after), Index::new(through));
            assert!(bytes >= least * RUN_BYTES / 2, "{bytes} of {after} to {through}");
            assert!(bytes <= (least + 2) * RUN_BYTES / 2, "{bytes} of {after} to {through}");
        }
        assert_eq!(runs.bytes_of(Index::new(12), Index::new(20)), 0);
        assert_eq!(runs.bytes_of(Index::new(0), Index::new(3)), 0);
    }
}
