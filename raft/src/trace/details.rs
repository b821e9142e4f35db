//! Details of events: reasons, and contents of writes.

use crate::entry::Entry;
use crate::output::Record;
use crate::types::{EntryId, Index, PeerId, Term};

/// The reason a vote was rejected (Figure 2, RequestVote receiver; dissertation §4.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteRejectReason {
    /// The vote of this term was granted to another candidate.
    AlreadyVoted,
    /// The candidate's log is behind (§5.4.1).
    LogBehind,
    /// The peer has contact with a leader, or is a leader with contact to a quorum.
    HasLiveLeader,
    /// The peer's store is new, and an earlier one may have voted.
    NewStore,
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
    /// The store's identity.
    Identity,
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
            Record::Identity(_) => Self::Identity,
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
    /// A term beyond [`Term::MAX`].
    TermTooHigh,
    /// A term further ahead of this peer's than
    /// [`Config::term_jump_max`](crate::Config::term_jump_max).
    TermJump {
        /// The term.
        term: Term,
        /// The setting.
        limit: u64,
    },
    /// A later term of a peer that is no member of a configuration that may be in force here, and that
    /// cannot be one that this peer has yet to learn of; or an answer of such a peer.
    NotAMember,
    /// An answer to nothing that was asked in this term, or a request that presumes this peer to be in
    /// the sender's term.
    Unasked,
    /// A second leader in a term that has one.
    SecondLeader,
    /// Entries of a higher term than the message's.
    EntryTermTooHigh,
    /// Entries that differ from committed ones.
    ConflictsWithCommitted,
    /// An acknowledgement of entries that were never sent, or of a round that never began.
    AcknowledgesUnsent,
    /// An answer from another store than the one that counts for the member.
    OtherStore,
    /// An answer from a store that not all initial members have recorded yet.
    UnconfirmedStore,
    /// A message about stores from a peer that shows none.
    WithoutStore,
    /// A snapshot chunk beyond all numbers, or a snapshot of nothing.
    InvalidChunk,
    /// A chunk of a snapshot above [`Config::snapshot_bytes_max`](crate::Config::snapshot_bytes_max):
    /// the setting of the leader is higher, or it is of an earlier version.
    SnapshotTooLarge {
        /// The least size of the snapshot.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
}
