//! Changes of members, from the call to the commit of the last step, and of the leader.

use super::call::Reply;
use super::core_task::CoreTask;
use super::error::{MemberError, MoveError, Unknown};
use super::machine::StateMachine;
use crate::change::MembershipChange;
use crate::types::{EntryId, PeerId, Term};

/// A caller's wish.
pub(super) struct ChangeCall {
    pub(super) change: MembershipChange,
    pub(super) reply: Reply<(), MemberError>,
}

/// A caller's wish to have another leader.
pub(super) struct TransferCall {
    pub(super) to: PeerId,
    pub(super) reply: Reply<(), MoveError>,
}

/// A change that has begun.
pub(super) struct PendingChange {
    /// The entry of its first step.
    first: EntryId,
    reply: Reply<(), MemberError>,
}

impl<M: StateMachine> CoreTask<M> {
    pub(super) fn on_change(&mut self, ChangeCall { change, reply }: ChangeCall) {
        if let Some(waited) = self.stuck() {
            return reply.send(Err(MemberError::DiskStuck(waited)));
        }
        match self.node.change_membership(self.now, change) {
            Ok(first) => self.change = Some(PendingChange { first, reply }),
            Err(error) => reply.send(Err(MemberError::Refused(error))),
        }
    }

    /// Answers the caller once its change is done, or can no longer be followed.
    pub(super) fn settle_change(&mut self) {
        let Some(PendingChange { first, .. }) = &self.change else { return };
        let (first, status) = (*first, self.node.status());
        let ours = self.node.log().term_at(first.index) == Some(first.term);
        let leads = self.led == Some(first.term) && self.led == self.leads();
        let done = self.node.change_under_way().is_none() && status.commit_index >= first.index;
        let answer = match (done && (ours || leads), leads) {
            (true, _) => Ok(()),
            (false, true) => return,
            (false, false) => Err(MemberError::OutcomeUnknown(Unknown::LeadershipLost)),
        };
        if let Some(PendingChange { reply, .. }) = self.change.take() {
            reply.send(answer);
        }
    }

    /// Hands leadership over; the status tells whether it arrived.
    pub(super) fn on_transfer(&mut self, TransferCall { to, reply }: TransferCall) {
        if let Some(waited) = self.stuck() {
            return reply.send(Err(MoveError::DiskStuck(waited)));
        }
        reply.send(self.node.transfer_leadership(self.now, to).map_err(MoveError::Refused));
    }

    /// The term that this peer leads.
    pub(super) fn leads(&self) -> Option<Term> {
        let status = self.node.status();
        (status.role == crate::RoleName::Leader).then_some(status.current_term)
    }
}
