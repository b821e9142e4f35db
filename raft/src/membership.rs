//! Members of a cluster: the paper's configuration (§6).
//!
//! Invariants: no voter of the new configuration is a learner in it; addresses are those of
//! members. A peer that leaves the voters and stays as a learner is both during the change: it
//! votes through the outgoing configuration. Majorities are computed in [`crate::quorum`].
//!
//! A member may have its store recorded: only what that store promises counts. A returning member lost
//! its store: it is a learner under its new one, and as an outgoing voter it counts as crashed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::identity::{ClusterId, Incarnation};
use crate::types::PeerId;

/// A member's address: text for the transport; the core never looks inside.
pub type Address = Arc<str>;

/// The members of a cluster and their roles in it.
///
/// ```
/// use raft::{Membership, PeerId};
/// let [a, b, c] = [1, 2, 3].map(PeerId::new);
/// let membership = Membership::of_voters([a, b]).with_learner(c).with_address(c, "host:1");
/// assert!(membership.is_voter(a) && !membership.is_voter(c));
/// assert_eq!(membership.members(), [a, b, c].into());
/// assert_eq!(membership.to_string(), "voters 1 2, learners 3");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Membership {
    voters: BTreeSet<PeerId>,
    outgoing: Option<BTreeSet<PeerId>>,
    learners: BTreeSet<PeerId>,
    addresses: BTreeMap<PeerId, Address>,
    stores: BTreeMap<PeerId, Incarnation>,
    /// Learners that were voters under a store that is lost.
    returning: BTreeSet<PeerId>,
    cluster: Option<ClusterId>,
}

impl Membership {
    /// A cluster of these voters alone.
    #[must_use]
    pub fn of_voters(voters: impl IntoIterator<Item = PeerId>) -> Self {
        Self { voters: voters.into_iter().collect(), ..Self::default() }
    }

    /// The members from their parts, as decoded.
    ///
    /// # Errors
    /// The parts contradict each other.
    pub fn new(
        voters: BTreeSet<PeerId>,
        outgoing: Option<BTreeSet<PeerId>>,
        learners: BTreeSet<PeerId>,
        addresses: BTreeMap<PeerId, Address>,
    ) -> Result<Self, BrokenMembership> {
        let is_empty = voters.is_empty() && learners.is_empty() && addresses.is_empty();
        if is_empty && outgoing.is_none() {
            return Ok(Self::default());
        }
        Self { voters, outgoing, learners, addresses, ..Self::default() }.validated()
    }

    /// Itself, if it has a voter and no contradiction.
    pub(crate) fn validated(self) -> Result<Self, BrokenMembership> {
        if self.voters.is_empty() || self.outgoing.as_ref().is_some_and(BTreeSet::is_empty) {
            return Err(BrokenMembership::NoVoters);
        }
        if let Some(peer) = self.voters.intersection(&self.learners).next() {
            return Err(BrokenMembership::BothVoterAndLearner { peer: *peer });
        }
        if let Some(peer) = self.addresses.keys().find(|peer| !self.contains(**peer)) {
            return Err(BrokenMembership::AddressOfNonMember { peer: *peer });
        }
        let recorded = self.stores.keys().find(|peer| !self.contains(**peer));
        match recorded.or_else(|| self.returning.difference(&self.learners).next()) {
            Some(peer) => Err(BrokenMembership::RecordOfNonMember { peer: *peer }),
            None => Ok(self),
        }
    }

    /// Adds records, as decoded.
    pub(crate) fn with_records(
        mut self,
        cluster: Option<ClusterId>,
        stores: BTreeMap<PeerId, Incarnation>,
        returning: BTreeSet<PeerId>,
    ) -> Result<Self, BrokenMembership> {
        (self.cluster, self.stores, self.returning) = (cluster, stores, returning);
        self.validated()
    }

    /// Adds a voter, which may have been a learner.
    #[must_use]
    pub fn with_voter(mut self, peer: PeerId) -> Self {
        self.learners.remove(&peer);
        self.returning.remove(&peer);
        self.voters.insert(peer);
        self
    }

