//! Membership changes, from the request to the commit of the last step.

use super::CoreTask;
use super::request::{MembershipRequest, PendingChange};
use crate::driver::error::{MembershipError, UnknownReason};
use crate::driver::machine::Machine;

impl<M: Machine> CoreTask<M> {
    pub(super) fn on_change_membership(
        &mut self,
        MembershipRequest { change, reply }: MembershipRequest,
    ) {
        if let Some(waited) = self.disk_stuck_for() {
            return reply.send(Err(MembershipError::DiskStuck(waited)));
        }
        match self.node.change_membership(self.now, change) {
            Ok(first) => self.change = Some(PendingChange { first, reply }),
            Err(error) => reply.send(Err(MembershipError::Rejected(error))),
        }
    }

    /// Answers the caller once its change is done or can no longer be observed.
    pub(super) fn answer_membership_change(&mut self) {
        let Some(PendingChange { first, .. }) = &self.change else { return };
        let (first, status) = (*first, self.node.status());
        let ours = self.node.log().term_at(first.index) == Some(first.term);
        let leads = self.led_term == Some(first.term) && self.led_term == self.leading_term();
        let done = self.node.change_under_way().is_none() && status.commit_index >= first.index;
        let answer = match (done && (ours || leads), leads) {
            (true, _) => Ok(()),
            (false, true) => return,
            (false, false) => Err(MembershipError::OutcomeUnknown(UnknownReason::LeadershipLost)),
        };
        if let Some(PendingChange { reply, .. }) = self.change.take() {
            reply.send(answer);
        }
    }
}
