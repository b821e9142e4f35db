//! Stepping down within a term: the leader's entries stay, and so does its vote.

use super::Node;
use crate::role::Role;
use crate::trace::{Event, StepDownReason};
use crate::types::Instant;

impl Node {
    /// Steps down; no effect in any other role. The peer follows in its term and waits a whole
    /// election timeout before its next election, so that the others are first. For a driver whose
    /// disk is stuck or failing: a leader that cannot write still sends heartbeats, and would block
    /// the cluster for ever.
    pub fn resign(&mut self, now: Instant) {
        self.advance_clock(now);
        if matches!(self.role, Role::Leader(_)) {
            self.step_down(StepDownReason::Resigned);
        }
        self.assert_consistent();
    }

    pub(super) fn step_down(&mut self, reason: StepDownReason) {
        self.trace(&Event::SteppedDown { reason });
        self.become_follower(None);
    }
}
