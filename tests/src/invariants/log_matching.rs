//! Log Matching (paper §5.3, Figure 3): if two logs contain an entry with the same index and term,
//! then they are identical in all entries up through that index.
//!
//! By induction it is enough that all entries of one index and term have the same payload and the
//! same predecessor: one global table of what was first seen, and a look at each new entry.

use raft::{Entry, EntryId, Index, Payload, Term, codec};

use super::table::Invariant;
use super::violation::{Violation, Witness};
use crate::sim::trace_hash::hash_of;

/// All entries ever seen in a log.
#[derive(Debug, Default)]
pub struct LogMatching {
    slots: Vec<Slot>,
}

/// Entries of one index; nearly always one.
#[derive(Debug, Default)]
struct Slot {
    first: Option<Known>,
    others: Vec<Known>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    term: Term,
    prev_term: Term,
    payload: u64,
    seen: Witness,
}

impl LogMatching {
    /// Checks an entry of a log, after one of `prev_term`.
    ///
    /// # Errors
    /// An entry of the same index and term was seen with another payload or predecessor.
    pub fn check_entry(
        &mut self,
        seen: Witness,
        prev_term: Term,
        entry: &Entry,
    ) -> Result<(), Box<Violation>> {
        let EntryId { term, index } = entry.id;
        let payload = payload_hash(&entry.payload);
        let known = Known { term, prev_term, payload, seen };
        let first = self.slot(index).enter(known);
        if first.prev_term == prev_term && first.payload == payload {
            return Ok(());
        }
        let what = if first.payload == payload { "predecessor" } else { "payload" };
        let witness = first.seen;
        Err(Invariant::LogMatching.broken(format_args!(
            "entry {} of {seen} has another {what} than the one of {witness}",
            entry.id
        )))
    }

    fn slot(&mut self, index: Index) -> &mut Slot {
        let position = usize::try_from(index.number()).unwrap_or(usize::MAX);
        if self.slots.len() <= position {
            self.slots.resize_with(position + 1, Slot::default);
        }
        &mut self.slots[position]
    }
}

impl Slot {
    /// The entry first seen with the same term; the given one if it is the first.
    fn enter(&mut self, known: Known) -> Known {
        let first = *self.first.get_or_insert(known);
        if first.term == known.term {
            return first;
        }
        if let Some(other) = self.others.iter().find(|other| other.term == known.term) {
            return *other;
        }
        self.others.push(known);
        known
    }
}

/// A payload as a number; a no-op differs from an empty command.
#[must_use]
pub fn payload_hash(payload: &Payload) -> u64 {
    match payload {
        Payload::NoOp => 0,
        Payload::Command(bytes) => hash_of(bytes),
        Payload::Membership(membership) => hash_of(&codec::encode_membership(membership)),
    }
}
