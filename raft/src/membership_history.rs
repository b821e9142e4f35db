//! Membership configurations by log index.
//!
//! Invariants: the latest configuration in the log is in force, committed or not (paper §6); when
//! it is deleted from the log, the one before it is in force again; indexes rise. The rules of
//! changing them are those of [`Node`](crate::Node::change_membership).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::entry::{Entry, Payload};
use crate::identity::Incarnation;
use crate::membership::Membership;
use crate::output::AddressBook;
use crate::types::{Index, PeerId};

/// The configurations of one peer's log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MembershipHistory {
    /// The configuration the log starts from (the snapshot's, or the first one), with an index at
    /// which it was in force.
    base: (Index, Arc<Membership>),
    /// Those in the log, by the index of their entry.
    later: Vec<(Index, Arc<Membership>)>,
}

/// The effect of an update on the configuration in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Latest {
    Unchanged,
    Changed,
}

impl MembershipHistory {
    /// The history of a log that starts after `index`, where `base` was in force.
    pub(crate) const fn new(index: Index, base: Arc<Membership>) -> Self {
        Self { base: (index, base), later: Vec::new() }
    }

    /// Adds those of a log at the start, if they are after the base.
    pub(crate) fn restore(&mut self, memberships: Vec<(Index, Arc<Membership>)>) {
        let base = self.base.0;
        self.later.extend(memberships.into_iter().filter(|(index, _)| *index > base));
    }

