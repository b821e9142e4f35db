//! Identity of a peer's store. A server, in the sense of the paper, is a peer id together with the
//! incarnation of its store: a peer that comes back without its data is another server, which has
//! promised nothing, and the one before it has crashed for ever.
//!
//! Invariant: an incarnation never returns once its store is lost, and a store never changes its
//! incarnation. How members agree on it is in `node/formation.rs`, what a leader does about a lost
//! store in `node/lost_store.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::membership::Membership;
use crate::types::{PeerId, number};

/// Shows a random number.
fn hexadecimal(number: &u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{number:016x}")
}

number! {
    /// One life of a peer's store, from the moment it is made until its data is lost.
    Incarnation, hexadecimal
}

number! {
    /// A cluster, by a number that no other cluster has.
    ClusterId, hexadecimal
}

/// The confidence in a store that its former selves, if any, promised nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The store was made empty, and an earlier one under the same id may have made promises: the
    /// peer does not vote.
    New,
    /// It is the first store of its peer, or the members have recorded it.
    Confirmed,
}

/// The store of a message's sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StoreStamp {
    /// Its incarnation.
    pub incarnation: Incarnation,
    /// Its standing.
    pub standing: Standing,
}

/// The part of a store that says whose it is and how it began. Written before anything else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The store's incarnation.
    pub incarnation: Incarnation,
    /// Its standing as stored; a membership entry in the log may confirm it later.
    pub standing: Standing,
    /// The voters of the new cluster that this peer began with; none if it joined a running one.
    pub peers: BTreeSet<PeerId>,
    /// The stores of the other initial voters, as far as they have registered here.
    pub known: BTreeMap<PeerId, Incarnation>,
}

impl Identity {
    /// The voters of the new cluster, with their stores if all are known; none for a peer that joined.
    pub(crate) fn initial_membership(&self, own: PeerId) -> Membership {
        if self.peers.is_empty() {
            return Membership::default();
        }
        let voters = Membership::of_voters(self.peers.iter().copied());
        let stores = self.known.iter().map(|(peer, store)| (*peer, *store));
        let stores: BTreeMap<_, _> = stores.chain([(own, self.incarnation)]).collect();
        if self.peers.iter().any(|peer| !stores.contains_key(peer)) {
            return voters;
        }
        let cluster = stores.values().next().map(|store| ClusterId::new(store.number()));
        stores
            .into_iter()
            .fold(voters, |all, (peer, store)| all.with_store(peer, store))
            .with_cluster(cluster)
    }
}
