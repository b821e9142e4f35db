//! Removal of this peer, as others know it: a peer that was away when it was removed is in no address
//! book any more, so no log reaches it.
//!
//! A member that has committed a later configuration without this peer says so when the peer connects
//! to it. The peer then starts no elections: its log lacks a committed entry, so it could win none. A
//! configuration after that one, if the peer is added again, ends this state.

use std::sync::Arc;

use super::Node;
use crate::cluster_view::{ClusterView, OwnPlace, StatedIdentity};
use crate::identity::Standing;
use crate::membership::Membership;
use crate::role::Role;
use crate::trace::{Event, StepDownReason};
use crate::types::{EntryId, Index, Instant, PeerId};

impl Node {
    /// Notes a member's statement that this peer was removed: the member has committed a configuration
    /// without it, at `committed`. No effect if the peer's own configuration is as new, or the sender
    /// is no member of it.
    pub fn note_removal(&mut self, now: Instant, by: PeerId, committed: EntryId) {
        self.advance_clock(now);
        let is_member = self.address_book.contains_key(&self.id());
        let is_known = self.removed_at.is_some_and(|known| known >= committed);
        let is_news = is_member && committed > self.newest_configuration() && !is_known;
        if is_news && by != self.id() && self.address_book.contains_key(&by) {
            self.removed_at = Some(committed);
            self.trace(&Event::Removed { by, configuration: committed });
            match self.role {
                Role::Leader(_) => self.step_down(StepDownReason::Removed),
                Role::PreCandidate(_) | Role::Candidate(_) => self.become_follower(None),
                Role::Follower(_) => {}
            }
        }
        self.assert_consistent();
    }

    /// Returns whether this peer was a member and is known not to be one any more.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        let was_told = self.removed_at.is_some_and(|at| at > self.newest_configuration());
        !self.membership().is_empty() && (was_told || !self.address_book.contains_key(&self.id()))
    }

    /// The index of the newest committed configuration, or of its snapshot; zero for the first one.
    #[must_use]
    pub fn committed_membership_index(&self) -> Index {
        self.membership_history.index_at(self.commit_index)
    }

    /// This peer's identity, and what it knows of others: for the handshakes of a network.
    #[must_use]
    pub fn cluster_view(&self) -> ClusterView {
        let membership = self.membership();
        let place = if membership.is_empty() {
            OwnPlace::Joining
        } else if self.address_book.contains_key(&self.id()) {
            OwnPlace::Member
        } else {
            OwnPlace::Removed
        };
        let newest = membership.cluster().filter(|_| self.has_agreed_cluster());
        let own = StatedIdentity {
            cluster: newest,
            store: self.identity.as_ref().map(|identity| identity.incarnation),
            place,
            configuration: self.newest_configuration(),
            committed: self.configuration_at(self.committed_membership_index()),
        };
        let mut view = ClusterView {
            own,
            address: membership.addresses().get(&self.id()).cloned(),
            clusters: newest.into_iter().collect(),
            members: self.address_book.keys().copied().collect(),
            configurations: self.configurations_in_force(),
            ..ClusterView::default()
        };
        for (peer, store) in self.identity.iter().flat_map(|identity| &identity.known) {
            view.stores.insert(*peer, vec![*store]);
        }
        for configuration in self.membership_history.all() {
            view.clusters.extend(configuration.cluster().filter(|_| newest.is_some()));
            for (peer, store) in configuration.stores() {
                let stores = view.stores.entry(*peer).or_default();
                stores.retain(|known| known != store);
                stores.push(*store);
            }
        }
        view
    }

    /// The last committed configuration and all after it, unless an earlier store of this peer may have had
    /// later ones.
    fn configurations_in_force(&self) -> Vec<Arc<Membership>> {
        if self.votes_later() {
            return Vec::new();
        }
        self.membership_history.since(self.commit_index).map(Arc::clone).collect()
    }

    /// Returns whether the id of the cluster is not only this peer's opinion: a store that was lost
    /// while the cluster formed may be its source.
    fn has_agreed_cluster(&self) -> bool {
        let identity = self.identity.as_ref();
        self.membership_index() > Index::ZERO
            || identity.is_some_and(|it| it.standing == Standing::Confirmed)
    }

    fn newest_configuration(&self) -> EntryId {
        self.configuration_at(self.membership_index())
    }

    /// The entry of the configuration at an index; if it is compacted, the snapshot's end, where it was
    /// in force as well.
    fn configuration_at(&self, index: Index) -> EntryId {
        match self.log.term_at(index) {
            Some(term) if index > self.snapshot_index() => EntryId::new(term, index),
            Some(_) | None => self.snapshot.as_ref().map_or(EntryId::ZERO, |it| it.last_included),
        }
    }
}
