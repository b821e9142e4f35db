//! Which configuration a node goes by, and how the leader changes it by joint consensus (paper §6).
//!
//! ```text
//! change_membership ─► C_old,new in the log ─► committed by both ─► C_new in the log ─► committed
//!                      (in force at once)                           (in force at once)
//! ```
//!
//! A change of learners alone has no joint step: the quorums stay what they are.

use std::sync::Arc;

use super::Node;
use crate::configurations::Configurations;
use crate::entry::{Payload, Snapshot};
use crate::output::Output;
use crate::progress::Progress;
use crate::role::Role;
use crate::trace::{Event, Farewell};
use crate::types::Index;

impl Node {
    /// Another configuration is in force: entries came or went, or a snapshot took their place.
    pub(super) fn use_latest_configuration(&mut self) {
        self.tell_configuration();
        self.refresh_reach();
    }

    /// A leader's snapshot replaces the log: its configuration is the one in force.
    pub(super) fn use_configuration_of(&mut self, snapshot: &Snapshot) {
        let differs = *self.configurations.latest() != snapshot.membership;
        self.configurations =
            Configurations::new(snapshot.index(), Arc::clone(&snapshot.membership));
        if differs {
            self.tell_configuration();
        }
        self.refresh_reach();
    }

    pub(super) fn tell_configuration(&mut self) {
        let (index, membership) =
            (self.configurations.latest_index(), Arc::clone(self.configurations.latest()));
        self.trace(&Event::Configured { index, membership: &membership });
    }

    /// Works out anew whom this peer talks with, and says so if it changed.
    fn refresh_reach(&mut self) {
        let reach = self.configurations.reach(self.commit_index);
        if reach == self.reach {
            return;
        }
        let (own, now, last) = (self.id(), self.now, self.log.last().index);
        if let Role::Leader(leader) = &mut self.role {
            leader.followers.retain(|peer, _| reach.contains_key(peer));
            for peer in reach.keys().filter(|peer| **peer != own) {
                leader.followers.entry(*peer).or_insert_with(|| Progress::new(last, now));
            }
        }
        self.reach = reach.clone();
        self.outbox.push(Output::Peers(reach));
    }

    /// `commit_index` rose from `from`: a committed configuration ends the reach of those before
    /// it.
    pub(super) fn settle_configurations(&mut self, from: Index) {
        if self.configurations.any_after(from) {
            self.refresh_reach();
        }
    }

    /// Takes the next step of a change whose last one is committed: from the joint configuration
    /// to the new one, and out of leadership if that is without this peer.
    pub(super) fn carry_on_change(&mut self) {
        if self.configurations.latest_index() > self.commit_index {
            return;
        }
        let membership = self.membership();
        if membership.is_joint() {
            let settled = membership.settled();
            self.append_own(Payload::Membership(Arc::new(settled)));
        } else if !membership.votes(self.id()) {
            self.step_down(Farewell::Removed);
        }
    }
}