    /// Adds the configurations among new entries at the end of the log.
    pub(crate) fn extend<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>) -> Latest {
        let mut latest = Latest::Unchanged;
        for entry in entries {
            if let Payload::Membership(membership) = &entry.payload {
                self.later.push((entry.id.index, Arc::clone(membership)));
                latest = Latest::Changed;
            }
        }
        latest
    }

    /// Replaces the first one, which no entry has, by one with more recorded.
    pub(crate) fn set_initial(&mut self, membership: Arc<Membership>) {
        if self.base.0 == Index::ZERO {
            self.base.1 = membership;
        }
    }

    /// Removes those of deleted entries.
    pub(crate) fn truncate(&mut self, from: Index) -> Latest {
        let kept = self.later.partition_point(|(index, _)| *index < from);
        let latest = if kept < self.later.len() { Latest::Changed } else { Latest::Unchanged };
        self.later.truncate(kept);
        latest
    }

    /// Merges those through `index` into the base of a compacted log.
    pub(crate) fn compact(&mut self, index: Index) {
        let gone = self.later.partition_point(|(entry, _)| *entry <= index);
        if let Some(base) = self.later.drain(..gone).next_back() {
            self.base = base;
        }
    }

    /// The one in force.
    #[inline]
    pub(crate) fn latest(&self) -> &Arc<Membership> {
        &self.later.last().unwrap_or(&self.base).1
    }

    /// The index of its entry, or of its snapshot; zero for the first one.
    pub(crate) fn latest_index(&self) -> Index {
        self.later.last().unwrap_or(&self.base).0
    }

    /// The one that was in force at `index`, which the log must still hold.
    pub(crate) fn at(&self, index: Index) -> &Arc<Membership> {
        let after = self.later.partition_point(|(entry, _)| *entry <= index);
        let place = after.checked_sub(1).and_then(|place| self.later.get(place));
        &place.unwrap_or(&self.base).1
    }

    /// The index of the entry of the one that was in force at `index`, or of its snapshot.
    pub(crate) fn index_at(&self, index: Index) -> Index {
        let after = self.later.partition_point(|(entry, _)| *entry <= index);
        let place = after.checked_sub(1).and_then(|place| self.later.get(place));
        place.unwrap_or(&self.base).0
    }

    /// All of them, the newest one last.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Membership>> {
        std::iter::once(&self.base).chain(&self.later).map(|(_, membership)| membership)
    }

    /// The one that a snapshot through `index` holds: the first one, which no entry has, without
    /// stores, as peers may have recorded different ones of one member.
    pub(crate) fn for_snapshot(&self, index: Index) -> Arc<Membership> {
        let membership = self.at(index);
        if self.base.0 == Index::ZERO && Arc::ptr_eq(membership, &self.base.1) {
            return Arc::new(membership.without_records().with_cluster(membership.cluster()));
        }
        Arc::clone(membership)
    }

    /// Returns whether the log has one after `index`.
    pub(crate) fn changed_after(&self, index: Index) -> bool {
        self.latest_index() > index
    }

    /// The members of the last committed configuration and all after it, any of which may be in
    /// force. Addresses are the newest.
    pub(crate) fn address_book(&self, commit_index: Index) -> AddressBook {
        let mut addresses = BTreeMap::new();
        for membership in self.since(commit_index) {
            for peer in membership.members() {
                let address = membership.addresses().get(&peer).map(Arc::clone);
                let known = addresses.entry(peer).or_insert(None);
                *known = address.or_else(|| known.take());
            }
        }
        addresses
    }

    /// Returns whether a peer with this store is a voter of the last committed configuration or one
    /// after it.
    pub(crate) fn has_voter(
        &self,
        commit_index: Index,
        peer: PeerId,
        store: Option<Incarnation>,
    ) -> bool {
        self.since(commit_index).any(|membership| {
            let recorded = membership.store_of(peer);
            membership.is_voter(peer) && recorded.is_none_or(|recorded| store == Some(recorded))
        })
    }

    /// The last committed one and all after it.
    pub(crate) fn since(&self, commit_index: Index) -> impl Iterator<Item = &Arc<Membership>> {
        let later = self.later.iter().filter(move |(index, _)| *index > commit_index);
        std::iter::once(self.at(commit_index)).chain(later.map(|(_, membership)| membership))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::ClusterId;
    use crate::types::{EntryId, Term};

    fn of(voters: &[u64]) -> Arc<Membership> {
        Arc::new(Membership::of_voters(voters.iter().copied().map(PeerId::new)))
    }

    fn entry(index: u64, voters: &[u64]) -> Entry {
        let id = EntryId::new(Term::new(1), Index::new(index));
        Entry { id, payload: Payload::Membership(of(voters)) }
    }

    fn three() -> MembershipHistory {
        let mut all = MembershipHistory::new(Index::ZERO, of(&[1]));
        assert_eq!(all.extend(&[entry(3, &[1, 2]), entry(6, &[2])]), Latest::Changed);
        all
    }

    #[test]
    fn the_latest_is_in_force_until_it_is_deleted() {
        let mut all = three();
        assert_eq!(all.truncate(Index::new(7)), Latest::Unchanged);
        assert_eq!((all.latest(), all.latest_index()), (&of(&[2]), Index::new(6)));
        assert_eq!(all.truncate(Index::new(6)), Latest::Changed);
        assert_eq!(all.latest(), &of(&[1, 2]));
        assert_eq!(all.truncate(Index::new(1)), Latest::Changed);
        assert_eq!((all.latest(), all.latest_index()), (&of(&[1]), Index::ZERO));
    }

    #[test]
    fn each_index_has_the_one_before_it() {
        let mut all = three();
        for (index, voters) in [(0, &[1][..]), (2, &[1]), (3, &[1, 2]), (5, &[1, 2]), (9, &[2])] {
            assert_eq!(all.at(Index::new(index)), &of(voters), "at {index}");
        }
        all.compact(Index::new(4));
        assert_eq!(all.at(Index::new(5)), &of(&[1, 2]));
        assert_eq!(all.latest(), &of(&[2]));
    }

    #[test]
    fn each_configuration_has_the_index_of_its_entry_and_a_compacted_one_is_gone() {
        let mut all = three();
        for (index, expected) in [(0, 0), (2, 0), (3, 3), (5, 3), (6, 6), (9, 6)] {
            assert_eq!(all.index_at(Index::new(index)), Index::new(expected), "at {index}");
        }
        assert!(all.changed_after(Index::new(5)));
        assert!(!all.changed_after(Index::new(6)));
        assert!(all.all().eq([&of(&[1]), &of(&[1, 2]), &of(&[2])]));
        all.compact(Index::new(3));
        assert!(all.all().eq([&of(&[1, 2]), &of(&[2])]));
        assert_eq!(all.index_at(Index::new(5)), Index::new(3));
    }

    #[test]
    fn a_snapshot_has_the_first_configuration_without_stores_and_later_ones_with_them() {
        let recorded = |voters: &[u64]| {
            let store = Incarnation::new(7);
            let of_store = of(voters).as_ref().clone().with_store(PeerId::new(1), store);
            of_store.with_cluster(Some(ClusterId::new(9)))
        };
        let mut all = MembershipHistory::new(Index::ZERO, Arc::new(recorded(&[1])));
        let id = EntryId::new(Term::new(1), Index::new(3));
        let later = Arc::new(recorded(&[1, 2]));
        let entry = Entry { id, payload: Payload::Membership(Arc::clone(&later)) };
        assert_eq!(all.extend(&[entry]), Latest::Changed);
        let first = all.for_snapshot(Index::new(2));
        assert_eq!(
            (first.store_of(PeerId::new(1)), first.cluster()),
            (None, Some(ClusterId::new(9)))
        );
        assert_eq!(all.for_snapshot(Index::new(3)), later);
        all.compact(Index::new(3));
        assert_eq!(all.for_snapshot(Index::new(4)), later);
    }

    #[test]
    fn the_address_book_has_the_members_of_all_uncommitted_configurations() {
        let all = three();
        let address_book =
            |commit| all.address_book(Index::new(commit)).into_keys().collect::<Vec<_>>();
        assert_eq!(address_book(3), [1, 2].map(PeerId::new));
        assert_eq!(address_book(6), [2].map(PeerId::new));
        assert!(all.has_voter(Index::new(5), PeerId::new(1), None));
        assert!(!all.has_voter(Index::new(6), PeerId::new(1), None));
        let store = Incarnation::new(7);
        let recorded =
            Membership::of_voters([1].map(PeerId::new)).with_store(PeerId::new(1), store);
        let all = MembershipHistory::new(Index::ZERO, Arc::new(recorded));
        for (own, expected) in
            [(Some(store), true), (Some(Incarnation::new(8)), false), (None, false)]
        {
            assert_eq!(all.has_voter(Index::ZERO, PeerId::new(1), own), expected, "{own:?}");
        }
    }
}
