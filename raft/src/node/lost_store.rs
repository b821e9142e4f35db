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
use crate::role::{Leader, Role};
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

    /// Returns whether a vote comes from the store that the configuration means. A new store may vote
    /// since an entry records it, but for a candidate without such an entry it counts as little as for a
    /// leader: other members may know an earlier store of that peer, which voted in this term.
    pub(super) fn is_member_store(&self, envelope: &Envelope) -> bool {
        let recorded = self.membership().store_of(envelope.from);
        let is_first = self.membership_index() == Index::ZERO;
        match (recorded, envelope.store) {
            (Some(recorded), Some(stamp)) => {
                recorded == stamp.incarnation
                    && (!is_first || stamp.standing == Standing::Confirmed)
            }
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
        if self.is_unconfirmed(envelope) {
            self.trace(&Event::Rejected { envelope, reason: RejectReason::UnconfirmedStore });
            return false;
        }
        let Role::Leader(leader) = &mut self.role else { return true };
        let Some(progress) = leader.followers.get_mut(&of) else { return true };
        let expected = recorded.or_else(|| progress.store.map(|stamp| stamp.incarnation));
        let counts = match (expected, found) {
            (None, None) => true,
            (None, Some(stamp)) => stamp.standing == Standing::Confirmed || !is_voter,
            (Some(expected), Some(stamp)) => expected == stamp.incarnation,
            (Some(_), None) => false,
        };
        if !counts {
            self.on_other_store(of, expected, found);
            self.ignore_other_store(envelope);
            return false;
        }
        progress.store = found;
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

    /// Returns whether a message comes from a voter whose store this peer has recorded in the formation
    /// of the cluster, and another member has not: that one is away, or it knows an earlier store, which
    /// may have voted.
    fn is_unconfirmed(&self, envelope: &Envelope) -> bool {
        let new = envelope.store.filter(|stamp| stamp.standing == Standing::New);
        let Some(StoreStamp { incarnation, .. }) = new else { return false };
        let (of, membership) = (envelope.from, self.membership());
        let named = self.membership_index() > Index::ZERO && membership.store_of(of).is_some();
        let own_record = self.identity.as_ref().and_then(|it| it.known.get(&of));
        membership.is_voter(of) && !named && own_record == Some(&incarnation)
    }

    /// Handles another member's refusal of an unconfirmed store, which its peer passes on: the other
    /// member knows an earlier one, whose data is lost.
    pub(super) fn on_forwarded_refusal(&mut self, envelope: &Envelope, known: Option<Incarnation>) {
        if self.is_unconfirmed(envelope) {
            self.on_other_store(envelope.from, known, envelope.store);
        }
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
        let standing = found.map(|stamp| stamp.standing);
        self.note_loss(of, Loss { kind, standing, seen_at: self.now }, expected);
        if let Some(StoreStamp { incarnation, standing: Standing::New }) = found {
            self.reseed(of, incarnation);
        }
    }

    fn note_loss(&mut self, of: PeerId, loss: Loss, expected: Option<Incarnation>) {
        let kind = loss.kind;
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.followers.get_mut(&of) else { return };
        let before = progress.loss.replace(loss);
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
                let (store, standing) =
                    progress.store.map(|it| (it.incarnation, it.standing)).unzip();
                progress.lost_data();
                let loss = Loss { kind: LossKind::RolledBack, standing, seen_at: now };
                self.note_loss(of, loss, store);
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
        if self.may_change_members() && self.may_reseed(peer) {
            let membership = self.membership();
            let target = Membership::clone(membership).with_lost_store(peer, store);
            let step = membership.enter_joint(target);
            self.append_own(Payload::Membership(Arc::new(step)));
        }
    }

    fn may_reseed(&self, peer: PeerId) -> bool {
        let Role::Leader(leader) = &self.role else { return false };
        let membership = self.membership();
        let others = membership.voters().iter().filter(|voter| **voter != peer).count();
        let lost = leader.followers.get(&peer).is_some_and(|progress| !progress.counts());
        self.config.settings().lost_store == LostStore::Reseed
            && others >= votes_needed(membership)
            && (lost || self.is_silent(peer))
    }

    /// Returns whether a voter is about to be re-seeded: its next answer brings that about.
    fn has_voter_to_reseed(&self, leader: &Leader) -> bool {
        let is_next = |(peer, progress): (&PeerId, &Progress)| {
            self.answers_from_new_store(progress)
                && self.membership().is_voter(*peer)
                && self.may_reseed(*peer)
        };
        leader.followers.iter().any(is_next)
    }

    /// Returns whether a follower that lost its data has answered lately, from a store to re-seed.
    fn answers_from_new_store(&self, progress: &Progress) -> bool {
        let Some(loss) = progress.loss else { return false };
        let seen_at = match loss.kind {
            LossKind::OtherStore { .. } if loss.standing == Some(Standing::New) => loss.seen_at,
            // Its answers are no further signs of the loss.
            LossKind::RolledBack if progress.store.is_some() => progress.last_contact,
            LossKind::OtherStore { .. } | LossKind::RolledBack => return false,
        };
        self.now < seen_at.after(self.config.settings().election_timeout_max)
    }

    /// Makes a returning member a voter again once it has caught up. A lost voter is made a learner
    /// first: with one voter more, more of the others would be needed.
    pub(super) fn promote_returning(&mut self) {
        let membership = self.membership();
        if membership.returning().is_empty() || !self.may_change_members() {
            return;
        }
        let Role::Leader(leader) = &self.role else { return };
        if self.has_voter_to_reseed(leader) {
            return;
        }
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
