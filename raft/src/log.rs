//! The log in memory: the entries after a base, which is at or before the snapshot's end.
//!
//! Invariants: indexes are consecutive from `base.index + 1`, terms never fall. The log is
//! independent of roles, commits and disks.

use std::collections::VecDeque;

use crate::entry::{Entry, LogSlice};
use crate::types::{EntryId, Index, Term};

/// A peer's log: all entries after its snapshot, and the last ones before the snapshot's end that are
/// kept for other peers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Log {
    /// The last entry that was deleted into a snapshot; [`EntryId::ZERO`] at first.
    base: EntryId,
    entries: VecDeque<Entry>,
}

impl Log {
    /// The log of `slice`: its `prev` is the base.
    #[must_use]
    pub fn new(slice: LogSlice) -> Self {
        Self { base: slice.prev(), entries: slice.into_entries().into() }
    }

    /// Appends an entry of `term` and returns its id.
    pub(crate) fn push(&mut self, term: Term, payload: crate::entry::Payload) -> Entry {
        let entry = Entry { id: EntryId::new(term, self.last().index.next()), payload };
        self.entries.push_back(entry.clone());
        entry
    }

    /// Appends entries that follow the last one.
    pub(crate) fn extend(&mut self, entries: &[Entry]) {
        if let Some(first) = entries.first() {
            assert_eq!(first.id.index, self.last().index.next(), "an appended entry leaves no gap");
        }
        self.entries.extend(entries.iter().cloned());
    }

    /// Deletes all entries from `from` on.
    pub(crate) fn truncate(&mut self, from: Index) {
        assert!(from > self.base.index, "truncating from {from} cuts into {}", self.base);
        self.entries.truncate(to_usize(from.prev().since(self.base.index)));
    }

    /// Deletes the entries through `base`, which is in a snapshot. Entries after it stay if the log
    /// holds that entry (same index, same term), else the whole log goes.
    pub(crate) fn rebase(&mut self, base: EntryId) {
        if self.contains(base) {
            self.entries.drain(..to_usize(base.index.since(self.base.index)));
        } else {
            self.entries.clear();
        }
        self.base = base;
    }

    /// The base of a log that keeps, of the entries through `through`, the last ones: at most so many,
    /// of at most so many encoded bytes.
    pub(crate) fn base_of_last(&self, through: Index, entries_max: u64, bytes_max: u64) -> EntryId {
        let end = to_usize(through.since(self.base.index)).min(self.entries.len());
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            bytes += entry.encoded_len() as u64;
            bytes <= bytes_max
        };
        let last = self.entries.range(..end).rev().take(to_usize(entries_max)).take_while(fits);
        let kept = last.count();
        match end.checked_sub(kept + 1) {
            Some(place) => self.entries[place].id,
            None => self.base,
        }
    }

    /// The entry before the first one.
    #[inline]
    #[must_use]
    pub const fn base(&self) -> EntryId {
        self.base
    }

    /// The last entry, or the base if there is none after it.
    #[inline]
    #[must_use]
    pub fn last(&self) -> EntryId {
        self.entries.back().map_or(self.base, |entry| entry.id)
    }

    /// The term of the entry at `index`, unless it is compacted or past the end.
    #[inline]
    #[must_use]
    pub fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.base.index {
            return Some(self.base.term);
        }
        self.get(index).map(|entry| entry.id.term)
    }

    /// The entry at `index`, unless it is compacted or past the end.
    #[inline]
    #[must_use]
    pub fn get(&self, index: Index) -> Option<&Entry> {
        let place = index.number().checked_sub(self.base.index.number() + 1)?;
        self.entries.get(usize::try_from(place).ok()?)
    }

    /// Returns whether the log holds exactly this entry (or its snapshot ends with it).
    #[inline]
    #[must_use]
    pub fn contains(&self, id: EntryId) -> bool {
        self.term_at(id.index) == Some(id.term)
    }

    /// The entries after `after`, through `through`, in order.
    pub fn range(&self, after: Index, through: Index) -> impl Iterator<Item = &Entry> {
        let start = to_usize(after.since(self.base.index)).min(self.entries.len());
        let end = to_usize(through.since(self.base.index)).min(self.entries.len());
        self.entries.range(start..end.max(start))
    }

    /// The encoded bytes of the entries after `after`.
    #[must_use]
    pub(crate) fn bytes_after(&self, after: Index) -> u64 {
        self.bytes_of(after, self.last().index)
    }

    /// The encoded bytes of the entries after `after`, through `through`.
    #[must_use]
    pub(crate) fn bytes_of(&self, after: Index, through: Index) -> u64 {
        self.range(after, through).map(|entry| entry.encoded_len() as u64).sum()
    }

    /// Entries after `prev` of at most `bytes_max` encoded bytes and a quarter of those that a
    /// message may hold, but at least one if there is any.
    #[must_use]
    pub(crate) fn slice_after(&self, prev: EntryId, bytes_max: usize) -> Vec<Entry> {
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            let first = bytes == 0;
            bytes += entry.encoded_len();
            first || bytes <= bytes_max
        };
        let after = self.range(prev.index, self.last().index);
        after.take(ENTRIES_MAX).take_while(fits).cloned().collect()
    }

    /// The last entry at or below `index` whose term is at most `term`: the last place two logs may
    /// agree if the other one has an entry of `term` at `index`.
    ///
    /// Both sides of a rejection use it, so that one round trip skips a whole term (paper §5.3,
    /// last paragraphs).
    #[must_use]
    pub(crate) fn last_at_most(&self, index: Index, term: Term) -> EntryId {
        let end = to_usize(index.since(self.base.index)).min(self.entries.len());
        let place = self.entries.range(..end).rev().find(|entry| entry.id.term <= term);
        place.map_or(self.base, |entry| entry.id)
    }
}

