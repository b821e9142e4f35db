//! Membership changes, one by one or many at once (§4.1 to §4.3).

use raft::{ChangeError, Term};

use super::loaded_cluster::LoadedCluster;
use super::{ELECTION_MAX, ELECTION_MIN, HEARTBEAT};
use crate::case::{Change, PeerSet};
use crate::cluster::{Cluster, expect};
use crate::failure::Failure;
use crate::service::Snapshots;
use crate::world::{ChangeNotStarted, members, peer_id};

/// §4.2.1: an absent learner delays no commit, one that lags gets no vote, and a promoted one
/// counts.
///
/// # Errors
/// An expectation is not met.
pub(crate) async fn grow(cluster: Cluster) -> Result<(), Failure> {
    let (old, new) = (PeerSet::first(3), PeerSet::first(3).others(5));
    new.iter().for_each(|server| cluster.crash(server));
    let loaded = LoadedCluster::start(cluster.clone());
    let (leader, _) = loaded.leader().await?;
    loaded.add(new).await?;
    let silent = |error| matches!(error, ChangeError::Unresponsive { .. });
    loaded.expect_rejected(leader, Change::Promote(3), silent, "the learner does not answer")?;
    // With one of three disconnected, two of five would be too few.
    let away = (leader + 1) % 3;
    cluster.disconnect(away);
    loaded.agree(old.without(away)).await?;
    cluster.connect(away);
    loaded.burst(leader, LACKING);
    let behind = |error| matches!(error, ChangeError::NotCaughtUp { missing, .. } if missing >= u64::from(LACKING));
    loaded.expect_rejected(leader, Change::Promote(3), behind, "the learner lacks entries")?;
    for server in new.iter() {
        cluster.start_and_connect(server)?;
    }
    loaded.agree(PeerSet::first(5)).await?;
    expect_snapshots(&cluster, new)?;
    for server in new.iter() {
        loaded.change(Change::Promote(server)).await?;
    }
    let lost = old.without(leader);
    lost.iter().for_each(|server| cluster.crash(server));
    loaded.agree(lost.others(5)).await?;
    lost.iter().try_for_each(|server| cluster.start_and_connect(server))?;
    loaded.end(PeerSet::first(5)).await
}

/// Expects that added peers began with a snapshot, exactly where logs are compacted.
fn expect_snapshots(cluster: &Cluster, new: PeerSet) -> Result<(), Failure> {
    let wanted = cluster.world().settings().snapshots != Snapshots::Never;
    let sent = cluster.traffic().snapshot_chunks > 0;
    expect(sent == wanted, format_args!("snapshots sent: {wanted}, found {sent}"))?;
    for server in new.iter() {
        let base = cluster.world().node(server).map(|node| node.log().base().term);
        let begins = base.is_some_and(|term| term > Term::ZERO);
        expect(
            begins == wanted,
            format_args!("{server} after a snapshot: {wanted}, not {base:?}"),
        )?;
    }
    Ok(())
}

/// §4.1: of the three remaining peers two are a majority, and removed peers receive no entries.
///
/// # Errors
/// An expectation is not met.
pub(crate) async fn shrink(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    let (leader, _) = loaded.leader().await?;
    let leaving = PeerSet::only(cluster.after(leader, 1)).with(cluster.after(leader, 2));
    for server in leaving.iter() {
        loaded.change(Change::Remove(server)).await?;
    }
    let stay = leaving.others(5);
    let all_know = |cluster: &Cluster| {
        let knows = |server| cluster.change_under_way(server).is_none();
        leaving.iter().all(knows).then_some(())
    };
    loaded.until("removed peers that know that it is committed", all_know).await?;
    let lost = cluster.after(leader, 3);
    cluster.crash(lost);
    let index = loaded.agree(stay.without(lost)).await?;
    let last = leaving.iter().map(|server| cluster.world().last_applied(server)).max();
    expect(last < Some(index), format_args!("nothing applied by removed peers, found {last:?}"))?;
    cluster.start_and_connect(lost)?;
    loaded.expect_no_election(4 * ELECTION_MAX).await?;
    loaded.end(stay).await
}

/// §4.1: a single member commits alone, also after a crash; a removed peer may rejoin.
///
/// # Errors
/// An expectation is not met.
pub(crate) async fn shrink_to_one_and_grow(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    let (leader, _) = loaded.leader().await?;
    let (other, third) = (1 - leader, 2);
    loaded.change(Change::Remove(other)).await?;
    cluster.crash(other);
    loaded.agree(PeerSet::only(leader)).await?;
    cluster.start_and_connect(leader)?;
    loaded.agree(PeerSet::only(leader)).await?;
    cluster.start_and_connect(other)?;
    for server in [other, third] {
        loaded.change(Change::Add(server)).await?;
        loaded.change(Change::Promote(server)).await?;
    }
    loaded.agree(PeerSet::first(3)).await?;
    cluster.crash(leader);
    loaded.agree(PeerSet::first(3).without(leader)).await?;
    cluster.start_and_connect(leader)?;
    loaded.end(PeerSet::first(3)).await
}

/// §4.1 and §4.2.2: each peer is replaced in turn, the leader last.
///
/// # Errors
/// An expectation is not met.
pub(crate) async fn replace_one_by_one(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster);
    let (leader, _) = loaded.leader().await?;
    for (steps, new) in (1..=3).zip(3..) {
        loaded.change(Change::Add(new)).await?;
        loaded.change(Change::Promote(new)).await?;
        loaded.change(Change::Remove((leader + steps) % 3)).await?;
    }
    new_members_take_over(loaded).await
}

