//! Nothing that depends on a write leaves a peer before that write is durable: no vote, no
//! candidacy, no acknowledgement, nothing of a term; and nothing is applied that the peer itself
//! could lose.

use raft::message::{AppendEntriesReply, InstallSnapshotReply, ReadIndexReply, Registration, Vote};
use raft::{
    Entry, EntryId, Envelope, HardState, Index, Log, LogSlice, Message, PersistentState, Term,
};

use super::table::Invariant;
use super::violation::{Violation, Witness};

/// Checks a message at the time it leaves against the sender's disk. `leader_log` tells the
/// receiver's term at an index if the receiver leads the message's term.
///
/// # Errors
/// The message promises what the disk could lose.
pub fn check_sent(
    witness: Witness,
    envelope: &Envelope,
    disk: &PersistentState,
    leader_log: impl FnOnce(Index) -> Option<Term>,
) -> Result<(), Box<Violation>> {
    match &envelope.message {
        Message::RequestVote(_) => check_vote(witness, envelope, envelope.from, disk),
        Message::RequestVoteReply(Vote::Granted) => {
            check_vote(witness, envelope, envelope.to, disk)
        }
        Message::AppendEntriesReply(AppendEntriesReply::Accepted { match_index, .. })
        | Message::InstallSnapshotReply(InstallSnapshotReply::Installed { match_index, .. }) => {
            check_term(witness, envelope, disk)?;
            check_entries(witness, envelope, *match_index, disk, leader_log(*match_index))
        }
        // An answer to a round shows that the sender follows no later leader.
        Message::AppendEntries(_)
        | Message::InstallSnapshot(_)
        | Message::TimeoutNow
        | Message::AppendEntriesReply(AppendEntriesReply::Rejected { .. })
        | Message::InstallSnapshotReply(InstallSnapshotReply::Continue { .. })
        | Message::ReadIndexReply(ReadIndexReply::Ready { .. }) => {
            check_term(witness, envelope, disk)
        }
        Message::Register | Message::RegisterReply(Registration::Registered { .. }) => {
            check_registration(witness, envelope, disk)
        }
        // Refusals, questions and pre-votes promise nothing.
        Message::RequestVoteReply(Vote::Rejected)
        | Message::RequestPreVote(_)
        | Message::RequestPreVoteReply(_)
        | Message::AppendEntriesReply(AppendEntriesReply::OldTerm)
        | Message::InstallSnapshotReply(InstallSnapshotReply::OldTerm)
        | Message::ReadIndex(_)
        | Message::ReadIndexReply(ReadIndexReply::Rejected { .. })
        | Message::RegisterReply(Registration::Refused { .. }) => Ok(()),
    }
}

/// Checks that the disk of a peer holds the last entry that is not in the peer's memory.
///
/// # Errors
/// It does not.
pub fn check_stored(
    witness: Witness,
    log: &Log,
    disk: &PersistentState,
) -> Result<(), Box<Violation>> {
    let start = log.start();
    if start == log.base() || holds(disk, start) {
        return Ok(());
    }
    Err(Invariant::Durability.broken(format_args!(
        "{witness} keeps {start} out of memory, and its disk ends with {}",
        disk.last()
    )))
}

/// A peer's whole log, with the entries that are on its disk alone; none if all are in memory.
///
/// # Errors
/// They are not on its disk.
pub fn whole_log(
    witness: Witness,
    log: &Log,
    disk: &PersistentState,
) -> Result<Option<Log>, Box<Violation>> {
    let (base, start) = (log.base(), log.start());
    if base == start {
        return Ok(None);
    }
    let is_stored = |entry: &&Entry| entry.id.index > base.index && entry.id.index <= start.index;
    let stored = disk.entries.iter().filter(is_stored);
    let wrong = stored.clone().find(|entry| log.term_at(entry.id.index) != Some(entry.id.term));
    let in_memory = log.range(start.index, log.last().index);
    let whole = LogSlice::new(base, stored.chain(in_memory).cloned().collect());
    match whole {
        Ok(whole) if wrong.is_none() => Ok(Some(Log::new(whole))),
        Ok(_) | Err(_) => Err(Invariant::Durability.broken(format_args!(
            "{witness} keeps the entries after {base} through {start} out of memory, \
             and its disk has {:?} of them",
            disk.entries.iter().filter(is_stored).map(|entry| entry.id).collect::<Vec<_>>()
        ))),
    }
}

