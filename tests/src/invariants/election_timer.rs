//! Election timer (paper §5.2, Figure 2 "Rules for Servers"): a follower restarts it when it grants
//! a vote, not when it is merely asked for one. Otherwise peers that cannot win keep one that can
//! from starting an election, or voters start one against their own candidate.

use std::time::Duration;

use raft::{Instant, PeerId, RoleName, Status};

use super::table::Invariant;
use super::violation::{Violation, Witness};

/// A follower before and after it was asked for its vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoteRequested {
    /// The candidate.
    pub candidate: PeerId,
    /// The follower before and after.
    pub status: [Status; 2],
    /// The timer's deadline, before and after.
    pub deadline: [Instant; 2],
}

/// Checks what a request for a vote did to the timer of a peer that follows before and after.
///
/// # Errors
/// The timer was restarted without a vote, or not with one.
pub fn check(
    witness: Witness,
    request: VoteRequested,
    timeout_min: Duration,
) -> Result<(), Box<Violation>> {
    let VoteRequested { candidate, status: [was, is], deadline: [before, after] } = request;
    if was.role != RoleName::Follower || is.role != RoleName::Follower {
        return Ok(());
    }
    let voted_before = was.current_term == is.current_term && was.voted_for == Some(candidate);
    let votes = is.voted_for == Some(candidate);
    let wrong = if !votes && after > before {
        "refuses its vote and restarts its timer"
    } else if votes && !voted_before && after < witness.at.after(timeout_min) {
        "grants its vote and does not restart its timer"
    } else {
        return Ok(());
    };
    Err(Invariant::ElectionTimer.broken(format_args!(
        "{witness}, asked by {candidate}, {wrong}: the timer moves from {} ns to {} ns",
        before.as_nanos(),
        after.as_nanos()
    )))
}
