//! View of the cluster for a network's handshakes: a peer's statement about itself, and the peers that
//! it accepts.
//!
//! Another peer is rejected on knowledge alone, never for its absence: a peer may be behind, and the
//! other one a member that was added since. Of two logs, the one that ends later contains all that is
//! committed in the other one (Figure 3, Leader Completeness and Log Matching), so the newest
//! configuration entries of both sides decide who knows more.
//!
//! A peer may state what it likes. It is refuted by members: a committed configuration is in the logs of
//! a quorum of the one before it (paper §6), so there is none after those known here if a quorum has
//! none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::identity::{ClusterId, Incarnation};
use crate::membership::{Address, Membership};
use crate::quorum::is_quorum;
use crate::types::{EntryId, Index, PeerId};

/// The place of a peer in its own configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OwnPlace {
    /// It has no members yet: it joins a running cluster.
    #[default]
    Joining,
    /// It is a member of a configuration that may be in force.
    Member,
    /// A committed configuration lacks it.
    Removed,
}

/// A peer's statement about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatedIdentity {
    /// Its cluster, once it knows the id.
    pub cluster: Option<ClusterId>,
    /// Its store; `None` without [`Config::incarnation`](crate::Config).
    pub store: Option<Incarnation>,
    /// Its place.
    pub place: OwnPlace,
    /// The entry of its newest configuration, or the end of the snapshot that holds it.
    pub configuration: EntryId,
    /// The same of its newest committed one.
    pub committed: EntryId,
}

impl Default for StatedIdentity {
    fn default() -> Self {
        let (configuration, committed) = (EntryId::ZERO, EntryId::ZERO);
        Self { cluster: None, store: None, place: OwnPlace::Joining, configuration, committed }
    }
}

/// A peer's own identity, and what it knows of others. The default one knows nothing and accepts all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterView {
    /// The peer's statement about itself.
    pub own: StatedIdentity,
    /// Its address, for others to connect to.
    pub address: Option<Address>,
    /// All ids that its cluster has in its log: members may have recorded different ones while it
    /// formed.
    pub clusters: BTreeSet<ClusterId>,
    /// The members of the last committed configuration and all after it.
    pub members: BTreeSet<PeerId>,
    /// The last committed configuration and all after it; none if this peer's own store may not count.
    pub configurations: Vec<Arc<Membership>>,
    /// The stores recorded for each other peer, the one that counts last.
    pub stores: BTreeMap<PeerId, Vec<Incarnation>>,
}

/// Reason for which a peer is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAccepted {
    /// It belongs to another cluster.
    OtherCluster {
        /// Its cluster.
        theirs: ClusterId,
        /// The cluster of this peer.
        ours: ClusterId,
    },
    /// It is not a member, and none of the members that this peer does not know yet.
    NotAMember {
        /// Its place, as it states it.
        place: OwnPlace,
        /// The committed configuration without it.
        committed: EntryId,
    },
}

/// Meaning of a [`NotAccepted::NotAMember`] for the peer itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnRejection {
    /// It waits until it is added.
    NotAdded,
    /// It was removed by a configuration that its log lacks, or knows it.
    Removed,
    /// The initial members that it was started with are others.
    OtherPeers,
}

impl ClusterView {
    /// Checks what another peer states.
    ///
    /// # Errors
    /// The reason for which it is not accepted.
    pub fn check(&self, peer: PeerId, stated: &StatedIdentity) -> Result<(), NotAccepted> {
        self.check_cluster(peer, stated)?;
        self.check_member(peer, stated)
    }

    /// Checks that another peer is not of another cluster.
    ///
    /// # Errors
    /// It is, by its cluster's id, and its store is not one recorded here.
    pub fn check_cluster(&self, peer: PeerId, stated: &StatedIdentity) -> Result<(), NotAccepted> {
        let (Some(theirs), Some(ours)) = (stated.cluster, self.own.cluster) else { return Ok(()) };
        let recorded = self.stores.get(&peer);
        let is_recorded = match (recorded, stated.store) {
            (Some(known), Some(store)) => known.contains(&store),
            // Just added: its answers name its store.
            (None, _) => self.members.contains(&peer),
            (Some(_), None) => false,
        };
        if self.clusters.contains(&theirs) || is_recorded {
            return Ok(());
        }
        Err(NotAccepted::OtherCluster { theirs, ours })
    }

