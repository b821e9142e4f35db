//! The log: the entries after a base, which is at or before the snapshot's end. The last ones are in
//! memory; of those before them, which the store holds, only the terms are.
//!
//! Invariants: indexes are consecutive from `base.index + 1`, terms never fall. The log is
//! independent of roles, commits and disks.

use std::cmp::Ordering;
use std::collections::VecDeque;

use crate::entry::{Entry, LogSlice};
use crate::term_runs::TermRuns;
use crate::types::{EntryId, Index, Term};

/// A peer's log: all entries after its snapshot, and the last ones before the snapshot's end that are
/// kept for other peers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Log {
    /// The last entry that was deleted into a snapshot; [`EntryId::ZERO`] at first.
    base: EntryId,
    /// The entries after the base that only the store holds.
    stored: TermRuns,
    /// The entry before those in memory.
    start: EntryId,
    entries: VecDeque<Entry>,
    /// The encoded bytes of the entries in memory.
    bytes: u64,
}

impl Log {
    /// The log of `slice`: its `prev` is the base.
    #[must_use]
    pub fn new(slice: LogSlice) -> Self {
        let base = slice.prev();
        Self::after_stored(base, TermRuns::default(), slice.into_entries())
    }

    /// The log of these entries, after those that only the store holds, which follow the base.
    #[must_use]
    pub fn after_stored(base: EntryId, stored: TermRuns, entries: Vec<Entry>) -> Self {
        let start = stored.last().unwrap_or(base);
        let bytes = bytes_of(&entries);
        Self { base, stored, start, entries: entries.into(), bytes }
    }

    /// Appends an entry of `term` and returns its id.
    pub(crate) fn push(&mut self, term: Term, payload: crate::entry::Payload) -> Entry {
        let entry = Entry { id: EntryId::new(term, self.last().index.next()), payload };
        self.bytes += entry.encoded_len() as u64;
        self.entries.push_back(entry.clone());
        entry
    }

    /// Appends entries that follow the last one.
    pub(crate) fn extend(&mut self, entries: &[Entry]) {
        if let Some(first) = entries.first() {
            assert_eq!(first.id.index, self.last().index.next(), "an appended entry leaves no gap");
        }
        self.bytes += bytes_of(entries);
        self.entries.extend(entries.iter().cloned());
    }

    /// Deletes all entries from `from` on.
    pub(crate) fn truncate(&mut self, from: Index) {
        assert!(from > self.base.index, "truncating from {from} cuts into {}", self.base);
        let left = to_usize(from.prev().since(self.start.index)).min(self.entries.len());
        self.bytes -= bytes_of(self.entries.range(left..));
        self.entries.truncate(left);
        if from <= self.start.index {
            self.stored.truncate(from);
            self.start = self.stored.last().unwrap_or(self.base);
        }
    }

    /// Deletes the entries through `base`, which is in a snapshot. Entries after it stay if the log
    /// holds that entry (same index, same term), else the whole log goes.
    pub(crate) fn rebase(&mut self, base: EntryId) {
        if !self.contains(base) {
            *self = Self::after_stored(base, TermRuns::default(), Vec::new());
            return;
        }
        let gone = to_usize(base.index.since(self.start.index));
        self.bytes -= bytes_of(self.entries.range(..gone));
        self.entries.drain(..gone);
        self.stored.drop_through(base.index);
        self.base = base;
        self.start = self.start.max(base);
    }

    /// Leaves entries through `through` to the store, oldest first, until those in memory have at most so
    /// many encoded bytes.
    pub(crate) fn evict(&mut self, through: Index, bytes_max: u64) {
        while self.bytes > bytes_max
            && let Some(entry) = self.entries.pop_front_if(|entry| entry.id.index <= through)
        {
            let bytes = entry.encoded_len() as u64;
            self.bytes -= bytes;
            self.stored.push(entry.id, bytes);
            self.start = entry.id;
        }
    }

