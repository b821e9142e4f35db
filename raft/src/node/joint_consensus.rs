//! Membership changes by joint consensus (paper §6), on a leader and on its followers.
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
use crate::membership_history::MembershipHistory;
use crate::output::Output;
use crate::progress::{Flow, Progress};
use crate::role::{Leader, Role};
use crate::trace::{Event, StepDownReason};
use crate::types::{EntryId, Index, Instant, PeerId};

impl Node {
    /// Starts a change of members, and returns the entry of its first step. The entry is in force
    /// at once on this peer, and the change continues by itself, under this leader or a later one,
    /// until no change is [in progress](Node::change_under_way); like any entry, its first step may
    /// still be lost to another leader, and then there is no change.
    ///
    /// A new voter must be a learner first, so that the cluster does not wait for entries that a
    /// voter lacks (dissertation §4.2.1). A leader that is not a voter afterwards leads until the
    /// change is committed, without counting itself (paper §6).
    ///
    /// # Errors
    /// The reason it is not started; no effect.
    pub fn change_membership(
        &mut self,
        now: Instant,
        change: MembershipChange,
    ) -> Result<EntryId, ChangeError> {
        self.advance_clock(now);
        let Role::Leader(leader) = &self.role else {
            return Err(ChangeError::NotLeader { leader: self.leader() });
        };
        if let Some(to) = self.transfer_target() {
            return Err(ChangeError::TransferInProgress { to });
        }
        if let Some(since) = self.change_under_way() {
            return Err(ChangeError::InProgress { since });
        }
        if !self.has_committed_in_term() {
            return Err(ChangeError::TermNotCommitted);
        }
        let membership = self.membership();
        let target = membership.changed(change)?;
        for peer in target.voters().difference(membership.voters()) {
            self.check_caught_up(leader, *peer)?;
        }
        let step = membership.enter_joint(target);
        let id = self.append_own(Payload::Membership(Arc::new(step)));
        self.assert_consistent();
        Ok(id)
    }

    /// The index from which on the [membership](Node::membership) is in force: that of its entry,
    /// or of the snapshot it came with; zero for the first one of all.
    #[must_use]
    pub fn membership_index(&self) -> Index {
        self.membership_history.latest_index()
    }

    /// The entry of the newest step of a change in progress: it is not committed, or a joint
    /// configuration, which another step follows.
    #[must_use]
    pub fn change_under_way(&self) -> Option<Index> {
        let since = self.membership_history.latest_index();
        (since > self.commit_index || self.membership().is_joint()).then_some(since)
    }

    /// Checks that a learner answers, lacks few entries, and has stored the one that made it a member:
    /// a voter without it might not vote.
    pub(super) fn check_caught_up(&self, leader: &Leader, peer: PeerId) -> Result<(), ChangeError> {
        let Some(progress) = leader.followers.get(&peer) else {
            return Err(ChangeError::NotALearner { peer });
        };
        let admitted = self.identity.is_none() || self.is_recorded(peer, progress);
        if !admitted {
            return Err(ChangeError::NotAdmitted { peer });
        }
        let missing = self.log.last().index.since(progress.match_index);
        let allowed = self.config.settings().promotion_lag_max;
        if missing > allowed {
            return Err(ChangeError::NotCaughtUp { peer, missing, allowed });
        }
        let silent =
            self.now.since(progress.last_contact) >= self.config.settings().election_timeout_min;
        match progress.flow {
            Flow::Replicate(_) if !silent => Ok(()),
            Flow::Replicate(_) | Flow::Probe(_) | Flow::Snapshot(_) => {
                Err(ChangeError::Unresponsive { peer })
            }
        }
    }

    /// Returns whether a learner that shows a store has its record, durably.
    fn is_recorded(&self, peer: PeerId, progress: &Progress) -> bool {
        let recorded = self.membership().store_of(peer).is_some() || progress.store.is_none();
        recorded && progress.match_index >= self.membership_index()
    }

    /// Handles a change of the configuration in force: entries were appended or deleted.
    pub(super) fn on_membership_changed(&mut self) {
        self.trace_membership();
        self.update_address_book();
        self.restart_replaced();
        self.plan_quorum_check();
        self.confirm_rounds();
    }

    /// Puts the configuration of a leader's snapshot into force.
    pub(super) fn adopt_membership_of(&mut self, snapshot: &Snapshot) {
        let differs = *self.membership_history.latest() != snapshot.membership;
        self.membership_history =
            MembershipHistory::new(snapshot.index(), Arc::clone(&snapshot.membership));
        if differs {
            self.trace_membership();
        }
        self.update_address_book();
    }

    pub(super) fn trace_membership(&mut self) {
        let (index, membership) =
            (self.membership_history.latest_index(), Arc::clone(self.membership_history.latest()));
        self.trace(&Event::MembershipChanged { index, membership: &membership });
    }

    /// Updates the peers this one sends requests to, and reports a change.
    fn update_address_book(&mut self) {
        let address_book = self.membership_history.address_book(self.commit_index);
        if address_book == self.address_book {
            return;
        }
        let (own, now, last) = (self.id(), self.now, self.log.last().index);
        if let Role::Leader(leader) = &mut self.role {
            let followers = std::mem::take(&mut leader.followers);
            let (stay, gone): (BTreeMap<_, _>, _) =
                followers.into_iter().partition(|(peer, _)| address_book.contains_key(peer));
            leader.followers = stay;
            for peer in address_book.keys().filter(|peer| **peer != own) {
                leader.followers.entry(*peer).or_insert_with(|| Progress::new(last, now));
            }
            self.send_final_commit(gone);
        }
        self.address_book = address_book.clone();
        self.outbox.push(Output::Peers(address_book));
    }

    /// Drops configurations that a newly committed one replaces from the address book;
    /// `commit_index` rose from `from`.
    pub(super) fn prune_address_book(&mut self, from: Index) {
        if self.membership_history.changed_after(from) {
            self.update_address_book();
        }
    }

    /// Takes the next step of a change whose last one is committed: from the joint configuration to
    /// the new one, and out of leadership if the new one does not have this peer as a voter.
    pub(super) fn continue_change(&mut self) {
        if self.membership_history.latest_index() > self.commit_index {
            return;
        }
        let membership = self.membership();
        if membership.is_joint() {
            let new = membership.leave_joint();
            self.append_own(Payload::Membership(Arc::new(new)));
        } else if !membership.is_voter(self.id()) {
            self.step_down_removed();
        }
    }

    /// Tells all followers the final commit index and steps down (paper §6).
    fn step_down_removed(&mut self) {
        if let Role::Leader(leader) = &self.role {
            let all = leader.followers.clone();
            self.send_final_commit(all);
            self.step_down(StepDownReason::Removed);
        }
    }
}
