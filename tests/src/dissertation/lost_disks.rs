//! Peers that come back without their data (docs/decisions.md): as long as fewer than a majority lose
//! their disks, nothing acknowledged is lost.

use std::collections::BTreeSet;

use raft::message::Registration;
use raft::{
    Envelope, Incarnation, Index, Message, MessageId, Node, RoleName, Standing, Status, StoreStamp,
    Term, codec,
};

use super::loaded_cluster::LoadedCluster;
use super::{DELAY_MAX, ELECTION_MAX, HEARTBEAT};
use crate::case::{Change, LinkDirection, Links, PeerSet};
use crate::cluster::{Cluster, expect};
use crate::failure::Failure;
use crate::sim::disk::Latency;
use crate::sim::network::Connection;
use crate::world::{World, members, peer_id};

/// A follower that was half of a quorum loses its disk. It does not help the third peer, which lacks
/// what the two had acknowledged, and is a voter again when it has caught up.
///
/// # Errors
/// It does, or it is not.
pub(crate) async fn wiped_follower(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    lose_follower(&loaded).await?;
    loaded.end(PeerSet::first(3)).await
}

/// The same after each peer has lost its disk once, one after the other.
///
/// # Errors
/// The last one helps the third peer, or one is no voter again.
pub(crate) async fn wiped_one_by_one(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    for server in 0..3 {
        loaded.agree(PeerSet::first(3)).await?;
        wipe(&cluster, server)?;
        is_voter_again(&loaded, server).await?;
    }
    loaded.agree(PeerSet::first(3)).await?;
    lose_follower(&loaded).await?;
    loaded.end(PeerSet::first(3)).await
}

async fn lose_follower(loaded: &LoadedCluster) -> Result<(), Failure> {
    let cluster = &loaded.cluster;
    let (leader, _) = loaded.leader().await?;
    let (victim, other) = ((leader + 1) % 3, (leader + 2) % 3);
    cluster.disconnect(other);
    loaded.agree(PeerSet::only(leader).with(victim)).await?;
    let store = cluster.world().incarnation(victim);
    wipe(cluster, victim)?;
    // Answers to the registration of the lost store arrive only now.
    for from in [leader, other] {
        let by = cluster.world().incarnation(from);
        late(cluster, (from, by), victim, store)?;
    }
    // The new store asks the leader to record it.
    cluster.sleep(3 * HEARTBEAT).await;
    cluster.disconnect(leader);
    cluster.connect(other);
    cluster.sleep(6 * ELECTION_MAX).await;
    let leads = |server: &usize| cluster.is_leader(*server);
    let found = [victim, other].into_iter().find(leads);
    expect(found.is_none(), format_args!("no leader without the entry, found {found:?}"))?;
    cluster.connect(leader);
    is_voter_again(loaded, victim).await?;
    cluster.disconnect(other);
    loaded.agree(PeerSet::first(3).without(other)).await?;
    cluster.connect(other);
    Ok(())
}

