//! Leadership transfer (dissertation §3.10): a leader sends TimeoutNow only to a peer with a
//! complete log, and accepts no command meanwhile.

use raft::{EntryId, PersistentState, Term};

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

/// A leader accepted a command during a transfer.
#[must_use]
pub fn command_violation(witness: Witness, entry: EntryId) -> Box<Violation> {
    Invariant::Transfer
        .broken(format_args!("{witness} accepts the command {entry} during a transfer"))
}
