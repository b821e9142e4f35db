//! Joint consensus (§4.3): decisions need both majorities.

use raft::Index;

use super::loaded_cluster::LoadedCluster;
use super::{ELECTION_MAX, HEARTBEAT};
use crate::case::{Change, LinkDirection, Links, PeerSet};
use crate::cluster::{Cluster, Retry, expect};
use crate::failure::Failure;
use crate::sim::network::Connection;
use crate::world::{members, peer_id};

/// The first three, and their successors.
const OLD: PeerSet = PeerSet::first(3);
const NEW: PeerSet = PeerSet::first(3).others(6);
const REPLACE: Change = Change::Replace { voters: NEW, learners: PeerSet::NONE };

/// A leader reaches one whole configuration and one peer of the other: first of the new one, then
/// of the old one.
///
/// # Errors
/// Something is committed, or the change is not done when all are back.
pub(crate) async fn one_majority_cannot_commit(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster);
    loaded.add(NEW).await?;
    expect_no_commit_without(&loaded, (OLD, NEW), NEW.without(3)).await?;
    let (leader, _) = loaded.leader().await?;
    let silent = NEW.without(leader);
    expect_no_commit_without(&loaded, (NEW, OLD), silent).await?;
    loaded.change(Change::Replace { voters: OLD, learners: PeerSet::NONE }).await?;
    loaded.end(OLD).await
}

/// Changes the voters while the peers of the missing majority are disconnected.
async fn expect_no_commit_without(
    loaded: &LoadedCluster,
    (from, to): (PeerSet, PeerSet),
    silent: PeerSet,
) -> Result<(), Failure> {
    let change = Change::Replace { voters: to, learners: from };
    let (_, id) = loaded.start_change(change).await?;
    silent.iter().for_each(|server| loaded.cluster.disconnect(server));
    expect_no_decision(loaded, id.index).await?;
    silent.iter().for_each(|server| loaded.cluster.connect(server));
    loaded.agree(PeerSet::first(6)).await?;
    // The disconnected peers may have elected one of them, which knew nothing of the change.
    let target = members(to, from);
    let (leader, _) = loaded.leader().await?;
    let known = loaded.cluster.members(leader).is_some_and(|found| found.leave_joint() == target);
    if known { loaded.settled(&target).await } else { loaded.change(change).await }
}

/// Expects that for many election timeouts nothing is committed, and that there is no leader in the
/// end.
async fn expect_no_decision(loaded: &LoadedCluster, from: Index) -> Result<(), Failure> {
    for _ in 0..5 {
        loaded.cluster.sleep(ELECTION_MAX).await;
        loaded.nothing_committed(from)?;
    }
    let leader = loaded.cluster.leading();
    expect(leader.is_none(), format_args!("no leader, found {leader:?}"))
}

/// All hold the joint configuration, the leader crashes, and the old and the new peers are
/// partitioned. A majority of each is enough.
///
/// # Errors
/// A leader is elected by one majority alone, or none by both.
pub(crate) async fn one_majority_cannot_elect(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    loaded.add(NEW).await?;
    let (leader, index) = loaded.hold_joint(REPLACE).await?;
    cluster.crash(leader);
    let between = Links { from: OLD, to: NEW, direction: LinkDirection::Both };
    cluster.set_links(between, Connection::Cut);
    expect_no_decision(&loaded, index).await?;
    cluster.set_links(between, Connection::Up);
    cluster.disconnect(5);
    loaded.settled(&members(NEW, PeerSet::NONE)).await?;
    cluster.connect(5);
    cluster.start_and_connect(leader)?;
    loaded.end(NEW).await
}

/// Both majorities hold the joint configuration: the change cannot be lost any more.
///
/// # Errors
/// It is, or peers that were left behind disturb the others.
pub(crate) async fn leader_crashes(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    loaded.add(NEW).await?;
    let (leader, _) = loaded.hold_joint(REPLACE).await?;
    cluster.crash(leader);
    loaded.settled(&members(NEW, PeerSet::NONE)).await?;
    loaded.agree(NEW).await?;
    cluster.start_and_connect(leader)?;
    loaded.expect_no_election(4 * ELECTION_MAX).await?;
    loaded.end(NEW).await
}

