//! Dissertation §6.4.1: reads by a lease.

use std::time::Duration;

use raft::{CheckQuorum, Config, FirstEntry, Reads, Role, RoleName};

use crate::cluster::{Cluster, peer};
use crate::reads::{HEARTBEAT, answer, rounds};

const LEASE: Duration = Duration::from_millis(150 - 15);

fn with_lease(config: &mut Config) {
    config.check_quorum = CheckQuorum::On;
    config.reads = Reads::Lease { clock_drift_max: Duration::from_millis(15) };
}

/// A leader of term 1 that has committed one command, and has a lease from now on.
fn leader() -> Cluster {
    let mut cluster = Cluster::with(3, with_lease);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    cluster.advance(HEARTBEAT);
    cluster.deliver_all();
    cluster
}

#[test]
fn a_leader_with_a_lease_serves_reads_without_a_message() {
    let mut cluster = leader();
    cluster.read(peer(0), 1).unwrap();
    assert_eq!(cluster.take_sent(peer(0)), []);
    assert_eq!(cluster.reads(peer(0)), [(1, Ok(1))]);
}

#[test]
fn a_lease_expires_without_an_event_and_reads_need_a_round_again() {
    let mut cluster = leader();
    // The process is stopped; no timer fires.
    cluster.now = cluster.now.after(LEASE - Duration::from_nanos(1));
    cluster.read(peer(0), 1).unwrap();
    cluster.take_sent(peer(0));
    assert_eq!(cluster.reads(peer(0)), [(1, Ok(1))]);
    cluster.now = cluster.now.after(Duration::from_nanos(1));
    cluster.read(peer(0), 2).unwrap();
    assert_ne!(cluster.take_sent(peer(0)), [], "a round");
    assert_eq!(cluster.reads(peer(0)), []);
}

#[test]
fn a_lease_counts_from_the_sending_and_not_from_the_answer() {
    let mut cluster = leader();
    cluster.advance(HEARTBEAT);
    let round = *rounds(&mut cluster, 0).last().unwrap();
    let delay = LEASE - Duration::from_nanos(1);
    cluster.now = cluster.now.after(delay);
    cluster.inject(1, peer(0), 1, answer(round));
    cluster.read(peer(0), 1).unwrap();
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), [(1, Ok(1))]);
    cluster.now = cluster.now.after(Duration::from_nanos(1));
    cluster.read(peer(0), 2).unwrap();
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), []);
}

#[test]
fn a_lease_is_kept_by_heartbeats_and_by_entries() {
    let mut cluster = leader();
    for _ in 0..10 {
        cluster.advance(HEARTBEAT);
        cluster.deliver_all();
    }
    let until = |cluster: &Cluster| match cluster.node(peer(0)).role() {
        Role::Leader(leader) => leader.reads.lease().until(),
        Role::Follower(_) | Role::PreCandidate(_) | Role::Candidate(_) => None,
    };
    assert_eq!(until(&cluster), Some(cluster.now.after(LEASE)));
    for _ in 0..10 {
        cluster.advance(HEARTBEAT / 2);
        cluster.commit(peer(0), b"y");
    }
    assert_eq!(until(&cluster), Some(cluster.now.after(LEASE)));
}

#[test]
fn a_new_leader_with_a_lease_commits_in_its_term_before_it_reads() {
    let mut cluster = Cluster::with(3, |config| {
        with_lease(config);
        config.first_entry = FirstEntry::NoOp;
    });
    cluster.elect(peer(0));
    cluster.deliver_all();
    cluster.stall_disk(peer(1));
    cluster.stall_disk(peer(2));
    cluster.read(peer(0), 1).unwrap();
    cluster.deliver_all();
    assert_eq!(cluster.reads(peer(0)), [(1, Ok(1))]);
}

#[test]
fn followers_read_by_their_leaders_lease() {
    let mut cluster = leader();
    cluster.read(peer(2), 1).unwrap();
    assert_eq!(cluster.deliver_all(), 2, "a question and its answer");
    assert_eq!(cluster.reads(peer(2)), [(1, Ok(1))]);
}

/// The target is elected although its voters have a live leader, at an unknown time.
#[test]
fn a_leader_that_sent_timeout_now_has_no_lease_for_the_rest_of_its_term() {
    let mut cluster = leader();
    let now = cluster.now;
    let node = &mut cluster.peers.get_mut(&peer(0)).unwrap().node;
    node.transfer_leadership(now, peer(1)).unwrap();
    cluster.take_sent(peer(0));
    cluster.read(peer(0), 1).unwrap();
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), []);
    cluster.cut(peer(1));
    cluster.advance(Duration::from_millis(140));
    cluster.deliver_all();
    cluster.advance(HEARTBEAT);
    cluster.deliver_all();
    assert_eq!(cluster.role(peer(0)), RoleName::Leader, "the transfer failed");
    assert_eq!(cluster.reads(peer(0)), [(1, Ok(1))]);
    cluster.read(peer(0), 2).unwrap();
    assert_ne!(cluster.take_sent(peer(0)), [], "it starts a round");
}
