//! A peer keeps what it acknowledged: while the term of the acknowledgement lasts, the entry stays
//! in its log, crashes or not. Its leader counts on it (paper §5.3), and a leader only appends.

use raft::{EntryId, Log, Term};

use super::table::Invariant;
use super::violation::{Violation, Witness};

/// The furthest entry a peer acknowledged in the newest term in which it acknowledged any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AcknowledgedEntry {
    term: Term,
    entry: EntryId,
}

impl AcknowledgedEntry {
    /// The peer acknowledges its log through `entry` in `term`.
    pub fn record(&mut self, term: Term, entry: EntryId) {
        if term > self.term || (term == self.term && entry.index > self.entry.index) {
            *self = Self { term, entry };
        }
    }

    /// Checks a peer's log in its current term.
    ///
    /// # Errors
    /// An entry acknowledged in this term is gone.
    pub fn check(
        &self,
        witness: Witness,
        current_term: Term,
        log: &Log,
    ) -> Result<(), Box<Violation>> {
        let Self { term, entry } = *self;
        if current_term != term || entry.index < log.base().index || log.contains(entry) {
            return Ok(());
        }
        Err(Invariant::AcknowledgedEntries.broken(format_args!(
            "{witness} acknowledged entry {entry} in term {term} and does not hold it any more; \
             its log ends with {}",
            log.last()
        )))
    }
}
