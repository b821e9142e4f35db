//! The rules for all messages: refuse what no correct peer sends, follow higher terms, answer old
//! ones (paper §5.1), and hand the rest to the rule it belongs to.

use super::Node;
use super::outbox::Address;
use crate::message::{
    AppendEntriesReply, Envelope, InstallSnapshotReply, Message, ReadIndexReply,
    RequestPreVoteReply, Vote,
};
use crate::role::Role;
use crate::trace::{Event, Refusal};
use crate::types::{Index, PeerId, Round, Term};

impl Node {
    pub(super) fn on_receive(&mut self, envelope: &Envelope) {
        self.trace(&Event::Received(envelope));
        if let Err(reason) = self.examine(envelope) {
            return self.trace(&Event::Refused { envelope, reason });
        }
        if envelope.term < self.hard_state.current_term {
            return self.on_earlier_term(envelope);
        }
        if self.keeps_to_its_leader(&envelope.message) {
            return self.leave_alone(envelope);
        }
        let asks_ahead = matches!(envelope.message, Message::RequestPreVote(_));
        if envelope.term > self.hard_state.current_term && !asks_ahead {
            self.follow_term(envelope.term);
        }
        let from = envelope.from;
        match &envelope.message {
            Message::RequestVote(request) => self.on_request_vote(envelope, *request),
            Message::RequestVoteReply(vote) => self.on_request_vote_reply(from, *vote),
            Message::RequestPreVote(request) => self.on_request_pre_vote(envelope, *request),
            Message::RequestPreVoteReply(reply) => self.on_request_pre_vote_reply(from, *reply),
            Message::TimeoutNow => self.on_timeout_now(envelope),
            Message::AppendEntries(request) => self.on_append_entries(envelope, request),
            Message::AppendEntriesReply(reply) => {
                self.hear_follower(from);
                self.on_append_entries_reply(from, *reply);
            }
            Message::InstallSnapshot(chunk) => self.on_install_snapshot(envelope, chunk),
            Message::InstallSnapshotReply(reply) => {
                self.hear_follower(from);
                self.on_install_snapshot_reply(from, *reply);
            }
            Message::ReadIndex(question) => self.on_read_index(envelope, *question),
            Message::ReadIndexReply(reply) => self.on_read_index_reply(*reply),
        }
    }

    /// Tells a sender of the past that its term is over, so that it catches up; of the answers of
    /// the past, only those to a pre-vote mean anything.
    fn on_earlier_term(&mut self, envelope: &Envelope) {
        let reply = match &envelope.message {
            Message::RequestVote(_) => Message::RequestVoteReply(Vote::Refused),
            Message::AppendEntries(_) => Message::AppendEntriesReply(AppendEntriesReply::OldTerm),
            Message::InstallSnapshot(_) => {
                Message::InstallSnapshotReply(InstallSnapshotReply::OldTerm)
            }
            Message::RequestPreVote(_) => {
                let (asked_in, vote) = (envelope.term, Vote::Refused);
                Message::RequestPreVoteReply(RequestPreVoteReply { asked_in, vote })
            }
            Message::RequestPreVoteReply(reply) => {
                return self.on_request_pre_vote_reply(envelope.from, *reply);
            }
            Message::ReadIndex(question) => {
                let request = question.request;
                Message::ReadIndexReply(ReadIndexReply::Refused { request })
            }
            Message::RequestVoteReply(_)
            | Message::TimeoutNow
            | Message::AppendEntriesReply(_)
            | Message::InstallSnapshotReply(_)
            | Message::ReadIndexReply(_) => return,
        };
        self.reply(envelope.from, reply);
    }

    /// Sends an answer once everything written so far is durable: whatever the answer promises is
    /// among it.
    pub(super) fn reply(&mut self, to: PeerId, message: Message) {
        let address = self.address(to);
        if self.writes.durable() == self.writes.issued() {
            self.outbox.send(address, message);
        } else {
            self.outbox.send_after(self.writes.issued(), address, message);
        }
    }

    pub(super) fn address(&self, to: PeerId) -> Address {
        Address { from: self.id(), to, term: self.hard_state.current_term }
    }

    /// Refuses what no correct peer can have sent. Who is a member does not count here: whoever
    /// asks may be in a newer configuration than the one known to this peer, and members are
    /// learned from their log (paper §6). What is counted, is counted among voters.
    fn examine(&self, envelope: &Envelope) -> Result<(), Refusal> {
        if envelope.to != self.id() {
            return Err(Refusal::NotForMe);
        }
        if envelope.from == self.id() {
            return Err(Refusal::FromItself);
        }
        if envelope.term == Term::ZERO && !is_pre_vote(&envelope.message) {
            return Err(Refusal::TermZero);
        }
        if envelope.term > Term::MAX {
            return Err(Refusal::TermTooHigh);
        }
        match &envelope.message {
            Message::RequestVote(request) if request.last_log.term >= envelope.term => {
                Err(Refusal::FromTheFuture)
            }
            Message::RequestPreVote(request) if request.last_log.term > envelope.term => {
                Err(Refusal::FromTheFuture)
            }
            Message::AppendEntries(request) if request.slice.last().term > envelope.term => {
                Err(Refusal::FromTheFuture)
            }
            Message::InstallSnapshot(chunk) if chunk.last_included.term > envelope.term => {
                Err(Refusal::FromTheFuture)
            }
            Message::InstallSnapshot(chunk) if !self.fits(chunk) => Err(Refusal::BadChunk),
            Message::AppendEntries(_)
            | Message::InstallSnapshot(_)
            | Message::TimeoutNow
            | Message::ReadIndexReply(ReadIndexReply::Ready { .. }) => {
                self.examine_leader(envelope)
            }
            Message::AppendEntriesReply(reply) => {
                self.examine_answer(envelope, reply.match_index(), reply.round())
            }
            Message::InstallSnapshotReply(reply) => {
                self.examine_answer(envelope, reply.match_index(), reply.round())
            }
            Message::RequestVote(_)
            | Message::RequestVoteReply(_)
            | Message::RequestPreVote(_)
            | Message::RequestPreVoteReply(_)
            | Message::ReadIndex(_)
            | Message::ReadIndexReply(ReadIndexReply::Refused { .. }) => Ok(()),
        }
    }

    /// Nobody can hold what was never sent, or answer it.
    fn examine_answer(
        &self,
        envelope: &Envelope,
        match_index: Option<Index>,
        round: Option<Round>,
    ) -> Result<(), Refusal> {
        let Role::Leader(leader) = &self.role else { return Ok(()) };
        let Some(progress) = leader.followers.get(&envelope.from) else { return Ok(()) };
        let sent = match_index.is_none_or(|index| index <= self.log.last().index)
            && round.is_none_or(|round| round <= progress.round_sent);
        if envelope.term == self.hard_state.current_term && !sent {
            return Err(Refusal::NeverSent);
        }
        Ok(())
    }

    /// A term has one leader (paper §5.2, Election Safety).
    fn examine_leader(&self, envelope: &Envelope) -> Result<(), Refusal> {
        let known =
            if envelope.term == self.hard_state.current_term { self.leader() } else { None };
        match known {
            Some(leader) if leader != envelope.from => Err(Refusal::SecondLeader),
            Some(_) | None => Ok(()),
        }
    }
}

/// Before the first election, peers ask in term zero.
const fn is_pre_vote(message: &Message) -> bool {
    matches!(message, Message::RequestPreVote(_) | Message::RequestPreVoteReply(_))
}
