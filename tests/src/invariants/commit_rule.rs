//! The rule by which a leader commits (paper §5.4.2, Figure 2 "Rules for Servers"): an entry of the
//! leader's own term that a quorum stores. Entries of earlier terms follow from it and are never
//! counted themselves (Figure 8).

use raft::{EntryId, Membership, PeerId, PersistentState, Term};

use super::configurations::is_quorum;
use super::durability;
use super::table::Invariant;
use super::violation::{Violation, Witness};

/// A leader's commit index rose to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance {
    /// The leader's term.
    pub term: Term,
    /// The entry.
    pub entry: EntryId,
}

/// Checks an advance in the leader's configuration. `holds` returns whether a peer's disk holds the
/// entry.
///
/// # Errors
/// The entry is of another term, or no quorum holds it durably.
pub fn check(
    leader: Witness,
    advance: Advance,
    members: &Membership,
    holds: impl Fn(PeerId) -> bool,
) -> Result<(), Box<Violation>> {
    let Advance { term, entry } = advance;
    if entry.term != term {
        return Err(Invariant::CommitRule.broken(format_args!(
            "{leader} leads term {term} and commits entry {entry} by counting its replicas"
        )));
    }
    if is_quorum(members, &holds) {
        return Ok(());
    }
    let holders = members.all_voters().filter(|peer| holds(*peer)).count();
    Err(Invariant::CommitRule.broken(format_args!(
        "{leader} leads term {term} and commits entry {entry}, \
         which {holders} disks hold among {members}"
    )))
}

/// Checks what a leader of `term` believes of a follower's log against the follower's disk: that
/// the two logs are the same through `matched`. A follower that has moved on to a later term may
/// hold something else by now.
///
/// # Errors
/// The disk does not hold the entry.
pub fn check_match_index(
    leader: Witness,
    term: Term,
    follower: PeerId,
    matched: EntryId,
    disk: &PersistentState,
) -> Result<(), Box<Violation>> {
    if disk.hard_state.current_term > term || durability::holds(disk, matched) {
        return Ok(());
    }
    Err(Invariant::CommitRule.broken(format_args!(
        "{leader} leads term {term} and counts {follower} as holding its log through {matched}; \
         the disk there ends with {}",
        disk.last()
    )))
}
