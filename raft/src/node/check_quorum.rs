//! Check-quorum and leader stickiness: peers with a live leader ignore vote requests, and a leader
//! without contact to a quorum steps down (dissertation §4.2.3, §6.2).
//!
//! The first stops a peer that was cut off from deposing a working leader, and lets a leader assume
//! that no other peer is elected for a while after a quorum answered it. The second makes the first
//! safe: no leader without a quorum is kept for ever.

use super::Node;
use crate::config::CheckQuorum;
use crate::message::{Candidacy, Envelope, Message};
use crate::role::{Leader, Role};
use crate::trace::{Event, StepDownReason, VoteRejectReason};
use crate::types::{Instant, PeerId};

impl Node {
    /// Returns whether this peer had contact with a leader within the shortest election timeout, or
    /// is a leader that had contact with a quorum within it. No other peer's election timer can
    /// have fired rightly yet.
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

    /// Returns whether a message is a vote request to ignore, its term included, because there is a
    /// live leader. Requests of a leadership transfer are not ignored.
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

    /// Notes an answer of a follower in this leader's term.
    pub(super) fn on_follower_contact(&mut self, follower: PeerId) {
        let now = self.now;
        if let Role::Leader(leader) = &mut self.role
            && let Some(progress) = leader.followers.get_mut(&follower)
        {
            progress.last_contact = now;
        }
    }

    /// The time of a new leader's first quorum check.
    pub(super) fn first_quorum_check(&self) -> Option<Instant> {
        match self.config.settings().check_quorum {
            CheckQuorum::On => Some(self.now.after(self.election_timeout)),
            CheckQuorum::Off => None,
        }
    }

    /// Steps down after an election timeout without contact with a quorum.
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

    /// Moves the quorum check for another configuration in force.
    pub(super) fn plan_quorum_check(&mut self) {
        let Role::Leader(leader) = &self.role else { return };
        let due = self.last_quorum_contact(leader).after(self.election_timeout);
        if let Role::Leader(leader) = &mut self.role
            && leader.quorum_check_due.is_some()
        {
            leader.quorum_check_due = Some(due);
        }
    }

    /// The latest time since which a quorum had contact; the leader itself has contact now.
    fn last_quorum_contact(&self, leader: &Leader) -> Instant {
        self.reached_by_quorum(leader, self.now, |progress| progress.last_contact)
    }
}
