//! Pre-votes, which a peer needs before it starts an election (dissertation §9.6).
//!
//! Invariant: nothing here changes a term or a vote or writes anything; requests and replies have
//! no lasting effect on the answering peer.

use super::Node;
use crate::config::PreVote;
use crate::message::{Candidacy, Envelope, Message, RequestPreVote, RequestPreVoteReply, Vote};
use crate::quorum::{Tally, VoteResult, votes_needed};
use crate::role::{PreCandidate, Role};
use crate::trace::{Event, VoteRejectReason};
use crate::types::PeerId;

impl Node {
    /// Starts pre-votes, or an election at once, when the election timer has fired.
    pub(super) fn start_election(&mut self) {
        self.trace(&Event::ElectionTimeout);
        match self.config.settings().pre_vote {
            PreVote::On => self.start_pre_vote(),
            PreVote::Off => self.become_candidate(Candidacy::Timeout),
        }
    }

    /// Requests pre-votes of all other voters. Like a vote request, the message is sent when
    /// everything written so far is durable: a peer that cannot write could not vote for itself
    /// either.
    fn start_pre_vote(&mut self) {
        self.draw_election_timeout();
        let election_deadline = self.now.after(self.election_timeout);
        let tally = Tally::default();
        self.set_role(Role::PreCandidate(PreCandidate { tally, election_deadline }));
        let request = RequestPreVote { last_log: self.log.last() };
        self.send_to_voters(&Message::RequestPreVote(request));
        if self.counts_itself() {
            self.count_pre_vote(self.id());
        }
    }

    /// Answers a pre-vote request for the term after the message's, which is at least this peer's
    /// own.
    pub(super) fn on_request_pre_vote(&mut self, envelope: &Envelope, request: RequestPreVote) {
        let (to, id) = (envelope.from, envelope.id);
        let vote = match self.pre_vote_reject_reason(request) {
            Some(reason) => {
                self.trace(&Event::PreVoteRejected { to, request: id, reason });
                Vote::Rejected
            }
            None => {
                self.trace(&Event::PreVoteGranted { to, request: id });
                Vote::Granted
            }
        };
        let reply = RequestPreVoteReply { request_term: envelope.term, vote };
        self.reply(to, Message::RequestPreVoteReply(reply));
    }

    /// The vote of the current term does not matter: the request is for a later one.
    fn pre_vote_reject_reason(&self, request: RequestPreVote) -> Option<VoteRejectReason> {
        if !self.may_vote() {
            return Some(VoteRejectReason::NewStore);
        }
        if self.has_live_leader() {
            return Some(VoteRejectReason::HasLiveLeader);
        }
        (request.last_log < self.log.last()).then_some(VoteRejectReason::LogBehind)
    }

    pub(super) fn on_request_pre_vote_reply(
        &mut self,
        envelope: &Envelope,
        reply: RequestPreVoteReply,
    ) {
        if !self.is_member_store(envelope) {
            return self.ignore_other_store(envelope);
        }
        let from = envelope.from;
        if reply.request_term == self.hard_state.current_term && reply.vote == Vote::Granted {
            self.count_pre_vote(from);
        }
    }

    fn count_pre_vote(&mut self, from: PeerId) {
        let Role::PreCandidate(pre_candidate) = &mut self.role else { return };
        if !pre_candidate.tally.grant(from) {
            return;
        }
        let membership = self.membership_history.latest();
        let tally = &pre_candidate.tally;
        let (votes, result) = (tally.votes(), tally.result(membership));
        let majority = votes_needed(membership);
        self.trace(&Event::PreVoteCounted { from, votes, majority });
        match result {
            VoteResult::Pending => {}
            VoteResult::Won => self.become_candidate(Candidacy::Timeout),
        }
    }
}