/// Checks entries at the time they are applied against the peer's disk.
///
/// # Errors
/// One of them is not durable there.
pub fn check_applied(
    witness: Witness,
    entries: &[Entry],
    disk: &PersistentState,
) -> Result<(), Box<Violation>> {
    let lost = entries.iter().find(|entry| !holds(disk, entry.id));
    let Some(entry) = lost else { return Ok(()) };
    Err(Invariant::Durability.broken(format_args!(
        "{witness} applies entry {}, which its disk does not hold (it ends with {})",
        entry.id,
        disk.last()
    )))
}

/// Checks the index through which a peer believes its log to be durable against its disk.
///
/// # Errors
/// The disk holds less, or another entry there.
pub fn check_durable_index(
    witness: Witness,
    durable_index: Index,
    log: &Log,
    disk: &PersistentState,
) -> Result<(), Box<Violation>> {
    let is_durable = match log.term_at(durable_index) {
        Some(term) => holds(disk, EntryId::new(term, durable_index)),
        // Below the log's own snapshot, which the disk may not have yet.
        None => durable_index < log.base().index && durable_index <= disk.last().index,
    };
    if is_durable {
        return Ok(());
    }
    Err(Invariant::Durability.broken(format_args!(
        "{witness} counts its log through {durable_index} as durable; the log ends with {}, the disk \
         with {}",
        log.last(),
        disk.last()
    )))
}

/// Checks a snapshot at the time it is handed to the service against the peer's disk.
///
/// # Errors
/// The disk holds less.
pub fn check_restored(
    witness: Witness,
    through: EntryId,
    disk: &PersistentState,
) -> Result<(), Box<Violation>> {
    if holds(disk, through) {
        return Ok(());
    }
    Err(Invariant::Durability.broken(format_args!(
        "{witness} restores a snapshot through {through}, its disk ends with {}",
        disk.last()
    )))
}

/// Returns whether a disk holds an entry, itself or in its snapshot.
#[must_use]
pub fn holds(disk: &PersistentState, id: EntryId) -> bool {
    id.index < disk.base().index || disk.term_at(id.index) == Some(id.term)
}

/// A vote that is not durable could be given again, to another candidate, after a crash.
fn check_vote(
    witness: Witness,
    envelope: &Envelope,
    candidate: raft::PeerId,
    disk: &PersistentState,
) -> Result<(), Box<Violation>> {
    let HardState { current_term, voted_for } = disk.hard_state;
    let same_term = current_term == envelope.term;
    // A later durable term means that this vote can never be given again.
    if current_term > envelope.term || (same_term && voted_for == Some(candidate)) {
        return Ok(());
    }
    Err(not_durable(witness, envelope, disk))
}

/// A store is registered by its own durable number, and recorded durably.
fn check_registration(
    witness: Witness,
    envelope: &Envelope,
    disk: &PersistentState,
) -> Result<(), Box<Violation>> {
    let identity = disk.identity.as_ref();
    let own = identity.map(|identity| identity.incarnation);
    let is_request = envelope.message == Message::Register;
    let recorded = is_request || identity.is_some_and(|it| it.known.contains_key(&envelope.to));
    if own.is_some() && own == envelope.store.map(|stamp| stamp.incarnation) && recorded {
        return Ok(());
    }
    Err(not_durable(witness, envelope, disk))
}

fn check_term(
    witness: Witness,
    envelope: &Envelope,
    disk: &PersistentState,
) -> Result<(), Box<Violation>> {
    if disk.hard_state.current_term >= envelope.term {
        return Ok(());
    }
    Err(not_durable(witness, envelope, disk))
}

fn check_entries(
    witness: Witness,
    envelope: &Envelope,
    match_index: Index,
    disk: &PersistentState,
    leader_term: Option<Term>,
) -> Result<(), Box<Violation>> {
    let same = leader_term.is_none_or(|term| holds(disk, EntryId::new(term, match_index)));
    // A later durable term may have replaced the entries since: the promise was good when it was
    // made, and the leader it is made to is deposed.
    let superseded = disk.hard_state.current_term > envelope.term;
    if superseded || (match_index <= disk.last().index && same) {
        return Ok(());
    }
    Err(not_durable(witness, envelope, disk))
}

fn not_durable(witness: Witness, envelope: &Envelope, disk: &PersistentState) -> Box<Violation> {
    Invariant::Durability.broken(format_args!(
        "{witness} sends {:?} to {} in term {}, its disk holds {:?} and a log through {}",
        envelope.message,
        envelope.to,
        envelope.term,
        disk.hard_state,
        disk.last()
    ))
}