/// §4.3: all of them in one joint step.
///
/// # Errors
/// An expectation is not met.
pub(crate) async fn replace_at_once(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster);
    let new = PeerSet::first(3).others(6);
    loaded.add(new).await?;
    loaded.change(Change::Replace { voters: new, learners: PeerSet::NONE }).await?;
    new_members_take_over(loaded).await
}

/// Expects that the first three do no harm while they run, and are not needed when they are down.
async fn new_members_take_over(loaded: LoadedCluster) -> Result<(), Failure> {
    let (old, new) = (PeerSet::first(3), PeerSet::first(3).others(6));
    loaded.agree(new).await?;
    loaded.expect_no_election(4 * ELECTION_MAX).await?;
    old.iter().for_each(|server| loaded.cluster.crash(server));
    loaded.agree(new).await?;
    loaded.end(new).await
}

/// §4.1: requests that come too soon or to the wrong peer are rejected with the reason, and nothing
/// happens.
///
/// # Errors
/// An expectation is not met.
pub(crate) async fn one_change_at_a_time(cluster: Cluster) -> Result<(), Failure> {
    let leader = cluster.check_one_leader().await?;
    let loaded = LoadedCluster::start(cluster.clone());
    let too_soon = |error| error == ChangeError::TermNotCommitted;
    loaded.expect_rejected(leader, Change::Add(3), too_soon, "nothing of the term is committed")?;
    let (leader, first) = loaded.start_change(Change::Add(3)).await?;
    let since = first.index;
    let under_way = |error| error == ChangeError::InProgress { since };
    loaded.expect_rejected(leader, Change::Add(4), under_way, "another is under way")?;
    let value = format!("the change of entry {since} is still under way");
    let said = ChangeError::InProgress { since }.to_string();
    expect(said == value, format_args!("{value:?}, found {said:?}"))?;
    loaded.change(Change::Add(4)).await?;
    let follower = (leader + 1) % 3;
    let elsewhere = |error| matches!(error, ChangeError::NotLeader { leader: Some(_) });
    loaded.expect_rejected(follower, Change::Remove(4), elsewhere, "another peer leads")?;

    let all = Change::Replace { voters: PeerSet::first(5), learners: PeerSet::NONE };
    let (leader, since) = loaded.hold_joint(all).await?;
    let under_way = |error| error == ChangeError::InProgress { since };
    for change in [Change::Remove(follower), Change::Demote(leader), Change::Add(4), all] {
        loaded.expect_rejected(
            leader,
            change,
            under_way,
            "the cluster is in a joint configuration",
        )?;
    }
    cluster.connect(leader);
    loaded.end(PeerSet::first(5)).await
}

/// §4.2.1: a learner has caught up and is disconnected, and there is nothing to send but heartbeats.
///
/// # Errors
/// It becomes a voter while it is silent, or never.
pub(crate) async fn silent_learner(cluster: Cluster) -> Result<(), Failure> {
    let leader = cluster.check_one_leader().await?;
    // Until an entry of its term is committed.
    cluster.sleep(ELECTION_MIN).await;
    expect_begun(&cluster, leader, Change::Add(3))?;
    cluster.sleep(ELECTION_MIN).await;
    cluster.disconnect(3);
    cluster.sleep(ELECTION_MIN + HEARTBEAT).await;
    let silent = ChangeError::Unresponsive { peer: peer_id(3) };
    expect_not_begun(&cluster, leader, Change::Promote(3), silent)?;
    cluster.connect(3);
    cluster.sleep(2 * HEARTBEAT).await;
    expect_begun(&cluster, leader, Change::Promote(3))?;
    cluster.sleep(ELECTION_MIN).await;
    let (found, all) = (cluster.members(leader), members(PeerSet::first(4), PeerSet::NONE));
    let done = cluster.change_under_way(leader).is_none();
    let same = found.as_ref().is_some_and(|found| **found == all);
    expect(done && same, format_args!("{all} to be the members, found {found:?}"))
}

/// §3.10: a leader that transfers its leadership begins no change; it does when the transfer is
/// aborted.
///
/// # Errors
/// An expectation is not met.
pub(crate) async fn no_change_during_transfer(cluster: Cluster) -> Result<(), Failure> {
    let leader = cluster.check_one_leader().await?;
    // Until an entry of its term is committed.
    cluster.sleep(ELECTION_MIN).await;
    let dead = (leader + 1) % 3;
    cluster.crash(dead);
    cluster.transfer(leader, dead);
    let transferring = ChangeError::TransferInProgress { to: peer_id(dead) };
    expect_not_begun(&cluster, leader, Change::Add(3), transferring)?;
    // Refused, too: the rules check it.
    cluster.transfer(leader, (leader + 2) % 3);
    cluster.sleep(ELECTION_MAX + HEARTBEAT).await;
    expect_begun(&cluster, leader, Change::Add(3))
}

fn expect_begun(cluster: &Cluster, leader: usize, change: Change) -> Result<(), Failure> {
    let found = cluster.change_members(leader, change);
    expect(found.is_ok(), format_args!("{change} to begin, found {found:?}"))
}

fn expect_not_begun(
    cluster: &Cluster,
    leader: usize,
    change: Change,
    error: ChangeError,
) -> Result<(), Failure> {
    let found = cluster.change_members(leader, change);
    let wanted = Err(ChangeNotStarted::Refused(error));
    expect(found == wanted, format_args!("{change} refused: {error}; found {found:?}"))
}

const LACKING: u32 = 1001;
