//! Leader Completeness (paper §5.4, Figure 3): if an entry is committed in a term, it is in the
//! logs of the leaders of all higher terms.
//!
//! Evaluated when a peer becomes leader: a leader that is already deposed and does not know it yet
//! may well lack what its successors committed.

use raft::{EntryId, Index, Log, Term};

use super::table::Invariant;
use super::violation::{Violation, Witness};

/// All entries ever committed.
#[derive(Debug, Default)]
pub struct LeaderCompleteness {
    /// The entry at index `n` is at position `n - 1`.
    committed: Vec<Commit>,
}

#[derive(Clone, Copy, Debug)]
struct Commit {
    id: EntryId,
    /// The term of the peer that was first seen to count it as committed.
    in_term: Term,
    seen: Witness,
}

impl LeaderCompleteness {
    /// The last index known to be committed.
    #[must_use]
    pub fn last_committed(&self) -> Index {
        Index::new(self.committed.len() as u64)
    }

    /// A peer in `in_term` counts its log through `commit_index` as committed.
    pub fn record_committed(
        &mut self,
        seen: Witness,
        in_term: Term,
        log: &Log,
        commit_index: Index,
    ) {
        for entry in log.range(self.last_committed(), commit_index) {
            // A log that starts later does not have the entries that its snapshot replaced.
            if entry.id.index == self.last_committed().next() {
                self.committed.push(Commit { id: entry.id, in_term, seen });
            }
        }
    }

    /// A peer becomes leader of `term` with this log.
    ///
    /// # Errors
    /// The log lacks an entry committed in an earlier term.
    pub fn check_leader(
        &self,
        leader: Witness,
        term: Term,
        log: &Log,
    ) -> Result<(), Box<Violation>> {
        let base = log.base();
        let skipped = usize::try_from(base.index.prev().number()).unwrap_or(usize::MAX);
        for commit in self.committed.iter().skip(skipped) {
            if commit.in_term < term && !log.contains(commit.id) && commit.id.index >= base.index {
                let Commit { id, in_term, seen } = commit;
                return Err(Invariant::LeaderCompleteness.broken(format_args!(
                    "{leader} becomes leader of term {term} without entry {id}, \
                     committed in term {in_term} by {seen}; its log ends with {}",
                    log.last()
                )));
            }
        }
        Ok(())
    }
}
