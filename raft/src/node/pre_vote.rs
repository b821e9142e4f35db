//! Pre-votes: who asks before it stands, and who answers what (dissertation §9.6).
//!
//! Invariant: nothing here changes a term or a vote or writes anything; what is asked and answered
//! binds nobody.

use super::Node;
use crate::config::PreVote;
use crate::message::{Candidacy, Envelope, Message, RequestPreVote, RequestPreVoteReply, Vote};
use crate::quorum::{Tally, VoteResult, votes_needed};
use crate::role::{PreCandidate, Role};
use crate::trace::{Event, VoteRejectReason};
use crate::types::PeerId;

impl Node {
    /// The election timer has fired: asks around, or stands at once.
    pub(super) fn start_election(&mut self) {
        self.trace(&Event::ElectionTimeout);
        match self.config.settings().pre_vote {
            PreVote::On => self.start_pre_vote(),
            PreVote::Off => self.become_candidate(Candidacy::Timeout),
        }
    }

    /// Asks all other voters. Like a vote's request, the question leaves when everything written
    /// so far is durable: a peer that cannot write could not vote for itself either.
    fn start_pre_vote(&mut self) {
        self.draw_election_timeout();
        let election_deadline = self.now.after(self.election_timeout);
        let tally = Tally::default();
        self.set_role(Role::PreCandidate(PreCandidate { tally, election_deadline }));
        let request = RequestPreVote { last_log: self.log.last() };
        self.ask_voters(&Message::RequestPreVote(request));
        self.count_pre_vote(self.id());
    }

    /// Answers a peer that would stand in the term after the message's, which is not behind this
    /// peer's own.
    pub(super) fn on_request_pre_vote(&mut self, envelope: &Envelope, request: RequestPreVote) {
        let (to, id) = (envelope.from, envelope.id);
        let vote = match self.pre_vote_refusal(request) {
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

    /// Whom a peer voted for does not matter: the vote asked for is one in a later term.
    fn pre_vote_refusal(&self, request: RequestPreVote) -> Option<VoteRejectReason> {
        if self.has_live_leader() {
            return Some(VoteRejectReason::HasLiveLeader);
        }
        (request.last_log < self.log.last()).then_some(VoteRejectReason::LogBehind)
    }

    pub(super) fn on_request_pre_vote_reply(&mut self, from: PeerId, reply: RequestPreVoteReply) {
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
