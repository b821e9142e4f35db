//! The rules for all messages: reject invalid ones (`validation.rs`), follow higher terms, answer old
//! ones (paper §5.1), and pass the rest to their rule.

use super::Node;
use crate::message::{
    AppendEntriesReply, Envelope, InstallSnapshotReply, Message, ReadIndexReply,
    RequestPreVoteReply, Vote,
};
use crate::trace::Event;
use crate::types::PeerId;

impl Node {
    pub(super) fn on_receive(&mut self, envelope: &Envelope) {
        self.trace(&Event::Received(envelope));
        if let Err(reason) = self.validate(envelope) {
            self.note_refused_term(envelope, reason);
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
        if envelope.term > self.hard_state.current_term && !is_pre_vote && !of_stores {
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
}
