//! Handing leadership over (dissertation §3.10): the leader takes no more proposals, brings its successor
//! up to date, and asks it to stand at once. What keeps other candidates away, pre-votes and peers
//! that keep to their leader, does not keep this one: its requests say what it stands for.
//!
//! It may fail: then the leader goes on after an election timeout. A message that asks to stand may
//! still arrive after that, so a leader that sent one in its term can no longer trust that nobody is
//! elected without its knowing.

use super::Node;
use crate::message::{Candidacy, Envelope, Message};
use crate::role::{Leader, LeadershipTransfer, Role};
use crate::trace::Event;
use crate::types::{Instant, PeerId};

/// Leadership is not handed over; nothing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// This peer does not lead.
    #[error("this peer does not lead")]
    NotLeader {
        /// Who leads, as far as this peer knows.
        leader: Option<PeerId>,
    },
    /// This peer is to be its own successor.
    #[error("peer {to} leads already")]
    AlreadyLeader {
        /// This peer.
        to: PeerId,
    },
    /// Only a voter can lead.
    #[error("peer {to} is no voter of this cluster")]
    NotAVoter {
        /// The peer named.
        to: PeerId,
    },
    /// Leadership is on its way to another peer.
    #[error("leadership is on its way to peer {to} already")]
    InProgress {
        /// That peer.
        to: PeerId,
    },
}

impl Node {
    /// Hands leadership over to another voter. Until it is there, or an election timeout has passed,
    /// [`Node::propose`] refuses with
    /// [`TransferInProgress`](crate::ProposeError::TransferInProgress); this peer then follows, or
    /// leads on. A second call for the same peer changes nothing.
    ///
    /// # Errors
    /// Why it does not begin; nothing happened.
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

    /// The peer to which leadership is on its way.
    #[must_use]
    pub fn transfer_target(&self) -> Option<PeerId> {
        match &self.role {
            Role::Leader(leader) => leader.transfer.map(|transfer| transfer.to),
            Role::Follower(_) | Role::PreCandidate(_) | Role::Candidate(_) => None,
        }
    }

    /// Asks the successor to stand once it has the whole log, and again with every heartbeat: the
    /// message may be lost.
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

    /// Leads on if the successor has not taken over in time.
    pub(super) fn check_transfer_timeout(&mut self) {
        let now = self.now;
        if let Role::Leader(leader) = &mut self.role
            && let Some(LeadershipTransfer { to, .. }) =
                leader.transfer.take_if(|transfer| transfer.deadline <= now)
        {
            self.trace(&Event::TransferAborted { to });
        }
    }

    /// The leader of this peer's term wants this peer to lead.
    pub(super) fn on_timeout_now(&mut self, envelope: &Envelope) {
        let follows = matches!(self.role, Role::Follower(_) | Role::PreCandidate(_));
        if follows && self.membership().is_voter(self.id()) {
            self.trace(&Event::TimeoutNowReceived { by: envelope.from });
            self.become_candidate(Candidacy::Transfer);
        }
    }
}

impl Leader {
    /// Whether this leader has asked nobody to stand in its term, so that whoever keeps to it
    /// elects nobody else (dissertation §6.4.1).
    #[must_use]
    pub const fn sent_no_timeout_now(&self) -> bool {
        self.timeout_now_sent_at.is_none()
    }
}
