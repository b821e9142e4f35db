//! Scenarios beyond the paper, named by the sections of Ongaro's dissertation. Each also states
//! what must *not* happen: no election, no gap, no lost command.
//!
//! From chapter 4 on most change members while clients write and read; their answers are checked as
//! in the swarm.

pub(crate) mod joint_consensus;
pub(crate) mod leadership;
pub(crate) mod leases;
mod loaded_cluster;
pub(crate) mod lost_disks;
pub(crate) mod membership;
pub(crate) mod removal;
pub(crate) mod restarts;

use std::time::Duration;

use raft::{Config, FirstEntry, PeerId, PreVote, Reads};

use crate::case::{Limits, Protocol, Settings, Stores};
use crate::service::{Machine, Snapshots};
use crate::sim::network::{LinkProfile, NetworkProfile};

pub(crate) fn extended() -> Settings {
    let lab = Settings::lab(PEERS, NetworkProfile::LAB_RELIABLE, Snapshots::Never);
    Settings { protocol: Protocol::EXTENDED, ..lab }
}

/// Three peers, of which the leader's vote and one more are a majority.
pub(crate) fn three_peers() -> Settings {
    Settings { peers: 3, initial_members: 3, ..extended() }
}

pub(crate) fn small_limits() -> Settings {
    let settings = extended();
    let limits = Limits { uncommitted_bytes: 100, in_flight_bytes: 50, ..settings.limits };
    Settings { limits, ..settings }
}

/// Clusters whose first peers are members, and the others wait to be added; messages are delayed.
pub(crate) fn members(initial_members: usize, peers: usize) -> Settings {
    let profile = LinkProfile { delay_max: DELAY_MAX, ..LinkProfile::PERFECT };
    Settings {
        peers,
        initial_members,
        network: NetworkProfile { request: profile, reply: profile },
        machine: Machine::Store,
        first_entry: FirstEntry::NoOp,
        ..extended()
    }
}

/// Clusters with short logs: a peer that lags far behind begins with a snapshot.
pub(crate) fn compacted(initial_members: usize, peers: usize) -> Settings {
    let settings = members(initial_members, peers);
    let limits = Limits { chunk_bytes: 16 * 1024, ..settings.limits };
    Settings { snapshots: Snapshots::EVERY_TENTH, limits, ..settings }
}

/// The same, with the library's entries behind a snapshot.
pub(crate) fn with_trailing_entries() -> Settings {
    let settings = compacted(3, 3);
    let config = Config::new(PeerId::new(0), Vec::new());
    let trailing = (config.trailing_entries_max, config.trailing_bytes_max);
    Settings { limits: Limits { trailing, ..settings.limits }, ..settings }
}

/// The same with no committed entry in memory.
pub(crate) fn without_cache() -> Settings {
    let settings = with_trailing_entries();
    Settings { limits: Limits { cache_bytes: 0, ..settings.limits }, ..settings }
}

/// Clusters whose peers may lose their disks, and whose leaders re-seed those that did.
pub(crate) fn reseeded(initial_members: usize, peers: usize) -> Settings {
    Settings { stores: Stores::Reseeded, ..members(initial_members, peers) }
}

/// Clusters whose leaders commit nothing in their term before the first command.
pub(crate) fn without_no_op() -> Settings {
    Settings { first_entry: FirstEntry::Command, ..members(3, 5) }
}

/// Clusters that are quiet: without commands of clients, and without entries of new leaders.
pub(crate) fn quiet() -> Settings {
    let members = members(3, 4);
    Settings { first_entry: FirstEntry::Command, machine: Machine::History, ..members }
}

/// Clusters in which an isolated peer starts one election after the other.
pub(crate) fn without_pre_vote() -> Settings {
    let protocol = Protocol { pre_vote: PreVote::Off, ..Protocol::EXTENDED };
    Settings { protocol, ..members(4, 4) }
}

/// Clusters whose leaders serve reads by leases; clocks are exact.
pub(crate) fn with_leases() -> Settings {
    let reads = Reads::Lease { clock_drift_max: Duration::from_millis(10) };
    Settings { reads, ..members(3, 3) }
}

const PEERS: usize = 5;
const ELECTION_MIN: Duration = Duration::from_millis(300);
const ELECTION_MAX: Duration = Duration::from_millis(600);
const HEARTBEAT: Duration = Duration::from_millis(100);
const DELAY_MAX: Duration = Duration::from_millis(10);
