//! Members after crashes, and in snapshots (§4.1, chapter 5).

use std::time::Duration;

use raft::{Index, Membership};

use super::ELECTION_MAX;
use super::loaded_cluster::LoadedCluster;
use crate::case::{Change, PeerSet};
use crate::cluster::{Cluster, expect};
use crate::coverage::Mark;
use crate::failure::Failure;
use crate::sim::disk::Latency;
use crate::world::members;

/// §4.3: all restart in the joint configuration of their disks, and proceed to the new one.
///
/// # Errors
/// They do not.
pub(crate) async fn all_crash_in_joint(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    let new = PeerSet::first(3).others(6);
    loaded.add(new).await?;
    let replace = Change::Replace { voters: new, learners: PeerSet::NONE };
    loaded.hold_joint(replace).await?;
    cluster.crash_and_restart_all()?;
    let all = (0..6).all(|server| cluster.is_joint(server));
    expect(all, format_args!("all peers to start in the joint configuration"))?;
    loaded.settled(&members(new, PeerSet::NONE)).await?;
    loaded.agree(new).await?;
    loaded.expect_no_election(4 * ELECTION_MAX).await?;
    loaded.end(new).await
}

/// Chapter 5: logs begin after the entries that hold the configurations. All peers know the members
/// all the same, after a crash of all, and a peer that begins with a snapshot, too.
///
/// # Errors
/// A peer does not.
pub(crate) async fn membership_in_snapshots(cluster: Cluster) -> Result<(), Failure> {
    let late = 4;
    cluster.crash(late);
    let loaded = LoadedCluster::start(cluster.clone());
    let (leader, _) = loaded.leader().await?;
    let gone = (leader + 1) % 3;
    loaded.change(Change::Add(3)).await?;
    loaded.change(Change::Promote(3)).await?;
    loaded.change(Change::Remove(gone)).await?;
    loaded.change(Change::Add(late)).await?;
    let voters = PeerSet::first(4).without(gone);
    let target = members(voters, PeerSet::only(late));
    wait_until_compacted(&loaded, voters, &target).await?;
    cluster.crash_and_restart_all()?;
    loaded.expect_members(voters, &target)?;
    loaded
        .until("members known from a snapshot", |cluster| {
            let world = cluster.world();
            let node = world.node(late)?;
            let from_snapshot = node.log().base().index >= node.membership_index();
            (from_snapshot && **node.membership() == target).then_some(())
        })
        .await?;
    loaded.change(Change::Promote(late)).await?;
    loaded.end(voters.with(late)).await
}

/// Chapter 5: a follower gets a snapshot while its disk is still busy with entries that it knows to
/// be committed.
///
/// # Errors
/// It applies them beside the snapshot, or is stuck.
pub(crate) async fn snapshot_beside_slow_write(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    let all = PeerSet::first(3);
    loaded.agree(all).await?;
    let (leader, _) = loaded.leader().await?;
    let slow = (leader + 1) % 3;
    let usual = cluster.world().settings().latency;
    cluster.set_disk_latency(slow, Latency { min: SLOW_FLUSH, max: SLOW_FLUSH });
    let knows = |cluster: &Cluster| {
        let status = cluster.world().status(slow)?;
        (status.commit_index > status.durable_index).then_some(())
    };
    loaded.until("a commit before the disk has it", knows).await?;
    cluster.disconnect(slow);
    let last = cluster.world().node(slow).map(|node| node.log().last().index);
    loaded
        .until("a snapshot beyond its log", |cluster| {
            let base = cluster.world().node(leader)?.log().base().index;
            (Some(base) > last).then_some(())
        })
        .await?;
    cluster.connect(slow);
    loaded
        .until("the snapshot beside a slow write", |cluster| {
            let world = cluster.world();
            let status = world.status(slow)?;
            let installed = world.node(slow)?.log().base().index > world.last_applied(slow);
            (installed && status.commit_index > status.durable_index).then_some(())
        })
        .await?;
    cluster.sleep(2 * SLOW_FLUSH).await;
    cluster.set_disk_latency(slow, usual);
    loaded.agree(all).await?;
    loaded.end(all).await
}