    fn check_member(&self, peer: PeerId, stated: &StatedIdentity) -> Result<(), NotAccepted> {
        let committed = self.own.committed;
        let is_ahead = stated.place == OwnPlace::Member && stated.configuration > committed;
        if self.knows(peer) || is_ahead {
            return Ok(());
        }
        Err(NotAccepted::NotAMember { place: stated.place, committed })
    }

    /// Returns whether no question is left about a peer: it is a member, or this one knows no members.
    #[must_use]
    pub fn knows(&self, peer: PeerId) -> bool {
        self.own.place == OwnPlace::Joining || self.members.contains(&peer)
    }

    /// Returns whether no configuration after those of this view, of the peer `me` with this commit index,
    /// was committed when members stated this: a quorum of each has none. A configuration that no peer of a
    /// quorum has may still be in other logs, but is not needed for any election.
    #[must_use]
    pub fn is_newest(
        &self,
        me: PeerId,
        commit: Index,
        stated: &BTreeMap<PeerId, StatedIdentity>,
    ) -> bool {
        let has_none = |peer: PeerId| {
            peer == me || stated.get(&peer).is_some_and(|it| self.has_none_after(peer, it, commit))
        };
        let mut all = self.configurations.iter();
        !self.configurations.is_empty() && all.all(|it| is_quorum(it, has_none))
    }

    /// Returns whether the log of a member, by its statement, has no configuration that is unknown here.
    /// The statement may be the end of a snapshot: all up to the commit index is known.
    fn has_none_after(&self, peer: PeerId, stated: &StatedIdentity, commit: Index) -> bool {
        let newest = stated.configuration;
        stated.place == OwnPlace::Member
            && (self.newest_store(peer).is_none() || self.is_recorded(peer, stated.store))
            && self.check_cluster(peer, stated).is_ok()
            && (newest.index <= commit || newest == self.own.configuration)
    }

    /// Meaning of a rejection as no member, by a peer that states this.
    #[must_use]
    pub fn explain_rejection(&self, by: &StatedIdentity) -> OwnRejection {
        match self.own.place {
            OwnPlace::Joining => OwnRejection::NotAdded,
            OwnPlace::Removed => OwnRejection::Removed,
            OwnPlace::Member if by.committed > self.own.configuration => OwnRejection::Removed,
            OwnPlace::Member => OwnRejection::OtherPeers,
        }
    }

    /// Returns whether this is the store that counts for a peer.
    #[must_use]
    pub fn is_recorded(&self, peer: PeerId, store: Option<Incarnation>) -> bool {
        store.is_some() && self.newest_store(peer) == store
    }

    fn newest_store(&self, peer: PeerId) -> Option<Incarnation> {
        self.stores.get(&peer)?.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Index, Term};

    const fn peer(number: u64) -> PeerId {
        PeerId::new(number)
    }

    const fn at(term: u64, index: u64) -> EntryId {
        EntryId::new(Term::new(term), Index::new(index))
    }

    fn member(cluster: u64, store: u64, configuration: EntryId) -> StatedIdentity {
        StatedIdentity {
            cluster: Some(ClusterId::new(cluster)),
            store: Some(Incarnation::new(store)),
            place: OwnPlace::Member,
            configuration,
            committed: configuration,
        }
    }

    /// Peer 1 of cluster 7, whose members are 1, 2 and 3 since 10@2; 2 and 3 have the stores 22, 33.
    fn view() -> ClusterView {
        let stores = [(2, 22), (3, 33)];
        ClusterView {
            own: member(7, 11, at(2, 10)),
            address: None,
            clusters: [ClusterId::new(7)].into(),
            members: [1, 2, 3].map(peer).into(),
            configurations: vec![Arc::new(Membership::of_voters([1, 2, 3].map(peer)))],
            stores: stores.map(|(id, store)| (peer(id), vec![Incarnation::new(store)])).into(),
        }
    }

    #[test]
    fn another_cluster_is_known_by_its_id_unless_the_store_is_recorded() {
        let view = view();
        let check = |id, stated| view.check_cluster(peer(id), &stated);
        assert_eq!(check(2, member(7, 99, at(1, 1))), Ok(()));
        let other =
            Err(NotAccepted::OtherCluster { theirs: ClusterId::new(8), ours: ClusterId::new(7) });
        assert_eq!(check(2, member(8, 99, at(1, 1))), other);
        assert_eq!(check(9, member(8, 22, at(1, 1))), other, "the store of another peer");
        assert_eq!(
            check(2, member(8, 22, at(1, 1))),
            Ok(()),
            "recorded differently while it formed"
        );
        assert_eq!(check(2, StatedIdentity::default()), Ok(()), "it does not know its cluster yet");
        let forming = ClusterView { own: StatedIdentity::default(), ..view.clone() };
        assert_eq!(forming.check_cluster(peer(2), &member(8, 99, at(1, 1))), Ok(()));
    }

