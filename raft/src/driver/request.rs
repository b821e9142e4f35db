//! The requests of the core task, from callers, other peers and its own helpers.

use tokio::sync::oneshot;

use super::disk::DiskReport;
use super::error::{
    LeadershipTransferError, MachineFailure, MembershipError, ReadError, StopReason, WriteError,
};
use super::query::Query;
use super::reply::Reply;
use super::state_machine::{MachineError, StateMachine};
use crate::entry::Bytes;
use crate::membership_change::MembershipChange;
use crate::message::Envelope;
use crate::types::{EntryId, Index, Instant, PeerId, Term};

/// One input of the core task.
pub(super) enum Request<M: StateMachine> {
    /// A message of another peer.
    Message(Envelope),
    /// A caller's command.
    Propose(Proposal<M::Answer>),
    /// A caller's read.
    Read(Box<dyn Query<M>>),
    /// A caller's membership change.
    ChangeMembership(MembershipRequest),
    /// A caller's leadership transfer.
    TransferLeadership(TransferRequest),
    /// A report of the disk.
    Disk(DiskReport),
    /// A snapshot of the state machine at an index.
    SnapshotMade { through: Index, data: Bytes },
    /// A snapshot could not be made.
    SnapshotFailed { through: Index, error: MachineError },
    /// The state machine failed.
    MachineFailed(MachineFailure),
    /// The node is to stop.
    Stop(StopReason),
}

/// A command on its way into the log.
pub(super) struct Proposal<A> {
    pub(super) command: Bytes,
    pub(super) deadline: Instant,
    /// Receives the command's entry id as soon as it is appended.
    pub(super) appended: Option<oneshot::Sender<EntryId>>,
    pub(super) reply: Reply<A, WriteError>,
}

/// A caller's membership change.
pub(super) struct MembershipRequest {
    pub(super) change: MembershipChange,
    pub(super) reply: Reply<(), MembershipError>,
}

/// A caller's leadership transfer.
pub(super) struct TransferRequest {
    pub(super) to: PeerId,
    pub(super) reply: Reply<(), LeadershipTransferError>,
}

/// A membership change in progress.
pub(super) struct PendingChange {
    /// The entry of its first step.
    pub(super) first: EntryId,
    pub(super) reply: Reply<(), MembershipError>,
}

/// A leadership transfer in progress.
pub(super) struct PendingTransfer {
    pub(super) to: PeerId,
    /// The term of the transferring leader.
    pub(super) term: Term,
    pub(super) reply: Reply<(), LeadershipTransferError>,
}

impl<M: StateMachine> Request<M> {
    /// Answers a caller that the node has stopped.
    pub(super) fn reject(self, reason: StopReason) {
        match self {
            Self::Propose(proposal) => proposal.reply.send(Err(WriteError::Stopped(reason))),
            Self::Read(query) => query.fail(ReadError::Stopped(reason)),
            Self::TransferLeadership(request) => {
                request.reply.send(Err(LeadershipTransferError::Stopped(reason)));
            }
            Self::ChangeMembership(request) => {
                request.reply.send(Err(MembershipError::Stopped(reason)));
            }
            Self::Message(_)
            | Self::Disk(_)
            | Self::SnapshotMade { .. }
            | Self::SnapshotFailed { .. }
            | Self::MachineFailed(_)
            | Self::Stop(_) => {}
        }
    }
}
