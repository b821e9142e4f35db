//! The messages of the protocol: Figure 2 and Figure 13 of the paper, and those of the dissertation beyond
//! it, each request and its reply as two messages.
//!
//! A message says nothing about who sent it; that is the [`Envelope`]'s.

use std::sync::Arc;

use crate::entry::{Bytes, LogSlice};
use crate::membership::Membership;
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
    /// What is asked or answered.
    pub message: Message,
}

/// What peers ask and answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A candidate asks for a vote (Figure 2 RequestVote).
    RequestVote(RequestVote),
    /// The answer to [`Message::RequestVote`].
    RequestVoteReply(Vote),
    /// A peer asks who would vote for it in the term after its own (dissertation §9.6).
    RequestPreVote(RequestPreVote),
    /// The answer to [`Message::RequestPreVote`].
    RequestPreVoteReply(RequestPreVoteReply),
    /// A leader asks a follower that has its whole log to stand at once (dissertation §3.10).
    TimeoutNow,
    /// A leader's entries, or its heartbeat (Figure 2 AppendEntries).
    AppendEntries(AppendEntries),
    /// The answer to [`Message::AppendEntries`].
    AppendEntriesReply(AppendEntriesReply),
    /// A piece of the leader's snapshot (Figure 13 InstallSnapshot).
    InstallSnapshot(InstallSnapshot),
    /// The answer to [`Message::InstallSnapshot`].
    InstallSnapshotReply(InstallSnapshotReply),
    /// A follower asks what it may read (dissertation §6.4).
    ReadIndex(ReadIndex),
    /// The answer to [`Message::ReadIndex`].
    ReadIndexReply(ReadIndexReply),
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
        }
    }

    /// Whether this is a request or the answer to one.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match self {
            Self::RequestVote(_)
            | Self::RequestPreVote(_)
            | Self::TimeoutNow
            | Self::AppendEntries(_)
            | Self::InstallSnapshot(_)
            | Self::ReadIndex(_) => Direction::Request,
            Self::RequestVoteReply(_)
            | Self::RequestPreVoteReply(_)
            | Self::AppendEntriesReply(_)
            | Self::InstallSnapshotReply(_)
            | Self::ReadIndexReply(_) => Direction::Reply,
        }
    }
}

/// The two halves of what the paper calls a remote procedure call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// It asks.
    Request,
    /// It answers.
    Reply,
}

/// Arguments of RequestVote; the candidate is the envelope's sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestVote {
    /// The candidate's last entry (Figure 2 `lastLogIndex`, `lastLogTerm`).
    pub last_log: EntryId,
    /// Why it stands.
    pub candidacy: Candidacy,
}

/// Why a peer stands for election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Candidacy {
    /// It has heard from no leader for an election timeout.
    Timeout,
    /// Its leader wants it to lead (dissertation §3.10): nobody is to keep to that leader.
    Transfer,
}

/// The answer to a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vote {
    /// The sender voted for the candidate in the message's term.
    Granted,
    /// It did not, and says so.
    Rejected,
}

/// Arguments of RequestPreVote. The asker is the envelope's sender and the envelope's term the one it
/// is in: it would stand in the next one. It may be [`Term::ZERO`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestPreVote {
    /// The asker's last entry.
    pub last_log: EntryId,
}

/// The answer to a pre-candidate. It binds nobody, and the answer of a peer in an earlier term than
/// the asker's counts, too: that peer would follow the candidate's term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestPreVoteReply {
    /// The term in which the asker was when it asked.
    pub request_term: Term,
    /// Whether the sender would vote for it in the next one.
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
        /// What the request carried, so that a log can tell the answers to heartbeats from others.
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

/// What an AppendEntries carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carried {
    /// At least one entry.
    Entries,
    /// No entry: a heartbeat.
    Nothing,
}

impl AppendEntries {
    /// Whether there are entries in it.
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
    /// Where in the snapshot the chunk starts, in bytes.
    pub offset: u64,
    /// The piece of the snapshot at `offset`.
    pub chunk: Bytes,
    /// Figure 13 `done`: with the last chunk comes the configuration as of the snapshot's last
    /// entry.
    pub done: Option<Arc<Membership>>,
    /// The leader's newest round when it made the message.
    pub round: Round,
}

/// The answer to a chunk of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InstallSnapshotReply {
    /// The sender holds the snapshot's bytes up to `offset` and wants those after it.
    Continue {
        /// The snapshot in question, by its last included index.
        last_included_index: Index,
        /// How many of its bytes the sender holds.
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
    /// The last index the two logs are known to share, if the answer says so.
    #[must_use]
    pub const fn match_index(&self) -> Option<Index> {
        match self {
            Self::Accepted { match_index, .. } => Some(*match_index),
            Self::Rejected { .. } | Self::OldTerm => None,
        }
    }

    /// The round of the message this answers, if it is one of the answer's term.
    #[must_use]
    pub const fn round(&self) -> Option<Round> {
        match self {
            Self::Accepted { round, .. } | Self::Rejected { round, .. } => Some(*round),
            Self::OldTerm => None,
        }
    }
}

impl InstallSnapshotReply {
    /// The last index the two logs are known to share, if the answer says so.
    #[must_use]
    pub const fn match_index(&self) -> Option<Index> {
        match self {
            Self::Installed { match_index, .. } => Some(*match_index),
            Self::Continue { .. } | Self::OldTerm => None,
        }
    }

    /// The round of the message this answers, if it is one of the answer's term.
    #[must_use]
    pub const fn round(&self) -> Option<Round> {
        match self {
            Self::Continue { round, .. } | Self::Installed { round, .. } => Some(*round),
            Self::OldTerm => None,
        }
    }
}

/// A follower's question what it may read; it stands for all reads that came in before it left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReadIndex {
    /// The follower's number for the question, never used before or after.
    pub request: RequestId,
}

/// The answer to a follower's question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadIndexReply {
    /// The sender led after the question came in, and every write answered by then is in the log
    /// through this index.
    Ready {
        /// The question.
        request: RequestId,
        /// The index to apply before reading.
        read_index: Index,
    },
    /// The sender does not know: it does not lead, cannot tell yet, or has too many reads.
    Rejected {
        /// The question.
        request: RequestId,
    },
}
