//! The requests and answers, as JSON. Numbers of entries, terms and peers are numbers; ids of clusters and
//! stores are texts of hexadecimal digits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of the protocol. Fields may be added within it, and are ignored by those that do not
/// know them.
pub(super) const VERSION: u32 = 1;

/// The line of a client.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) raft_admin: u32,
    pub(super) request: Request,
}

/// The version of a line, whatever else is in it.
#[derive(Debug, Deserialize)]
pub(super) struct CallVersion {
    pub(super) raft_admin: u32,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// The peer's status; answered by a [`StatusReport`].
    Status,
    /// A change of members, on the leader.
    Change {
        /// The change.
        change: Change,
        /// Limit on the wait, in milliseconds.
        deadline_ms: u64,
    },
    /// A transfer of leadership to a voter, on the leader.
    Transfer {
        /// The voter.
        to: u64,
    },
    /// A backup, whose bytes follow the answer.
    Backup {
        /// The peer's own state, however old, instead of the newest one.
        local: bool,
    },
}

/// A change of members: a call of [`Raft`](crate::Raft) of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// [`Raft::add_learner`](crate::Raft::add_learner).
    AddLearner {
        /// The peer.
        peer: u64,
        /// Its address.
        address: Option<String>,
    },
    /// [`Raft::promote`](crate::Raft::promote).
    Promote {
        /// The learner.
        peer: u64,
    },
    /// [`Raft::remove`](crate::Raft::remove).
    Remove {
        /// The member.
        peer: u64,
    },
    /// [`Raft::replace`](crate::Raft::replace).
    Replace {
        /// The voter that leaves.
        old: u64,
        /// The new peer.
        new: u64,
        /// The address of the new peer.
        address: Option<String>,
    },
    /// [`Raft::update_address`](crate::Raft::update_address).
    UpdateAddress {
        /// The member.
        peer: u64,
        /// Its new address.
        address: String,
    },
}

/// The line of a peer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply<T> {
    Ok(T),
    Error(Refused),
}

/// A request that was not carried out, or whose outcome is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// The reason.
    pub message: String,
    /// The leader, if the peer is not and knows it.
    pub leader: Option<u64>,
}

/// The status of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// The peer.
    pub id: u64,
    /// `leader`, `follower`, `candidate` or `pre-candidate`.
    pub role: String,
    /// `voter`, `learner`, `joining` or `removed`.
    pub member: String,
    /// `running`, or the reason of its end.
    pub run: String,
    /// `healthy` or `stuck`.
    pub disk: String,
    /// Figure 2 `currentTerm`.
    pub term: u64,
    /// The known leader.
    pub leader: Option<u64>,
    /// Figure 2 `commitIndex`.
    pub commit: u64,
    /// The last entry applied to the state machine.
    pub applied: u64,
    /// The last entry of the log.
    pub last: u64,
    /// The last entry that a snapshot replaces.
    pub snapshot: u64,
    /// The cluster's id, once it has one.
    pub cluster: Option<String>,
    /// The peer's store.
    pub store: Option<StoreReport>,
    /// The voters.
    pub voters: Vec<u64>,
    /// The voters of the old configuration during a change.
    pub outgoing: Option<Vec<u64>>,
    /// The learners.
    pub learners: Vec<u64>,
    /// The known addresses.
    pub addresses: BTreeMap<u64, String>,
    /// A leader's followers.
    pub peers: Vec<PeerReport>,
    /// The initial members that have not recorded the peer's store yet.
    pub waits_for: Vec<u64>,
    /// The member that knows the peer by another store: its data was lost.
    pub refused_by: Option<u64>,
    /// Connections that are refused, one text for each.
    pub refused_links: Vec<String>,
}

/// A store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreReport {
    /// Its incarnation.
    pub incarnation: String,
    /// Without a vote yet.
    pub is_new: bool,
}

/// A follower, as its leader sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerReport {
    /// The follower.
    pub id: u64,
    /// Figure 2 `matchIndex`.
    pub matched: u64,
    /// The number of entries that it is not known to have.
    pub behind: u64,
    /// A sign that it lost its data.
    pub loss: Option<LossReport>,
}

/// A sign of lost data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossReport {
    /// It answers from another store.
    OtherStore,
    /// It lacks entries that it had acknowledged.
    RolledBack,
}
