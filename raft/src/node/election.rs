//! Elections: terms, votes and roles (paper §5.1, §5.2, §5.4.1).

use std::sync::Arc;

use super::Node;
use crate::config::FirstEntry;
use crate::early_appends::EarlyAppends;
use crate::entry::Payload;
use crate::message::{Candidacy, Envelope, Message, RequestVote, Vote};
use crate::output::HardState;
use crate::progress::Progress;
use crate::quorum::{Tally, VoteResult, votes_needed};
use crate::read_index::{FollowerReads, LeaderReads};
use crate::role::{Candidate, Follower, Leader, Role};
use crate::trace::{Event, VoteRejectReason};
use crate::types::{PeerId, Term};

impl Node {
    /// Starts an election: a new term, a vote for itself, a request to all other voters. The
    /// requests are sent and the own vote counts when the vote is durable.
    pub(super) fn become_candidate(&mut self, candidacy: Candidacy) {
        let from = self.hard_state.current_term;
        self.set_hard_state(HardState { current_term: from.next(), voted_for: Some(self.id()) });
        self.trace(&Event::TermChanged { from });
        self.last_leader_contact = None;
        self.draw_election_timeout();
        let election_deadline = self.now.after(self.election_timeout);
        self.set_role(Role::Candidate(Candidate { tally: Tally::default(), election_deadline }));
        let request = RequestVote { last_log: self.log.last(), candidacy };
        self.send_to_voters(&Message::RequestVote(request));
    }

    /// Sends a request to all other voters, once everything written so far is durable.
    pub(super) fn send_to_voters(&mut self, request: &Message) {
        let own = self.id();
        let membership = Arc::clone(self.membership());
        for peer in membership.all_voters().filter(|peer| *peer != own) {
            self.reply(peer, request.clone());
        }
    }

    /// Becomes a follower in a higher term (§5.1). Only a leader needs a new timer: a mere vote
    /// request must not delay other elections.
    pub(super) fn adopt_term(&mut self, term: Term) {
        let from = self.hard_state.current_term;
        debug_assert!(term > from, "following term {term} from term {from}");
        self.set_hard_state(HardState { current_term: term, voted_for: None });
        self.trace(&Event::TermChanged { from });
        if self.terms_exhausted() {
            self.trace(&Event::TermsExhausted);
        }
        self.draw_election_timeout();
        self.become_follower(None);
    }

    /// Follows within the current term; the vote of this term stays as it is.
    pub(super) fn become_follower(&mut self, leader: Option<PeerId>) {
        let fresh = self.now.after(self.election_timeout);
        let election_deadline = self.role.election_deadline().unwrap_or(fresh);
        let reads = FollowerReads::default();
        let early = EarlyAppends::default();
        let follower = Follower { leader, election_deadline, incoming: None, early, reads };
        self.set_role(Role::Follower(follower));
        self.outbox.drop_held_requests();
    }

    /// Notes contact with the leader of the current term: follows it and resets the timer.
    pub(super) fn on_leader_contact(&mut self, leader: PeerId) {
        if self.leader() != Some(leader) {
            self.become_follower(Some(leader));
            self.trace(&Event::LeaderFound { leader });
        }
        self.last_leader_contact = Some(self.now);
        self.reset_election_timer();
    }

    fn reset_election_timer(&mut self) {
        if let Role::Follower(follower) = &mut self.role {
            let deadline = self.now.after(self.election_timeout);
            follower.election_deadline = deadline;
            self.trace(&Event::TimerReset { deadline });
        }
    }

    /// Answers a candidate of the current term (Figure 2, RequestVote receiver).
    pub(super) fn on_request_vote(&mut self, envelope: &Envelope, request: RequestVote) {
        let (to, id) = (envelope.from, envelope.id);
        let vote = match self.vote_reject_reason(envelope, request) {
            Some(reason) => {
                self.trace(&Event::VoteRejected { to, request: id, reason });
                Vote::Rejected
            }
            None => {
                self.set_hard_state(HardState { voted_for: Some(to), ..self.hard_state });
                self.voted_store = envelope.store.map(|stamp| stamp.incarnation);
                self.trace(&Event::VoteGranted { to, request: id });
                if matches!(self.role, Role::PreCandidate(_)) {
                    self.become_follower(None);
                }
                self.reset_election_timer();
                Vote::Granted
            }
        };
        self.reply(to, Message::RequestVoteReply(vote));
    }

    fn vote_reject_reason(
        &self,
        envelope: &Envelope,
        request: RequestVote,
    ) -> Option<VoteRejectReason> {
        if !self.may_vote() {
            return Some(VoteRejectReason::NewStore);
        }
        // The same id with another store is another candidate. A restart forgets the store, and then
        // a vote is not repeated.
        let candidate = (envelope.from, envelope.store.map(|stamp| stamp.incarnation));
        let voted_for = self.hard_state.voted_for.map(|peer| (peer, self.voted_store));
        if voted_for.is_some_and(|voted_for| voted_for != candidate) {
            return Some(VoteRejectReason::AlreadyVoted);
        }
        (request.last_log < self.log.last()).then_some(VoteRejectReason::LogBehind)
    }

    pub(super) fn on_request_vote_reply(&mut self, envelope: &Envelope, vote: Vote) {
        if !self.is_member_store(envelope) {
            return self.ignore_other_store(envelope);
        }
        match vote {
            Vote::Granted => self.count_vote(envelope.from),
            Vote::Rejected => {}
        }
    }

    /// Counts a candidate's vote for itself, once it is durable.
    pub(super) fn count_own_vote(&mut self) {
        if self.writes.durable() == self.writes.issued() && self.counts_itself() {
            self.count_vote(self.id());
        }
    }

    fn count_vote(&mut self, from: PeerId) {
        let Role::Candidate(candidate) = &mut self.role else { return };
        if !candidate.tally.grant(from) {
            return;
        }
        let membership = self.membership_history.latest();
        let (votes, result) = (candidate.tally.votes(), candidate.tally.result(membership));
        let majority = votes_needed(membership);
        self.trace(&Event::VoteCounted { from, votes, majority });
        match result {
            VoteResult::Pending => {}
            VoteResult::Won => self.become_leader(),
        }
    }

    /// Becomes leader. Heartbeats are due at once.
    fn become_leader(&mut self) {
        let last = self.log.last().index;
        let progress = |peer| (peer, Progress::new(last, self.now));
        let own = self.id();
        let others = self.address_book.keys().copied().filter(|peer| *peer != own);
        let followers = others.map(progress).collect();
        let quorum_check_due = self.first_quorum_check();
        let reads = LeaderReads::new(self.config.settings().lease());
        let leader = Leader {
            followers,
            commit_notice_due: None,
            quorum_check_due,
            transfer: None,
            timeout_now_sent_at: None,
            uncommitted_bytes: self.log.memory_bytes_of(self.commit_index, last),
            reads,
        };
        self.set_role(Role::Leader(leader));
        // A change in progress continues once an entry of this term is committed.
        let changes = self.change_under_way().is_some();
        if self.config.settings().first_entry == FirstEntry::NoOp || changes {
            self.append_own(Payload::NoOp);
        }
    }

    fn set_hard_state(&mut self, hard_state: HardState) {
        if hard_state != self.hard_state {
            self.hard_state = hard_state;
            self.writes.hard_state(hard_state);
        }
    }

    pub(super) fn set_role(&mut self, role: Role) {
        let old = std::mem::replace(&mut self.role, role);
        let from = old.name();
        if self.role.name() != from {
            self.trace(&Event::RoleChanged { from });
        }
        self.drop_reads_of(old);
    }
}
