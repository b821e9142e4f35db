//! Leaders and peers that are removed (§4.2.2 and §4.2.3).

use raft::RoleName;

use super::loaded_cluster::LoadedCluster;
use super::{ELECTION_MAX, HEARTBEAT};
use crate::case::{Change, LinkDirection, Links, PeerSet};
use crate::cluster::{Cluster, expect};
use crate::failure::Failure;
use crate::sim::network::Connection;

/// §4.2.2: a leader remains until its own removal is committed by the others alone; then it starts
/// no election.
///
/// # Errors
/// An expectation is not met.
pub(crate) async fn leader_removes_itself(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    let (leader, _) = loaded.leader().await?;
    let stay = PeerSet::only(leader).others(3);
    loaded.agree(PeerSet::first(3)).await?;
    // Both others are needed, and one stays silent briefly.
    let slow = Links {
        from: PeerSet::only(leader),
        to: PeerSet::only(cluster.after(leader, 1)),
        direction: LinkDirection::Both,
    };
    let (leader, first) = loaded.start_change(Change::Remove(leader)).await?;
    cluster.set_links(slow, Connection::Cut);
    cluster.sleep(HEARTBEAT).await;
    loaded.nothing_committed(first.index)?;
    cluster.set_links(slow, Connection::Up);

    let server = loaded.until("the leader to step down", |cluster| stepped_down(cluster, leader));
    let (settled, committed) = server.await?;
    expect(settled > first.index, format_args!("a step after {first}, found {settled}"))?;
    expect(
        committed >= settled,
        format_args!("{settled} committed when it stepped down, found {committed}"),
    )?;
    loaded.agree(stay).await?;
    let taken = cluster.propose(leader, &cluster.random_command());
    expect(taken.is_none(), format_args!("a command refused, found {taken:?}"))?;

    loaded.expect_no_election(4 * ELECTION_MAX).await?;
    let role = cluster.status(leader).map(|status| status.role);
    expect(
        role == Some(RoleName::Follower),
        format_args!("the removed leader to remain follower, found {role:?}"),
    )?;
    // After a restart it does not know that its removal is committed, and requests pre-votes.
    cluster.start_and_connect(leader)?;
    loaded.expect_no_election(4 * ELECTION_MAX).await?;
    loaded.end(stay).await
}

/// Index of the configuration and commit index of a peer that no longer leads.
fn stepped_down(cluster: &Cluster, server: usize) -> Option<(raft::Index, raft::Index)> {
    let world = cluster.world();
    let (node, status) = (world.node(server)?, world.status(server)?);
    let leads = status.role == RoleName::Leader;
    (!leads).then(|| (node.membership_index(), status.commit_index))
}

/// §4.2.3: a peer is removed while it is disconnected, and reconnects again and again, still with
/// itself as a member.
///
/// # Errors
/// There is an election, or a command is not agreed on.
pub(crate) async fn removed_peer_not_notified(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    loaded.agree(PeerSet::first(4)).await?;
    let (leader, _) = loaded.leader().await?;
    let away = cluster.after(leader, 1);
    let stay = PeerSet::only(away).others(4);
    cluster.disconnect(away);
    loaded.change(Change::Remove(away)).await?;
    for round in 0..4 {
        cluster.sleep(2 * ELECTION_MAX).await;
        if round % 2 == 1 {
            cluster.start(away)?;
        }
        cluster.connect(away);
        loaded.expect_no_election(3 * ELECTION_MAX).await?;
        let sure = cluster.members(away).is_some_and(|it| it.voters().len() == 4);
        expect(sure, format_args!("no notice of its removal"))?;
        loaded.agree(stay).await?;
        cluster.disconnect(away);
    }
    // It takes no part even in an election.
    cluster.connect(away);
    cluster.crash(leader);
    loaded.agree(stay.without(leader)).await?;
    cluster.start_and_connect(leader)?;
    loaded.end(stay).await
}
