//! The decisions of a world, one by one.

use std::time::Duration;

use raft::{Bytes, Instant};

use super::peers::{Links, PeerSet};
use crate::kv::Operation;
use crate::sim::disk::FlushFault;

/// Something that would not happen by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A message is lost.
    Lost(MessageName),
    /// A message takes this long, instead of the usual delay.
    Late(MessageName, Duration),
    /// A message arrives once more, after this long.
    Twice(MessageName, Duration),
    /// Bits of a message's frame are flipped, drawn by this number.
    Flipped(MessageName, u32),
    /// A flush does not go as usual.
    Flush {
        /// The disk's peer.
        peer: usize,
        /// The flush's number on this disk, from 1.
        number: u64,
        /// The fault.
        fault: FlushFault,
    },
    /// A step at a time.
    Step {
        /// The time.
        at: Instant,
        /// The step.
        step: Step,
    },
}

/// A message by its number on its directed link, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageName {
    /// The sender.
    pub from: usize,
    /// The receiver.
    pub to: usize,
    /// Its number.
    pub number: u64,
}

/// A change of the world from outside, at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A peer stops.
    Crash {
        /// The peer.
        peer: usize,
        /// Writes under way that survive.
        keep: usize,
        /// Entries that survive of the append after them.
        torn: usize,
    },
    /// A peer starts.
    Start {
        /// The peer.
        peer: usize,
    },
    /// A peer is paused, and resumes after this duration.
    Pause {
        /// The peer.
        peer: usize,
        /// The duration.
        length: Duration,
    },
    /// Links from some peers to others are cut.
    Cut(Links),
    /// Links from some peers to others are restored.
    Heal(Links),
    /// A peer is disconnected, as in the labs.
    Disconnect {
        /// The peer.
        peer: usize,
    },
    /// A peer is connected to all connected peers, as in the labs.
    Connect {
        /// The peer.
        peer: usize,
    },
    /// A peer's disk takes this long from now on.
    Disk {
        /// The peer.
        peer: usize,
        /// The shortest flush.
        min: Duration,
        /// The longest flush.
        max: Duration,
    },
    /// Messages take up to this long from now on.
    Network {
        /// The longest request.
        request: Duration,
        /// The longest reply.
        reply: Duration,
    },
    /// A peer's service takes a snapshot.
    Snapshot {
        /// The peer.
        peer: usize,
    },
    /// A peer is asked for a change of members.
    Change {
        /// The peer.
        peer: usize,
        /// The change.
        change: Change,
    },
    /// A peer is asked to transfer leadership to another one.
    Transfer {
        /// The peer.
        peer: usize,
        /// The other.
        to: usize,
    },
    /// A peer is asked to step down.
    Resign {
        /// The peer.
        peer: usize,
    },
    /// A stopped peer loses its disk.
    Wipe {
        /// The peer.
        peer: usize,
    },
    /// A forged message reaches a peer.
    Forge {
        /// The peer.
        peer: usize,
        /// The message, as [`raft::codec`] encodes it.
        message: Bytes,
    },
    /// A client begins a request.
    Ask {
        /// The client.
        client: u16,
        /// The client's number for it.
        serial: u32,
        /// The operation.
        operation: Operation,
    },
    /// A command is proposed to a peer, once.
    Offer {
        /// The peer.
        peer: usize,
        /// The command.
        command: Bytes,
    },
    /// The liveness phase begins: these peers run and reach each other from now on, and must make
    /// progress; the rest stays as it is.
    Calm {
        /// A majority of the peers.
        core: PeerSet,
    },
}

/// A change of members, by server numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A peer becomes a learner.
    Add(usize),
    /// A learner becomes a voter.
    Promote(usize),
    /// A voter becomes a learner.
    Demote(usize),
    /// A member leaves.
    Remove(usize),
    /// These are the members from now on.
    Replace {
        /// The voters.
        voters: PeerSet,
        /// The learners.
        learners: PeerSet,
    },
}

impl Change {
    /// The peers it names.
    #[must_use]
    pub fn peers(self) -> PeerSet {
        match self {
            Self::Add(peer) | Self::Promote(peer) | Self::Demote(peer) | Self::Remove(peer) => {
                PeerSet::only(peer)
            }
            Self::Replace { voters, learners } => voters.iter().chain(learners.iter()).collect(),
        }
    }
}

impl Decision {
    /// The time of a step; `None` for other decisions.
    #[must_use]
    pub const fn at(&self) -> Option<Instant> {
        match self {
            Self::Step { at, .. } => Some(*at),
            Self::Lost(_)
            | Self::Late(..)
            | Self::Twice(..)
            | Self::Flipped(..)
            | Self::Flush { .. } => None,
        }
    }

    /// The peers it names.
    #[must_use]
    pub fn peers(&self) -> PeerSet {
        match self {
            Self::Lost(name)
            | Self::Late(name, _)
            | Self::Twice(name, _)
            | Self::Flipped(name, _) => PeerSet::only(name.from).with(name.to),
            Self::Flush { peer, .. } => PeerSet::only(*peer),
            Self::Step { step, .. } => step.peers(),
        }
    }

    /// A word for its kind, the same for all decisions that may fall together.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Lost(_) => "lost",
            Self::Late(..) => "late",
            Self::Twice(..) => "twice",
            Self::Flipped(..) => "flipped",
            Self::Flush { fault: FlushFault::Stalls(_), .. } => "stalls",
            Self::Flush { fault: FlushFault::Fails, .. } => "fails",
            Self::Step { step, .. } => step.kind(),
        }
    }
}

impl Step {
    fn peers(&self) -> PeerSet {
        match self {
            Self::Crash { peer, .. }
            | Self::Start { peer }
            | Self::Pause { peer, .. }
            | Self::Disconnect { peer }
            | Self::Connect { peer }
            | Self::Disk { peer, .. }
            | Self::Snapshot { peer }
            | Self::Resign { peer }
            | Self::Wipe { peer }
            | Self::Forge { peer, .. }
            | Self::Offer { peer, .. } => PeerSet::only(*peer),
            Self::Transfer { peer, to } => PeerSet::only(*peer).with(*to),
            Self::Cut(links) | Self::Heal(links) => {
                links.from.iter().chain(links.to.iter()).collect()
            }
            Self::Change { peer, change } => change.peers().with(*peer),
            Self::Calm { core } => *core,
            Self::Network { .. } | Self::Ask { .. } => PeerSet::NONE,
        }
    }

    /// The step's word in cases.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Crash { .. } => "crash",
            Self::Start { .. } => "start",
            Self::Pause { .. } => "pause",
            Self::Cut(_) => "cut",
            Self::Heal(_) => "heal",
            Self::Disconnect { .. } => "disconnect",
            Self::Connect { .. } => "connect",
            Self::Disk { .. } => "disk",
            Self::Network { .. } => "network",
            Self::Snapshot { .. } => "snapshot",
            Self::Change { .. } => "change",
            Self::Transfer { .. } => "transfer",
            Self::Resign { .. } => "resign",
            Self::Wipe { .. } => "wipe",
            Self::Forge { .. } => "forge",
            Self::Ask { .. } => "ask",
            Self::Offer { .. } => "offer",
            Self::Calm { .. } => "calm",
        }
    }
}
