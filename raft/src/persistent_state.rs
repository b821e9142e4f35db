//! Contents of a store, and the effect of each record on it: the meaning every store must give to
//! the core's writes.

use crate::entry::{BrokenSlice, Entry, LogSlice, Snapshot};
use crate::log::Log;
use crate::output::{HardState, Record, Suffix};
use crate::types::{EntryId, Index, Term};

/// The durable state of a peer: empty at first, later what survived.
///
/// ```
/// use raft::{Entry, EntryId, Index, Payload, Record, PersistentState, Term};
/// let entry = Entry { id: EntryId::new(Term::new(1), Index::new(1)), payload: Payload::NoOp };
/// let mut stored = PersistentState::default();
/// stored.record(&Record::Append(vec![entry.clone()]));
/// assert_eq!(stored.entries, [entry]);
/// stored.record(&Record::Truncate { from: Index::new(1) });
/// assert!(stored.entries.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PersistentState {
    /// Term and vote.
    pub hard_state: HardState,
    /// The newest snapshot.
    pub snapshot: Option<Snapshot>,
    /// The entries after the snapshot, without gaps.
    pub entries: Vec<Entry>,
}

impl PersistentState {
    /// Carries out one record.
    ///
    /// # Panics
    /// An appended entry leaves a gap: the writes were not carried out in their order.
    pub fn record(&mut self, record: &Record) {
        match record {
            Record::HardState(hard_state) => self.hard_state = *hard_state,
            Record::Truncate { from } => self.truncate(*from),
            Record::Append(entries) => {
                if let Some(first) = entries.first() {
                    assert_eq!(first.id.index, self.last().index.next(), "an append leaves a gap");
                }
                self.entries.extend_from_slice(entries);
            }
            Record::Snapshot { snapshot, suffix } => {
                match suffix {
                    Suffix::Kept => self.entries.retain(|e| e.id.index > snapshot.index()),
                    Suffix::Discarded => self.entries.clear(),
                }
                self.snapshot = Some(snapshot.clone());
            }
        }
    }

    fn truncate(&mut self, from: Index) {
        let place = self.entries.partition_point(|entry| entry.id.index < from);
        self.entries.truncate(place);
    }

    /// The last entry the snapshot replaces.
    #[must_use]
    pub fn base(&self) -> EntryId {
        self.snapshot.as_ref().map_or(EntryId::ZERO, |snapshot| snapshot.last_included)
    }

    /// The last entry, or the snapshot's place.
    #[must_use]
    pub fn last(&self) -> EntryId {
        self.entries.last().map_or(self.base(), |entry| entry.id)
    }

    /// Takes the state apart for a node, and checks what the node relies on.
    ///
    /// # Errors
    /// The contents cannot result from writes carried out in order.
    pub(crate) fn restore(self) -> Result<RestoredState, CorruptStore> {
        let base = self.base();
        let Self { hard_state, snapshot, entries } = self;
        let slice = LogSlice::new(base, entries)?;
        let (current_term, last) = (hard_state.current_term, slice.last());
        if last.term > current_term {
            return Err(CorruptStore::TermBehindLog { current_term, last });
        }
        Ok(RestoredState { hard_state, snapshot, log: Log::new(slice) })
    }
}

/// A store's state, checked, as a node starts from it.
pub(crate) struct RestoredState {
    pub(crate) hard_state: HardState,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) log: Log,
}

/// Contents that no order of writes can leave behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorruptStore {
    /// The entries have a gap or falling terms.
    #[error("the stored log is broken: {0}")]
    BrokenLog(#[from] BrokenSlice),
    /// An entry is newer than the stored term.
    #[error("the stored term {current_term} is behind the stored entry {last}")]
    TermBehindLog {
        /// The stored term.
        current_term: Term,
        /// The last stored entry.
        last: EntryId,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Payload;
    use std::sync::Arc;

    fn entries(term: u64, indexes: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
        let id = |index| EntryId::new(Term::new(term), Index::new(index));
        indexes.map(|index| Entry { id: id(index), payload: Payload::NoOp }).collect()
    }

    fn snapshot(term: u64, index: u64) -> Snapshot {
        let last_included = EntryId::new(Term::new(term), Index::new(index));
        Snapshot { last_included, membership: Arc::default(), data: [].into() }
    }

    #[test]
    fn a_snapshot_keeps_or_discards_the_entries_after_it() {
        for (suffix, left) in [(Suffix::Kept, 2), (Suffix::Discarded, 0)] {
            let mut stored = PersistentState::default();
            stored.record(&Record::Append(entries(1, 1..=5)));
            stored.record(&Record::Snapshot { snapshot: snapshot(1, 3), suffix });
            assert_eq!((stored.entries.len(), stored.base().index), (left, Index::new(3)));
        }
    }

    fn refusal(stored: &PersistentState) -> Option<String> {
        stored.clone().restore().err().map(|error| error.to_string())
    }

    #[test]
    fn a_store_that_lost_the_order_of_writes_is_rejected() {
        let mut stored =
            PersistentState { entries: entries(2, 1..=3), ..PersistentState::default() };
        let error = refusal(&stored).expect("the term was never stored");
        assert_eq!(error, "the stored term 0 is behind the stored entry 3@2");
        stored.hard_state.current_term = Term::new(2);
        assert_eq!(refusal(&stored), None);
        stored.entries.remove(1);
        let error = refusal(&stored).expect("entry 2 is missing");
        assert_eq!(error, "the stored log is broken: entry 3@2 cannot follow 1@2");
    }
}
