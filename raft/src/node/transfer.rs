//! Leadership transfer (dissertation §3.10): the leader rejects proposals, brings the target up to
//! date, and sends it TimeoutNow. Pre-votes and live leaders, which block other elections, do not
//! block this one: its vote requests carry its reason.
//!
//! A transfer may fail: then the leader continues after an election timeout. A TimeoutNow may still
//! arrive after that, so a leader that sent one in its term has no lease.

use super::Node;
use crate::message::{Candidacy, Envelope, Message};
use crate::role::{Leader, LeadershipTransfer, Role};
use crate::trace::Event;
use crate::types::{Instant, PeerId};

/// A rejected transfer; it had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// This peer is not the leader.
    #[error("not the leader")]
    NotLeader {
        /// The leader, if known.
        leader: Option<PeerId>,
    },
    /// The target is this peer.
    #[error("peer {to} is already the leader")]
    AlreadyLeader {
        /// This peer.
        to: PeerId,
    },
    /// Only a voter can lead.
    #[error("peer {to} is not a voter of this cluster")]
    NotAVoter {
        /// The peer named.
        to: PeerId,
    },
    /// Another transfer is in progress.
    #[error("a transfer to peer {to} is already in progress")]
    InProgress {
        /// Its target.
        to: PeerId,
    },
}

impl Node {
    /// Starts a transfer of leadership to another voter. Until it is done, or an election timeout
    /// has passed, [`Node::propose`] fails with
    /// [`TransferInProgress`](crate::ProposeError::TransferInProgress); this peer then follows, or
    /// remains leader. A second call for the same peer has no effect.
    ///
    /// # Errors
    /// The reason it is not started; no effect.
    pub fn transfer_leadership(&mut self, now: Instant, to: PeerId) -> Result<(), TransferError> {
        self.advance_clock(now);
        let Role::Leader(leader) = &self.role else {
            return Err(TransferError::NotLeader { leader: self.leader() });
        };
        if to == self.id() {
            return Err(TransferError::AlreadyLeader { to });
        }
        if !self.membership().is_voter(to) {
            return Err(TransferError::NotAVoter { to });
        }
        match leader.transfer {
            Some(transfer) if transfer.to == to => return Ok(()),
            Some(LeadershipTransfer { to, .. }) => return Err(TransferError::InProgress { to }),
            None => {}
        }
        let deadline = self.now.after(self.election_timeout);
        if let Role::Leader(leader) = &mut self.role {
            leader.transfer = Some(LeadershipTransfer { to, deadline });
        }
        self.trace(&Event::TransferStarted { to });
        self.assert_consistent();
        Ok(())
    }

    /// The target of the transfer in progress.
    #[must_use]
    pub fn transfer_target(&self) -> Option<PeerId> {
        match &self.role {
            Role::Leader(leader) => leader.transfer.map(|transfer| transfer.to),
            Role::Follower(_) | Role::PreCandidate(_) | Role::Candidate(_) => None,
        }
    }

    /// Sends TimeoutNow to the target once it has the whole log, and again with every heartbeat:
    /// the message may be lost.
    pub(super) fn send_timeout_now(&mut self) {
        let (now, last) = (self.now, self.log.last().index);
        let again = self.config.settings().heartbeat_interval;
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(LeadershipTransfer { to, .. }) = leader.transfer else { return };
        let has_all = leader.followers.get(&to).is_some_and(|it| it.match_index == last);
        if has_all && leader.timeout_now_sent_at.is_none_or(|at| now >= at.after(again)) {
            leader.timeout_now_sent_at = Some(now);
            leader.reads.revoke_lease();
            self.outbox.send(self.header(to), Message::TimeoutNow);
        }
    }

    /// Aborts a transfer whose target has not taken over in time.
    pub(super) fn check_transfer_timeout(&mut self) {
        let now = self.now;
        if let Role::Leader(leader) = &mut self.role
            && let Some(LeadershipTransfer { to, .. }) =
                leader.transfer.take_if(|transfer| transfer.deadline <= now)
        {
            self.trace(&Event::TransferAborted { to });
        }
    }

    /// Starts an election on request of the leader of this peer's term.
    pub(super) fn on_timeout_now(&mut self, envelope: &Envelope) {
        let follows = matches!(self.role, Role::Follower(_) | Role::PreCandidate(_));
        let may_stand = self.may_vote() && !self.terms_exhausted();
        if follows && may_stand && self.membership().is_voter(self.id()) {
            self.trace(&Event::TimeoutNowReceived { by: envelope.from });
            self.become_candidate(Candidacy::Transfer);
        }
    }
}

impl Leader {
    /// Returns whether this leader sent no TimeoutNow in its term, so that peers with contact to it
    /// elect no other (dissertation §6.4.1).
    #[must_use]
    pub const fn sent_no_timeout_now(&self) -> bool {
        self.timeout_now_sent_at.is_none()
    }
}
