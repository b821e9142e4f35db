//! Reads from deposed leaders that do not know it yet (Ongaro's dissertation §6.4, §6.4.1).
//!
//! A read is stale if a deposed leader takes an old reply for proof of its leadership. So old
//! replies are made here: replies are delayed briefly, and then the leader's messages are cut,
//! while one peer's late replies still reach it; or a follower restarts while the reply to its
//! request is in flight; or the leader is paused until others have made progress; or it has
//! transferred leadership and receives nothing of the result.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use raft::{CheckQuorum, FirstEntry, PreVote, Reads};

use super::client::Client;
use super::clients::{SharedClients, verify};
use super::liveness;
use super::settings::{self, Family};
use crate::case::{LinkDirection, Links, PeerSet, Protocol, Settings};
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::kv::Operation;
use crate::sim::disk::{Damage, FlushFaultRates, Latency};
use crate::sim::network::{Connection, LinkProfile, NetworkProfile};
use crate::sim::random::{Chance, Domain, Stream};

/// Method by which leaders confirm their leadership. The numbers name random streams.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadMode {
    /// They confirm it by a round of messages each time (dissertation §6.4).
    ReadIndex = 0,
    /// They rely on a lease (dissertation §6.4.1).
    Lease = 1,
}

/// Settings of a run: a fast network and fast disks, and clocks that drift.
#[must_use]
pub(crate) fn settings(mode: ReadMode, seed: u64) -> Settings {
    let drawn = settings::draw(Family::Elections, seed);
    let mut rng = Stream::new(seed, Domain::Settings, [5, mode as u64]);
    let fast = LinkProfile { delay_max: drawn.timing.election_min / 40, ..LinkProfile::PERFECT };
    let mut settings = Settings {
        peers: rng.pick(&[3, 3, 3, 5]),
        network: NetworkProfile { request: fast, reply: fast },
        latency: Latency {
            min: Duration::from_micros(50),
            max: drawn.timing.election_min / 100 + Duration::from_micros(50),
        },
        flush_faults: FlushFaultRates::NONE,
        ..drawn
    };
    settings.initial_members = settings.peers;
    settings.timing.election_max = settings.timing.election_min * rng.pick(&[11, 13, 20]) / 10;
    if mode == ReadMode::Lease && rng.happens(Chance::percent(50)) {
        // The slowest leads as long as it can, the others do not wait for it.
        let slow = rng.index(settings.peers);
        let rate =
            |server| if server == slow { -CLOCK_DRIFT_PERMILLE } else { CLOCK_DRIFT_PERMILLE };
        settings.clocks = (0..settings.peers).map(rate).collect();
        settings.timing.election_max = settings.timing.election_min * 2;
    }
    (settings.protocol, settings.reads) = match mode {
        ReadMode::ReadIndex => (
            Protocol {
                pre_vote: rng.pick(&[PreVote::On, PreVote::Off]),
                check_quorum: rng.pick(&[CheckQuorum::On, CheckQuorum::Off, CheckQuorum::Off]),
            },
            Reads::ReadIndex,
        ),
        ReadMode::Lease => (
            Protocol { check_quorum: CheckQuorum::On, ..settings.protocol },
            settings::lease(settings.timing.election_min, &settings.clocks),
        ),
    };
    if rng.below(4) > 0 {
        settings.first_entry = FirstEntry::NoOp;
    }
    settings
}

/// A run in which leaders are deposed without notice.
pub(crate) async fn depose_leaders(cluster: Cluster) -> Result<(), Failure> {
    let clients = SharedClients::default();
    let busy = Rc::new(Cell::new(true));
    for number in 0..=READERS {
        let client = Client::new(&cluster, number, &clients);
        let busy = Rc::clone(&busy);
        cluster.spawn(format!("client {number}"), async move {
            client.run_workload(&busy, operation).await;
        });
    }
    for turn in 0..TURNS {
        depose(&cluster, turn).await?;
    }
    busy.set(false);
    let all = PeerSet::first(cluster.size());
    liveness::run(&cluster, all, &clients).await?;
    verify(&cluster, &clients, all)
}

