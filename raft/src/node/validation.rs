//! Validation of messages, before any of them moves a term.
//!
//! A term that was adopted is adopted for ever, by all peers, so a message may move it only if its
//! sender can have a part in this peer's elections:
//!
//! - an answer, if this peer asked its sender in this term;
//! - a request of a peer that is no member here, if it may be one elsewhere: this peer's log may be
//!   behind (dissertation §4.1), and a peer that joins knows no member. Its candidate has an entry that
//!   this peer lacks, or it would know the candidate. Its leader needs no proof, but with check-quorum
//!   none was elected while this peer was in contact with another one (dissertation §4.2.3);
//! - a term that elections can have reached since this peer's own.
//!
//! A rejected message is as good as lost, so none of this can break safety. docs/decisions.md argues
//! why it locks no peer out.

use super::Node;
use crate::config::CheckQuorum;
use crate::message::{Envelope, Message, ReadIndexReply};
use crate::role::Role;
use crate::trace::RejectReason;
use crate::types::{EntryId, Index, PeerId, Round, Term};

/// A term that was refused, as no elections can have reached it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedTerm {
    /// The sender, by its own account.
    pub from: PeerId,
    /// The term.
    pub term: Term,
    /// The number of such messages since the start, this one among them.
    pub count: u64,
}

impl Node {
    /// The last message with a term that no elections can have reached, since the start: beyond
    /// [`Config::term_jump_max`](crate::Config::term_jump_max) or [`Term::MAX`].
    #[must_use]
    pub const fn refused_term(&self) -> Option<RefusedTerm> {
        self.refused_term
    }

    /// Returns whether this peer can never start an election again, as no usable term is left after
    /// its own. It still votes and follows. See docs/operations.md for the way out.
    #[must_use]
    pub fn terms_exhausted(&self) -> bool {
        self.hard_state.current_term >= Term::MAX
    }

    pub(super) fn note_refused_term(&mut self, envelope: &Envelope, reason: RejectReason) {
        if matches!(reason, RejectReason::TermTooHigh | RejectReason::TermJump { .. }) {
            let count = self.refused_term.map_or(0, |refused| refused.count).saturating_add(1);
            self.refused_term =
                Some(RefusedTerm { from: envelope.from, term: envelope.term, count });
        }
    }

    /// Rejects messages that no correct peer can have sent, and those that must not move a term.
    pub(super) fn validate(&self, envelope: &Envelope) -> Result<(), RejectReason> {
        if envelope.to != self.id() {
            return Err(RejectReason::WrongReceiver);
        }
        if envelope.from == self.id() {
            return Err(RejectReason::FromSelf);
        }
        if envelope.term == Term::ZERO && !has_no_term(&envelope.message) {
            return Err(RejectReason::TermZero);
        }
        self.validate_term(envelope)?;
        self.validate_content(envelope)?;
        match &envelope.message {
            Message::RequestVote(request) => self.validate_candidate(envelope, request.last_log),
            Message::AppendEntries(_) | Message::InstallSnapshot(_) => {
                self.validate_leader(envelope)
            }
            Message::TimeoutNow => {
                self.validate_term_reached(envelope)?;
                self.validate_leader(envelope)?;
                self.validate_member(envelope)
            }
            Message::ReadIndex(_) => self.validate_term_reached(envelope),
            Message::RequestVoteReply(_) => {
                let asked = self.hard_state.voted_for == Some(self.id());
                self.validate_answer(envelope, asked)
            }
            Message::RequestPreVoteReply(reply) => {
                self.validate_member(envelope)?;
                let asked = matches!(self.role, Role::PreCandidate(_));
                let current = reply.request_term == self.hard_state.current_term;
                self.validate_answer(envelope, asked && current)
            }
            Message::AppendEntriesReply(reply) => {
                self.validate_acknowledgement(envelope, reply.match_index(), reply.round())
            }
            Message::InstallSnapshotReply(reply) => {
                self.validate_acknowledgement(envelope, reply.match_index(), reply.round())
            }
            Message::ReadIndexReply(reply) => self.validate_read_index(envelope, *reply),
            // They change nothing, and those of formation name the peers that may send them.
            Message::RequestPreVote(_) | Message::Register | Message::RegisterReply(_) => Ok(()),
        }
    }

    /// Rejects a term that no elections can have reached. A peer that joins has no term to compare.
    fn validate_term(&self, envelope: &Envelope) -> Result<(), RejectReason> {
        if envelope.term > Term::MAX {
            return Err(RejectReason::TermTooHigh);
        }
        let (own, limit) = (self.hard_state.current_term, self.config.settings().term_jump_max);
        let implausible = envelope.term.since(own) > limit && !self.membership().is_empty();
        if implausible {
            return Err(RejectReason::TermJump { term: envelope.term, limit });
        }
        Ok(())
    }

