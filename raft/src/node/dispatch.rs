//! The rules for all messages: reject invalid ones, follow higher terms, answer old ones (paper
//! §5.1), and pass the rest to their rule.

use super::Node;
use crate::message::{
    AppendEntriesReply, Envelope, InstallSnapshotReply, Message, ReadIndexReply,
    RequestPreVoteReply, Vote,
};
use crate::role::Role;
use crate::trace::{Event, RejectReason};
use crate::types::{Index, PeerId, Round, Term};

impl Node {
    pub(super) fn on_receive(&mut self, envelope: &Envelope) {
        self.trace(&Event::Received(envelope));
        if let Err(reason) = self.validate(envelope) {
            return self.trace(&Event::Rejected { envelope, reason });
        }
        let of_stores = matches!(envelope.message, Message::Register | Message::RegisterReply(_));
        if envelope.term < self.hard_state.current_term && !of_stores {
            return self.on_earlier_term(envelope);
        }
        if self.must_ignore(&envelope.message) {
            return self.ignore_vote_request(envelope);
        }
        let is_pre_vote = matches!(envelope.message, Message::RequestPreVote(_));
        if envelope.term > self.hard_state.current_term && !is_pre_vote {
            self.adopt_term(envelope.term);
        }
        let from = envelope.from;
        match &envelope.message {
            Message::RequestVote(request) => self.on_request_vote(envelope, *request),
            Message::RequestVoteReply(vote) => self.on_request_vote_reply(envelope, *vote),
            Message::RequestPreVote(request) => self.on_request_pre_vote(envelope, *request),
            Message::RequestPreVoteReply(reply) => self.on_request_pre_vote_reply(envelope, *reply),
            Message::TimeoutNow => self.on_timeout_now(envelope),
            Message::AppendEntries(request) => self.on_append_entries(envelope, request),
            Message::AppendEntriesReply(reply) => {
                if self.accept_store(envelope) {
                    self.on_follower_contact(from);
                    self.on_append_entries_reply(from, *reply);
                }
            }
            Message::InstallSnapshot(chunk) => self.on_install_snapshot(envelope, chunk),
            Message::InstallSnapshotReply(reply) => {
                if self.accept_store(envelope) {
                    self.on_follower_contact(from);
                    self.on_install_snapshot_reply(from, *reply);
                }
            }
            Message::ReadIndex(request) => self.on_read_index(envelope, *request),
            Message::ReadIndexReply(reply) => self.on_read_index_reply(*reply),
            Message::Register => self.on_formation(envelope, None),
            Message::RegisterReply(reply) => self.on_formation(envelope, Some(*reply)),
        }
    }

    /// Answers a request of an earlier term, so that its sender catches up; of the replies of
    /// earlier terms, only those to a pre-vote count.
    fn on_earlier_term(&mut self, envelope: &Envelope) {
        let reply = match &envelope.message {
            Message::RequestVote(_) => Message::RequestVoteReply(Vote::Rejected),
            Message::AppendEntries(_) => Message::AppendEntriesReply(AppendEntriesReply::OldTerm),
            Message::InstallSnapshot(_) => {
                Message::InstallSnapshotReply(InstallSnapshotReply::OldTerm)
            }
            Message::RequestPreVote(_) => {
                let (request_term, vote) = (envelope.term, Vote::Rejected);
                Message::RequestPreVoteReply(RequestPreVoteReply { request_term, vote })
            }
            Message::RequestPreVoteReply(reply) => {
                return self.on_request_pre_vote_reply(envelope, *reply);
            }
            Message::ReadIndex(request) => {
                let request = request.request;
                Message::ReadIndexReply(ReadIndexReply::Rejected { request })
            }
            Message::RequestVoteReply(_)
            | Message::TimeoutNow
            | Message::AppendEntriesReply(_)
            | Message::InstallSnapshotReply(_)
            | Message::ReadIndexReply(_)
            | Message::Register
            | Message::RegisterReply(_) => return,
        };
        self.reply(envelope.from, reply);
    }

