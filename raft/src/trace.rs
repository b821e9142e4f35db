//! Structured protocol events for whoever listens; free when nobody does.
//!
//! The core hands each event to a [`Sink`] at the moment it happens. Nothing is formatted here:
//! [`crate::verbose`] turns events into log lines.

use crate::entry::Entry;
use crate::membership::Membership;
use crate::message::{AppendEntriesReply, Carried, Envelope, Message};
use crate::output::Record;
use crate::read_index::ReadDropReason;
use crate::role::RoleName;
use crate::types::{
    EntryId, Index, Instant, MessageId, PeerId, ReadId, RequestId, Round, Term, WriteId,
};

/// Takes protocol events.
pub trait Sink {
    /// Takes one event of `source` at `at`.
    fn record(&mut self, at: Instant, source: Source, event: &Event<'_>);
}

/// Whose event it is, and its state when it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The peer.
    pub peer: PeerId,
    /// Its `current_term`.
    pub term: Term,
    /// Its role.
    pub role: RoleName,
}

/// What happened inside a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The node started from what its store held.
    Started {
        /// The snapshot's last entry.
        snapshot: EntryId,
        /// The log's last entry.
        last: EntryId,
        /// The vote found there.
        voted_for: Option<PeerId>,
    },
    /// The election timer was set anew.
    TimerReset {
        /// When it fires.
        deadline: Instant,
    },
    /// The election timer fired.
    ElectionTimeout,
    /// A higher term was seen.
    TermChanged {
        /// The term before.
        from: Term,
    },
    /// The role changed.
    RoleChanged {
        /// The role before.
        from: RoleName,
    },
    /// A leader gave up by itself, within its term.
    SteppedDown {
        /// Why.
        reason: StepDownReason,
    },
    /// A leader began to hand leadership over.
    TransferStarted {
        /// The peer that is to lead.
        to: PeerId,
    },
    /// A leader leads on: its successor has not taken over in time.
    TransferAborted {
        /// The peer that was to lead.
        to: PeerId,
    },
    /// A peer stands because its leader wants it to lead.
    TimeoutNowReceived {
        /// The leader.
        by: PeerId,
    },
    /// A follower learned who leads its term.
    LeaderFound {
        /// The leader.
        leader: PeerId,
    },
    /// A vote was given.
    VoteGranted {
        /// The candidate.
        to: PeerId,
        /// The message that asked.
        request: MessageId,
    },
    /// A vote was refused.
    VoteRejected {
        /// The candidate.
        to: PeerId,
        /// The message that asked.
        request: MessageId,
        /// Why.
        reason: VoteRejectReason,
    },
    /// A candidate counted a vote.
    VoteCounted {
        /// The voter.
        from: PeerId,
        /// Votes so far, the candidate's own among them.
        votes: usize,
        /// Votes needed.
        majority: usize,
    },
    /// A peer said that it would vote for a pre-candidate.
    PreVoteGranted {
        /// The pre-candidate.
        to: PeerId,
        /// The message that asked.
        request: MessageId,
    },
    /// A peer said that it would not.
    PreVoteRejected {
        /// The pre-candidate.
        to: PeerId,
        /// The message that asked.
        request: MessageId,
        /// Why.
        reason: VoteRejectReason,
    },
    /// A pre-candidate counted a peer that would vote for it.
    PreVoteCounted {
        /// The peer.
        from: PeerId,
        /// How many there are so far, the pre-candidate itself among them.
        votes: usize,
        /// How many it takes.
        majority: usize,
    },
    /// A leader took a command, or its own no-op, into its log.
    Proposed {
        /// The new entry.
        entry: EntryId,
    },
    /// A follower took a leader's entries into its log.
    Appended {
        /// The entry before them.
        prev: EntryId,
        /// The last of them.
        last: EntryId,
    },
    /// A follower deleted entries that conflict with its leader's.
    Truncated {
        /// The first index deleted.
        from: Index,
        /// The last entry deleted.
        last: EntryId,
    },
    /// A leader learned how far a follower's log equals its own.
    Progress {
        /// The follower.
        of: PeerId,
        /// The follower's `match_index`.
        match_index: Index,
        /// The follower's `next_index`.
        next_index: Index,
    },
    /// A leader went back in a follower's log to where the two may agree.
    NextIndexLowered {
        /// The follower.
        of: PeerId,
        /// The `next_index` before.
        from: Index,
        /// The `next_index` now.
        next_index: Index,
    },
    /// Another configuration is in force: the latest one in the log, committed or not.
    MembershipChanged {
        /// The index of its entry; zero if it is the snapshot's or the first one of all.
        index: Index,
        /// The members.
        membership: &'a Membership,
    },
    /// `commit_index` rose.
    Committed {
        /// The index before.
        from: Index,
        /// The index now.
        commit_index: Index,
    },
    /// Entries went to the state machine.
    Applied {
        /// The first of them.
        first: Index,
        /// The last of them.
        last: Index,
    },
    /// A write was handed to storage.
    Persisting {
        /// The write.
        write: WriteId,
        /// What it changes.
        what: RecordSummary,
    },
    /// Storage reported writes durable.
    Persisted {
        /// The newest of them.
        write: WriteId,
    },
    /// The service handed in a snapshot and the log was compacted.
    Compacted {
        /// The snapshot's last entry.
        through: EntryId,
        /// The snapshot's size.
        bytes: u64,
    },
    /// A leader began to send its snapshot.
    SnapshotStarted {
        /// The follower that needs it.
        to: PeerId,
        /// The snapshot's last entry.
        last_included: EntryId,
    },
    /// A leader's snapshot was complete and replaced the state.
    SnapshotInstalled {
        /// The snapshot's last entry.
        last_included: EntryId,
        /// The snapshot's size.
        bytes: u64,
    },
    /// A read came in.
    ReadStarted {
        /// The read.
        read: ReadId,
    },
    /// A follower asked its leader about its reads.
    ReadsForwarded {
        /// The leader.
        to: PeerId,
        /// The question's number.
        request: RequestId,
        /// How many reads it is about.
        reads: usize,
    },
    /// A leader began a round of messages to learn whether it still leads.
    RoundStarted {
        /// The round.
        round: Round,
        /// Where its reads may be served.
        read_index: Index,
    },
    /// A quorum has answered a round.
    RoundConfirmed {
        /// The round.
        round: Round,
    },
    /// A leader served reads by its lease.
    LeaseUsed {
        /// Where they may be served.
        read_index: Index,
        /// How many they were.
        reads: usize,
    },
    /// A read may be served.
    ReadReady {
        /// The read.
        read: ReadId,
        /// The index it waited for.
        index: Index,
    },
    /// A read was given up.
    ReadDropped {
        /// The read.
        read: ReadId,
        /// Why.
        reason: ReadDropReason,
    },
    /// A message was handed to the network.
    Sent(&'a Envelope),
    /// A message came in.
    Received(&'a Envelope),
    /// A message that no correct peer sends was dropped.
    Rejected {
        /// The message.
        envelope: &'a Envelope,
        /// What is wrong with it.
        reason: RejectReason,
    },
}

/// Why a vote was refused (Figure 2, RequestVote receiver; dissertation §4.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteRejectReason {
    /// The vote of this term went to somebody else.
    AlreadyVoted,
    /// The candidate's log is behind (§5.4.1).
    LogBehind,
    /// The peer hears from a leader, or is one that hears from a quorum.
    HasLiveLeader,
}

