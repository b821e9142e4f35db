//! Messages of the protocol: those of the paper's Figures 2 and 13 and of the dissertation, each
//! request and its reply as two messages.
//!
//! Sender, receiver and term are in the [`Envelope`].

use std::sync::Arc;

use crate::entry::LogSlice;
use crate::identity::{Incarnation, StoreStamp};
use crate::membership::Membership;
use crate::snapshot_data::SnapshotData;
use crate::types::{EntryId, Index, MessageId, PeerId, RequestId, Round, Term};

/// A message on its way from one peer to another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Envelope {
    /// The sender's own number for this message.
    pub id: MessageId,
    /// The sender.
    pub from: PeerId,
    /// The receiver.
    pub to: PeerId,
    /// The sender's `current_term` when it made the message.
    pub term: Term,
    /// The sender's store, which answers for what the message promises; `None` from a peer whose
    /// store has no [identity](crate::identity).
    pub store: Option<StoreStamp>,
    /// The request or reply.
    pub message: Message,
}

/// Requests and replies between peers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A candidate asks for a vote (Figure 2 RequestVote).
    RequestVote(RequestVote),
    /// The answer to [`Message::RequestVote`].
    RequestVoteReply(Vote),
    /// A peer asks for a vote in the term after its own, without starting an election (dissertation
    /// §9.6).
    RequestPreVote(RequestPreVote),
    /// The answer to [`Message::RequestPreVote`].
    RequestPreVoteReply(RequestPreVoteReply),
    /// A leader asks a follower that has its whole log to start an election at once (dissertation
    /// §3.10).
    TimeoutNow,
    /// A leader's entries, or its heartbeat (Figure 2 AppendEntries).
    AppendEntries(AppendEntries),
    /// The answer to [`Message::AppendEntries`].
    AppendEntriesReply(AppendEntriesReply),
    /// A piece of the leader's snapshot (Figure 13 InstallSnapshot).
    InstallSnapshot(InstallSnapshot),
    /// The answer to [`Message::InstallSnapshot`].
    InstallSnapshotReply(InstallSnapshotReply),
    /// A follower asks its leader for a read index (dissertation §6.4).
    ReadIndex(ReadIndex),
    /// The answer to [`Message::ReadIndex`].
    ReadIndexReply(ReadIndexReply),
    /// An initial member of a new cluster asks another one to record its store.
    Register,
    /// The answer to [`Message::Register`].
    RegisterReply(Registration),
}

impl Message {
    /// The message's name in the paper.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RequestVote(_) => "RequestVote",
            Self::RequestVoteReply(_) => "RequestVoteReply",
            Self::RequestPreVote(_) => "RequestPreVote",
            Self::RequestPreVoteReply(_) => "RequestPreVoteReply",
            Self::TimeoutNow => "TimeoutNow",
            Self::AppendEntries(_) => "AppendEntries",
            Self::AppendEntriesReply(_) => "AppendEntriesReply",
            Self::InstallSnapshot(_) => "InstallSnapshot",
            Self::InstallSnapshotReply(_) => "InstallSnapshotReply",
            Self::ReadIndex(_) => "ReadIndex",
            Self::ReadIndexReply(_) => "ReadIndexReply",
            Self::Register => "Register",
            Self::RegisterReply(_) => "RegisterReply",
        }
    }

    /// The direction: request or reply.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match self {
            Self::RequestVote(_)
            | Self::RequestPreVote(_)
            | Self::TimeoutNow
            | Self::AppendEntries(_)
            | Self::InstallSnapshot(_)
            | Self::ReadIndex(_)
            | Self::Register => Direction::Request,
            Self::RequestVoteReply(_)
            | Self::RequestPreVoteReply(_)
            | Self::AppendEntriesReply(_)
            | Self::InstallSnapshotReply(_)
            | Self::ReadIndexReply(_)
            | Self::RegisterReply(_) => Direction::Reply,
        }
    }
}

/// The two halves of what the paper calls a remote procedure call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// A request.
    Request,
    /// A reply.
    Reply,
}

/// Arguments of RequestVote; the candidate is the envelope's sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestVote {
    /// The candidate's last entry (Figure 2 `lastLogIndex`, `lastLogTerm`).
    pub last_log: EntryId,
    /// The reason for the election.
    pub candidacy: Candidacy,
}

/// The reason for an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Candidacy {
    /// An election timeout without contact with a leader.
    Timeout,
    /// A leadership transfer (dissertation §3.10): peers with a live leader must answer, too.
    Transfer,
}

/// The answer to a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vote {
    /// The sender voted for the candidate in the message's term.
    Granted,
    /// The sender did not.
    Rejected,
}

/// Arguments of RequestPreVote. The sender asks for a vote in the term after the envelope's, which
/// may be [`Term::ZERO`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestPreVote {
    /// The sender's last entry.
    pub last_log: EntryId,
}

/// The answer to a pre-candidate. It has no effect on the answering peer. An answer of a peer in an
/// earlier term counts, too: that peer would follow the candidate's term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestPreVoteReply {
    /// The term of the request.
    pub request_term: Term,
    /// The vote the sender would give in the next term.
    pub vote: Vote,
}

