//! Words of log lines: ids, ranges of entries, reasons, and the contents of messages.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use crate::entry::Entry;
use crate::identity::Incarnation;
use crate::message::{
    AppendEntriesReply, Candidacy, InstallSnapshotReply, Message, ReadIndexReply, Registration,
    Vote,
};
use crate::progress::LossKind;
use crate::read_index::ReadDropReason;
use crate::trace::{RecordSummary, RejectReason, StepDownReason, VoteRejectReason};
use crate::types::{Index, MessageId, PeerId};

/// A message's id in the whole run: its sender and the sender's number for it.
#[derive(Clone, Copy)]
pub(super) struct WireId(pub(super) PeerId, pub(super) MessageId);

impl Display for WireId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// A peer, or `none`.
pub(super) struct Maybe(pub(super) Option<PeerId>);

impl Display for Maybe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(peer) => peer.fmt(f),
            None => f.write_str("none"),
        }
    }
}

/// Peers, as a list.
pub(crate) struct Peers<'a>(pub(crate) &'a BTreeSet<PeerId>);

impl Display for Peers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut peers = self.0.iter();
        peers.next().map_or(Ok(()), |first| first.fmt(f))?;
        peers.try_for_each(|peer| write!(f, ", {peer}"))
    }
}

/// A store, if known.
pub(crate) struct Known(pub(crate) Option<Incarnation>);

impl Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(store) => write!(f, "store {store}"),
            None => f.write_str("a store without identity"),
        }
    }
}

/// The store found where another was expected.
pub(crate) struct Found(pub(crate) LossKind);

impl Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            LossKind::OtherStore { found } => write!(f, "answers from {}", Known(found)),
            LossKind::RolledBack => f.write_str("answers from an earlier state of its store"),
        }
    }
}

pub(super) const fn step_down(reason: StepDownReason) -> &'static str {
    match reason {
        StepDownReason::Resigned => "its driver asks it to",
        StepDownReason::NoQuorum => "it hears from no quorum",
        StepDownReason::Removed => "the new configuration is without it",
    }
}

pub(super) const fn vote_reject(reason: VoteRejectReason) -> &'static str {
    match reason {
        VoteRejectReason::AlreadyVoted => "this term's vote is given",
        VoteRejectReason::LogBehind => "its log is behind",
        VoteRejectReason::HasLiveLeader => "there is a leader",
        VoteRejectReason::NewStore => "its own store is new",
    }
}

pub(super) const fn read_drop(reason: ReadDropReason) -> &'static str {
    match reason {
        ReadDropReason::LeaderLost => "its leader is one no longer",
        ReadDropReason::Rejected => "the leader does not take it",
        ReadDropReason::TimedOut => "its time is over",
    }
}

pub(super) const fn reject(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::WrongReceiver => "it is for somebody else", // kept: verbose/1
        RejectReason::FromSelf => "it is from itself",
        RejectReason::TermZero => "no message has term zero",
        RejectReason::TermTooHigh => "no number of elections reaches its term",
        RejectReason::TermJump { .. } => "its term is ahead by more than `term_jump_max`",
        RejectReason::NotAMember => "its sender is not a member here",
        RejectReason::Unasked => "nothing in this term asks for it",
        RejectReason::SecondLeader => "the term has another leader",
        RejectReason::EntryTermTooHigh => "its entries are newer than itself",
        RejectReason::ConflictsWithCommitted => "it contradicts committed entries",
        RejectReason::AcknowledgesUnsent => "it acknowledges what was never sent",
        RejectReason::OtherStore => "it comes from another store than the member's",
        RejectReason::UnconfirmedStore => "not all members have recorded its store yet",
        RejectReason::WithoutStore => "it names no store",
        RejectReason::InvalidChunk => "no snapshot has such a chunk",
        RejectReason::SnapshotTooLarge { .. } => "the snapshot is over `snapshot_bytes_max`",
    }
}

