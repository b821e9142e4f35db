//! Followers (paper §5.2, Figure 2 "Rules for Servers"): a peer that receives a message of its
//! term's leader follows it, even as a candidate and even if it rejects the message, and restarts
//! its timer.

use std::time::Duration;

use raft::{Instant, PeerId, Status};

use super::table::Invariant;
use super::violation::{Violation, Witness};

/// A peer after a message of its term's leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AfterLeaderMessage {
    /// The leader.
    pub leader: PeerId,
    /// The peer.
    pub status: Status,
    /// The timer's deadline.
    pub deadline: Option<Instant>,
}

/// Checks a peer after a message of its term's leader.
///
/// # Errors
/// It does not follow, or its timer was not restarted.
pub fn check(
    witness: Witness,
    after: AfterLeaderMessage,
    timeout_min: Duration,
) -> Result<(), Box<Violation>> {
    let AfterLeaderMessage { leader, status, deadline } = after;
    let wrong = if status.leader != Some(leader) {
        "does not follow it"
    } else if deadline.is_none_or(|deadline| deadline < witness.at.after(timeout_min)) {
        "does not restart its timer"
    } else {
        return Ok(());
    };
    Err(Invariant::FollowsLeader.broken(format_args!(
        "{witness} receives a message of {leader}, the leader of its term {}, and {wrong}; it is a {} and its \
         timer fires at {deadline:?}",
        status.current_term, status.role
    )))
}
