//! The roles, each with only the state that exists in it (paper §5.1, Figure 4; dissertation §9.6).

use std::collections::BTreeMap;
use std::fmt;

use crate::progress::Progress;
use crate::quorum::Tally;
use crate::read_index::{FollowerReads, LeaderReads};
use crate::types::{EntryId, Instant, PeerId};

/// What a peer is at the moment.
#[derive(Clone, Debug)]
pub enum Role {
    /// It follows a leader, or waits for one.
    Follower(Follower),
    /// It asks who would vote for it.
    PreCandidate(PreCandidate),
    /// It stands for election.
    Candidate(Candidate),
    /// It leads its term.
    Leader(Leader),
}

/// State of a follower.
#[derive(Clone, Debug)]
pub struct Follower {
    /// Who leads the current term, as far as this peer knows.
    pub leader: Option<PeerId>,
    /// When it stands for election unless it hears from a leader or grants a vote.
    pub election_deadline: Instant,
    /// The snapshot that is coming in.
    pub incoming: Option<IncomingSnapshot>,
    /// Reads that the leader is asked about.
    pub reads: FollowerReads,
}

/// The chunks of a snapshot received so far.
#[derive(Clone, Debug)]
pub struct IncomingSnapshot {
    /// The snapshot's last entry.
    pub last_included: EntryId,
    /// Its bytes so far.
    pub data: Vec<u8>,
}

/// State of a peer that asks who would vote for it. It is still in the term of the leader it no
/// longer hears, and may give its vote in that term to somebody else.
#[derive(Clone, Debug)]
pub struct PreCandidate {
    /// Who would, so far.
    pub tally: Tally,
    /// When it asks again.
    pub election_deadline: Instant,
}

/// State of a candidate.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The votes so far.
    pub tally: Tally,
    /// When it gives up this election and starts the next.
    pub election_deadline: Instant,
}

/// State of a leader.
#[derive(Clone, Debug)]
pub struct Leader {
    /// What it knows of every other peer.
    pub followers: BTreeMap<PeerId, Progress>,
    /// When the news of the last commit goes out by itself.
    pub commit_notice_due: Option<Instant>,
    /// When it looks next whether it still hears from a quorum; `None` if it
    /// never looks. Alone it has nobody to hear from.
    pub quorum_check_due: Option<Instant>,
    /// Who is to lead next.
    pub transfer: Option<LeadershipTransfer>,
    /// When it last asked a follower to stand, in its term.
    pub timeout_now_sent_at: Option<Instant>,
    /// The bytes of its entries that are not committed, as they are encoded.
    pub uncommitted_bytes: u64,
    /// Reads that wait for the leader to be sure that it leads.
    pub reads: LeaderReads,
}

/// A leader's intention to hand leadership over (dissertation §3.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeadershipTransfer {
    /// The peer that is to lead.
    pub to: PeerId,
    /// When the leader leads on if it still does.
    pub deadline: Instant,
}

impl Role {
    /// The role's name.
    #[must_use]
    pub const fn name(&self) -> RoleName {
        match self {
            Self::Follower(_) => RoleName::Follower,
            Self::PreCandidate(_) => RoleName::PreCandidate,
            Self::Candidate(_) => RoleName::Candidate,
            Self::Leader(_) => RoleName::Leader,
        }
    }

    /// When the peer stands for election unless something happens first; a leader never does.
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
    /// How many bytes are here.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.data.len() as u64
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