    /// The base of a log that keeps, of the entries through `through`, the last ones: at most so many,
    /// of at most so many encoded bytes.
    pub(crate) fn base_of_last(&self, through: Index, entries_max: u64, bytes_max: u64) -> EntryId {
        let end = to_usize(through.since(self.start.index)).min(self.entries.len());
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            bytes += entry.encoded_len() as u64;
            bytes <= bytes_max
        };
        let last = self.entries.range(..end).rev().take(to_usize(entries_max)).take_while(fits);
        let kept = last.count();
        match end.checked_sub(kept + 1) {
            Some(place) => self.entries[place].id,
            None => self.stored_base_of_last(through, entries_max, bytes_max.saturating_sub(bytes)),
        }
    }

    /// The same where all entries in memory fit, of those in the store in whole runs.
    fn stored_base_of_last(&self, through: Index, entries_max: u64, bytes_max: u64) -> EntryId {
        let last = through.min(self.start.index);
        let (mut first, mut bytes) = (last.next(), 0);
        for (run, length) in self.stored.starts_before(last) {
            bytes += length;
            if bytes > bytes_max || through.since(run.index.prev()) > entries_max {
                break;
            }
            first = run.index;
        }
        let base = first.prev();
        EntryId::new(self.term_at(base).unwrap_or_default(), base)
    }

    /// The entry before the first one.
    #[inline]
    #[must_use]
    pub const fn base(&self) -> EntryId {
        self.base
    }

    /// The entry before those in memory: through it, only the store has them.
    #[inline]
    #[must_use]
    pub const fn start(&self) -> EntryId {
        self.start
    }

    /// The last entry, or the base if there is none after it.
    #[inline]
    #[must_use]
    pub fn last(&self) -> EntryId {
        self.entries.back().map_or(self.start, |entry| entry.id)
    }

    /// The term of the entry at `index`, unless it is compacted or past the end.
    #[inline]
    #[must_use]
    pub fn term_at(&self, index: Index) -> Option<Term> {
        match index.cmp(&self.start.index) {
            Ordering::Greater => self.get(index).map(|entry| entry.id.term),
            Ordering::Equal => Some(self.start.term),
            Ordering::Less if index == self.base.index => Some(self.base.term),
            Ordering::Less => self.stored.term_at(index),
        }
    }

    /// The entry at `index`, if it is in memory.
    #[inline]
    #[must_use]
    pub fn get(&self, index: Index) -> Option<&Entry> {
        let place = index.number().checked_sub(self.start.index.number() + 1)?;
        self.entries.get(usize::try_from(place).ok()?)
    }

    /// Returns whether the log holds exactly this entry (or its snapshot ends with it).
    #[inline]
    #[must_use]
    pub fn contains(&self, id: EntryId) -> bool {
        self.term_at(id.index) == Some(id.term)
    }

    /// The entries after `after`, through `through`, in order, as far as they are in memory.
    pub fn range(&self, after: Index, through: Index) -> impl Iterator<Item = &Entry> {
        let start = to_usize(after.since(self.start.index)).min(self.entries.len());
        let end = to_usize(through.since(self.start.index)).min(self.entries.len());
        self.entries.range(start..end.max(start))
    }

    /// The encoded bytes of the entries in memory after `after`, through `through`.
    #[must_use]
    pub(crate) fn memory_bytes_of(&self, after: Index, through: Index) -> u64 {
        bytes_of(self.range(after, through))
    }

    /// The encoded bytes of the entries after `after`, through `through`, or a few more.
    #[must_use]
    pub(crate) fn bytes_of(&self, after: Index, through: Index) -> u64 {
        let stored = self.stored.bytes_of(after, through);
        stored + self.memory_bytes_of(after, through)
    }

    /// Entries after `prev` of at most `bytes_max` encoded bytes and a quarter of those that a
    /// message may hold, but at least one if there is any. None if the first one is not in memory.
    #[must_use]
    pub(crate) fn slice_after(&self, prev: EntryId, bytes_max: usize) -> Vec<Entry> {
        if prev.index < self.start.index {
            return Vec::new();
        }
        let after = || self.range(prev.index, self.last().index);
        after().take(fitting(after(), bytes_max)).cloned().collect()
    }

    /// The last entry at or below `index` whose term is at most `term`: the last place two logs may
    /// agree if the other one has an entry of `term` at `index`.
    ///
    /// Both sides of a rejection use it, so that one round trip skips a whole term (paper §5.3,
    /// last paragraphs).
    #[must_use]
    pub(crate) fn last_at_most(&self, index: Index, term: Term) -> EntryId {
        let end = to_usize(index.since(self.start.index)).min(self.entries.len());
        let place = self.entries.range(..end).rev().find(|entry| entry.id.term <= term);
        let stored = || self.stored.last_at_most(index, term);
        place.map(|entry| entry.id).or_else(stored).unwrap_or(self.base)
    }
}

/// The number of the first entries that one message holds: of at most `bytes_max` encoded bytes, but one at
/// least if there is any.
pub(crate) fn fitting<'a>(entries: impl Iterator<Item = &'a Entry>, bytes_max: usize) -> usize {
    let mut bytes = 0;
    let fits = |entry: &&Entry| {
        let first = bytes == 0;
        bytes += entry.encoded_len();
        first || bytes <= bytes_max
    };
    entries.take(ENTRIES_MAX).take_while(fits).count()
}

/// The encoded bytes of these entries.
pub(crate) fn bytes_of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> u64 {
    entries.into_iter().map(|entry| entry.encoded_len() as u64).sum()
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