/// A member loses its disk while the cluster forms, and registers anew. An answer of the lost store arrives
/// only then, at a member that waits for one of the new store.
///
/// # Errors
/// That member takes the lost store for the one that counts.
pub(crate) async fn wiped_in_formation(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    // No peer votes without 1.
    cluster.crash(1);
    waits_for(&loaded, 0, &[1]).await?;
    // 0 asks the new store once it has recorded it, which takes time.
    let usual = cluster.world().settings().latency;
    cluster.set_disk_latency(0, Latency { min: 4 * DELAY_MAX, max: 4 * DELAY_MAX });
    wipe(&cluster, 2)?;
    waits_for(&loaded, 0, &[1, 2]).await?;
    cluster.cut_link(2, 0);
    waits_for(&loaded, 2, &[1]).await?;
    cluster.set_disk_latency(0, usual);
    let (lost, store) = (World::incarnation_of(2, 0), World::incarnation_of(0, 0));
    late(&cluster, (2, lost), 0, store)?;
    cluster.start_and_connect(1)?;
    cluster.sleep(6 * ELECTION_MAX).await;
    heal(&cluster, PeerSet::only(2), PeerSet::only(0));
    loaded.agree(PeerSet::first(3)).await?;
    let counts = (Index::ZERO, Some(cluster.world().incarnation(2)));
    for server in 0..3 {
        let world = cluster.world();
        let of = |node: &Node| (node.membership_index(), node.membership().store_of(peer_id(2)));
        let found = world.node(server).map(of);
        expect(found == Some(counts), format_args!("{counts:?} at {server}, found {found:?}"))?;
    }
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

/// A follower's disk is put back to an old copy. The leader notices that it lacks what it has
/// acknowledged, and re-seeds it.
///
/// # Errors
/// The leader takes its rejections for late ones, and the follower lags for ever.
pub(crate) async fn rolled_back_follower(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    let (leader, term) = loaded.leader().await?;
    let victim = (leader + 1) % 3;
    loaded.agree(PeerSet::first(3)).await?;
    let copy = cluster.world().disk(victim).clone();
    loaded.agree(PeerSet::first(3)).await?;
    cluster.roll_back(victim, copy);
    cluster.start_if_down(victim)?;
    loaded
        .until("the leader to see that a follower lost data", |cluster| {
            let world = cluster.world();
            let node = world.node(leader)?;
            let reseeds = !node.membership().is_voter(peer_id(victim));
            (node.members_lost() > 0 || reseeds).then_some(())
        })
        .await?;
    loaded.agree(PeerSet::first(3)).await?;
    let after = loaded.leader().await?;
    expect(after == (leader, term), format_args!("the same leader, found {after:?}"))?;
    loaded.end(PeerSet::first(3)).await
}

/// All peers have reached the last term: none campaigns, and nothing is committed, until their terms
/// are reset as docs/operations.md says; then nothing is lost.
///
/// # Errors
/// A peer campaigns, or the cluster does not come back.
pub(crate) async fn last_term(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    loaded.agree(PeerSet::first(3)).await?;
    (0..3).for_each(|server| cluster.reset_term(server, Term::MAX));
    (0..3).try_for_each(|server| cluster.start_if_down(server))?;
    cluster.sleep(10 * ELECTION_MAX).await;
    for server in 0..3 {
        let status = cluster.world().status(server);
        let rests = |it: Status| it.role == RoleName::Follower && it.current_term == Term::MAX;
        expect(status.is_some_and(rests), format_args!("no election, found {status:?}"))?;
    }
    (0..3).for_each(|server| cluster.reset_term(server, AFTER_RESET));
    (0..3).try_for_each(|server| cluster.start_if_down(server))?;
    loaded.agree(PeerSet::first(3)).await?;
    loaded.end(PeerSet::first(3)).await
}

/// A candidate with one vote loses its disk, and becomes a member again before its voter hears of
/// that. In the same term, the voter has no vote for the new store.
///
/// # Errors
/// It votes again, or the cluster does not come back.
pub(crate) async fn vote_not_repeated(cluster: Cluster) -> Result<(), Failure> {
    let loaded = LoadedCluster::start(cluster.clone());
    for _ in 0..20 {
        loaded.agree(PeerSet::first(5)).await?;
        let (leader, term) = loaded.leader().await?;
        let (candidate, voter) = ((leader + 1) % 5, (leader + 2) % 5);
        let between = |to: PeerSet, state| {
            let from = PeerSet::only(voter);
            cluster.set_links(Links { from, to, direction: LinkDirection::Both }, state);
        };
        let (one, all) = (PeerSet::only(candidate), PeerSet::only(voter).others(5));
        between(all.without(candidate), Connection::Cut);
        let votes = |term| {
            let status = cluster.world().status(voter);
            status.is_some_and(|it| {
                (it.current_term, it.voted_for) == (term, Some(peer_id(candidate)))
            })
        };
        if loaded.campaign(leader, candidate, voter).await && votes(term.next()) {
            between(one, Connection::Cut);
            heal(&cluster, one, one.with(voter).others(5));
            wipe(&cluster, candidate)?;
            is_voter_again(&loaded, candidate).await?;
            between(one, Connection::Up);
            loaded.campaign(leader, candidate, voter).await;
            heal(&cluster, PeerSet::first(5), PeerSet::first(5));
            loaded.agree(PeerSet::first(5)).await?;
            return loaded.end(PeerSet::first(5)).await;
        }
        heal(&cluster, PeerSet::first(5), PeerSet::first(5));
    }
    expect(false, format_args!("a candidate with one vote"))
}

fn heal(cluster: &Cluster, from: PeerSet, to: PeerSet) {
    cluster.set_links(Links { from, to, direction: LinkDirection::Both }, Connection::Up);
}

/// After every entry that the scenario makes before.
const AFTER_RESET: Term = Term::new(1000);

fn wipe(cluster: &Cluster, server: usize) -> Result<(), Failure> {
    cluster.wipe(server);
    cluster.start_if_down(server)
}

/// Waits until a peer waits for just these to record its store.
async fn waits_for(loaded: &LoadedCluster, server: usize, others: &[usize]) -> Result<(), Failure> {
    let others: BTreeSet<_> = others.iter().copied().map(peer_id).collect();
    loaded
        .until(&format!("{server} to wait for {others:?}"), |cluster| {
            (cluster.world().node(server)?.waits_for() == others).then_some(())
        })
        .await
}

/// Lets the first message of a store arrive at a peer as late as now: it has recorded this store of it.
fn late(
    cluster: &Cluster,
    (from, by): (usize, Incarnation),
    to: usize,
    store: Incarnation,
) -> Result<(), Failure> {
    let envelope = Envelope {
        id: MessageId::new(1),
        from: peer_id(from),
        to: peer_id(to),
        term: Term::ZERO,
        store: Some(StoreStamp { incarnation: by, standing: Standing::New }),
        message: Message::RegisterReply(Registration::Registered { store }),
    };
    cluster.forge(to, &codec::encode(&envelope))
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
