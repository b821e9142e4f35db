//! Reads (dissertation §6.4): a read is served after everything was applied that was committed
//! anywhere when it was asked for; and a round counts once a quorum has answered it.

use std::fmt;

use raft::{Index, Membership, PeerId, Round};

use super::configurations::is_quorum;
use super::table::Invariant;
use super::violation::{Violation, Witness};

/// The indexes that matter for a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServedRead {
    /// The highest index that was committed anywhere when the read was asked for.
    pub committed: Index,
    /// The index at which the peer serves it.
    pub index: Index,
    /// The last index that the peer's service has applied.
    pub applied: Index,
}

/// Checks a read that a peer serves; `name` describes it.
///
/// # Errors
/// It may miss a committed command.
pub fn check(
    witness: Witness,
    name: fmt::Arguments<'_>,
    read: ServedRead,
) -> Result<(), Box<Violation>> {
    let ServedRead { committed, index, applied } = read;
    if index >= committed && applied >= index {
        return Ok(());
    }
    Err(Invariant::ReadSeesCommitted.broken(format_args!(
        "{witness} serves {name} at index {index}, having applied {applied}; {committed} was \
         committed when it was asked for"
    )))
}

/// Checks a leader that counts a round as answered. `answered` returns the newest round in the
/// replies of a peer.
///
/// # Errors
/// No quorum has answered it.
pub fn check_round(
    witness: Witness,
    confirmed: Round,
    members: &Membership,
    answered: impl Fn(PeerId) -> Option<Round>,
) -> Result<(), Box<Violation>> {
    let has_answered = |peer| answered(peer).is_some_and(|round| round >= confirmed);
    if is_quorum(members, |peer| peer == witness.peer || has_answered(peer)) {
        return Ok(());
    }
    let by: Vec<PeerId> = members.all_voters().filter(|peer| has_answered(*peer)).collect();
    Err(Invariant::ReadSeesCommitted.broken(format_args!(
        "{witness} counts round {confirmed} as confirmed by {members}; answered by {by:?} alone"
    )))
}
