//! Who must get on after the storm: a quorum of every configuration that may still count.

use std::sync::Arc;

use raft::{Membership, Payload, RoleName};

use crate::case::PeerSet;
use crate::cluster::Cluster;
use crate::invariants::configurations::is_quorum;
use crate::world::{members, peer_id, place_of};

/// These peers and as many more as it takes to be a quorum of every configuration that a running
/// peer goes by or a disk has as its last.
#[must_use]
pub(super) fn quorum_with(cluster: &Cluster, mut core: PeerSet) -> PeerSet {
    let size = cluster.size();
    for members in in_use(cluster) {
        for voter in members.all_voters() {
            if is_quorum(&members, |peer| place_of(peer, size).is_some_and(|at| core.contains(at)))
            {
                break;
            }
            core = place_of(voter, size).map_or(core, |place| core.with(place));
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
        .filter_map(|place| world.node(place))
        .filter(|node| node.status().role == RoleName::Leader);
    let Some(leader) = leaders.max_by_key(|node| node.status().current_term) else {
        return PeerSet::NONE;
    };
    core.iter().filter(|place| leader.membership().contains(peer_id(*place))).collect()
}

fn in_use(cluster: &Cluster) -> Vec<Arc<Membership>> {
    let world = cluster.world();
    let founders = PeerSet::first(world.settings().founders);
    let founders = Arc::new(members(founders, PeerSet::NONE));
    let mut all: Vec<Arc<Membership>> = Vec::new();
    for place in 0..cluster.size() {
        let disk = world.disk(place);
        let entries = disk.entries.iter().rev();
        let last = entries.filter_map(|entry| match &entry.payload {
            Payload::Membership(membership) => Some(membership),
            Payload::NoOp | Payload::Command(_) => None,
        });
        let founders = (place < world.settings().founders).then_some(&founders);
        let stored = last.chain(disk.snapshot.as_ref().map(|s| &s.membership)).next().or(founders);
        let used = world.node(place).map(raft::Node::membership);
        for membership in stored.into_iter().chain(used) {
            if !membership.is_empty() && !all.contains(membership) {
                all.push(Arc::clone(membership));
            }
        }
    }
    all
}
