//! The liveness phase: a healed majority must make progress while the rest stays broken.
//!
//! The majority's peers run, reach each other and have fast disks again. The others stay as they
//! are, down or cut off, with one exception. Under pre-vote and check-quorum (Ongaro's
//! dissertation, §9.6 and §4.2.3) the majority receives the others' messages, and they receive none
//! of its: their endless pre-vote requests must not disturb it. Without these extensions they would
//! depose each leader, so that their messages are cut, too.
//!
//! Within [`LIMIT_IN_TIMEOUTS`] of the longest election timeouts after the last pause and the last stalled
//! flush there is one leader and a fresh command is committed; and as soon again after the last
//! client is done, the majority's logs are equal.

use std::ops::RangeFrom;
use std::time::Duration;

use raft::Instant;

use super::client::Client;
use super::clients::{Clients, SharedClients};
use super::core::{members_of, quorum_with};
use crate::case::{LinkDirection, Links, PeerSet, Protocol, Step};
use crate::cluster::Cluster;
use crate::coverage::Mark;
use crate::failure::Failure;
use crate::kv::Operation;
use crate::sim::disk::{FlushFaultRates, Latency};
use crate::sim::network::{Connection, LinkProfile, NetworkProfile};
use crate::sim::random::Chance;

/// Heals a majority and waits until it has made progress and no request is open. Returns those of
/// its peers that are members in the end.
///
/// # Errors
/// A peer does not start, or there is no progress; then the text has a diagnosis of each peer.
pub(crate) async fn run(
    cluster: &Cluster,
    mut core: PeerSet,
    clients: &Clients,
) -> Result<PeerSet, Failure> {
    cluster.world_mut().record(Step::Calm { core });
    cluster.note(format_args!("the storm is over for {core}"));
    cover(cluster, core);
    let fresh = Client::new(cluster, FRESH_CLIENT, &SharedClients::default());
    let mut serials = 1..;
    loop {
        match make_progress(cluster, core, clients, &fresh, &mut serials).await {
            Ok(()) => return Ok(members_of(cluster, core)),
            Err(failure) => {
                // A configuration that was uncommitted at the end of the fault phase may need more
                // peers.
                let wider = quorum_with(cluster, core);
                if wider == core || !matches!(failure, Failure::Liveness(_)) {
                    return Err(failure);
                }
                core = wider;
            }
        }
    }
}

async fn make_progress(
    cluster: &Cluster,
    core: PeerSet,
    clients: &Clients,
    fresh: &Client,
    serials: &mut RangeFrom<u32>,
) -> Result<(), Failure> {
    heal(cluster, core)?;
    let timing = cluster.world().settings().timing;
    let limit = timing.election_max * LIMIT_IN_TIMEOUTS;
    let end = cluster.now().after(timing.election_max * 5 + limit);
    commit(cluster, core, fresh, serials, end).await?;
    while clients.waiting.get() > 0 {
        cluster.sleep(timing.heartbeat / 2).await;
    }
    // The last attempt of a client may have left an entry that only a newer one commits, and the
    // peer that accepted it may have been deposed since.
    let end = cluster.now().after(limit);
    while !wait_until_settled(cluster, core, timing.election_max * 10).await? {
        if cluster.now() >= end {
            return Err(no_progress(cluster, core, "the logs are not equal"));
        }
        commit(cluster, core, fresh, serials, end).await?;
    }
    Ok(())
}

/// Waits for the majority to settle.
async fn wait_until_settled(
    cluster: &Cluster,
    core: PeerSet,
    limit: Duration,
) -> Result<bool, Failure> {
    let end = cluster.now().after(limit);
    let heartbeat = cluster.world().settings().timing.heartbeat;
    while !is_settled(cluster, core) {
        if cluster.now() >= end {
            return Ok(false);
        }
        start_all(cluster, core)?;
        cluster.sleep(heartbeat / 2).await;
    }
    Ok(true)
}