/// Why a leader gave up without having seen a higher term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepDownReason {
    /// Its driver asked it to.
    Resigned,
    /// It has not heard from a quorum for an election timeout (dissertation §6.2).
    NoQuorum,
    /// The new configuration is committed and this peer has no vote in it (paper §6).
    Removed,
}

/// What a write changes, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordSummary {
    /// Term and vote.
    HardState {
        /// The vote.
        voted_for: Option<PeerId>,
    },
    /// New entries.
    Append {
        /// The first of them.
        first: Index,
        /// The last of them.
        last: Index,
    },
    /// Entries go.
    Truncate {
        /// The first to go.
        from: Index,
    },
    /// A snapshot.
    Snapshot {
        /// Its last entry.
        last_included: EntryId,
    },
}

impl From<&Record> for RecordSummary {
    fn from(record: &Record) -> Self {
        let index = |entry: Option<&Entry>| entry.map_or(Index::ZERO, |entry| entry.id.index);
        match record {
            Record::HardState(hard_state) => Self::HardState { voted_for: hard_state.voted_for },
            Record::Append(entries) => {
                Self::Append { first: index(entries.first()), last: index(entries.last()) }
            }
            Record::Truncate { from } => Self::Truncate { from: *from },
            Record::Snapshot { snapshot, .. } => {
                Self::Snapshot { last_included: snapshot.last_included }
            }
        }
    }
}

