//! Terms (paper §5.1): a peer follows every later term of a peer that can have a part in its
//! elections, and no other. What a message may do is derived here from the receiver as it is seen
//! from outside, not from its own account.
//!
//! A later term is followed in requests of members, and of others that may be members by entries that
//! the receiver lacks (dissertation §4.1); with check-quorum, not of others while there is a live leader
//! (dissertation §4.2.3). In answers it is followed if the receiver asked a member in its term. A term
//! that no elections can have reached is not followed at all.

use raft::message::{Candidacy, RequestVote};
use raft::{EntryId, Envelope, Message, PeerId, RoleName, Status, Term};

use super::table::Invariant;
use super::violation::{Violation, Witness};

/// A peer that receives a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Its status.
    pub status: Status,
    /// Its last entry.
    pub last_log: EntryId,
    /// The sender is a member of a configuration that may be in force here.
    pub sender: Sender,
    /// It has not learned of any members yet.
    pub joins: bool,
    /// It must stay with a live leader.
    pub keeps_to_leader: bool,
    /// Its limit on jumps of terms.
    pub term_jump_max: u64,
}

/// The sender of a message, as the receiver's log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A member of a configuration that may be in force.
    Member,
    /// Any other peer.
    Outsider,
}

/// The effect that a message must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Its term is followed.
    Followed,
    /// It changes nothing.
    None,
    /// It has no later term; other rules say what it does.
    Any,
}

impl Receiver {
    /// The effect that a message must have.
    #[must_use]
    pub fn effect(&self, envelope: &Envelope) -> Effect {
        let own = self.status.current_term;
        let is_later = envelope.term > own;
        let jump = envelope.term.since(own);
        if envelope.term > Term::MAX || (jump > self.term_jump_max && !self.joins) {
            return Effect::None;
        }
        let is_leader = self.status.leader == Some(envelope.from);
        let outsider = self.sender == Sender::Outsider && !is_leader;
        let is_asked = |by: bool| match (by, outsider, is_later) {
            (_, true, _) | (false, _, true) => Effect::None,
            (true, false, true) => Effect::Followed,
            (_, false, false) => Effect::Any,
        };
        match &envelope.message {
            // They carry no term, or one that is not theirs.
            Message::RequestPreVote(_) | Message::Register | Message::RegisterReply(_) => {
                Effect::Any
            }
            Message::TimeoutNow if outsider => Effect::None,
            Message::TimeoutNow | Message::ReadIndex(_) if is_later => Effect::None,
            Message::TimeoutNow | Message::ReadIndex(_) => Effect::Any,
            Message::RequestVoteReply(_) => is_asked(self.status.voted_for == Some(self.status.id)),
            Message::RequestPreVoteReply(reply) => {
                let asks = self.status.role == RoleName::PreCandidate;
                is_asked(asks && reply.request_term == own)
            }
            Message::AppendEntriesReply(_) | Message::InstallSnapshotReply(_) => {
                is_asked(self.status.role == RoleName::Leader)
            }
            // The leader of a follower's term has it itself; it may have moved on.
            Message::ReadIndexReply(_) if !is_leader => Effect::None,
            Message::ReadIndexReply(_) => of_request(is_later, false),
            Message::RequestVote(RequestVote { last_log, candidacy }) => {
                let kept = self.keeps_to_leader && (outsider || *candidacy == Candidacy::Timeout);
                of_request(is_later, kept || (outsider && *last_log <= self.last_log))
            }
            // A term has one leader.
            Message::AppendEntries(_) | Message::InstallSnapshot(_)
                if envelope.term == own && self.status.leader.is_some() && !is_leader =>
            {
                Effect::None
            }
            Message::AppendEntries(_) | Message::InstallSnapshot(_) => {
                of_request(is_later, outsider && self.keeps_to_leader)
            }
        }
    }
}

const fn of_request(is_later: bool, refused: bool) -> Effect {
    match (is_later, refused) {
        (true, true) => Effect::None,
        (true, false) => Effect::Followed,
        (false, _) => Effect::Any,
    }
}

/// Checks a peer after a message.
///
/// # Errors
/// It does not follow the term, or is changed by a message that it must refuse.
pub fn check(
    witness: Witness,
    effect: Effect,
    (from, heard): (PeerId, Term),
    before: &Status,
    after: &Status,
) -> Result<(), Box<Violation>> {
    let wrong = match effect {
        Effect::Followed if after.current_term < heard => "does not follow it",
        Effect::None if before != after => "is changed by it",
        Effect::Followed | Effect::None | Effect::Any => return Ok(()),
    };
    Err(Invariant::Terms.broken(format_args!(
        "{witness} receives term {heard} from {from} and {wrong}\n  before {before:?}\n  after  {after:?}"
    )))
}
