//! Members that lost their data: recognised by the store that their answers come from, or by an
//! answer that contradicts an earlier one.
//!
//! ```text
//! answer from another store ─► counts for nothing ─► reported ─► learner with the new store
//!                                                     (option)    ─► caught up ─► voter
//! ```
//!
//! A store that the configuration does not record (its cluster was made by an earlier version, or the
//! member was added without it) is recorded by the leader, in an entry of its own.

use std::sync::Arc;

use super::Node;
use crate::config::LostStore;
use crate::entry::Payload;
use crate::identity::{ClusterId, Incarnation, Standing, StoreStamp};
use crate::membership::Membership;
use crate::message::Envelope;
use crate::progress::{Loss, LossKind, Progress, Suspicion};
use crate::quorum::votes_needed;
use crate::role::Role;
use crate::trace::{Event, RejectReason, StoreEvent};
use crate::types::{Index, PeerId, Round};

impl Node {
    /// The number of members with a sign of lost data, as this leader sees them; zero in other roles.
    #[must_use]
    pub fn members_lost(&self) -> usize {
        match &self.role {
            Role::Leader(leader) => {
                leader.followers.values().filter(|progress| progress.loss.is_some()).count()
            }
            Role::Follower(_) | Role::PreCandidate(_) | Role::Candidate(_) => 0,
        }
    }

    /// Returns whether the configuration means this peer's own store, and not another one under the
    /// same id.
    pub(super) fn counts_itself(&self) -> bool {
        let own = self.identity.as_ref().map(|identity| identity.incarnation);
        self.membership().store_of(self.id()).is_none_or(|recorded| own == Some(recorded))
    }

    /// Returns whether a vote comes from the store that the configuration means.
    pub(super) fn is_member_store(&self, envelope: &Envelope) -> bool {
        let recorded = self.membership().store_of(envelope.from);
        match (recorded, envelope.store) {
            (Some(recorded), Some(stamp)) => recorded == stamp.incarnation,
            (Some(_), None) => false,
            (None, Some(stamp)) => stamp.standing == Standing::Confirmed,
            (None, None) => true,
        }
    }

    pub(super) fn ignore_other_store(&mut self, envelope: &Envelope) {
        self.trace(&Event::Rejected { envelope, reason: RejectReason::OtherStore });
    }

    /// Returns whether a follower's answer comes from the store that counts for it, and notes it.
    pub(super) fn accept_store(&mut self, envelope: &Envelope) -> bool {
        let (of, found) = (envelope.from, envelope.store);
        let membership = self.membership_history.latest();
        let (recorded, is_voter) = (membership.store_of(of), membership.is_voter(of));
        let is_first = self.membership_history.latest_index() == Index::ZERO;
        let Role::Leader(leader) = &mut self.role else { return true };
        let Some(progress) = leader.followers.get_mut(&of) else { return true };
        let expected = recorded.or_else(|| progress.store.map(|stamp| stamp.incarnation));
        let forming = is_first && is_voter && found.is_some_and(|it| it.standing == Standing::New);
        let counts = match (expected, found) {
            (None, None) => true,
            (None, Some(stamp)) => stamp.standing == Standing::Confirmed || !is_voter,
            (Some(expected), Some(stamp)) => expected == stamp.incarnation && !forming,
            (Some(_), None) => false,
        };
        if !counts {
            let known = found.map(|stamp| stamp.incarnation);
            if forming && known == expected {
                self.on_unconfirmed_store(envelope);
            } else {
                self.on_other_store(of, expected, found);
                self.ignore_other_store(envelope);
            }
            return false;
        }
        (progress.store, progress.unconfirmed_since) = (found, None);
        let forget_after = self.config.settings().election_timeout_max;
        progress.loss.take_if(|loss| {
            loss.kind != LossKind::RolledBack && loss.seen_at.after(forget_after) <= self.now
        });
        let rolled_back = !progress.counts();
        if recorded.is_none() && found.is_some() {
            self.record_stores();
        }
        if let Some(stamp) = found.filter(|_| rolled_back) {
            self.reseed(of, stamp.incarnation);
        }
        true
    }

    /// Ignores an answer from a store that this leader has recorded itself, and another member has
    /// not: that one may know an earlier store of the same peer, which may have voted. It is taken for
    /// the next one after a loss if it shows no confirmation for an election timeout.
    fn on_unconfirmed_store(&mut self, envelope: &Envelope) {
        let (from, now) = (envelope.from, self.now);
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.followers.get_mut(&from) else { return };
        let since = *progress.unconfirmed_since.get_or_insert(now);
        if since.after(self.config.settings().election_timeout_max) <= now {
            self.on_other_store(from, None, envelope.store);
        }
        self.trace(&Event::Rejected { envelope, reason: RejectReason::UnconfirmedStore });
    }

    /// Returns whether no answer of a follower has counted for an election timeout.
    fn is_silent(&self, peer: PeerId) -> bool {
        let Role::Leader(leader) = &self.role else { return false };
        let timeout = self.config.settings().election_timeout_max;
        leader.followers.get(&peer).is_some_and(|it| it.last_contact.after(timeout) <= self.now)
    }

    /// Reports an answer of a member from another store than the one that counts.
    fn on_other_store(
        &mut self,
        of: PeerId,
        expected: Option<Incarnation>,
        found: Option<StoreStamp>,
    ) {
        let kind = LossKind::OtherStore { found: found.map(|stamp| stamp.incarnation) };
        self.note_loss(of, kind, expected);
        if let Some(StoreStamp { incarnation, standing: Standing::New }) = found {
            self.reseed(of, incarnation);
        }
    }

