//! Contents of a log: entries, slices of entries as messages carry them, and snapshots.
//!
//! Invariant of [`LogSlice`], checked once where bytes or messages come in: indexes are
//! consecutive from `prev.index + 1`, terms never fall and none is below `prev.term` (paper §5.3).

use std::sync::Arc;

use crate::membership::Membership;
use crate::snapshot_data::SnapshotData;
use crate::types::{EntryId, Index, Term};

/// The bytes of a command: immutable, so that the log, messages and the disk share
/// one copy.
pub type Bytes = Arc<[u8]>;

/// An entry's content.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Payload {
    /// Nothing; a new leader appends it to commit its predecessors' entries (paper §8).
    NoOp,
    /// A command of the service; the core never looks inside.
    Command(Bytes),
    /// The membership configuration from this entry on (paper §6), in force on a peer as soon as
    /// the entry is in its log.
    Membership(Arc<Membership>),
}

impl Payload {
    /// The command's bytes; empty for other payloads.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::NoOp | Self::Membership(_) => &[],
            Self::Command(bytes) => bytes,
        }
    }
}

/// One entry of the replicated log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The entry's term and index.
    pub id: EntryId,
    /// Its content.
    pub payload: Payload,
}

/// Consecutive entries and the entry they follow: the content of AppendEntries.
///
/// ```
/// use raft::{Entry, EntryId, Index, LogSlice, Payload, Term};
/// let entry = |term, index| Entry {
///     id: EntryId::new(Term::new(term), Index::new(index)),
///     payload: Payload::NoOp,
/// };
/// let slice = LogSlice::new(EntryId::ZERO, vec![entry(1, 1), entry(2, 2)])?;
/// assert_eq!(slice.last().index, Index::new(2));
/// assert!(LogSlice::new(EntryId::ZERO, vec![entry(2, 1), entry(1, 2)]).is_err());
/// # Ok::<(), raft::BrokenSlice>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogSlice {
    prev: EntryId,
    entries: Vec<Entry>,
}

/// The first entry that does not follow from the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {found} cannot follow {after}")]
pub struct BrokenSlice {
    /// The entry before it.
    pub after: EntryId,
    /// The entry that does not fit.
    pub found: EntryId,
}

impl LogSlice {
    /// The entries that follow `prev`.
    ///
    /// # Errors
    /// The first entry whose index is not the next one, or whose term falls.
    pub fn new(prev: EntryId, entries: Vec<Entry>) -> Result<Self, BrokenSlice> {
        check_order(prev, &entries)?;
        Ok(Self { prev, entries })
    }

    /// Entries taken from a log, whose order is known to be right.
    pub(crate) fn of_log(prev: EntryId, entries: Vec<Entry>) -> Self {
        debug_assert_eq!(check_order(prev, &entries), Ok(()), "a log keeps its order");
        Self { prev, entries }
    }

    /// No entries after `prev`.
    #[must_use]
    pub const fn empty(prev: EntryId) -> Self {
        Self { prev, entries: Vec::new() }
    }

    /// The entry the slice follows.
    #[inline]
    #[must_use]
    pub const fn prev(&self) -> EntryId {
        self.prev
    }

    /// The last entry of the slice, or `prev` if it is empty.
    #[inline]
    #[must_use]
    pub fn last(&self) -> EntryId {
        self.entries.last().map_or(self.prev, |entry| entry.id)
    }

    /// The entries, in order.
    #[inline]
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries, in order, out of the slice.
    #[must_use]
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}

/// Finds the first entry that does not follow from the one before it.
fn check_order(prev: EntryId, entries: &[Entry]) -> Result<(), BrokenSlice> {
    let mut after = prev;
    for entry in entries {
        let found = entry.id;
        let newer = found.term >= after.term && found.term > Term::ZERO;
        if found.index != after.index.next() || !newer {
            return Err(BrokenSlice { after, found });
        }
        after = found;
    }
    Ok(())
}

/// The service's state through an entry, in place of the log up to and including it (paper §7).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Snapshot {
    /// The last entry the snapshot replaces (Figure 13 `lastIncludedIndex`, `lastIncludedTerm`).
    pub last_included: EntryId,
    /// The configuration as of that entry, not a newer one (paper §7).
    pub membership: Arc<Membership>,
    /// The service's state; the core never looks inside.
    pub data: SnapshotData,
}

impl Snapshot {
    /// The index of the last entry the snapshot replaces.
    #[inline]
    #[must_use]
    pub const fn index(&self) -> Index {
        self.last_included.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(term: u64, index: u64) -> Entry {
        Entry { id: EntryId::new(Term::new(term), Index::new(index)), payload: Payload::NoOp }
    }

    #[test]
    fn a_broken_slice_names_its_first_wrong_entry() {
        let prev = EntryId::new(Term::new(2), Index::new(4));
        let rows = [
            (vec![entry(2, 6)], "entry 6@2 cannot follow 4@2"),
            (vec![entry(1, 5)], "entry 5@1 cannot follow 4@2"),
            (vec![entry(3, 5), entry(2, 6)], "entry 6@2 cannot follow 5@3"),
        ];
        for (entries, expected) in rows {
            let broken = LogSlice::new(prev, entries).expect_err(expected);
            assert_eq!(broken.to_string(), expected);
        }
        assert!(LogSlice::new(EntryId::ZERO, vec![entry(0, 1)]).is_err());
    }
}