    fn validate_content(&self, envelope: &Envelope) -> Result<(), RejectReason> {
        let newest = match &envelope.message {
            Message::RequestVote(request) => request.last_log.term.next(),
            Message::RequestPreVote(request) => request.last_log.term,
            Message::AppendEntries(request) => request.slice.last().term,
            Message::InstallSnapshot(chunk) => {
                self.validate_chunk(chunk)?;
                chunk.last_included.term
            }
            Message::TimeoutNow
            | Message::ReadIndex(_)
            | Message::Register
            | Message::RequestVoteReply(_)
            | Message::RequestPreVoteReply(_)
            | Message::AppendEntriesReply(_)
            | Message::InstallSnapshotReply(_)
            | Message::ReadIndexReply(_)
            | Message::RegisterReply(_) => return Ok(()),
        };
        if newest > envelope.term { Err(RejectReason::EntryTermTooHigh) } else { Ok(()) }
    }

    /// Returns whether a peer is a member of a configuration that may be in force, or leads the term.
    fn knows(&self, peer: PeerId) -> bool {
        self.address_book.contains_key(&peer) || self.leader() == Some(peer)
    }

    fn is_later(&self, envelope: &Envelope) -> bool {
        envelope.term > self.hard_state.current_term
    }

    fn validate_member(&self, envelope: &Envelope) -> Result<(), RejectReason> {
        if self.knows(envelope.from) { Ok(()) } else { Err(RejectReason::NotAMember) }
    }

    /// A candidate that is no member here has an entry that makes it one, which this peer lacks.
    fn validate_candidate(&self, envelope: &Envelope, last: EntryId) -> Result<(), RejectReason> {
        if !self.is_later(envelope) || self.knows(envelope.from) {
            return Ok(());
        }
        if last > self.log.last() {
            self.validate_outsider()
        } else {
            Err(RejectReason::NotAMember)
        }
    }

    /// Rejects a later term of a peer that is no member here, if there is a live leader. Without
    /// check-quorum, that one may have been deposed long ago.
    fn validate_outsider(&self) -> Result<(), RejectReason> {
        let sticky = self.config.settings().check_quorum == CheckQuorum::On;
        if sticky && self.has_live_leader() { Err(RejectReason::NotAMember) } else { Ok(()) }
    }

    /// A term has one leader (paper §5.2, Election Safety).
    fn validate_leader(&self, envelope: &Envelope) -> Result<(), RejectReason> {
        if self.is_later(envelope) {
            return if self.knows(envelope.from) { Ok(()) } else { self.validate_outsider() };
        }
        let is_current = envelope.term == self.hard_state.current_term;
        match self.leader().filter(|_| is_current) {
            Some(leader) if leader != envelope.from => Err(RejectReason::SecondLeader),
            Some(_) | None => Ok(()),
        }
    }

    /// Rejects a later term of a peer that would be in this one's: a peer with the whole log of its
    /// leader is in the leader's term, and so is the leader that a follower asks.
    fn validate_term_reached(&self, envelope: &Envelope) -> Result<(), RejectReason> {
        if self.is_later(envelope) { Err(RejectReason::Unasked) } else { Ok(()) }
    }

    /// Rejects an answer of a peer that is no member, and one of a later term if nothing was asked in
    /// this one. What an answer of this term counts for is left to its rule.
    fn validate_answer(&self, envelope: &Envelope, asked: bool) -> Result<(), RejectReason> {
        if envelope.term < self.hard_state.current_term {
            return Ok(());
        }
        self.validate_member(envelope)?;
        if self.is_later(envelope) && !asked { Err(RejectReason::Unasked) } else { Ok(()) }
    }

    /// Rejects acknowledgements of entries or rounds that were never sent.
    fn validate_acknowledgement(
        &self,
        envelope: &Envelope,
        match_index: Option<Index>,
        round: Option<Round>,
    ) -> Result<(), RejectReason> {
        let Role::Leader(leader) = &self.role else { return self.validate_answer(envelope, false) };
        let Some(progress) = leader.followers.get(&envelope.from) else {
            return self.validate_answer(envelope, true);
        };
        let sent = match_index.is_none_or(|index| index <= self.log.last().index)
            && round.is_none_or(|round| round <= progress.round_sent);
        if envelope.term == self.hard_state.current_term && !sent {
            return Err(RejectReason::AcknowledgesUnsent);
        }
        Ok(())
    }

    /// A read index comes from the leader that was asked.
    fn validate_read_index(
        &self,
        envelope: &Envelope,
        reply: ReadIndexReply,
    ) -> Result<(), RejectReason> {
        if envelope.term < self.hard_state.current_term {
            return Ok(());
        }
        if matches!(reply, ReadIndexReply::Ready { .. }) {
            self.validate_leader(envelope)?;
        }
        if self.leader() == Some(envelope.from) { Ok(()) } else { Err(RejectReason::Unasked) }
    }
}

/// Before the first election, pre-votes and the messages of formation have term zero.
const fn has_no_term(message: &Message) -> bool {
    matches!(
        message,
        Message::RequestPreVote(_)
            | Message::RequestPreVoteReply(_)
            | Message::Register
            | Message::RegisterReply(_)
    )
}