/// A successor finds the joint configuration in its log and has no command, nor an entry of its own at
/// the start of its term.
///
/// # Errors
/// It leaves the change undone.
pub(crate) async fn change_without_commands(cluster: Cluster) -> Result<(), Failure> {
    let leader = cluster.check_one_leader().await?;
    cluster.one(&cluster.random_command(), 3, Retry::No).await?;
    let change = cluster.change_members(leader, Change::Add(3));
    expect(change.is_ok(), format_args!("a learner, found {change:?}"))?;
    cluster.sleep(ELECTION_MAX).await;
    let only = PeerSet::only(leader);
    let answers = Links { from: only.others(4), to: only, direction: LinkDirection::One };
    cluster.set_links(answers, Connection::Cut);
    let change = cluster.change_members(leader, Change::Promote(3));
    expect(change.is_ok(), format_args!("a change, found {change:?}"))?;
    cluster.sleep(2 * HEARTBEAT).await;
    cluster.crash(leader);
    cluster.sleep(6 * ELECTION_MAX).await;
    let successor = cluster.check_one_leader().await?;
    let (found, all) = (cluster.members(successor), members(PeerSet::first(4), PeerSet::NONE));
    let done = cluster.change_under_way(successor).is_none();
    let same = found.as_ref().is_some_and(|found| **found == all);
    expect(done && same, format_args!("{all} to be the members, found {found:?}"))
}

/// §4.2.2, figure 4.6: a leader that is removed has the entry that removes it, durably, and no other
/// peer does. Its log alone can win.
///
/// # Errors
/// It is not elected, or the change is not done.
pub(crate) async fn removed_leader_has_newest_log(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    loaded.add(PeerSet::only(2)).await?;
    let (leader, _) = loaded.leader().await?;
    let stay = PeerSet::only(leader).others(3);
    loaded.start_change(Change::Replace { voters: stay, learners: PeerSet::NONE }).await?;
    let in_new = |cluster: &Cluster| {
        let members = cluster.members(leader)?;
        (!members.is_joint() && !members.is_voter(peer_id(leader))).then_some(())
    };
    loaded.until("the new configuration at its leader", in_new).await?;
    cluster.disconnect(leader);
    cluster.sleep(ELECTION_MAX).await;
    cluster.start_and_connect(leader)?;
    loaded.settled(&members(stay, PeerSet::NONE)).await?;
    loaded.end(stay).await
}

/// §4.1: the leader and one new peer hold the joint configuration, and no other peer ever receives
/// it. When they reconnect, the old configuration is in force again, and the change can be
/// requested again.
///
/// # Errors
/// An expectation is not met.
pub(crate) async fn change_truncated(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    loaded.add(NEW).await?;
    loaded.agree(PeerSet::first(6)).await?;
    let (leader, id) = loaded.start_change(REPLACE).await?;
    let minority = PeerSet::only(leader).with(3);
    let around = Links { from: minority, to: minority.others(6), direction: LinkDirection::Both };
    cluster.set_links(around, Connection::Cut);
    loaded
        .until("the joint configuration in the minority", |cluster| {
            minority.iter().all(|server| cluster.is_joint(server)).then_some(())
        })
        .await?;
    loaded.other_leader(leader).await?;
    let index = loaded.agree(minority.others(6)).await?;
    expect(index >= id.index, format_args!("something in the place of {id}, only {index} is"))?;
    expect(
        cluster.is_joint(leader),
        format_args!("the joint configuration in force in the minority"),
    )?;
    cluster.set_links(around, Connection::Up);
    loaded.agree(PeerSet::first(6)).await?;
    loaded.expect_members(PeerSet::first(6), &members(OLD, NEW))?;
    loaded.change(REPLACE).await?;
    loaded.end(NEW).await
}