    #[test]
    fn an_unknown_peer_is_rejected_only_by_one_that_knows_more() {
        let view = view();
        let check = |id, stated| view.check(peer(id), &stated).is_ok();
        assert!(check(3, member(7, 33, EntryId::ZERO)), "a member that is behind");
        assert!(check(4, member(7, 44, at(2, 11))), "a member that was added since");
        assert!(check(4, member(7, 44, at(3, 5))), "the same, in a later term");
        assert!(!check(4, member(7, 44, at(2, 9))), "removed at 10@2");
        assert!(!check(4, member(7, 44, at(1, 500))), "its own configuration was never committed");
        assert!(!check(4, member(7, 44, at(2, 10))), "one entry has one content");
        assert!(!check(4, StatedIdentity::default()), "it joins, and is not added");
        let removed = StatedIdentity { place: OwnPlace::Removed, ..member(7, 44, at(2, 11)) };
        assert!(!check(4, removed));
        let joining = ClusterView::default();
        assert_eq!(joining.check(peer(4), &member(7, 44, at(2, 9))), Ok(()), "it knows nothing");
    }

    /// Statements of peers 2 and 3.
    fn stated(two: StatedIdentity, three: StatedIdentity) -> BTreeMap<PeerId, StatedIdentity> {
        [(peer(2), two), (peer(3), three)].into()
    }

    #[test]
    fn a_quorum_without_a_later_configuration_refutes_any_claim() {
        let (mut view, commit) = (view(), Index::new(15));
        let known = at(2, 10);
        let newer = member(7, 33, at(2, 16));
        let is_newest =
            |view: &ClusterView, two, three| view.is_newest(peer(1), commit, &stated(two, three));
        let two = member(7, 22, known);
        assert!(is_newest(&view, two, newer), "1 and 2 have none");
        assert!(is_newest(&view, member(7, 22, at(2, 15)), newer), "a snapshot within the commits");
        assert!(!is_newest(&view, member(7, 22, at(2, 16)), newer), "it has one, or may");
        assert!(!is_newest(&view, member(7, 99, known), newer), "another store");
        assert!(!is_newest(&view, member(8, 99, known), newer), "another cluster");
        let joining = StatedIdentity { store: two.store, ..StatedIdentity::default() };
        assert!(!is_newest(&view, joining, newer), "its log is lost");
        assert!(!view.is_newest(peer(1), commit, &BTreeMap::new()), "no answers");

        view.own.configuration = at(3, 17);
        let joint = Membership::of_voters([1, 2, 3].map(peer))
            .enter_joint(Membership::of_voters([1, 2, 4].map(peer)));
        view.configurations.push(Arc::new(joint));
        assert!(is_newest(&view, member(7, 22, at(3, 17)), newer), "the same, not committed yet");
        assert!(!is_newest(&view, member(7, 22, at(3, 18)), newer), "another one in its place");
        let three = member(7, 33, known);
        assert!(!is_newest(&view, newer, three), "no majority of the new voters");
        view.configurations.clear();
        assert!(!is_newest(&view, two, three), "its own store may not count");
    }

    #[test]
    fn a_rejected_peer_knows_why() {
        let by = |committed| member(7, 22, committed);
        let view = view();
        assert_eq!(view.explain_rejection(&by(at(2, 11))), OwnRejection::Removed);
        assert_eq!(view.explain_rejection(&by(at(2, 10))), OwnRejection::OtherPeers);
        assert_eq!(
            ClusterView::default().explain_rejection(&by(at(2, 11))),
            OwnRejection::NotAdded
        );
    }

    #[test]
    fn the_last_recorded_store_counts() {
        let mut view = view();
        view.stores.insert(peer(2), [22, 23].map(Incarnation::new).into());
        let counts = |store| view.is_recorded(peer(2), store);
        assert_eq!([22, 23].map(|store| counts(Some(Incarnation::new(store)))), [false, true]);
        assert!(!counts(None) && !view.is_recorded(peer(4), None));
    }
}
