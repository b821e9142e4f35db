//! Settings of a swarm run, drawn from the seed.

use std::time::Duration;

use raft::{CheckQuorum, FirstEntry, PreVote, Reads};

use crate::case::{Limits, Protocol, Settings, Stores, Timing};
use crate::service::{Machine, Snapshots};
use crate::sim::disk::{FlushFaultRates, Latency};
use crate::sim::late_polls::LatePolls;
use crate::sim::network::{LinkProfile, NetworkProfile};
use crate::sim::random::{Chance, Domain, Stream};

/// Family of runs: the focus of one test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// One to three peers: every event matters, and runs are short.
    Small,
    /// One to seven peers and all kinds of faults.
    Mixed,
    /// Snapshots all the time, in small pieces.
    Snapshots,
    /// Disks that are slow, stuck, failing and torn.
    Disks,
    /// Links that lose, double, delay, reorder and fail in all ways.
    Links,
    /// Crashes, pauses, clocks: leaders do not last.
    Elections,
    /// Members come and go.
    Members,
    /// Peers lose their disks, fewer than a majority at a time.
    LostDisks,
}

/// Draws the settings of a run.
#[must_use]
pub(crate) fn draw(family: Family, seed: u64) -> Settings {
    let mut rng = Stream::new(seed, Domain::Settings, [0, 0]);
    let peers = match family {
        Family::Small => 1 + rng.index(3),
        Family::Mixed => 1 + rng.index(7),
        Family::LostDisks => rng.pick(&[3, 3, 4, 5, 5]),
        Family::Snapshots | Family::Disks | Family::Links | Family::Elections => {
            rng.pick(&[2, 3, 3, 3, 4, 5, 5])
        }
        Family::Members => rng.pick(&[3, 4, 5, 5, 6, 7]),
    };
    let initial_members = match family {
        Family::Members => 1 + rng.index(peers),
        Family::Small
        | Family::Mixed
        | Family::Snapshots
        | Family::Disks
        | Family::Links
        | Family::Elections
        | Family::LostDisks => peers,
    };
    let (in_flight_bytes, uncommitted_bytes) = bytes(seed);
    let timing = timing(&mut rng);
    let network = network(family, &timing, &mut rng);
    let mut settings = Settings {
        peers,
        initial_members,
        reads: Reads::ReadIndex,
        limits: Limits {
            append_bytes: rng.pick(&[1, 100, 1000, 64 * 1024]),
            in_flight: rng.pick(&[1, 2, 8, 64]),
            in_flight_bytes,
            uncommitted_bytes,
            chunk_bytes: rng.pick(&[200, 1000, 64 * 1024]),
            trailing: trailing(seed),
            cache_bytes: cache_bytes(seed),
        },
        first_entry: rng.pick(&[FirstEntry::NoOp, FirstEntry::NoOp, FirstEntry::Command]),
        protocol: protocol(family, seed),
        network,
        latency: latency(family, &timing, &mut rng),
        flush_faults: flush_faults(family, &timing, &mut rng),
        late_polls: late_polls(seed, &timing),
        stores: if family == Family::LostDisks { Stores::Reseeded } else { Stores::Plain },
        snapshots: snapshots(family, &mut rng),
        machine: Machine::Store,
        padding: rng.pick(&[0, 0, 0, 40]),
        clocks: clocks(family, peers, &mut rng),
        timing,
    };
    settings.reads = reads(seed, &settings);
    settings
}

/// Draws the read mode, from a stream of its own. Leases need check-quorum.
fn reads(seed: u64, settings: &Settings) -> Reads {
    let mut rng = Stream::new(seed, Domain::Settings, [4, 0]);
    let leases = rng.happens(Chance::percent(50));
    match settings.protocol.check_quorum {
        CheckQuorum::On if leases => lease(settings.timing.election_min, &settings.clocks),
        CheckQuorum::On | CheckQuorum::Off => Reads::ReadIndex,
    }
}

/// Leases that allow for just these clocks, those of peers beyond the end being true.
#[must_use]
pub(super) fn lease(election_min: Duration, clocks: &[i32]) -> Reads {
    let rate = |permille: i32| u32::try_from(1000 + permille).unwrap_or_default();
    let slowest = clocks.iter().copied().chain([0]).min().map_or(1000, rate);
    let fastest = clocks.iter().copied().chain([0]).max().map_or(1000, rate);
    // What the slowest clock shows when the fastest shows the shortest timeout; clocks show whole
    // nanoseconds.
    let shown = election_min * slowest / fastest;
    Reads::Lease { clock_drift_max: election_min - shown + Duration::from_nanos(10) }
}

/// Draws the protocol extensions, from a stream of its own.
fn protocol(family: Family, seed: u64) -> Protocol {
    // Without them, removed peers that were not notified disturb the others (dissertation §4.2.3).
    if matches!(family, Family::Members | Family::LostDisks) {
        return Protocol::EXTENDED;
    }
    let mut rng = Stream::new(seed, Domain::Settings, [3, 0]);
    Protocol {
        pre_vote: rng.pick(&[PreVote::On, PreVote::On, PreVote::Off]),
        check_quorum: rng.pick(&[CheckQuorum::On, CheckQuorum::On, CheckQuorum::Off]),
    }
}

