//! The rules for all messages: refuse what no correct peer sends, follow higher terms, answer old
//! ones (paper §5.1), and hand the rest to the rule it belongs to.

use super::Node;
use super::outbox::Address;
use crate::message::{AppendEntriesReply, Envelope, InstallSnapshotReply, Message, Vote};
use crate::role::Role;
use crate::trace::{Event, Refusal};
use crate::types::{PeerId, Term};

impl Node {
    pub(super) fn on_receive(&mut self, envelope: &Envelope) {
        self.trace(&Event::Received(envelope));
        if let Err(reason) = self.examine(envelope) {
            return self.trace(&Event::Refused { envelope, reason });
        }
        if envelope.term < self.hard_state.current_term {
            return self.answer_old_term(envelope);
        }
        if envelope.term > self.hard_state.current_term {
            self.follow_term(envelope.term);
        }
        let from = envelope.from;
        match &envelope.message {
            Message::RequestVote(request) => self.on_request_vote(envelope, *request),
            Message::RequestVoteReply(vote) => self.on_request_vote_reply(from, *vote),
            Message::AppendEntries(request) => self.on_append_entries(envelope, request),
            Message::AppendEntriesReply(reply) => self.on_append_entries_reply(from, *reply),
            Message::InstallSnapshot(chunk) => self.on_install_snapshot(envelope, chunk),
            Message::InstallSnapshotReply(reply) => self.on_install_snapshot_reply(from, *reply),
        }
    }

    /// Tells a sender of the past that its term is over; answers of the past mean nothing.
    fn answer_old_term(&mut self, envelope: &Envelope) {
        let reply = match &envelope.message {
            Message::RequestVote(_) => Message::RequestVoteReply(Vote::Refused),
            Message::AppendEntries(_) => Message::AppendEntriesReply(AppendEntriesReply::OldTerm),
            Message::InstallSnapshot(_) => {
                Message::InstallSnapshotReply(InstallSnapshotReply::OldTerm)
            }
            Message::RequestVoteReply(_)
            | Message::AppendEntriesReply(_)
            | Message::InstallSnapshotReply(_) => return,
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
        if envelope.term == Term::ZERO {
            return Err(Refusal::TermZero);
        }
        if envelope.term > Term::MAX {
            return Err(Refusal::TermTooHigh);
        }
        match &envelope.message {
            Message::RequestVote(request) if request.last_log.term >= envelope.term => {
                Err(Refusal::FromTheFuture)
            }
            Message::AppendEntries(request) if request.slice.last().term > envelope.term => {
                Err(Refusal::FromTheFuture)
            }
            Message::InstallSnapshot(chunk) if chunk.last_included.term > envelope.term => {
                Err(Refusal::FromTheFuture)
            }
            Message::InstallSnapshot(chunk) if !self.fits(chunk) => Err(Refusal::BadChunk),
            Message::AppendEntries(_) | Message::InstallSnapshot(_) => {
                self.examine_leader(envelope)
            }
            Message::AppendEntriesReply(AppendEntriesReply::Accepted { match_index, .. })
            | Message::InstallSnapshotReply(InstallSnapshotReply::Installed { match_index })
                if self.leads(envelope.term) && *match_index > self.log.last().index =>
            {
                Err(Refusal::NeverSent)
            }
            Message::RequestVote(_)
            | Message::RequestVoteReply(_)
            | Message::AppendEntriesReply(_)
            | Message::InstallSnapshotReply(_) => Ok(()),
        }
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

    fn leads(&self, term: Term) -> bool {
        term == self.hard_state.current_term && matches!(self.role, Role::Leader(_))
    }
}
