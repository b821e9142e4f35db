//! Structured protocol events for a [`Sink`]; no cost without one.
//!
//! The core passes each event to the sink as it happens. Nothing is formatted here:
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

/// The peer of an event, and its state when it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The peer.
    pub peer: PeerId,
    /// Its `current_term`.
    pub term: Term,
    /// Its role.
    pub role: RoleName,
}

/// An event inside a peer.
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
    /// The election timer was reset.
    TimerReset {
        /// The time at which it fires.
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
    /// A leader stepped down within its term.
    SteppedDown {
        /// The reason.
        reason: StepDownReason,
    },
    /// A leader started a leadership transfer.
    TransferStarted {
        /// The peer that is to lead.
        to: PeerId,
    },
    /// A leader aborted a transfer: the target did not take over in time.
    TransferAborted {
        /// The peer that was to lead.
        to: PeerId,
    },
    /// A peer starts an election because its leader transfers leadership to it.
    TimeoutNowReceived {
        /// The leader.
        by: PeerId,
    },
    /// A follower found the leader of its term.
    LeaderFound {
        /// The leader.
        leader: PeerId,
    },
    /// A vote was granted.
    VoteGranted {
        /// The candidate.
        to: PeerId,
        /// The request's message id.
        request: MessageId,
    },
    /// A vote was rejected.
    VoteRejected {
        /// The candidate.
        to: PeerId,
        /// The request's message id.
        request: MessageId,
        /// The reason.
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
    /// A pre-vote was granted.
    PreVoteGranted {
        /// The pre-candidate.
        to: PeerId,
        /// The request's message id.
        request: MessageId,
    },
    /// A pre-vote was rejected.
    PreVoteRejected {
        /// The pre-candidate.
        to: PeerId,
        /// The request's message id.
        request: MessageId,
        /// The reason.
        reason: VoteRejectReason,
    },
    /// A pre-candidate counted a pre-vote.
    PreVoteCounted {
        /// The peer.
        from: PeerId,
        /// Pre-votes so far, the pre-candidate's own among them.
        votes: usize,
        /// Pre-votes needed.
        majority: usize,
    },
    /// A leader appended a command, or its own no-op, to its log.
    Proposed {
        /// The new entry.
        entry: EntryId,
    },
    /// A follower appended a leader's entries to its log.
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
    /// A follower's log was found to equal its leader's through a higher index.
    Progress {
        /// The follower.
        of: PeerId,
        /// The follower's `match_index`.
        match_index: Index,
        /// The follower's `next_index`.
        next_index: Index,
    },
    /// A leader lowered a follower's `next_index` to a place where the logs may match.
    NextIndexLowered {
        /// The follower.
        of: PeerId,
        /// The `next_index` before.
        from: Index,
        /// The `next_index` now.
        next_index: Index,
    },
    /// The configuration in force changed: it is the latest one in the log, committed or not.
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
        /// Its contents.
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
    /// A leader started to send its snapshot.
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
    /// A follower requested a read index from its leader.
    ReadsForwarded {
        /// The leader.
        to: PeerId,
        /// The request's number.
        request: RequestId,
        /// The number of reads in it.
        reads: usize,
    },
    /// A leader started a round of messages to confirm its leadership.
    RoundStarted {
        /// The round.
        round: Round,
        /// The read index of its reads.
        read_index: Index,
    },
    /// A quorum has answered a round.
    RoundConfirmed {
        /// The round.
        round: Round,
    },
    /// A leader served reads by its lease.
    LeaseUsed {
        /// Their read index.
        read_index: Index,
        /// Their number.
        reads: usize,
    },
    /// A read may be served.
    ReadReady {
        /// The read.
        read: ReadId,
        /// The index it waited for.
        index: Index,
    },
    /// A read was dropped.
    ReadDropped {
        /// The read.
        read: ReadId,
        /// The reason.
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
        /// The rule it breaks.
        reason: RejectReason,
    },
}

/// The reason a vote was rejected (Figure 2, RequestVote receiver; dissertation §4.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteRejectReason {
    /// The vote of this term was granted to another candidate.
    AlreadyVoted,
    /// The candidate's log is behind (§5.4.1).
    LogBehind,
    /// The peer has contact with a leader, or is a leader with contact to a quorum.
    HasLiveLeader,
}

/// The reason a leader stepped down without having seen a higher term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepDownReason {
    /// A request of its driver.
    Resigned,
    /// No contact with a quorum for an election timeout (dissertation §6.2).
    NoQuorum,
    /// The new configuration is committed and does not have this peer as a voter (paper §6).
    Removed,
}

/// The contents of a write, summarised.
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
    /// Deleted entries.
    Truncate {
        /// The first of them.
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

/// The reason a message was dropped: one variant per rule that a correct peer keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectReason {
    /// Addressed to another peer.
    WrongReceiver,
    /// Sent by this peer.
    FromSelf,
    /// No message but a pre-vote and its answer carries term zero.
    TermZero,
    /// A term that no number of elections can reach.
    TermTooHigh,
    /// A second leader in a term that has one.
    SecondLeader,
    /// Entries of a higher term than the message's.
    EntryTermTooHigh,
    /// Entries that differ from committed ones.
    ConflictsWithCommitted,
    /// An acknowledgement of entries that were never sent, or of a round that never began.
    AcknowledgesUnsent,
    /// A snapshot chunk larger than the limit, or a snapshot of nothing.
    InvalidChunk,
}

impl Event<'_> {
    /// Returns whether the event is routine: a timer, a heartbeat or the answer to one.
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

/// Returns whether a message is an AppendEntries without entries, or accepts one.
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
