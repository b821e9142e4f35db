//! What the core task is told, by callers and by its own helpers, and what it does about it.

use std::time::Duration;

use super::apply::Job;
use super::call::{Query, Reply};
use super::core_task::CoreTask;
use super::disk::DiskReport;
use super::error::{MachineFailure, ReadError, StopReason, WriteError};
use super::machine::{MachineError, StateMachine};
use super::status::DiskState;
use super::waiters::{Ending, Waiter};
use crate::entry::Bytes;
use crate::node::ProposeError;
use crate::types::{EntryId, Index, Instant, PeerId};

/// One thing that the core task is told.
pub(super) enum Request<M: StateMachine> {
    /// A caller's command.
    Propose(Proposal<M::Answer>),
    /// A caller's question.
    Read(Box<dyn Query<M>>),
    /// The disk did something.
    Disk(DiskReport),
    /// The state machine's state at an index.
    SnapshotMade { through: Index, data: Bytes },
    /// The state machine made no snapshot.
    SnapshotFailed { through: Index, error: MachineError },
    /// The state machine cannot go on.
    MachineFailed(MachineFailure),
    /// The node is to end.
    Stop(StopReason),
}

/// A command on its way into the log.
pub(super) struct Proposal<A> {
    pub(super) command: Bytes,
    pub(super) deadline: Instant,
    pub(super) reply: Reply<A, WriteError>,
}

/// A question that is answered once an entry is applied.
pub(super) struct PendingRead<M> {
    pub(super) id: EntryId,
    pub(super) query: Box<dyn Query<M>>,
}

/// Whom to ask instead of this peer.
struct Elsewhere {
    leader: Option<PeerId>,
    address: Option<String>,
}

impl<M: StateMachine> CoreTask<M> {
    pub(super) fn on_request(&mut self, request: Request<M>) {
        match request {
            Request::Propose(proposal) => self.on_propose(proposal),
            Request::Read(query) => self.on_read(query),
            Request::Disk(report) => self.on_disk(report),
            Request::SnapshotMade { through, data } => self.on_snapshot_made(through, data),
            Request::SnapshotFailed { through, error } => {
                tracing::warn!(peer = %self.id(), %through, %error, "made no snapshot");
                self.snapshots.failed();
            }
            Request::MachineFailed(failure) => {
                self.stop.get_or_insert(StopReason::StateMachine(failure));
            }
            Request::Stop(reason) => {
                self.stop.get_or_insert(reason);
            }
        }
    }

    fn on_propose(&mut self, proposal: Proposal<M::Answer>) {
        let Proposal { command, deadline, reply } = proposal;
        if let Some(waited) = self.stuck() {
            return reply.send(Err(WriteError::DiskStuck(waited)));
        }
        if deadline <= self.now {
            return reply.send(Err(WriteError::Late));
        }
        match self.node.propose(self.now, command) {
            Ok(id) => {
                self.expect_expiry(deadline);
                self.new_waiters.push(Waiter { id, deadline, why: Ending::Deadline, reply });
            }
            Err(error) => reply.send(Err(self.refusal(error))),
        }
    }

    fn refusal(&self, error: ProposeError) -> WriteError {
        match error {
            ProposeError::NotLeader { leader } => {
                let Elsewhere { leader, address } = self.elsewhere(leader);
                WriteError::NotLeader { leader, address }
            }
            ProposeError::TransferInProgress { to } => WriteError::Transferring { to },
            ProposeError::UncommittedFull { uncommitted, .. } => {
                WriteError::Full { pending: self.shared.room.calls(), bytes: uncommitted }
            }
        }
    }

    fn on_read(&mut self, query: Box<dyn Query<M>>) {
        if let Some(waited) = self.stuck() {
            return query.fail(ReadError::DiskStuck(waited));
        }
        match self.node.barrier(self.now) {
            Ok(id) => self.reads.push_back(PendingRead { id, query }),
            Err(_) => query.fail(self.not_leader()),
        }
    }

    fn not_leader(&self) -> ReadError {
        let Elsewhere { leader, address } = self.elsewhere(self.node.status().leader);
        ReadError::NotLeader { leader, address }
    }

    fn elsewhere(&self, leader: Option<PeerId>) -> Elsewhere {
        let address = leader.and_then(|leader| self.addresses.get(&leader).cloned());
        Elsewhere { leader, address }
    }

    fn on_disk(&mut self, report: DiskReport) {
        match report {
            DiskReport::Durable(write) => {
                self.disk.durable(self.now, write);
                self.disk_answered();
                self.node.handle(self.now, crate::Input::Persisted(write));
            }
            DiskReport::Failed(error) => {
                self.stop.get_or_insert(StopReason::Storage(error.into()));
            }
        }
    }

    fn on_snapshot_made(&mut self, through: Index, data: Bytes) {
        self.snapshots.made();
        // A leader's snapshot may have overtaken this one.
        let _ = self.node.compact(self.now, through, data);
    }

    /// Gives the state machine the questions whose entry is applied before them.
    pub(super) fn release_reads(&mut self, applied: Index) {
        while let Some(read) = self.reads.pop_front_if(|read| read.id.index <= applied) {
            self.give(Job::Read(read.query));
        }
    }

    /// Leadership is over: what was not confirmed may be old.
    pub(super) fn fail_reads(&mut self) {
        for read in self.reads.drain(..) {
            read.query.fail(ReadError::LeadershipLost);
        }
    }

    fn stuck(&self) -> Option<Duration> {
        match self.disk_state {
            DiskState::Well => None,
            DiskState::Stuck { waited } => Some(waited),
        }
    }
}

impl<M: StateMachine> Request<M> {
    /// Tells whoever asked that the node has ended.
    pub(super) fn refuse(self, reason: StopReason) {
        match self {
            Self::Propose(proposal) => proposal.reply.send(Err(WriteError::Stopped(reason))),
            Self::Read(query) => query.fail(ReadError::Stopped(reason)),
            Self::Disk(_)
            | Self::SnapshotMade { .. }
            | Self::SnapshotFailed { .. }
            | Self::MachineFailed(_)
            | Self::Stop(_) => {}
        }
    }
}