fn cover(cluster: &Cluster, core: PeerSet) {
    let mut world_marks = Vec::new();
    if !core.iter().any(|server| cluster.is_leader(server)) {
        world_marks.push(Mark::LivenessWithoutLeader);
    }
    if core.len() < cluster.size() {
        world_marks.push(Mark::LivenessWithBrokenMinority);
        if cluster.world().settings().protocol == Protocol::EXTENDED {
            world_marks.push(Mark::LivenessWithOneWayMinority);
        }
    }
    let mut world = cluster.world_mut();
    world_marks.into_iter().for_each(|mark| world.coverage_mut().hit(mark));
}

fn heal(cluster: &Cluster, core: PeerSet) -> Result<(), Failure> {
    let settings = cluster.world().settings().clone();
    let delay = |profile: LinkProfile| LinkProfile {
        delay_max: profile.delay_max.min(settings.timing.election_min / 10),
        ..LinkProfile::PERFECT
    };
    let NetworkProfile { request, reply } = settings.network;
    cluster.set_network(NetworkProfile { request: delay(request), reply: delay(reply) });
    let all = PeerSet::first(cluster.size());
    cluster.set_flips(Links { from: all, to: all, direction: LinkDirection::One }, Chance::NEVER);
    let healthy = Latency { max: settings.latency.max.min(HEALTHY_LATENCY), ..settings.latency };
    for server in core.iter() {
        cluster.set_disk_latency(server, healthy);
        cluster.world_mut().set_flush_faults(server, FlushFaultRates::NONE);
    }
    start_all(cluster, core)?;
    let inside = Links { from: core, to: core, direction: LinkDirection::One };
    cluster.set_links(inside, Connection::Up);
    let others = core.others(cluster.size());
    let from_outside = Links { from: others, to: core, direction: LinkDirection::One };
    if settings.protocol == Protocol::EXTENDED {
        cluster.set_links(from_outside, Connection::Up);
        cluster.set_links(
            Links { from: core, to: others, direction: LinkDirection::One },
            Connection::Cut,
        );
    } else {
        cluster.set_links(from_outside, Connection::Cut);
    }
    Ok(())
}

/// Starts peers that are down; a flush that was pending at the end of the fault phase may still
/// fail.
fn start_all(cluster: &Cluster, core: PeerSet) -> Result<(), Failure> {
    core.iter().try_for_each(|server| cluster.start_if_down(server))
}

/// A fresh client wants something done.
async fn commit(
    cluster: &Cluster,
    core: PeerSet,
    client: &Client,
    serials: &mut RangeFrom<u32>,
    end: Instant,
) -> Result<(), Failure> {
    for serial in serials {
        start_all(cluster, core)?;
        let operation = Operation::Put { key: FRESH_KEY, value: u64::from(serial) };
        if client.request(serial, operation).await {
            return Ok(());
        }
        if cluster.now() >= end {
            return Err(no_progress(cluster, core, "a fresh command is not committed"));
        }
    }
    Ok(())
}

/// One leader, and every log of the members among the majority ends with the same entry, committed
/// and applied.
fn is_settled(cluster: &Cluster, core: PeerSet) -> bool {
    let (world, members) = (cluster.world(), members_of(cluster, core));
    let ends = members.iter().map(|server| {
        let node = world.node(server)?;
        let (last, status) = (node.log().last(), node.status());
        let done = status.commit_index == last.index && world.last_applied(server) == last.index;
        done.then_some((last, status.current_term, status.leader?))
    });
    let ends: Option<Vec<_>> = ends.collect();
    let same = |ends: &[_]| ends.windows(2).all(|two| two[0] == two[1]);
    ends.is_some_and(|ends| !ends.is_empty() && same(&ends))
}

fn no_progress(cluster: &Cluster, core: PeerSet, what: &str) -> Failure {
    let world = cluster.world();
    let mut text =
        format!("{what} {LIMIT_IN_TIMEOUTS} election timeouts after the end of the faults");
    for server in core.iter() {
        text.push_str("\n           ");
        text.push_str(&world.diagnose(server));
    }
    Failure::Liveness(text)
}

/// Time limit of a healed majority, in longest election timeouts. Most need fewer than five; the
/// rest is for split votes, for messages that were delayed in the fault phase, and for snapshots in
/// small pieces.
pub const LIMIT_IN_TIMEOUTS: u32 = 60;

const HEALTHY_LATENCY: Duration = Duration::from_millis(5);
const FRESH_CLIENT: u16 = 999;
const FRESH_KEY: u8 = 255;
