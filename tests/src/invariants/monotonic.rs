//! Monotonic state: a peer's term, within and across its incarnations; its commit and applied
//! indexes and its vote within a term, while it runs; and `applied <= commit <= last` at any time.

use raft::{HardState, Index, PersistentState, Status, Term};

use super::table::Invariant;
use super::violation::{Violation, Witness};

/// One peer's past.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    /// The status after the last event.
    pub status: Status,
    /// Durable state that was observed last.
    floor: HardState,
}

impl Past {
    /// A peer that starts with this status.
    #[must_use]
    pub const fn new(status: Status, floor: HardState) -> Self {
        Self { status, floor }
    }

    /// Checks a peer's status after an event against the one before it, and keeps it.
    ///
    /// # Errors
    /// Something went back.
    pub fn update(
        &mut self,
        witness: Witness,
        now: Status,
        last: Index,
    ) -> Result<(), Box<Violation>> {
        let before = std::mem::replace(&mut self.status, now);
        let wrong = if now.current_term < before.current_term {
            "its term went back"
        } else if now.current_term > Term::MAX {
            "its term is after the last one"
        } else if now.commit_index < before.commit_index {
            "its commit index went back"
        } else if now.last_applied < before.last_applied {
            "its applied index went back"
        } else if changed_its_vote(&before, &now) {
            "it changed its vote within a term"
        } else if now.commit_index > last {
            "it counts as committed what is not in its log"
        } else if now.last_applied > now.commit_index {
            "it applied what is not committed"
        } else {
            return Ok(());
        };
        Err(Invariant::Monotonic.broken(format_args!(
            "{witness}: {wrong}; the log ends at {last}\n  before {before:?}\n  after  {now:?}"
        )))
    }

    /// A flush of the peer's disk has ended.
    ///
    /// # Errors
    /// The durable term or the vote in it went back.
    pub fn update_durable(
        &mut self,
        witness: Witness,
        disk: &PersistentState,
    ) -> Result<(), Box<Violation>> {
        let (before, now) = (std::mem::replace(&mut self.floor, disk.hard_state), disk.hard_state);
        let same_term = now.current_term == before.current_term;
        let vote_kept = before.voted_for.is_none() || now.voted_for == before.voted_for;
        if now.current_term > before.current_term || (same_term && vote_kept) {
            return Ok(());
        }
        Err(Invariant::Monotonic
            .broken(format_args!("{witness}: the durable {before:?} was replaced by {now:?}")))
    }

    /// The peer's disk is lost.
    pub fn forget_disk(&mut self) {
        self.floor = HardState::default();
    }

    /// The peer starts again, with this status, from what survived on its disk.
    ///
    /// # Errors
    /// It starts from something else, or from less than was durable.
    pub fn restart(
        &mut self,
        witness: Witness,
        status: Status,
        disk: &PersistentState,
    ) -> Result<(), Box<Violation>> {
        self.update_durable(witness, disk)?;
        self.status = status;
        let found = HardState { current_term: status.current_term, voted_for: status.voted_for };
        if found == disk.hard_state {
            return Ok(());
        }
        Err(Invariant::Monotonic.broken(format_args!(
            "{witness} restarts with {found:?}, its disk holds {:?}",
            disk.hard_state
        )))
    }
}

fn changed_its_vote(before: &Status, now: &Status) -> bool {
    now.current_term == before.current_term
        && before.voted_for.is_some()
        && now.voted_for != before.voted_for
}
