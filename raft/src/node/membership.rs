//! Which configuration a node goes by, and how the leader changes it by joint consensus (paper §6).
//!
//! ```text
//! change_membership ─► C_old,new in the log ─► committed by both ─► C_new in the log ─► committed
//!                      (in force at once)                           (in force at once)
//! ```
//!
//! A change of learners alone has no joint step: the quorums stay what they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Node;
use crate::entry::{Payload, Snapshot};
use crate::membership_change::{ChangeError, MembershipChange};
use crate::membership_history::Configurations;
use crate::output::Output;
use crate::progress::{Flow, Progress};
use crate::role::{Leader, Role};
use crate::trace::{Event, Farewell};
use crate::types::{EntryId, Index, Instant, PeerId};

impl Node {
    /// Begins a change of members, and returns the entry of its first step. In force at once on
    /// this peer, it goes on by itself, under this leader or a later one, until no change is
    /// [under way](Node::change_under_way); like any entry, its first step may still be lost to
    /// another leader, and then nothing has changed.
    ///
    /// Whoever is to become a voter is a learner first, so that the cluster does not wait for
    /// entries that a voter lacks (thesis §4.2.1). A leader that is no voter afterwards leads until
    /// the change is committed, without counting itself (paper §6).
    ///
    /// # Errors
    /// Why it is not begun now; nothing happened.
    pub fn change_membership(
        &mut self,
        now: Instant,
        change: MembershipChange,
    ) -> Result<EntryId, ChangeError> {
        self.it_is(now);
        let Role::Leader(leader) = &self.role else {
            return Err(ChangeError::NotLeader { leader: self.leader() });
        };
        if let Some(to) = self.successor() {
            return Err(ChangeError::TransferInProgress { to });
        }
        if let Some(since) = self.change_under_way() {
            return Err(ChangeError::UnderWay { since });
        }
        if !self.has_committed_in_term() {
            return Err(ChangeError::TermNotCommitted);
        }
        let membership = self.membership();
        let target = membership.changed(change)?;
        for peer in target.voters().difference(membership.voters()) {
            self.check_caught_up(leader, *peer)?;
        }
        let step = membership.towards(target);
        let id = self.append_own(Payload::Membership(Arc::new(step)));
        self.assert_consistent();
        Ok(id)
    }

    /// The index from which on the [membership](Node::membership) is in force: that of its entry,
    /// or of the snapshot it came with; zero for the first one of all.
    #[must_use]
    pub fn membership_index(&self) -> Index {
        self.configurations.latest_index()
    }

    /// The entry of the newest step of a change that is not done yet: it is not committed, or a
    /// joint configuration, which another step follows.
    #[must_use]
    pub fn change_under_way(&self) -> Option<Index> {
        let since = self.configurations.latest_index();
        (since > self.commit_index || self.membership().is_joint()).then_some(since)
    }

    /// A learner is made a voter only if it answers and lacks few entries.
    fn check_caught_up(&self, leader: &Leader, peer: PeerId) -> Result<(), ChangeError> {
        let Some(progress) = leader.followers.get(&peer) else {
            return Err(ChangeError::NotALearner { peer });
        };
        let missing = self.log.last().index.since(progress.match_index);
        let allowed = self.config.settings().promotion_lag_max;
        if missing > allowed {
            return Err(ChangeError::NotCaughtUp { peer, missing, allowed });
        }
        let silent =
            self.now.since(progress.heard_at) >= self.config.settings().election_timeout_min;
        match progress.flow {
            Flow::Replicate(_) if !silent => Ok(()),
            Flow::Replicate(_) | Flow::Probe(_) | Flow::Snapshot(_) => {
                Err(ChangeError::Silent { peer })
            }
        }
    }

    /// Another configuration is in force: entries came or went, or a snapshot took their place.
    pub(super) fn use_latest_configuration(&mut self) {
        self.tell_configuration();
        self.refresh_reach();
        self.plan_quorum_check();
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
            let followers = std::mem::take(&mut leader.followers);
            let (stay, gone): (BTreeMap<_, _>, _) =
                followers.into_iter().partition(|(peer, _)| reach.contains_key(peer));
            leader.followers = stay;
            for peer in reach.keys().filter(|peer| **peer != own) {
                leader.followers.entry(*peer).or_insert_with(|| Progress::new(last, now));
            }
            self.take_leave_of(gone);
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
            self.leave_office();
        }
    }

    /// A leader that is no voter any more tells everybody so and follows (paper §6).
    fn leave_office(&mut self) {
        if let Role::Leader(leader) = &self.role {
            let all = leader.followers.clone();
            self.take_leave_of(all);
            self.step_down(Farewell::Removed);
        }
    }
}