/// Chapter 5: a peer after the other is restarted, several times, while clients write and all take
/// snapshots every few entries. The logs reach behind the snapshots, so none is sent.
///
/// # Errors
/// One is, or a peer does not catch up.
pub(crate) async fn rolling_restarts(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    for restart in 0..9 {
        let server = restart % 3;
        let before = cluster.world().last_applied((server + 1) % 3);
        cluster.crash(server);
        let applied = |cluster: &Cluster| {
            let world = cluster.world();
            let others = [1, 2].map(|step| world.last_applied((server + step) % 3));
            others.iter().all(|index| *index > before.plus(30)).then_some(())
        };
        loaded.until("snapshots of the others", applied).await?;
        cluster.start_and_connect(server)?;
        loaded.agree(PeerSet::first(3)).await?;
    }
    let snapshots = [0, 1, 2].map(|server| cluster.world().disk(server).base().index);
    let compacted = snapshots.iter().all(|index| *index > Index::new(30));
    expect(compacted, format_args!("snapshots of all, found {snapshots:?}"))?;
    let marks = [Mark::SnapshotReplacesLog, Mark::SnapshotOfHeldEntries];
    let sent = marks.map(|mark| cluster.world().coverage().count(mark));
    expect(sent == [0; 2], format_args!("no snapshot sent, found {sent:?}"))?;
    loaded.end(PeerSet::first(3)).await
}

/// Chapter 5: the same where the peers keep no committed entry in memory: what the others lack, and what they
/// apply after a restart, they read from their disks.
///
/// # Errors
/// A snapshot is sent, a peer does not catch up, or nothing is read.
pub(crate) async fn entries_read_back(cluster: Cluster) -> Result<(), Failure> {
    rolling_restarts(cluster.clone()).await?;
    let marks = [Mark::EntriesReadToSend, Mark::EntriesReadToApply];
    let read = marks.map(|mark| cluster.world().coverage().count(mark));
    expect(read.iter().all(|count| *count > 0), format_args!("entries read, found {read:?}"))
}

/// Waits until these are the members by each of these peers, and no log on its disk holds their entry
/// any more.
async fn wait_until_compacted(
    loaded: &LoadedCluster,
    peers: PeerSet,
    target: &Membership,
) -> Result<(), Failure> {
    loaded
        .until("logs that begin after the configurations", |cluster| {
            let world = cluster.world();
            let compacted = |server| {
                let (node, snapshot) = (world.node(server)?, world.disk(server).snapshot.as_ref()?);
                let durable = snapshot.index() >= node.membership_index();
                Some(durable && **node.membership() == *target)
            };
            peers.iter().all(|server| compacted(server) == Some(true)).then_some(())
        })
        .await
}

/// Chapter 5: a disconnected leader takes a snapshot while a change is uncommitted in its log. The
/// change is truncated when it reconnects, and the snapshot's configuration is in force.
///
/// # Errors
/// Its members are not those that were committed.
pub(crate) async fn snapshot_before_change(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    loaded.agree(PeerSet::first(3)).await?;
    let (leader, id) = loaded.start_change(Change::Add(3)).await?;
    cluster.disconnect(leader);
    cluster.snapshot(leader)?;
    loaded
        .until("a snapshot on the disk", |cluster| {
            let world = cluster.world();
            world.disk(leader).snapshot.as_ref().map(|_| ())
        })
        .await?;
    let changed = cluster.members(leader).is_some_and(|it| it.learners().len() == 1);
    expect(changed, format_args!("the change of {id} in force where it was asked for"))?;
    loaded.other_leader(leader).await?;
    loaded.agree(PeerSet::first(3).without(leader)).await?;
    cluster.start_and_connect(leader)?;
    loaded.agree(PeerSet::first(3)).await?;
    loaded.expect_members(PeerSet::only(leader), &members(PeerSet::first(3), PeerSet::NONE))?;
    loaded.end(PeerSet::first(3)).await
}

/// Longer than the peers need for another snapshot.
const SLOW_FLUSH: Duration = Duration::from_secs(2);
