//! Peers that come back without their data (docs/decisions.md): as long as fewer than a majority lose
//! their disks, nothing acknowledged is lost.

use super::ELECTION_MAX;
use super::loaded_cluster::LoadedCluster;
use crate::case::{Change, PeerSet};
use crate::cluster::{Cluster, expect};
use crate::failure::Failure;
use crate::world::{members, peer_id};

/// A follower that was half of a quorum loses its disk. It does not help the third peer, which lacks
/// what the two had acknowledged, and is a voter again when it has caught up.
///
/// # Errors
/// It does, or it is not.
pub(crate) async fn wiped_follower(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    let (leader, _) = loaded.leader().await?;
    let (victim, other) = ((leader + 1) % 3, (leader + 2) % 3);
    cluster.disconnect(other);
    loaded.agree(PeerSet::only(leader).with(victim)).await?;
    wipe(&cluster, victim)?;
    cluster.disconnect(leader);
    cluster.connect(other);
    cluster.sleep(6 * ELECTION_MAX).await;
    let leads = |server: &usize| cluster.is_leader(*server);
    let found = [victim, other].into_iter().find(leads);
    expect(found.is_none(), format_args!("no leader without the entry, found {found:?}"))?;
    cluster.connect(leader);
    is_voter_again(&loaded, victim).await?;
    cluster.disconnect(other);
    loaded.agree(PeerSet::first(3).without(other)).await?;
    cluster.connect(other);
    loaded.end(PeerSet::first(3)).await
}

/// A leader loses its disk in the middle of its work.
///
/// # Errors
/// Something acknowledged is lost, or it does not return as a voter.
pub(crate) async fn wiped_leader(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    for _ in 0..2 {
        let (leader, _) = loaded.leader().await?;
        loaded.agree(PeerSet::only(leader)).await?;
        wipe(&cluster, leader)?;
        loaded.other_leader(leader).await?;
        is_voter_again(&loaded, leader).await?;
    }
    loaded.agree(PeerSet::first(3)).await?;
    loaded.end(PeerSet::first(3)).await
}

/// One of the old and one of the new voters lose their disks in a joint configuration. Each half
/// still has a majority, and neither counts the lost ones.
///
/// # Errors
/// The change does not end, or a lost peer does not return.
pub(crate) async fn wiped_in_joint(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    let new = PeerSet::first(3).others(6);
    loaded.add(new).await?;
    let replace = Change::Replace { voters: new, learners: PeerSet::NONE };
    let (leader, _) = loaded.hold_joint(replace).await?;
    wipe(&cluster, (leader + 1) % 3)?;
    wipe(&cluster, 5)?;
    cluster.connect(leader);
    loaded.settled(&members(new, PeerSet::NONE)).await?;
    is_voter_again(&loaded, 5).await?;
    loaded.agree(new).await?;
    loaded.end(new).await
}

fn wipe(cluster: &Cluster, server: usize) -> Result<(), Failure> {
    cluster.wipe(server);
    cluster.start_if_down(server)
}

/// Waits until the peer's new store is that of a voter.
async fn is_voter_again(loaded: &LoadedCluster, server: usize) -> Result<(), Failure> {
    loaded
        .until("the wiped peer to be a voter again", |cluster| {
            let members = cluster.members(cluster.leading()?)?;
            let own = cluster.world().node(server)?.store()?.incarnation;
            let recorded = members.store_of(peer_id(server)) == Some(own);
            (recorded && members.is_voter(peer_id(server)) && !members.is_joint()).then_some(())
        })
        .await
}
