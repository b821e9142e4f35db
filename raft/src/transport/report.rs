//! Reports of a transport about its links, for the status of a node.

use std::fmt;
use std::sync::Arc;

use crate::types::{EntryId, PeerId};

/// The side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkDirection {
    /// The other peer connects to this one.
    Incoming,
    /// This peer connects to the other one.
    Outgoing,
}

/// The kind of reason for which a handshake fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The two peers belong to different clusters.
    OtherCluster,
    /// Another process with the same id is alive.
    DuplicateProcess,
    /// The connecting peer is not a member: not added yet, or removed.
    NotAMember,
    /// Anything else: certificates, versions, addresses.
    Other,
}

/// A link that fails its handshakes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedLink {
    /// The other peer, as it states itself.
    pub peer: PeerId,
    /// The side that connects.
    pub direction: LinkDirection,
    /// The kind of reason.
    pub kind: RefusalKind,
    /// The reason, with what to do.
    pub reason: Arc<str>,
}

/// A report of a transport to its driver.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkReport {
    /// A link fails its handshakes, for a reason that was not reported before.
    Refused(RefusedLink),
    /// A link that was reported works, or its connecting side is gone.
    Cleared {
        /// The other peer.
        peer: PeerId,
        /// The side that connects.
        direction: LinkDirection,
    },
    /// A member says that this peer was removed.
    Removed {
        /// The member.
        by: PeerId,
        /// The committed configuration without this peer.
        committed: EntryId,
    },
}

impl RefusalKind {
    /// All kinds.
    pub const ALL: [Self; 4] =
        [Self::OtherCluster, Self::DuplicateProcess, Self::NotAMember, Self::Other];

    /// The kind's name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OtherCluster => "other_cluster",
            Self::DuplicateProcess => "duplicate_process",
            Self::NotAMember => "not_a_member",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for RefusedLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, direction, reason, .. } = self;
        match direction {
            LinkDirection::Incoming => write!(f, "from peer {peer}: {reason}"),
            LinkDirection::Outgoing => write!(f, "to peer {peer}: {reason}"),
        }
    }
}