/// The first client writes, the others read.
fn operation(number: u16, serial: u32) -> Operation {
    match number {
        0 => Operation::Put { key: KEY, value: u64::from(serial) },
        _ => Operation::Read { key: KEY },
    }
}

/// Deposes one leader, or restarts a follower, and heals everything for a while.
async fn depose(cluster: &Cluster, turn: u64) -> Result<(), Failure> {
    let mut rng = Stream::new(cluster.seed(), Domain::Settings, [6, turn]);
    let (size, timing) = (cluster.size(), cluster.world().settings().timing);
    let Some(leader) = cluster.leading() else {
        cluster.sleep(timing.election_max).await;
        return Ok(());
    };
    let leader = match rng.below(2) {
        0 => leader,
        _ => with_another_leader(cluster, leader, rng.index(size)).await,
    };
    let other = (leader + 1 + rng.index(size - 1)) % size;
    let late = rng.pick(&[timing.election_min * 9 / 10, timing.election_max * 5]);
    if rng.below(3) > 0 {
        delay_replies(cluster, late, rng.between(Duration::ZERO, timing.heartbeat)).await;
    }
    let isolated = match rng.below(5) {
        0 => {
            cluster.stop(other, Damage::Drawn);
            cluster.start_if_down(other)?;
            other
        }
        1 => {
            cluster.pause(leader, rng.between(timing.election_min / 2, timing.election_min * 2));
            leader
        }
        2 => {
            transfer_and_cut(cluster, leader, other).await;
            leader
        }
        _ => leader,
    };
    let rest = PeerSet::only(isolated).others(size);
    let cut_off = if isolated == leader { rest.without(other) } else { PeerSet::NONE };
    let cuts = [(PeerSet::only(isolated), rest), (cut_off, PeerSet::only(isolated))];
    let cuts = cuts.map(|(from, to)| Links { from, to, direction: LinkDirection::One });
    cuts.iter().for_each(|links| cluster.set_links(*links, Connection::Cut));
    cluster.sleep(rng.between(timing.election_max, timing.election_max * 4)).await;
    cuts.iter().for_each(|links| cluster.set_links(*links, Connection::Up));
    cluster.sleep(rng.between(timing.election_min, timing.election_max * 2)).await;
    Ok(())
}

/// Makes another peer leader by a transfer, also one whose slow clock seldom wins an election.
async fn with_another_leader(cluster: &Cluster, leader: usize, successor: usize) -> usize {
    cluster.transfer(leader, successor);
    let length = cluster.world().settings().timing.election_min;
    cluster.sleep(length).await;
    cluster.leading().unwrap_or(leader)
}

/// Transfers leadership while no message reaches the old leader.
async fn transfer_and_cut(cluster: &Cluster, leader: usize, successor: usize) {
    let (size, timing) = (cluster.size(), cluster.world().settings().timing);
    let only = PeerSet::only(leader);
    let cut_off = Links { from: only.others(size), to: only, direction: LinkDirection::One };
    cluster.set_links(cut_off, Connection::Cut);
    cluster.transfer(leader, successor);
    cluster.sleep(timing.election_min / 4).await;
    cluster.set_links(cut_off, Connection::Up);
}

/// Delays replies by up to `late` for this long.
async fn delay_replies(cluster: &Cluster, late: Duration, length: Duration) {
    let usual = cluster.world().settings().network;
    let reply = LinkProfile { delay_max: late, ..usual.reply };
    cluster.set_network(NetworkProfile { reply, ..usual });
    cluster.sleep(length).await;
    cluster.set_network(usual);
}

/// In thousandths.
const CLOCK_DRIFT_PERMILLE: i32 = 150;
const READERS: u16 = 6;
const TURNS: u64 = 8;
const KEY: u8 = 0;
