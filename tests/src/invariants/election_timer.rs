//! When a follower waits anew for a leader (paper §5.2, Figure 2 "Rules for Servers"): when it
//! grants a vote, and not when it merely is asked for one. Else peers that cannot win keep one that
//! can from standing, or peers stand against whom they just voted for.

use std::time::Duration;

use raft::{Instant, PeerId, RoleName, Status};

use super::table::Invariant;
use super::violation::{Violation, Witness};

/// A follower before and after it was asked for its vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoteRequested {
    /// Who asked.
    pub candidate: PeerId,
    /// The follower before and after.
    pub status: [Status; 2],
    /// When its timer fired, before and after.
    pub deadline: [Instant; 2],
}

/// Checks what a request for a vote did to the timer of a peer that follows before and after.
///
/// # Errors
/// The timer was set anew without a vote, or not with one.
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
        "refuses its vote and waits longer for it"
    } else if votes && !voted_before && after < witness.at.after(timeout_min) {
        "grants its vote and does not wait for the candidate"
    } else {
        return Ok(());
    };
    Err(Invariant::ElectionTimer.broken(format_args!(
        "{witness} is asked by {candidate}, {wrong}: the timer moves from {} ns to {} ns",
        before.as_nanos(),
        after.as_nanos()
    )))
}