/// Lengths of data in memory fit into a `usize`.
pub(crate) fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Entries sent in one message. Receivers accept a few times as many.
const ENTRIES_MAX: usize = crate::codec::ENTRIES_MAX / 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Payload;

    /// A log with these terms after a base.
    fn log(base: EntryId, terms: &[u64]) -> Log {
        let mut log = Log::new(LogSlice::empty(base));
        for term in terms {
            log.push(Term::new(*term), Payload::NoOp);
        }
        log
    }

    fn id(term: u64, index: u64) -> EntryId {
        EntryId::new(Term::new(term), Index::new(index))
    }

    #[test]
    fn a_log_after_a_snapshot_counts_from_its_base() {
        let log = log(id(2, 10), &[2, 3, 3]);
        assert_eq!(log.last(), id(3, 13));
        assert_eq!(log.term_at(Index::new(9)), None);
        assert_eq!(log.term_at(Index::new(10)), Some(Term::new(2)));
        assert_eq!(log.term_at(Index::new(12)), Some(Term::new(3)));
        assert_eq!(log.term_at(Index::new(14)), None);
        assert_eq!(log.range(Index::new(11), Index::new(20)).count(), 2);
        assert_eq!(log.range(Index::new(15), Index::new(12)).count(), 0);
    }

    #[test]
    fn a_snapshot_keeps_the_suffix_only_if_it_matches() {
        let mut matching = log(EntryId::ZERO, &[1, 1, 2, 2]);
        matching.rebase(id(1, 2));
        assert_eq!((matching.base(), matching.last()), (id(1, 2), id(2, 4)));

        let mut conflicting = log(EntryId::ZERO, &[1, 1, 2, 2]);
        conflicting.rebase(id(2, 2));
        assert_eq!((conflicting.base(), conflicting.last()), (id(2, 2), id(2, 2)));

        let mut shorter = log(EntryId::ZERO, &[1]);
        shorter.rebase(id(3, 9));
        assert_eq!((shorter.base(), shorter.last()), (id(3, 9), id(3, 9)));
    }

    #[test]
    fn the_last_entries_are_bounded_by_their_number_and_their_bytes() {
        let log = log(id(1, 2), &[1, 2, 3, 4, 5, 6]);
        let one = Entry::OVERHEAD_BYTES as u64;
        for (entries, bytes, base) in [
            (0, 100 * one, id(5, 7)),
            (100, 0, id(5, 7)),
            (2, 100 * one, id(3, 5)),
            (100, 2 * one, id(3, 5)),
            (100, 3 * one - 1, id(3, 5)),
            (4, 4 * one, id(1, 3)),
            (5, 5 * one, id(1, 2)),
            (100, 100 * one, id(1, 2)),
        ] {
            let found = log.base_of_last(Index::new(7), entries, bytes);
            assert_eq!(found, base, "{entries} entries of {bytes} bytes");
        }
    }

    #[test]
    fn a_hint_skips_the_terms_that_cannot_match() {
        let log = log(id(1, 2), &[1, 4, 4, 6]);
        for (index, term, expected) in [
            (6, 6, id(6, 6)),
            (6, 5, id(4, 5)),
            (9, 5, id(4, 5)),
            (5, 3, id(1, 3)),
            (6, 0, id(1, 2)),
            (1, 9, id(1, 2)),
        ] {
            let hint = log.last_at_most(Index::new(index), Term::new(term));
            assert_eq!(hint, expected, "at most index {index}, term {term}");
        }
    }

    #[test]
    fn a_batch_is_bounded_but_never_empty() {
        let log = log(EntryId::ZERO, &[1; 10]);
        let one = Entry::OVERHEAD_BYTES;
        for (bytes_max, expected) in [(1, 1), (one, 1), (3 * one, 3), (1000 * one, 10)] {
            let batch = log.slice_after(EntryId::ZERO, bytes_max);
            assert_eq!(batch.len(), expected, "within {bytes_max} bytes");
        }
    }
}
