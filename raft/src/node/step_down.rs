//! A leader gives up by itself, within its term: what it appended stays, and its vote too.

use super::Node;
use crate::role::Role;
use crate::trace::{Event, StepDownReason};
use crate::types::Instant;

impl Node {
    /// Gives up leadership; in any other role nothing happens. The peer follows in its term and
    /// waits a whole election timeout before it stands again, so that the others are first. For a
    /// driver whose disk is stuck or failing: a leader that cannot write still hears and is heard,
    /// and would hold the group for ever.
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
