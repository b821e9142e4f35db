//! Hand-made states of peers, logs and disks.

use raft::{
    Entry, EntryId, Envelope, HardState, Index, Instant, Log, LogSlice, Membership, Message,
    MessageId, Payload, PeerId, PersistentState, RoleName, Status, Term,
};
use raft_tests::invariants::violation::Witness;

pub(crate) fn peer(number: u64) -> Witness {
    Witness { peer: PeerId::new(number), at: Instant::from_nanos(number * 1_000_000) }
}

pub(crate) fn id(term: u64, index: u64) -> EntryId {
    EntryId::new(Term::new(term), Index::new(index))
}

pub(crate) fn entry(term: u64, index: u64, command: &[u8]) -> Entry {
    Entry { id: id(term, index), payload: Payload::Command(command.into()) }
}

pub(crate) fn voters(numbers: &[u64]) -> Membership {
    Membership::of_voters(numbers.iter().copied().map(PeerId::new))
}

/// The entries of these terms from index 1 on.
pub(crate) fn entries(terms: &[u64]) -> Vec<Entry> {
    (1..).zip(terms).map(|(index, term)| entry(*term, index, b"x")).collect()
}

pub(crate) fn log(terms: &[u64]) -> Log {
    Log::new(LogSlice::new(EntryId::ZERO, entries(terms)).expect("terms do not fall"))
}

pub(crate) fn disk(term: u64, voted_for: Option<u64>, terms: &[u64]) -> PersistentState {
    let voted_for = voted_for.map(PeerId::new);
    let hard_state = HardState { current_term: Term::new(term), voted_for };
    PersistentState { hard_state, entries: entries(terms), ..PersistentState::default() }
}

pub(crate) fn status(role: RoleName, term: u64, commit: u64) -> Status {
    Status {
        id: PeerId::new(0),
        role,
        current_term: Term::new(term),
        voted_for: None,
        leader: None,
        commit_index: Index::new(commit),
        last_applied: Index::ZERO,
        durable_index: Index::ZERO,
    }
}

pub(crate) fn envelope(term: u64, message: Message) -> Envelope {
    let (from, to) = (PeerId::new(0), PeerId::new(1));
    Envelope { id: MessageId::new(1), from, to, term: Term::new(term), store: None, message }
}