    fn note_loss(&mut self, of: PeerId, kind: LossKind, expected: Option<Incarnation>) {
        let seen_at = self.now;
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.followers.get_mut(&of) else { return };
        let before = progress.loss.replace(Loss { kind, seen_at });
        if before.is_none_or(|before| before.kind != kind) {
            self.trace(&Event::Store(StoreEvent::Lost { of, expected, kind }));
        }
    }

    /// Handles a rejection at or below the index that the follower has acknowledged. It may be late,
    /// so the next round decides: a message of a new round is sent after the acknowledgement came in,
    /// and no store that kept its data rejects it there.
    pub(super) fn on_impossible_rejection(&mut self, of: PeerId, at: Index, round: Round) {
        let now = self.now;
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.followers.get_mut(&of) else { return };
        match progress.suspicion {
            Some(suspicion) if round >= suspicion.since && at <= suspicion.match_index => {
                let store = progress.store.map(|stamp| stamp.incarnation);
                progress.lost_data();
                self.note_loss(of, LossKind::RolledBack, store);
            }
            Some(_) => {}
            None => {
                let match_index = progress.match_index;
                let since = leader.reads.start_round(now);
                progress.suspicion = Some(Suspicion { since, match_index });
            }
        }
    }

    /// Notes an acceptance of this round: the rejection before it was late.
    pub(super) fn clear_suspicion(&mut self, of: PeerId, round: Round) {
        if let Role::Leader(leader) = &mut self.role
            && let Some(progress) = leader.followers.get_mut(&of)
        {
            progress.suspicion.take_if(|suspicion| round >= suspicion.since);
        }
    }

    /// Makes a member that lost its data a learner under its new store. It is in no quorum from then
    /// on, also not among the outgoing voters, so the others must be a quorum by themselves. The lost
    /// store must have been silent: it may as well be another process with the same id.
    fn reseed(&mut self, peer: PeerId, store: Incarnation) {
        let membership = self.membership();
        let others = membership.voters().iter().filter(|voter| **voter != peer).count();
        let Role::Leader(leader) = &self.role else { return };
        let Some(progress) = leader.followers.get(&peer) else { return };
        let lost = self.is_silent(peer) || !progress.counts();
        let allowed = self.config.settings().lost_store == LostStore::Reseed
            && self.may_change_members()
            && others >= votes_needed(membership)
            && lost;
        if allowed {
            let target = Membership::clone(membership).with_lost_store(peer, store);
            let step = membership.enter_joint(target);
            self.append_own(Payload::Membership(Arc::new(step)));
        }
    }

    /// Makes a returning member a voter again once it has caught up.
    pub(super) fn promote_returning(&mut self) {
        let membership = self.membership();
        if membership.returning().is_empty() || !self.may_change_members() {
            return;
        }
        let Role::Leader(leader) = &self.role else { return };
        let ready = |peer: &&PeerId| self.check_caught_up(leader, **peer).is_ok();
        if let Some(peer) = membership.returning().iter().find(ready) {
            let step = membership.enter_joint(Membership::clone(membership).with_voter(*peer));
            self.append_own(Payload::Membership(Arc::new(step)));
        }
    }

    /// Records stores of members that the configuration lacks, once those of all voters are known: a
    /// voter of an earlier version, which has none to show, could not read the entry.
    fn record_stores(&mut self) {
        if !self.may_change_members() {
            return;
        }
        let (membership, own) = (self.membership(), self.id());
        let Some(incarnation) = self.identity.as_ref().map(|it| it.incarnation) else { return };
        let Role::Leader(leader) = &self.role else { return };
        let known = |peer: PeerId| match leader.followers.get(&peer) {
            Some(progress) => progress.store.map(|stamp| stamp.incarnation),
            None => Some(incarnation).filter(|_| peer == own),
        };
        let unrecorded = |peer: &PeerId| membership.store_of(*peer).is_none();
        let mut target = Membership::clone(membership);
        for peer in membership.members().into_iter().filter(unrecorded) {
            match known(peer) {
                Some(store) => target = target.with_store(peer, store),
                None if membership.is_voter(peer) => return,
                None => {}
            }
        }
        let cluster = membership.cluster().unwrap_or(ClusterId::new(incarnation.number()));
        let target = target.with_cluster(Some(cluster));
        self.append_own(Payload::Membership(Arc::new(target)));
    }

    /// Returns whether this peer may start a change of members by itself now.
    fn may_change_members(&self) -> bool {
        matches!(self.role, Role::Leader(_))
            && self.transfer_target().is_none()
            && self.change_under_way().is_none()
            && self.has_committed_in_term()
    }

    /// Starts anew with followers that another store now counts for.
    pub(super) fn restart_replaced(&mut self) {
        let (now, last) = (self.now, self.log.last().index);
        let membership = self.membership_history.latest();
        let Role::Leader(leader) = &mut self.role else { return };
        for (peer, progress) in &mut leader.followers {
            let recorded = membership.store_of(*peer);
            let other =
                progress.store.is_some_and(|it| recorded.is_some_and(|r| r != it.incarnation));
            let returns = progress.loss.is_some() && membership.returning().contains(peer);
            if other || returns {
                let round_sent = progress.round_sent;
                *progress = Progress { round_sent, ..Progress::new(last, now) };
            }
        }
    }
}
