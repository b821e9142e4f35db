//! What must not go back: a peer's term, within and across its incarnations; its commit and applied
//! indexes and its vote within a term, while it runs; `applied <= commit <= last` at any moment; and
//! no peer stays behind a term it has heard of.

use raft::{HardState, Index, PersistentState, Status, Term};

use super::violation::{Property, Violation, Witness};

/// One peer's past.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    /// The status after the last event.
    pub status: Status,
    /// What the peer's disk has shown to survive.
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
    pub fn goes_on(
        &mut self,
        seen: Witness,
        now: Status,
        last: Index,
    ) -> Result<(), Box<Violation>> {
        let before = std::mem::replace(&mut self.status, now);
        let wrong = if now.current_term < before.current_term {
            "its term went back"
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
        Err(Property::Monotonic.broken(format_args!(
            "{seen}: {wrong}; the log ends at {last}\n  before {before:?}\n  after  {now:?}"
        )))
    }

    /// A flush of the peer's disk has ended.
    ///
    /// # Errors
    /// The durable term or the vote in it went back.
    pub fn becomes_durable(
        &mut self,
        seen: Witness,
        disk: &PersistentState,
    ) -> Result<(), Box<Violation>> {
        let (before, now) = (std::mem::replace(&mut self.floor, disk.hard_state), disk.hard_state);
        let same_term = now.current_term == before.current_term;
        let vote_kept = before.voted_for.is_none() || now.voted_for == before.voted_for;
        if now.current_term > before.current_term || (same_term && vote_kept) {
            return Ok(());
        }
        Err(Property::Monotonic
            .broken(format_args!("{seen}: the durable {before:?} was replaced by {now:?}")))
    }

    /// The peer starts again, with this status, from what survived on its disk.
    ///
    /// # Errors
    /// It starts from something else, or from less than was durable.
    pub fn restarts(
        &mut self,
        seen: Witness,
        status: Status,
        disk: &PersistentState,
    ) -> Result<(), Box<Violation>> {
        self.becomes_durable(seen, disk)?;
        self.status = status;
        let found = HardState { current_term: status.current_term, voted_for: status.voted_for };
        if found == disk.hard_state {
            return Ok(());
        }
        Err(Property::Monotonic.broken(format_args!(
            "{seen} restarts with {found:?}, its disk holds {:?}",
            disk.hard_state
        )))
    }
}

/// Checks the term of a peer that has heard from another one in `heard` (paper §5.1: whoever hears
/// of a higher term follows it, from requests and replies alike).
///
/// # Errors
/// The peer stayed behind.
pub fn follows(seen: Witness, heard: Term, current_term: Term) -> Result<(), Box<Violation>> {
    if current_term >= heard {
        return Ok(());
    }
    Err(Property::Monotonic
        .broken(format_args!("{seen} heard of term {heard} and stays in term {current_term}")))
}

fn changed_its_vote(before: &Status, now: &Status) -> bool {
    now.current_term == before.current_term
        && before.voted_for.is_some()
        && now.voted_for != before.voted_for
}
