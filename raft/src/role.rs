//! The roles, each with only the state that exists in it (paper §5.1, Figure 4; dissertation §9.6).

use std::collections::BTreeMap;
use std::fmt;

use crate::early_appends::EarlyAppends;
use crate::progress::Progress;
use crate::quorum::Tally;
use crate::read_index::{FollowerReads, LeaderReads};
use crate::snapshot_data::ReceivedData;
use crate::types::{EntryId, Instant, PeerId};

/// A peer's role with its state.
#[derive(Clone, Debug)]
pub enum Role {
    /// Follows a leader, or waits for one.
    Follower(Follower),
    /// Collects pre-votes.
    PreCandidate(PreCandidate),
    /// Collects votes.
    Candidate(Candidate),
    /// Leads its term.
    Leader(Leader),
}

/// State of a follower.
#[derive(Clone, Debug)]
pub struct Follower {
    /// The leader of the current term, if known.
    pub leader: Option<PeerId>,
    /// The time of the next election, unless it has contact with a leader or grants a vote before.
    pub election_deadline: Instant,
    /// The snapshot being received.
    pub incoming: Option<IncomingSnapshot>,
    /// The leader's entries that the log does not reach yet.
    pub early: EarlyAppends,
    /// Reads forwarded to the leader.
    pub reads: FollowerReads,
}

/// The chunks of a snapshot received so far.
#[derive(Clone, Debug)]
pub struct IncomingSnapshot {
    /// The snapshot's last entry.
    pub last_included: EntryId,
    /// Its bytes so far.
    pub data: ReceivedData,
}

/// State of a peer that collects pre-votes. It is still in the term of the leader it lost contact
/// with, and may still grant its vote in that term.
#[derive(Clone, Debug)]
pub struct PreCandidate {
    /// The pre-votes so far.
    pub tally: Tally,
    /// The time of the next attempt.
    pub election_deadline: Instant,
}

/// State of a candidate.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The votes so far.
    pub tally: Tally,
    /// The time of the next election, if this one has no result.
    pub election_deadline: Instant,
}

/// State of a leader.
#[derive(Clone, Debug)]
pub struct Leader {
    /// Replication state of every other peer.
    pub followers: BTreeMap<PeerId, Progress>,
    /// The time to send the new commit index in a message of its own.
    pub commit_notice_due: Option<Instant>,
    /// The time of the next quorum check; `None` without check-quorum. Not used by a leader without
    /// followers.
    pub quorum_check_due: Option<Instant>,
    /// The leadership transfer in progress.
    pub transfer: Option<LeadershipTransfer>,
    /// The time of the last TimeoutNow sent in this term.
    pub timeout_now_sent_at: Option<Instant>,
    /// The encoded bytes of its uncommitted entries.
    pub uncommitted_bytes: u64,
    /// Reads that wait for a confirmed round.
    pub reads: LeaderReads,
}

/// A leadership transfer in progress (dissertation §3.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeadershipTransfer {
    /// The target.
    pub to: PeerId,
    /// The time at which the transfer is aborted.
    pub deadline: Instant,
}

impl Role {
    /// The role's name.
    #[inline]
    #[must_use]
    pub const fn name(&self) -> RoleName {
        match self {
            Self::Follower(_) => RoleName::Follower,
            Self::PreCandidate(_) => RoleName::PreCandidate,
            Self::Candidate(_) => RoleName::Candidate,
            Self::Leader(_) => RoleName::Leader,
        }
    }

    /// The time of the next election unless something happens before; none for a leader.
    #[must_use]
    pub const fn election_deadline(&self) -> Option<Instant> {
        match self {
            Self::Follower(Follower { election_deadline, .. })
            | Self::PreCandidate(PreCandidate { election_deadline, .. })
            | Self::Candidate(Candidate { election_deadline, .. }) => Some(*election_deadline),
            Self::Leader(_) => None,
        }
    }
}

impl IncomingSnapshot {
    /// The number of bytes received.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.data.len()
    }
}

/// A role without its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleName {
    /// See [`Role::Follower`].
    Follower,
    /// See [`Role::PreCandidate`].
    PreCandidate,
    /// See [`Role::Candidate`].
    Candidate,
    /// See [`Role::Leader`].
    Leader,
}

impl RoleName {
    /// The role as log lines show it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Follower => "follower",
            Self::PreCandidate => "pre-candidate",
            Self::Candidate => "candidate",
            Self::Leader => "leader",
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
