//! Structured protocol events for a [`Sink`]; no cost without one.
//!
//! The core passes each event to the sink as it happens. Nothing is formatted here:
//! [`crate::verbose`] turns events into log lines.

mod details;
mod store;

pub use self::details::{RecordSummary, RejectReason, StepDownReason, VoteRejectReason};
pub use self::store::StoreEvent;

use crate::membership::Membership;
use crate::message::{AppendEntriesReply, Carried, Envelope, Message};
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
    /// No usable term is left: the peer can never start an election again.
    TermsExhausted,
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
    /// A peer learned from a member that it was removed while it was away.
    Removed {
        /// The member.
        by: PeerId,
        /// The committed configuration without the peer.
        configuration: EntryId,
    },
    /// A store was confirmed, refused or lost.
    Store(StoreEvent<'a>),
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

impl Event<'_> {
    /// The event's name, the same in every log and in every version.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::TimerReset { .. } => "timer_reset",
            Self::ElectionTimeout => "election_timeout",
            Self::TermChanged { .. } => "term_changed",
            Self::TermsExhausted => "terms_exhausted",
            Self::RoleChanged { .. } => "role_changed",
            Self::SteppedDown { .. } => "stepped_down",
            Self::TransferStarted { .. } => "transfer_started",
            Self::TransferAborted { .. } => "transfer_aborted",
            Self::TimeoutNowReceived { .. } => "timeout_now_received",
            Self::LeaderFound { .. } => "leader_found",
            Self::VoteGranted { .. } => "vote_granted",
            Self::VoteRejected { .. } => "vote_rejected",
            Self::VoteCounted { .. } => "vote_counted",
            Self::PreVoteGranted { .. } => "pre_vote_granted",
            Self::PreVoteRejected { .. } => "pre_vote_rejected",
            Self::PreVoteCounted { .. } => "pre_vote_counted",
            Self::Proposed { .. } => "proposed",
            Self::Appended { .. } => "appended",
            Self::Truncated { .. } => "truncated",
            Self::Progress { .. } => "progress",
            Self::NextIndexLowered { .. } => "next_index_lowered",
            Self::MembershipChanged { .. } => "membership_changed",
            Self::Removed { .. } => "removed",
            Self::Committed { .. } => "committed",
            Self::Applied { .. } => "applied",
            Self::Persisting { .. } => "persisting",
            Self::Persisted { .. } => "persisted",
            Self::Compacted { .. } => "compacted",
            Self::SnapshotStarted { .. } => "snapshot_started",
            Self::SnapshotInstalled { .. } => "snapshot_installed",
            Self::ReadStarted { .. } => "read_started",
            Self::ReadsForwarded { .. } => "reads_forwarded",
            Self::RoundStarted { .. } => "round_started",
            Self::RoundConfirmed { .. } => "round_confirmed",
            Self::LeaseUsed { .. } => "lease_used",
            Self::ReadReady { .. } => "read_ready",
            Self::ReadDropped { .. } => "read_dropped",
            Self::Store(event) => event.name(),
            Self::Sent(_) => "sent",
            Self::Received(_) => "received",
            Self::Rejected { .. } => "rejected",
        }
    }

    /// Returns whether the event is routine: a timer, a heartbeat or the answer to one.
    #[must_use]
    pub fn is_routine(&self) -> bool {
        if let Self::Sent(envelope) | Self::Received(envelope) = self {
            return is_heartbeat(&envelope.message);
        }
        matches!(self, Self::TimerReset { .. } | Self::Persisted { .. })
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
        | Message::ReadIndexReply(_)
        | Message::Register
        | Message::RegisterReply(_) => false,
    }
}
