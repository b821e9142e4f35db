//! Stores that are lost, restored or exchanged: a peer that comes back without its data must never
//! cost an acknowledged write (docs/decisions.md).

#![expect(clippy::unwrap_used, reason = "a test stops where its own set-up is wrong")]

#[path = "../paper/cluster.rs"]
#[expect(dead_code, reason = "the tests of the paper need more of it")]
mod cluster;
mod earlier_versions;
mod formation;
mod lost_store;
mod removal;
mod rolled_back;

use std::time::Duration;

use raft::progress::LossKind;
use raft::{
    CheckQuorum, Config, FirstEntry, Identity, Incarnation, LostStore, PeerId, PersistentState,
    PreVote, Role, Standing,
};

use self::cluster::{Cluster, peer};

/// Stores with identities, numbered by their peers.
fn identified(config: &mut Config) {
    config.incarnation = Some(store(config.id.number(), 1));
    config.first_entry = FirstEntry::NoOp;
    config.pre_vote = PreVote::On;
    config.check_quorum = CheckQuorum::On;
}

fn reseeding(config: &mut Config) {
    identified(config);
    config.lost_store = LostStore::Reseed;
}

/// The store in this life of a peer.
fn store(peer: u64, life: u64) -> Incarnation {
    Incarnation::new(100 * life + peer)
}

/// A cluster of three, formed.
fn formed(change: fn(&mut Config)) -> Cluster {
    let mut cluster = Cluster::with(3, change);
    cluster.deliver_all();
    cluster
}

/// Replaces a peer's disk by an empty one.
fn wipe(cluster: &mut Cluster, number: u64, peers: &[u64]) {
    let identity = Identity {
        incarnation: store(number, 2),
        standing: Standing::New,
        peers: peers.iter().copied().map(peer).collect(),
        known: [].into(),
    };
    let stored = PersistentState { identity: Some(identity), ..PersistentState::default() };
    cluster.restart_from(peer(number), stored);
}

/// Delivers messages and lets time pass for a while.
fn run(cluster: &mut Cluster) {
    for _ in 0..500 {
        cluster.deliver_all();
        cluster.advance(Duration::from_millis(2));
    }
    cluster.deliver_all();
}

fn leaders(cluster: &Cluster) -> Vec<PeerId> {
    let leads = |peer: &&PeerId| matches!(cluster.node(**peer).role(), Role::Leader(_));
    cluster.peers.keys().filter(leads).copied().collect()
}

/// The leader's sign of a follower's lost data.
fn loss(cluster: &Cluster, leader: u64, of: u64) -> Option<LossKind> {
    let Role::Leader(leader) = cluster.node(peer(leader)).role() else { return None };
    leader.followers[&peer(of)].loss.map(|loss| loss.kind)
}

fn committed(cluster: &Cluster, at: u64) -> u64 {
    cluster.node(peer(at)).status().commit_index.number()
}