    /// Makes a voter a learner; no effect on other peers.
    #[must_use]
    pub(crate) fn with_demoted(mut self, peer: PeerId) -> Self {
        if self.voters.remove(&peer) {
            self.learners.insert(peer);
        }
        self
    }

    /// Removes a member.
    #[must_use]
    pub fn without(mut self, peer: PeerId) -> Self {
        self.voters.remove(&peer);
        self.learners.remove(&peer);
        self.retain_members();
        self
    }

    /// Records a member's store; no effect on other peers.
    #[must_use]
    pub fn with_store(mut self, peer: PeerId, store: Incarnation) -> Self {
        if self.contains(peer) {
            self.stores.insert(peer, store);
        }
        self
    }

    /// Makes a member that lost its store a learner with another one; if it was a voter, it is one
    /// again once it has caught up.
    #[must_use]
    pub(crate) fn with_lost_store(mut self, peer: PeerId, store: Incarnation) -> Self {
        if self.voters.remove(&peer) {
            self.learners.insert(peer);
            self.returning.insert(peer);
        }
        self.with_store(peer, store)
    }

    /// Sets the cluster's id.
    #[must_use]
    pub fn with_cluster(mut self, cluster: Option<ClusterId>) -> Self {
        self.cluster = cluster;
        self
    }

    /// The same members and addresses, without what is recorded of their stores and cluster.
    #[must_use]
    pub fn without_records(&self) -> Self {
        let (stores, returning) = (BTreeMap::new(), BTreeSet::new());
        Self { stores, returning, cluster: None, ..self.clone() }
    }

    /// Takes over what `current` has recorded of these members and their cluster.
    #[must_use]
    pub(crate) fn with_records_of(mut self, current: &Self) -> Self {
        self.stores.clone_from(&current.stores);
        self.returning.clone_from(&current.returning);
        self.cluster = current.cluster;
        self.retain_members();
        self
    }

    /// Adds a learner: it receives all entries, and does not vote. No effect on a voter.
    #[must_use]
    pub fn with_learner(mut self, peer: PeerId) -> Self {
        if !self.voters.contains(&peer) {
            self.learners.insert(peer);
        }
        self
    }

    /// Sets a member's address; no effect on other peers.
    #[must_use]
    pub fn with_address(mut self, peer: PeerId, address: impl Into<Address>) -> Self {
        if self.contains(peer) {
            self.addresses.insert(peer, address.into());
        }
        self
    }

    /// The configuration between this one and `target` (paper §6 `C_old,new`): both decide, and the
    /// members of both are members. If the voters stay the same, no joint step is needed, and it is
    /// the target itself.
    #[must_use]
    pub fn enter_joint(&self, target: Self) -> Self {
        if self.voters == target.voters {
            return target;
        }
        let mut joint = Self { outgoing: Some(self.voters.clone()), ..target };
        for (peer, address) in &self.addresses {
            if joint.contains(*peer) {
                joint.addresses.entry(*peer).or_insert_with(|| Arc::clone(address));
            }
        }
        for (peer, store) in &self.stores {
            if joint.contains(*peer) {
                joint.stores.entry(*peer).or_insert(*store);
            }
        }
        joint
    }

    /// The new configuration of a joint one (paper §6 `C_new`).
    #[must_use]
    pub fn leave_joint(&self) -> Self {
        let mut after = Self { outgoing: None, ..self.clone() };
        after.retain_members();
        after
    }

    /// Drops what is known of peers that are not members.
    fn retain_members(&mut self) {
        let members = self.members();
        self.addresses.retain(|peer, _| members.contains(peer));
        self.stores.retain(|peer, _| members.contains(peer));
        self.returning.retain(|peer| self.learners.contains(peer));
    }

    /// The voters; during a change, those of the new configuration (paper §6 `C_new`).
    #[inline]
    #[must_use]
    pub const fn voters(&self) -> &BTreeSet<PeerId> {
        &self.voters
    }

    /// The voters of the old configuration during a change (paper §6 `C_old`).
    #[inline]
    #[must_use]
    pub const fn outgoing(&self) -> Option<&BTreeSet<PeerId>> {
        self.outgoing.as_ref()
    }

