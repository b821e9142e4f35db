//! A state machine on top of one simulated peer, and the request handlers that wait for it.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use raft::{
    Bytes, Entry, EntryId, Index, PeerId, ReadDropReason, ReadId, RoleName, Snapshot, Status, Term,
};
use raft_tests::hosted::Hosted;
use raft_tests::invariants::Violation;
use raft_tests::sim::executor::Resolver;

use crate::replica::Rejection;
use crate::state_machine::{StateMachine, decode, encode};

/// Size of the log from which a server takes a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotLimit {
    /// It never does.
    Never,
    /// As soon as the applied entries have this many bytes.
    LogBytes(usize),
}

/// A request handler that waits.
pub(super) type Waiter<T> = Resolver<Result<T, Rejection>>;

/// Rules of a service: called after each entry that a replica applies, with its state then.
pub type Watch<M> = Rc<dyn Fn(&Entry, &M) -> Result<(), Box<Violation>>>;

/// A replica on a peer.
pub(super) struct Host<M: StateMachine> {
    machine: M,
    watch: Option<Watch<M>>,
    /// The state before all commands.
    initial: M,
    /// Number of ends of the process.
    stops: u32,
    limit: SnapshotLimit,
    /// Bytes of the applied entries that no snapshot covers.
    log_bytes: usize,
    /// Size of the newest snapshot.
    snapshot_bytes: usize,
    /// Handlers that wait for the entry at an index, which the leader of a term appended.
    proposals: BTreeMap<Index, (Term, Waiter<M::Answer>)>,
    reads: BTreeMap<ReadId, Waiter<()>>,
    /// The leader that the peer knows.
    leader: Option<usize>,
    /// The number of the group's first peer.
    first_peer: usize,
}

impl<M: StateMachine> Host<M> {
    pub(super) fn new(initial: M, limit: SnapshotLimit) -> Self {
        Self {
            machine: initial.clone(),
            watch: None,
            initial,
            stops: 0,
            limit,
            log_bytes: 0,
            snapshot_bytes: 0,
            proposals: BTreeMap::new(),
            reads: BTreeMap::new(),
            leader: None,
            first_peer: 0,
        }
    }

    pub(super) const fn number_from(&mut self, first_peer: usize) {
        self.first_peer = first_peer;
    }

    pub(super) fn watch(&mut self, watch: Watch<M>) {
        self.watch = Some(watch);
    }

    pub(super) const fn machine(&self) -> &M {
        &self.machine
    }

    pub(super) const fn stops(&self) -> u32 {
        self.stops
    }

    pub(super) const fn leader(&self) -> Option<usize> {
        self.leader
    }

    pub(super) const fn snapshot_bytes(&self) -> usize {
        self.snapshot_bytes
    }

    /// Number of handlers that wait for what cannot come: an entry, where the peer does not lead, or a
    /// read that has ended.
    pub(super) fn lost_waiters(&self, leads: bool, is_open: impl Fn(ReadId) -> bool) -> usize {
        let entries = if leads { 0 } else { self.proposals.len() };
        entries + self.reads.keys().filter(|read| !is_open(**read)).count()
    }

    pub(super) fn await_entry(&mut self, id: EntryId, waiter: Waiter<M::Answer>) {
        self.proposals.insert(id.index, (id.term, waiter));
    }

    pub(super) fn await_read(&mut self, read: ReadId, waiter: Waiter<()>) {
        self.reads.insert(read, waiter);
    }
}

impl<M: StateMachine> fmt::Debug for Host<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("machine", &self.machine).finish_non_exhaustive()
    }
}

impl<M: StateMachine> Hosted for Host<M> {
    fn apply(&mut self, entry: &Entry) -> Result<(), Box<Violation>> {
        self.log_bytes += entry.encoded_len();
        let waiter = self.proposals.remove(&entry.id.index);
        let command = entry.payload.bytes();
        let answer = (!command.is_empty()).then(|| {
            let command = decode(command).expect("every command in the log is one of the service");
            self.machine.apply(command)
        });
        if let Some((term, waiter)) = waiter {
            waiter.resolve(match answer {
                Some(answer) if term == entry.id.term => Ok(answer),
                Some(_) | None => Err(Rejection::LeadershipLost),
            });
        }
        self.watch.as_ref().map_or(Ok(()), |watch| watch(entry, &self.machine))
    }

    fn wants_snapshot(&self) -> bool {
        match self.limit {
            SnapshotLimit::Never => false,
            SnapshotLimit::LogBytes(limit) => self.log_bytes >= limit,
        }
    }

    fn snapshot(&self) -> Bytes {
        encode(&self.machine).into()
    }

    fn snapshot_taken(&mut self, bytes: usize) {
        (self.log_bytes, self.snapshot_bytes) = (0, bytes);
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), String> {
        let bytes = snapshot.data.bytes().ok_or("the simulated disk has it in memory")?;
        self.machine = decode(bytes).map_err(|error| error.to_string())?;
        (self.log_bytes, self.snapshot_bytes) = (0, bytes.len());
        Ok(())
    }

    fn read_ready(&mut self, read: ReadId) {
        if let Some(waiter) = self.reads.remove(&read) {
            waiter.resolve(Ok(()));
        }
    }

    fn read_dropped(&mut self, read: ReadId, reason: ReadDropReason) {
        if let Some(waiter) = self.reads.remove(&read) {
            waiter.resolve(Err(match reason {
                ReadDropReason::TimedOut => Rejection::NoAnswer,
                ReadDropReason::LeaderLost | ReadDropReason::Rejected | _ => {
                    Rejection::LeadershipLost
                }
            }));
        }
    }

    /// A peer that leads no more, or in another term, does not learn soon what becomes of its
    /// entries: their handlers end.
    fn observe(&mut self, status: &Status) {
        let number = |leader: PeerId| usize::try_from(leader.number()).ok();
        let server = |number: usize| number.checked_sub(self.first_peer);
        self.leader = status.leader.and_then(number).and_then(server);
        if self.proposals.is_empty() {
            return;
        }
        let leads = |term| status.role == RoleName::Leader && status.current_term == term;
        for (_, (_, waiter)) in self.proposals.extract_if(.., |_, (term, _)| !leads(*term)) {
            waiter.resolve(Err(Rejection::LeadershipLost));
        }
    }

    fn stop(&mut self) {
        let (stops, watch, first_peer) = (self.stops + 1, self.watch.take(), self.first_peer);
        *self = Self { stops, watch, first_peer, ..Self::new(self.initial.clone(), self.limit) };
    }
}
