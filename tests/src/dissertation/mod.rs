//! Scenarios of what peers do beyond the paper, named by the sections of Ongaro's dissertation. Each
//! says what must *not* happen, too: no election, no gap, no lost command.
//!
//! From chapter 4 on most change members, and clients write and read all the while: whatever they are
//! told is checked as the swarm's clients are.

mod joint_consensus;
mod leadership;
mod leases;
mod loaded_cluster;
mod membership;
mod removal;
mod restarts;

use std::time::Duration;

use raft::{FirstEntry, PreVote, Reads};

use crate::case::{Limits, Protocol, Settings};
use crate::cluster::Cluster;
use crate::lab2::{Body, ClusterSpec, Part, Scenario};
use crate::service::{Machine, Snapshots};
use crate::sim::network::{LinkProfile, NetworkProfile};

/// The scenarios.
#[rustfmt::skip]
pub const DISSERTATION: [Scenario; 24] = [
    scenario("one_way_partition_4_2_3", "a peer that hears nobody disturbs nobody", |c| Box::pin(leadership::one_way_partition(c))),
    Scenario { spec: ClusterSpec::Drawn(|_| three_peers()), ..scenario("rejoining_peer_9_6", "a peer that was cut off comes back without an election", |c| Box::pin(leadership::rejoining_peer(c))) },
    scenario("leader_without_quorum_6_2", "a leader without a quorum gives up", |c| Box::pin(leadership::leader_without_quorum(c))),
    scenario("transfer_3_10", "leadership goes around without a gap", |c| Box::pin(leadership::transfers(c))),
    scenario("transfer_to_crashed_peer_3_10", "a leader leads on when its successor does not", |c| Box::pin(leadership::transfer_to_crashed_peer(c))),
    Scenario { spec: ClusterSpec::Drawn(|_| small_limits()), ..scenario("uncommitted_limit", "a leader takes no more than may wait", |c| Box::pin(leadership::uncommitted_limit(c))) },
    changing(|_| members(3, 5), "grow_4_2_1", "three become five: learners catch up before they vote", |c| Box::pin(membership::grow(c))),
    changing(|_| compacted(3, 5), "grow_by_snapshot_4_2_1", "three become five: learners begin with a snapshot", |c| Box::pin(membership::grow(c))),
    changing(|_| members(5, 5), "shrink_4_1", "five become three, of which two are enough", |c| Box::pin(membership::shrink(c))),
    changing(|_| members(2, 3), "shrink_to_one_and_grow_4_1", "two become one, and one becomes three", |c| Box::pin(membership::shrink_to_one_and_grow(c))),
    changing(|_| members(3, 6), "replace_one_by_one_4_1", "three others take over, one by one", |c| Box::pin(membership::replace_one_by_one(c))),
    changing(|_| members(3, 6), "replace_at_once_4_3", "three others take over in one joint step", |c| Box::pin(membership::replace_at_once(c))),
    changing(|_| without_no_op(), "one_change_at_a_time_4_1", "a change is refused while another is under way", |c| Box::pin(membership::one_change_at_a_time(c))),
    changing(|_| members(3, 3), "leader_removes_itself_4_2_2", "a leader leads until it is out, without counting itself", |c| Box::pin(removal::leader_removes_itself(c))),
    changing(|_| members(4, 4), "removed_peer_not_notified_4_2_3", "a peer that never heard of its removal disturbs nobody", |c| Box::pin(removal::removed_peer_not_notified(c))),
    changing(|_| without_pre_vote(), "removed_candidate_not_notified_4_2_3", "one that stands in ever newer terms does not either", |c| Box::pin(removal::removed_peer_not_notified(c))),
    changing(|_| members(3, 6), "one_majority_cannot_commit_4_3", "one majority of two commits nothing", |c| Box::pin(joint_consensus::one_majority_cannot_commit(c))),
    changing(|_| members(3, 6), "one_majority_cannot_elect_4_3", "one majority of two elects nobody", |c| Box::pin(joint_consensus::one_majority_cannot_elect(c))),
    changing(|_| members(3, 6), "joint_leader_crashes_4_3", "a successor finishes the change it finds", |c| Box::pin(joint_consensus::leader_crashes(c))),
    changing(|_| members(3, 6), "joint_change_truncated_4_1", "a change that is truncated has never been", |c| Box::pin(joint_consensus::change_truncated(c))),
    changing(|_| members(3, 6), "all_crash_in_joint_4_3", "a change survives a crash of all", |c| Box::pin(restarts::all_crash_in_joint(c))),
    changing(|_| compacted(3, 5), "membership_in_snapshots_5", "who starts from a snapshot knows the members", |c| Box::pin(restarts::membership_in_snapshots(c))),
    changing(|_| compacted(3, 4), "snapshot_before_change_5", "a snapshot has the members of its index, not the newest", |c| Box::pin(restarts::snapshot_before_change(c))),
    changing(|_| with_leases(), "paused_lease_holder_6_4_1", "a leader that stood still does not believe in its lease", |c| Box::pin(leases::paused_lease_holder(c))),
];

const fn scenario(
    name: &'static str,
    description: &'static str,
    body: fn(Cluster) -> Body,
) -> Scenario {
    Scenario {
        name,
        part: Part::Thesis,
        description,
        spec: ClusterSpec::Drawn(|_| extended()),
        body,
    }
}

/// A scenario with clients, in most of which members change.
const fn changing(
    settings: fn(u64) -> Settings,
    name: &'static str,
    description: &'static str,
    body: fn(Cluster) -> Body,
) -> Scenario {
    Scenario { spec: ClusterSpec::Drawn(settings), ..scenario(name, description, body) }
}

fn extended() -> Settings {
    let lab = Settings::lab(PEERS, NetworkProfile::LAB_RELIABLE, Snapshots::Never);
    Settings { protocol: Protocol::EXTENDED, ..lab }
}

/// Where a leader's yes alone would be enough.
fn three_peers() -> Settings {
    Settings { peers: 3, initial_members: 3, ..extended() }
}

fn small_limits() -> Settings {
    let settings = extended();
    let limits = Limits { uncommitted_bytes: 100, in_flight_bytes: 50, ..settings.limits };
    Settings { limits, ..settings }
}

/// The first peers are members, the others wait to be added; messages take their time.
fn members(initial_members: usize, peers: usize) -> Settings {
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

/// Whose logs are short, so that whoever lacks much begins with a snapshot.
fn compacted(initial_members: usize, peers: usize) -> Settings {
    let settings = members(initial_members, peers);
    let limits = Limits { chunk_bytes: 16 * 1024, ..settings.limits };
    Settings { snapshots: Snapshots::EVERY_TENTH, limits, ..settings }
}

/// Where a leader has committed nothing in its term until it is given a command.
fn without_no_op() -> Settings {
    Settings { first_entry: FirstEntry::Command, ..members(3, 5) }
}

/// Where a peer that hears nobody stands again and again.
fn without_pre_vote() -> Settings {
    let protocol = Protocol { pre_vote: PreVote::Off, ..Protocol::EXTENDED };
    Settings { protocol, ..members(4, 4) }
}

/// Where leaders serve reads without asking anybody; clocks are true.
fn with_leases() -> Settings {
    let reads = Reads::Lease { clock_drift_max: Duration::from_millis(10) };
    Settings { reads, ..members(3, 3) }
}

const PEERS: usize = 5;
const ELECTION_MIN: Duration = Duration::from_millis(300);
const ELECTION_MAX: Duration = Duration::from_millis(600);
const HEARTBEAT: Duration = Duration::from_millis(100);
const DELAY_MAX: Duration = Duration::from_millis(10);