/// Arguments of AppendEntries; the leader is the envelope's sender.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AppendEntries {
    /// The entries and the one they follow (Figure 2 `prevLogIndex`, `prevLogTerm`, `entries[]`).
    pub slice: LogSlice,
    /// The leader's `commit_index`.
    pub leader_commit: Index,
    /// The leader's newest round when it made the message.
    pub round: Round,
}

/// The answer to a leader's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AppendEntriesReply {
    /// The sender's log equals the leader's, durably, through this index.
    Accepted {
        /// The last index the two logs are known to share.
        match_index: Index,
        /// The request's content, so that a log can tell answers to heartbeats from others.
        carried: Carried,
        /// The request's round.
        round: Round,
    },
    /// The sender's log has no entry equal to the request's `prev`.
    Rejected {
        /// The index that did not match.
        prev_log_index: Index,
        /// The sender's last entry at or below it whose term is at most the request's: nothing
        /// between this entry and `prev_log_index` can match.
        hint: EntryId,
        /// The request's round.
        round: Round,
    },
    /// The request's term is over; the envelope carries the newer one.
    OldTerm,
}

/// The content of an AppendEntries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carried {
    /// At least one entry.
    Entries,
    /// No entry: a heartbeat.
    Nothing,
}

impl AppendEntries {
    /// Its content: entries or none.
    #[must_use]
    pub fn carried(&self) -> Carried {
        if self.slice.entries().is_empty() { Carried::Nothing } else { Carried::Entries }
    }
}

/// Arguments of InstallSnapshot; the leader is the envelope's sender.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InstallSnapshot {
    /// The last entry the snapshot replaces.
    pub last_included: EntryId,
    /// The chunk's offset in the snapshot, in bytes.
    pub offset: u64,
    /// The piece of the snapshot at `offset`.
    pub chunk: SnapshotData,
    /// Figure 13 `done`: with the last chunk comes the configuration as of the snapshot's last
    /// entry.
    pub done: Option<Arc<Membership>>,
    /// The leader's newest round when it made the message.
    pub round: Round,
}

/// The answer to a chunk of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InstallSnapshotReply {
    /// The sender holds the snapshot's bytes up to `offset` and needs those after it.
    Continue {
        /// The snapshot in question, by its last included index.
        last_included_index: Index,
        /// The number of its bytes that the sender holds.
        offset: u64,
        /// The request's round.
        round: Round,
    },
    /// The sender's state covers the snapshot, durably; its log equals the leader's through this
    /// index.
    Installed {
        /// The last index the two logs are known to share.
        match_index: Index,
        /// The request's round.
        round: Round,
    },
    /// The request's term is over; the envelope carries the newer one.
    OldTerm,
}

impl AppendEntriesReply {
    /// The last index the two logs are known to share, if accepted.
    #[must_use]
    pub const fn match_index(&self) -> Option<Index> {
        match self {
            Self::Accepted { match_index, .. } => Some(*match_index),
            Self::Rejected { .. } | Self::OldTerm => None,
        }
    }

    /// The request's round, if the request is of the reply's term.
    #[must_use]
    pub const fn round(&self) -> Option<Round> {
        match self {
            Self::Accepted { round, .. } | Self::Rejected { round, .. } => Some(*round),
            Self::OldTerm => None,
        }
    }
}

impl InstallSnapshotReply {
    /// The last index the two logs are known to share, if accepted.
    #[must_use]
    pub const fn match_index(&self) -> Option<Index> {
        match self {
            Self::Installed { match_index, .. } => Some(*match_index),
            Self::Continue { .. } | Self::OldTerm => None,
        }
    }

    /// The request's round, if the request is of the reply's term.
    #[must_use]
    pub const fn round(&self) -> Option<Round> {
        match self {
            Self::Continue { round, .. } | Self::Installed { round, .. } => Some(*round),
            Self::OldTerm => None,
        }
    }
}

/// A follower's request for a read index, on behalf of all reads that came in before it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReadIndex {
    /// The follower's number for the request, never used before or after.
    pub request: RequestId,
}

/// The answer to a follower's request for a read index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadIndexReply {
    /// The sender was leader after the request came in, and every write answered by then is in the
    /// log through this index.
    Ready {
        /// The request.
        request: RequestId,
        /// The index to apply before reading.
        read_index: Index,
    },
    /// The sender cannot tell: it is not the leader, has not committed in its term, or has too many
    /// reads.
    Rejected {
        /// The request.
        request: RequestId,
    },
}

/// The answer to an initial member that registers its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Registration {
    /// This store is recorded, durably. The request may be of an earlier store of the receiver.
    Registered {
        /// The store.
        store: Incarnation,
    },
    /// The sender knows the peer under another store, or does not know it as an initial member: the
    /// peer may have lost its data. The peer passes it on to its leader.
    Refused {
        /// The store it knows.
        known: Option<Incarnation>,
    },
}