/// Why a message was dropped: one variant per rule that a correct peer keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectReason {
    /// Addressed to somebody else.
    WrongReceiver,
    /// From this very peer.
    FromSelf,
    /// No message but a pre-vote and its answer carries term zero.
    TermZero,
    /// A term that no number of elections reaches.
    TermTooHigh,
    /// A second leader in a term that has one.
    SecondLeader,
    /// Entries or places newer than the message itself.
    EntryTermTooHigh,
    /// Entries that differ from committed ones.
    ConflictsWithCommitted,
    /// An acknowledgement of entries that were never sent, or of a round that never began.
    AcknowledgesUnsent,
    /// A snapshot chunk larger than the limit, or a snapshot of nothing.
    InvalidChunk,
}

impl Event<'_> {
    /// Whether the event is routine: a timer, a heartbeat or the answer to one.
    #[must_use]
    pub fn is_routine(&self) -> bool {
        match self {
            Self::TimerReset { .. } | Self::Persisted { .. } => true,
            Self::Sent(envelope) | Self::Received(envelope) => is_heartbeat(&envelope.message),
            Self::Progress { .. }
            | Self::Started { .. }
            | Self::ElectionTimeout
            | Self::TermChanged { .. }
            | Self::RoleChanged { .. }
            | Self::SteppedDown { .. }
            | Self::TransferStarted { .. }
            | Self::TransferAborted { .. }
            | Self::TimeoutNowReceived { .. }
            | Self::LeaderFound { .. }
            | Self::VoteGranted { .. }
            | Self::VoteRejected { .. }
            | Self::VoteCounted { .. }
            | Self::PreVoteGranted { .. }
            | Self::PreVoteRejected { .. }
            | Self::PreVoteCounted { .. }
            | Self::Proposed { .. }
            | Self::Appended { .. }
            | Self::Truncated { .. }
            | Self::NextIndexLowered { .. }
            | Self::MembershipChanged { .. }
            | Self::Committed { .. }
            | Self::Applied { .. }
            | Self::Persisting { .. }
            | Self::Compacted { .. }
            | Self::SnapshotStarted { .. }
            | Self::SnapshotInstalled { .. }
            | Self::ReadStarted { .. }
            | Self::ReadsForwarded { .. }
            | Self::RoundStarted { .. }
            | Self::RoundConfirmed { .. }
            | Self::LeaseUsed { .. }
            | Self::ReadReady { .. }
            | Self::ReadDropped { .. }
            | Self::Rejected { .. } => false,
        }
    }
}

/// Whether a message is an AppendEntries without entries, or says yes to one.
#[must_use]
pub fn is_heartbeat(message: &Message) -> bool {
    match message {
        Message::AppendEntries(append) => append.carried() == Carried::Nothing,
        Message::AppendEntriesReply(AppendEntriesReply::Accepted { carried, .. }) => {
            *carried == Carried::Nothing
        }
        Message::AppendEntriesReply(_)
        | Message::RequestVote(_)
        | Message::RequestVoteReply(_)
        | Message::RequestPreVote(_)
        | Message::RequestPreVoteReply(_)
        | Message::TimeoutNow
        | Message::InstallSnapshot(_)
        | Message::InstallSnapshotReply(_)
        | Message::ReadIndex(_)
        | Message::ReadIndexReply(_) => false,
    }
}
