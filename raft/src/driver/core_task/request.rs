//! The requests of the core task, from callers, other peers and its own helpers.

use tokio::sync::oneshot;

use crate::driver::apply::query::Query;
use crate::driver::disk::DiskReport;
use crate::driver::error::{
    LeadershipTransferError, MachineFailure, MembershipError, ReadError, StopReason, WriteError,
};
use crate::driver::machine::Machine;
use crate::driver::reply::Reply;
use crate::driver::state_machine::MachineError;
use crate::entry::{Bytes, Entry};
use crate::membership_change::MembershipChange;
use crate::message::Envelope;
use crate::snapshot_data::SnapshotData;
use crate::transport::LinkReport;
use crate::types::{EntryId, EntryReadId, Index, Instant, PeerId, Term};

/// One input of the core task.
pub(crate) enum Request<M: Machine> {
    /// A message of another peer.
    Message(Envelope),
    /// A report of the transport.
    Link(LinkReport),
    /// A message of another peer whose chunk is in the store now.
    ChunkStored(Envelope),
    /// A message of this peer whose chunk was read from the store.
    ChunkRead(Envelope),
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
    /// Entries were read from the store.
    EntriesRead { read: EntryReadId, entries: Vec<Entry> },
    /// A snapshot of the state machine at an index.
    SnapshotMade { through: Index, data: SnapshotData },
    /// A snapshot could not be made.
    SnapshotFailed { through: Index, error: MachineError },
    /// A snapshot was given up for a newer one.
    SnapshotSuperseded,
    /// The state machine failed.
    MachineFailed(MachineFailure),
    /// The node is to stop.
    Stop(StopReason),
}

/// A command on its way into the log.
pub(crate) struct Proposal<A> {
    pub(crate) command: Bytes,
    pub(crate) deadline: Instant,
    /// Receives the command's entry id as soon as it is appended.
    pub(crate) appended: Option<oneshot::Sender<EntryId>>,
    pub(crate) reply: Reply<A, WriteError>,
}

/// A caller's membership change.
pub(crate) struct MembershipRequest {
    pub(crate) change: MembershipChange,
    pub(crate) reply: Reply<(), MembershipError>,
}

/// A caller's leadership transfer.
pub(crate) struct TransferRequest {
    pub(crate) to: PeerId,
    pub(crate) reply: Reply<(), LeadershipTransferError>,
}

/// A membership change in progress.
pub(crate) struct PendingChange {
    /// The entry of its first step.
    pub(crate) first: EntryId,
    pub(crate) reply: Reply<(), MembershipError>,
}

/// A leadership transfer in progress.
pub(crate) struct PendingTransfer {
    pub(crate) to: PeerId,
    /// The term of the transferring leader.
    pub(crate) term: Term,
    pub(crate) reply: Reply<(), LeadershipTransferError>,
}

impl<M: Machine> Request<M> {
    /// Answers a caller that the node has stopped.
    pub(crate) fn reject(self, reason: StopReason) {
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
            | Self::Link(_)
            | Self::Disk(_)
            | Self::EntriesRead { .. }
            | Self::SnapshotMade { .. }
            | Self::SnapshotFailed { .. }
            | Self::SnapshotSuperseded
            | Self::ChunkStored(_)
            | Self::ChunkRead(_)
            | Self::MachineFailed(_)
            | Self::Stop(_) => {}
        }
    }
}