    /// Sends a reply once everything written so far is durable, whatever the reply promises
    /// included; or at once if all that it promises is: a peer whose disk is busy with a large
    /// command or a snapshot still answers heartbeats.
    pub(super) fn reply(&mut self, to: PeerId, message: Message) {
        let header = self.header(to);
        if self.writes.durable() == self.writes.issued() || self.is_promise_durable(&message) {
            self.outbox.send(header, message);
        } else {
            self.outbox.send_after(self.writes.issued(), header, message);
        }
    }

    /// Returns whether a reply promises the current term and entries that are durable, and no more.
    fn is_promise_durable(&self, message: &Message) -> bool {
        let Message::AppendEntriesReply(reply) = message else { return false };
        reply.match_index().is_some_and(|index| index <= self.writes.durable_index())
            && self.writes.is_hard_state_durable()
    }

    /// Rejects messages that no correct peer can have sent. Membership is not checked: the sender
    /// may be in a newer configuration than this peer's, and members are learned from the log
    /// (paper §6). Only voters are counted.
    fn validate(&self, envelope: &Envelope) -> Result<(), RejectReason> {
        if envelope.to != self.id() {
            return Err(RejectReason::WrongReceiver);
        }
        if envelope.from == self.id() {
            return Err(RejectReason::FromSelf);
        }
        if envelope.term == Term::ZERO && !has_no_term(&envelope.message) {
            return Err(RejectReason::TermZero);
        }
        if envelope.term > Term::MAX {
            return Err(RejectReason::TermTooHigh);
        }
        match &envelope.message {
            Message::RequestVote(request) if request.last_log.term >= envelope.term => {
                Err(RejectReason::EntryTermTooHigh)
            }
            Message::RequestPreVote(request) if request.last_log.term > envelope.term => {
                Err(RejectReason::EntryTermTooHigh)
            }
            Message::AppendEntries(request) if request.slice.last().term > envelope.term => {
                Err(RejectReason::EntryTermTooHigh)
            }
            Message::InstallSnapshot(chunk) if chunk.last_included.term > envelope.term => {
                Err(RejectReason::EntryTermTooHigh)
            }
            Message::InstallSnapshot(chunk) => {
                self.validate_chunk(chunk)?;
                self.validate_leader(envelope)
            }
            Message::AppendEntries(_)
            | Message::TimeoutNow
            | Message::ReadIndexReply(ReadIndexReply::Ready { .. }) => {
                self.validate_leader(envelope)
            }
            Message::AppendEntriesReply(reply) => {
                self.validate_reply(envelope, reply.match_index(), reply.round())
            }
            Message::InstallSnapshotReply(reply) => {
                self.validate_reply(envelope, reply.match_index(), reply.round())
            }
            Message::RequestVote(_)
            | Message::RequestVoteReply(_)
            | Message::RequestPreVote(_)
            | Message::RequestPreVoteReply(_)
            | Message::ReadIndex(_)
            | Message::ReadIndexReply(ReadIndexReply::Rejected { .. })
            | Message::Register
            | Message::RegisterReply(_) => Ok(()),
        }
    }

    /// Rejects acknowledgements of entries or rounds that were never sent.
    fn validate_reply(
        &self,
        envelope: &Envelope,
        match_index: Option<Index>,
        round: Option<Round>,
    ) -> Result<(), RejectReason> {
        let Role::Leader(leader) = &self.role else { return Ok(()) };
        let Some(progress) = leader.followers.get(&envelope.from) else { return Ok(()) };
        let sent = match_index.is_none_or(|index| index <= self.log.last().index)
            && round.is_none_or(|round| round <= progress.round_sent);
        if envelope.term == self.hard_state.current_term && !sent {
            return Err(RejectReason::AcknowledgesUnsent);
        }
        Ok(())
    }

    /// A term has one leader (paper §5.2, Election Safety).
    fn validate_leader(&self, envelope: &Envelope) -> Result<(), RejectReason> {
        let known =
            if envelope.term == self.hard_state.current_term { self.leader() } else { None };
        match known {
            Some(leader) if leader != envelope.from => Err(RejectReason::SecondLeader),
            Some(_) | None => Ok(()),
        }
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
