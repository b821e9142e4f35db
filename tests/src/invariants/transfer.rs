//! Leadership transfer (dissertation §3.10): a leader sends TimeoutNow only to a peer with a
//! complete log, and accepts neither a command nor a change of members meanwhile.

use raft::{EntryId, Membership, PeerId, PersistentState, Term};

use super::durability::holds;
use super::table::Invariant;
use super::violation::{Violation, Witness};

/// Checks a leader that sends TimeoutNow to its successor. `last` ends the leader's log, `disk` is
/// the successor's.
///
/// # Errors
/// The successor lacks entries.
pub fn check_successor(
    witness: Witness,
    term: Term,
    last: EntryId,
    disk: &PersistentState,
) -> Result<(), Box<Violation>> {
    // In a later term it may have lost entries that it had when it was asked.
    if disk.hard_state.current_term > term || holds(disk, last) {
        return Ok(());
    }
    Err(Invariant::Transfer.broken(format_args!(
        "{witness} sends TimeoutNow to a peer whose disk ends with {}; its own log ends with {last}",
        disk.last()
    )))
}

/// Checks a leader that begins a transfer to a peer; `before` is the target of one in progress.
///
/// # Errors
/// The peer is not a voter, or another peer is the target.
pub fn check_target(
    witness: Witness,
    target: PeerId,
    before: Option<PeerId>,
    members: &Membership,
) -> Result<(), Box<Violation>> {
    if let Some(other) = before.filter(|before| *before != target) {
        return Err(Invariant::Transfer.broken(format_args!(
            "{witness} begins a transfer to {target}, while one to {other} is in progress"
        )));
    }
    if members.is_voter(target) {
        return Ok(());
    }
    Err(Invariant::Transfer.broken(format_args!(
        "{witness} begins a transfer to {target}, which is not a voter of {members}"
    )))
}

/// A leader accepted an entry during a transfer.
#[must_use]
pub fn entry_violation(witness: Witness, what: &str, entry: EntryId) -> Box<Violation> {
    Invariant::Transfer
        .broken(format_args!("{witness} accepts the {what} {entry} during a transfer"))
}
