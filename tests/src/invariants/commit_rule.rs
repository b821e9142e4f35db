//! The rule by which a leader commits (paper §5.4.2, Figure 2 "Rules for Servers"): an entry of the
//! leader's own term that a majority stores. Entries of earlier terms follow from it and are never
//! counted themselves (Figure 8).

use raft::EntryId;

use super::violation::{Property, Violation, Witness};
use raft::Term;

/// A leader's commit index rose to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance {
    /// The leader's term.
    pub term: Term,
    /// The entry.
    pub entry: EntryId,
    /// How many peers hold it on their disks.
    pub holders: usize,
    /// How many peers there are.
    pub peers: usize,
}

/// Checks an advance.
///
/// # Errors
/// The entry is of another term, or no majority holds it durably.
pub fn check(leader: Witness, advance: Advance) -> Result<(), Box<Violation>> {
    let Advance { term, entry, holders, peers } = advance;
    if entry.term != term {
        return Err(Property::CommitRule.broken(format_args!(
            "{leader} leads term {term} and commits entry {entry} by counting its replicas"
        )));
    }
    if holders * 2 <= peers {
        return Err(Property::CommitRule.broken(format_args!(
            "{leader} leads term {term} and commits entry {entry}, \
             which {holders} of {peers} disks hold"
        )));
    }
    Ok(())
}
