//! Terms of a peer's log after the last event, to detect changes from outside.

use std::collections::VecDeque;

use raft::{EntryId, Index, Log, Term};

/// The terms of a log that was seen.
#[derive(Clone, Debug, Default)]
pub struct ObservedLog {
    base: EntryId,
    terms: VecDeque<Term>,
}

/// Change of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Entries after this index are new.
    pub new_after: Index,
    /// The last entry that was deleted, other than into a snapshot.
    pub deleted: Option<EntryId>,
}

impl ObservedLog {
    /// Compares a log with what it was, and keeps it. `None` if it is the same.
    ///
    /// Only the end is looked at: an entry that changed below an unchanged one is left to the
    /// audit of whole logs.
    pub fn follow(&mut self, log: &Log) -> Option<Change> {
        if log.last() == self.last() && log.base() == self.base {
            return None;
        }
        let before = self.last();
        let shared = self.last_shared(log);
        let deleted = (before.index > shared && before.index > log.base().index).then_some(before);
        self.keep(shared, log);
        Some(Change { new_after: shared, deleted })
    }

    /// The last index at which the log still has the entry it had. What follows a snapshot of other
    /// entries is not what it was, though it looks the same.
    fn last_shared(&self, log: &Log) -> Index {
        if self.term_at(log.base().index).is_some_and(|term| term != log.base().term) {
            return log.base().index;
        }
        let mut index = log.last().index.min(self.last().index);
        while index > log.base().index && self.term_at(index) != log.term_at(index) {
            index = index.prev();
        }
        index.max(log.base().index)
    }

    fn keep(&mut self, shared: Index, log: &Log) {
        let base = log.base();
        if base.index > self.base.index {
            let covered = (base.index.since(self.base.index) as usize).min(self.terms.len());
            self.terms.drain(..covered);
        } else if base != self.base {
            self.terms.clear();
        }
        self.base = base;
        self.terms.truncate(shared.since(base.index) as usize);
        self.terms.extend(log.range(shared, log.last().index).map(|entry| entry.id.term));
    }

    fn last(&self) -> EntryId {
        let index = self.base.index.plus(self.terms.len() as u64);
        EntryId::new(self.terms.back().copied().unwrap_or(self.base.term), index)
    }

    fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.base.index {
            return Some(self.base.term);
        }
        let position = index.number().checked_sub(self.base.index.number() + 1)?;
        self.terms.get(usize::try_from(position).ok()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use raft::{Entry, LogSlice, Payload};

    fn log(base: (u64, u64), terms: &[u64]) -> Log {
        let base = EntryId::new(Term::new(base.0), Index::new(base.1));
        let entry = |(position, term): (usize, &u64)| Entry {
            id: EntryId::new(Term::new(*term), base.index.plus(position as u64 + 1)),
            payload: Payload::NoOp,
        };
        let entries = terms.iter().enumerate().map(entry).collect();
        Log::new(LogSlice::new(base, entries).expect("terms of the table do not fall"))
    }

    #[test]
    fn changes_are_detected_between_two_observations() {
        let id = |term, index| EntryId::new(Term::new(term), Index::new(index));
        let change =
            |new_after, deleted| Some(Change { new_after: Index::new(new_after), deleted });
        let start = log((0, 0), &[1, 1, 2]);
        let rows = [
            ("nothing", log((0, 0), &[1, 1, 2]), None),
            ("appended", log((0, 0), &[1, 1, 2, 2, 3]), change(3, None)),
            ("truncated", log((0, 0), &[1, 1]), change(2, Some(id(2, 3)))),
            ("replaced", log((0, 0), &[1, 3, 3, 3]), change(1, Some(id(2, 3)))),
            ("compacted", log((1, 2), &[2]), change(3, None)),
            ("compacted and appended", log((1, 1), &[1, 2, 4]), change(3, None)),
            ("installed under a tail", log((2, 2), &[2]), change(2, Some(id(2, 3)))),
            ("installed over all", log((4, 9), &[]), change(9, None)),
        ];
        for (name, after, expected) in rows {
            let mut observed_log = ObservedLog::default();
            observed_log.follow(&start);
            assert_eq!(observed_log.follow(&after), expected, "{name}");
            assert_eq!(observed_log.follow(&after), None, "{name}, seen again");
        }
    }
}
