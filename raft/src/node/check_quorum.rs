//! Who hears from whom: peers keep to a leader they hear from, and a leader that hears from no
//! quorum gives up (dissertation §4.2.3, §6.2).
//!
//! The first keeps a peer that was cut off from deposing a leader that serves everybody else, and
//! lets a leader trust that nobody is elected for a while after a quorum answered it. The second
//! is what makes the first safe to have: nobody keeps to a leader for ever that gets nothing done.

use super::Node;
use crate::config::CheckQuorum;
use crate::message::{Candidacy, Envelope, Message};
use crate::role::{Leader, Role};
use crate::trace::{Event, StepDownReason, VoteRejectReason};
use crate::types::{Instant, PeerId};

impl Node {
    /// Whether this peer has heard from a leader within the shortest election timeout, or is one
    /// that has heard from a quorum within it. No other peer's election timer can have fired
    /// rightly yet.
    pub(super) fn has_live_leader(&self) -> bool {
        let last_contact = match &self.role {
            Role::Leader(leader) => Some(self.last_quorum_contact(leader)),
            Role::Follower(_) | Role::PreCandidate(_) | Role::Candidate(_) => {
                self.last_leader_contact
            }
        };
        let within = self.config.settings().election_timeout_min;
        last_contact.is_some_and(|last_contact| self.now < last_contact.after(within))
    }

    /// Whether a message is a request for a vote that this peer leaves alone, its term too, because
    /// there is a leader. One that stands for a leader that wants it to is not among them.
    pub(super) fn must_ignore(&self, message: &Message) -> bool {
        let Message::RequestVote(request) = message else { return false };
        match (self.config.settings().check_quorum, request.candidacy) {
            (CheckQuorum::On, Candidacy::Timeout) => self.has_live_leader(),
            (CheckQuorum::On, Candidacy::Transfer) | (CheckQuorum::Off, _) => false,
        }
    }

    pub(super) fn ignore_vote_request(&mut self, envelope: &Envelope) {
        let (to, request) = (envelope.from, envelope.id);
        self.trace(&Event::VoteRejected { to, request, reason: VoteRejectReason::HasLiveLeader });
    }

    /// A follower has answered in this leader's term.
    pub(super) fn on_follower_contact(&mut self, follower: PeerId) {
        let now = self.now;
        if let Role::Leader(leader) = &mut self.role
            && let Some(progress) = leader.followers.get_mut(&follower)
        {
            progress.last_contact = now;
        }
    }

    /// When a new leader first looks whether it hears from a quorum.
    pub(super) fn first_quorum_check(&self) -> Option<Instant> {
        match self.config.settings().check_quorum {
            CheckQuorum::On => Some(self.now.after(self.election_timeout)),
            CheckQuorum::Off => None,
        }
    }

    /// Gives up leadership if no quorum was heard for an election timeout.
    pub(super) fn check_quorum(&mut self) {
        let Role::Leader(leader) = &self.role else { return };
        if leader.quorum_check_due.is_none_or(|due| self.now < due) {
            return;
        }
        let due = self.last_quorum_contact(leader).after(self.election_timeout);
        if due <= self.now {
            return self.step_down(StepDownReason::NoQuorum);
        }
        if let Role::Leader(leader) = &mut self.role {
            leader.quorum_check_due = Some(due);
        }
    }

    /// Another configuration is in force, and another quorum must be heard.
    pub(super) fn plan_quorum_check(&mut self) {
        let Role::Leader(leader) = &self.role else { return };
        let due = self.last_quorum_contact(leader).after(self.election_timeout);
        if let Role::Leader(leader) = &mut self.role
            && leader.quorum_check_due.is_some()
        {
            leader.quorum_check_due = Some(due);
        }
    }

    /// The latest moment since which a quorum was heard, the leader itself counted as heard now.
    fn last_quorum_contact(&self, leader: &Leader) -> Instant {
        self.reached_by_quorum(leader, self.now, |progress| progress.last_contact)
    }
}