    /// The members that receive all entries and do not vote (dissertation §4.2.1).
    #[inline]
    #[must_use]
    pub const fn learners(&self) -> &BTreeSet<PeerId> {
        &self.learners
    }

    /// The known addresses.
    #[inline]
    #[must_use]
    pub const fn addresses(&self) -> &BTreeMap<PeerId, Address> {
        &self.addresses
    }

    /// The recorded stores.
    #[inline]
    #[must_use]
    pub const fn stores(&self) -> &BTreeMap<PeerId, Incarnation> {
        &self.stores
    }

    /// The recorded store of a member.
    #[must_use]
    pub fn store_of(&self, peer: PeerId) -> Option<Incarnation> {
        self.stores.get(&peer).copied()
    }

    /// The learners that lost the store under which they were voters, and become voters again once
    /// they have caught up.
    #[must_use]
    pub const fn returning(&self) -> &BTreeSet<PeerId> {
        &self.returning
    }

    /// The cluster's id, if it has one yet.
    #[must_use]
    pub const fn cluster(&self) -> Option<ClusterId> {
        self.cluster
    }

    /// Returns whether this is a joint configuration (paper §6 `C_old,new`).
    #[inline]
    #[must_use]
    pub const fn is_joint(&self) -> bool {
        self.outgoing.is_some()
    }

    /// Returns whether there is no member: the state of a peer that joins a running cluster.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all_voters().next().is_none() && self.learners.is_empty()
    }

    /// Returns whether this peer has a vote, in either configuration.
    #[must_use]
    pub fn is_voter(&self, peer: PeerId) -> bool {
        let outgoing = self.outgoing.as_ref().is_some_and(|old| old.contains(&peer));
        self.voters.contains(&peer) || (outgoing && !self.returning.contains(&peer))
    }

    /// Returns whether this peer is a voter or a learner.
    #[must_use]
    pub fn contains(&self, peer: PeerId) -> bool {
        let outgoing = self.outgoing.as_ref().is_some_and(|old| old.contains(&peer));
        self.voters.contains(&peer) || outgoing || self.learners.contains(&peer)
    }

    /// All voters, of both configurations, in order.
    pub fn all_voters(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.voters.union(self.outgoing.as_ref().unwrap_or(&NO_PEERS)).copied()
    }

    /// All voters and learners, in order.
    #[must_use]
    pub fn members(&self) -> BTreeSet<PeerId> {
        self.all_voters().chain(self.learners.iter().copied()).collect()
    }
}

/// Members that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrokenMembership {
    /// Members without a voter: no decision is possible.
    #[error("no voter; a cluster needs at least one")]
    NoVoters,
    /// A peer with two roles in one configuration.
    #[error("peer {peer} cannot be a voter and a learner")]
    BothVoterAndLearner {
        /// The peer.
        peer: PeerId,
    },
    /// A record of a peer that is not a member, or of a returning one that is not a learner.
    #[error("peer {peer} has a recorded store and is not a member")]
    RecordOfNonMember {
        /// The peer.
        peer: PeerId,
    },
    /// An address of a peer that is not a member.
    #[error("peer {peer} has an address and is not a member")]
    AddressOfNonMember {
        /// The peer.
        peer: PeerId,
    },
}

static NO_PEERS: BTreeSet<PeerId> = BTreeSet::new();

impl fmt::Display for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no members");
        }
        f.write_str("voters")?;
        list(f, &self.voters)?;
        if let Some(outgoing) = &self.outgoing {
            f.write_str(", outgoing")?;
            list(f, outgoing)?;
        }
        if !self.learners.is_empty() {
            f.write_str(", learners")?;
            list(f, &self.learners)?;
        }
        if !self.returning.is_empty() {
            f.write_str(", returning")?;
            list(f, &self.returning)?;
        }
        Ok(())
    }
}

fn list(f: &mut fmt::Formatter<'_>, peers: &BTreeSet<PeerId>) -> fmt::Result {
    peers.iter().try_for_each(|peer| write!(f, " {peer}"))
}