impl Display for RecordSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Identity => f.write_str("the identity of the store"),
            Self::HardState { .. } => f.write_str("term and vote"),
            Self::Append { first, last } => Span(first, last).fmt(f),
            Self::Truncate { from } => write!(f, "the end of the log before {from}"),
            Self::Snapshot { last_included } => write!(f, "the snapshot through {last_included}"),
        }
    }
}

/// Entries, by the first and the last of them.
pub(super) struct Span(pub(super) Index, pub(super) Index);

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(first, last) = self;
        if first == last {
            write!(f, "entry {first}")
        } else {
            write!(f, "entries {first}..{last}")
        }
    }
}

/// A message's contents, in a few words.
pub(super) struct Details<'a>(pub(super) &'a Message);

impl Display for Details<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Message::RequestVote(request) => {
                let why = match request.candidacy {
                    Candidacy::Timeout => "",
                    Candidacy::Transfer => ", its leader wants it",
                };
                write!(f, ": log through {}{why}", request.last_log)
            }
            Message::TimeoutNow | Message::Register => Ok(()),
            Message::RequestVoteReply(Vote::Granted) => f.write_str(": granted"),
            Message::RequestVoteReply(Vote::Rejected) => f.write_str(": refused"),
            Message::RequestPreVote(request) => write!(f, ": log through {}", request.last_log),
            Message::RequestPreVoteReply(reply) => match reply.vote {
                Vote::Granted => f.write_str(": would vote"),
                Vote::Rejected => f.write_str(": would not vote"),
            },
            Message::AppendEntries(append) => {
                let (prev, entries) = (append.slice.prev(), append.slice.entries());
                match (entries.first().map(at), entries.last().map(at)) {
                    (Some(first), Some(last)) => write!(f, ": {}", Span(first, last))?,
                    (None, _) | (_, None) => f.write_str(": heartbeat")?,
                }
                write!(f, " after {prev}, commit {}", append.leader_commit)
            }
            Message::AppendEntriesReply(reply) => match reply {
                AppendEntriesReply::Accepted { match_index, .. } => {
                    write!(f, ": matches {match_index}")
                }
                AppendEntriesReply::Rejected { prev_log_index, hint, .. } => {
                    write!(f, ": no match at {prev_log_index}, perhaps at {hint}")
                }
                AppendEntriesReply::OldTerm => f.write_str(": your term is over"),
            },
            Message::InstallSnapshot(chunk) => {
                let (from, bytes) = (chunk.offset, chunk.chunk.len());
                let end = match &chunk.done {
                    None => "",
                    Some(_) => ", the last",
                };
                write!(f, ": through {}, {bytes} bytes from {from}{end}", chunk.last_included)
            }
            Message::InstallSnapshotReply(reply) => match reply {
                InstallSnapshotReply::Continue { offset, .. } => {
                    write!(f, ": continue at {offset}")
                }
                InstallSnapshotReply::Installed { match_index, .. } => {
                    write!(f, ": matches {match_index}")
                }
                InstallSnapshotReply::OldTerm => f.write_str(": your term is over"),
            },
            Message::RegisterReply(Registration::Registered { store }) => {
                write!(f, ": store {store} is recorded")
            }
            Message::RegisterReply(Registration::Refused { known: Some(store) }) => {
                write!(f, ": refused, store {store} is known")
            }
            Message::RegisterReply(Registration::Refused { known: None }) => {
                f.write_str(": refused, no store is known")
            }
            Message::ReadIndex(question) => write!(f, ": question {}", question.request),
            Message::ReadIndexReply(ReadIndexReply::Ready { request, read_index }) => {
                write!(f, ": question {request}, read at {read_index}")
            }
            Message::ReadIndexReply(ReadIndexReply::Rejected { request }) => {
                write!(f, ": question {request} refused")
            }
        }
    }
}

const fn at(entry: &Entry) -> Index {
    entry.id.index
}
