//! Core of the liveness phase: a quorum of every configuration that may be in force.

use std::collections::BTreeSet;
use std::sync::Arc;

use raft::{Membership, Payload, PeerId, RoleName};

use crate::case::PeerSet;
use crate::cluster::Cluster;
use crate::invariants::configurations::is_quorum;
use crate::world::{World, members, peer_id, server_of};

/// These peers and as many more as a quorum needs, in every configuration that is in force at a
/// running peer or the last on a disk.
#[must_use]
pub(super) fn quorum_with(cluster: &Cluster, mut core: PeerSet) -> PeerSet {
    let size = cluster.size();
    for members in in_use(cluster) {
        for voter in members.all_voters() {
            if is_quorum(&members, |peer| server_of(peer, size).is_some_and(|at| core.contains(at)))
            {
                break;
            }
            core = server_of(voter, size).map_or(core, |server| core.with(server));
        }
    }
    core
}

/// Of these peers, the members by the newest leader among them.
#[must_use]
pub(super) fn members_of(cluster: &Cluster, core: PeerSet) -> PeerSet {
    let world = cluster.world();
    let leaders = core
        .iter()
        .filter_map(|server| world.node(server))
        .filter(|node| node.status().role == RoleName::Leader);
    let Some(leader) = leaders.max_by_key(|node| node.status().current_term) else {
        return PeerSet::NONE;
    };
    core.iter().filter(|server| leader.membership().contains(peer_id(*server))).collect()
}

/// Returns whether a peer may lose its disk: in each configuration that may be in force, the voters
/// whose store is lost are fewer than half of all then. So are the members: a learner that was caught up
/// before it lost its disk may become a voter by an entry that its leader appends just now.
#[must_use]
pub(super) fn may_lose_disk(cluster: &Cluster, victim: usize) -> bool {
    let size = cluster.size();
    in_use(cluster).iter().all(|members| {
        let lost = |peer: &PeerId, outgoing: bool| {
            let Some(server) = server_of(*peer, size) else { return false };
            let world = cluster.world();
            let meant = members.store_of(*peer).unwrap_or(World::incarnation_of(server, 0));
            let alive = meant == world.incarnation(server);
            server == victim || !alive || (outgoing && members.returning().contains(peer))
        };
        let few = |voters: &BTreeSet<PeerId>, outgoing| {
            voters.iter().filter(|peer| lost(peer, outgoing)).count() * 2 < voters.len()
        };
        let all = members.voters().union(members.learners()).copied().collect();
        few(members.voters(), false)
            && few(&all, false)
            && members.outgoing().is_none_or(|old| few(old, true))
    })
}

fn in_use(cluster: &Cluster) -> Vec<Arc<Membership>> {
    let world = cluster.world();
    let initial_members = PeerSet::first(world.settings().initial_members);
    let initial_members = Arc::new(members(initial_members, PeerSet::NONE));
    let mut all: Vec<Arc<Membership>> = Vec::new();
    for server in 0..cluster.size() {
        let disk = world.disk(server);
        let entries = disk.entries.iter().rev();
        let last = entries.filter_map(|entry| match &entry.payload {
            Payload::Membership(membership) => Some(membership),
            Payload::NoOp | Payload::Command(_) => None,
        });
        let initial_members =
            (server < world.settings().initial_members).then_some(&initial_members);
        let stored =
            last.chain(disk.snapshot.as_ref().map(|s| &s.membership)).next().or(initial_members);
        let used = world.node(server).map(raft::Node::membership);
        for membership in stored.into_iter().chain(used) {
            if !membership.is_empty() && !all.contains(membership) {
                all.push(Arc::clone(membership));
            }
        }
    }
    all
}