/// Draws the limits of bytes in flight and uncommitted, from less than one entry on; a stream of
/// its own.
fn bytes(seed: u64) -> (usize, u64) {
    let mut rng = Stream::new(seed, Domain::Settings, [7, 0]);
    (rng.pick(&[1, 300, 2000, 1 << 20]), rng.pick(&[1, 200, 1000, 1 << 20]))
}

/// Draws the limits of entries behind a snapshot, from none on; a stream of its own.
fn trailing(seed: u64) -> (u64, u64) {
    let mut rng = Stream::new(seed, Domain::Settings, [10, 0]);
    (rng.pick(&[0, 0, 1, 3, 20, 1 << 17]), rng.pick(&[1, 200, 1000, 16 << 20]))
}

/// Draws the limit of entries in memory, from none on; a stream of its own.
fn cache_bytes(seed: u64) -> u64 {
    let mut rng = Stream::new(seed, Domain::Settings, [11, 0]);
    rng.pick(&[u64::MAX, u64::MAX, 0, 100, 1000])
}

/// Draws how late drivers take outputs, from a stream of its own: up to a heartbeat, in most runs.
fn late_polls(seed: u64, timing: &Timing) -> LatePolls {
    let mut rng = Stream::new(seed, Domain::Settings, [8, 0]);
    let chance = rng.pick(&[Chance::NEVER, Chance::of(1, 16), Chance::of(1, 4), Chance::of(1, 2)]);
    LatePolls { chance, delay_max: timing.heartbeat / rng.pick(&[1, 4, 20]) }
}

/// From clusters in one rack to clusters around the world; a heartbeat is at most half of the
/// shortest timeout, as the library asks.
fn timing(rng: &mut Stream) -> Timing {
    let ms = Duration::from_millis;
    let election_min = rng.log_uniform(ms(40), ms(600));
    let election_max = election_min * rng.pick(&[12, 15, 20, 30]) / 10;
    let heartbeat = election_min / rng.pick(&[2, 3, 5, 10]);
    let commit_notice = rng.pick(&[Duration::ZERO, heartbeat / 10, heartbeat * 2]);
    Timing { election_min, election_max, heartbeat, commit_notice }
}

/// Draws whether a kind of fault is in this run: in fewer than half of all, and in most where the
/// family focuses on it.
pub(super) fn is_active(rng: &mut Stream, is_focus: bool) -> bool {
    rng.happens(if is_focus { Chance::percent(80) } else { Chance::percent(40) })
}

/// A chance between 1 in 256 and 1 in 4, every factor as likely as any other.
fn log_uniform_chance(rng: &mut Stream) -> Chance {
    Chance::of(1, 4 << rng.below(7))
}

fn network(family: Family, timing: &Timing, rng: &mut Stream) -> NetworkProfile {
    let is_focus = matches!(family, Family::Links | Family::Small);
    // Up to where requests take as long as an election.
    let delay_max = timing.election_min / rng.pick(&[2, 10, 30, 100]);
    let mut profile = || {
        let mut chance =
            || if is_active(rng, is_focus) { log_uniform_chance(rng) } else { Chance::NEVER };
        LinkProfile { loss: chance(), duplication: chance(), delay_max, reordering: chance() }
    };
    NetworkProfile { request: profile(), reply: profile() }
}

fn latency(family: Family, timing: &Timing, rng: &mut Stream) -> Latency {
    let max = match is_active(rng, family == Family::Disks) {
        true => timing.election_min / rng.pick(&[4, 8, 16]),
        false => Duration::from_millis(2),
    };
    Latency { min: Duration::from_micros(50), max }
}

fn flush_faults(family: Family, timing: &Timing, rng: &mut Stream) -> FlushFaultRates {
    let is_focus = family == Family::Disks;
    let mut chance =
        || if is_active(rng, is_focus) { Chance::of(1, 32 << rng.below(5)) } else { Chance::NEVER };
    let (stall, failure) = (chance(), chance());
    FlushFaultRates { stall, stall_max: timing.election_max * 5, failure }
}

fn snapshots(family: Family, rng: &mut Stream) -> Snapshots {
    match family {
        Family::Snapshots => Snapshots::Every(rng.pick(&[1, 2, 5, 10])),
        Family::Members => rng.pick(&[Snapshots::Never, Snapshots::Every(5), Snapshots::Every(20)]),
        Family::Small
        | Family::Mixed
        | Family::Disks
        | Family::Links
        | Family::Elections
        | Family::LostDisks => {
            rng.pick(&[Snapshots::Never, Snapshots::Every(5), Snapshots::Every(25)])
        }
    }
}

/// Clocks that differ by up to three tenths: more, and a follower's timeout could be shorter than
/// its leader's heartbeat.
fn clocks(family: Family, peers: usize, rng: &mut Stream) -> Vec<i32> {
    if !is_active(rng, family == Family::Elections) {
        return Vec::new();
    }
    let bound = rng.pick(&[5, 50, 150]);
    (0..peers).map(|_| rng.below(2 * bound + 1) as i32 - bound as i32).collect()
}
