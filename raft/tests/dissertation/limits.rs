//! §10.2.1 asks for pipelines; here is what bounds them, and what a leader lets wait.

use raft::message::Vote;
use raft::progress::Flow;
use raft::{Config, Entry, FirstEntry, Index, Message, ProposeError, Role};

use crate::cluster::{Cluster, disk, entry, peer};

/// The bytes of the entry of a command of one byte.
const ONE: u64 = Entry::OVERHEAD_BYTES as u64 + 1;

fn offer(cluster: &mut Cluster, bytes: usize) -> Result<raft::EntryId, ProposeError> {
    let now = cluster.now;
    let command = vec![7; bytes];
    cluster.peers.get_mut(&peer(0)).unwrap().node.propose(now, command.into())
}

fn full(uncommitted: u64, command: u64, limit: u64) -> ProposeError {
    ProposeError::UncommittedFull { uncommitted, command, limit }
}

/// Three peers, the first of which leads and may let three small commands wait.
fn leader_with_room_for_three(change: fn(&mut Config)) -> Cluster {
    let mut cluster = Cluster::with(3, change);
    cluster.elect(peer(0));
    cluster
}

#[test]
fn a_leader_takes_what_its_limit_allows_and_no_more() {
    let mut cluster = leader_with_room_for_three(|config| config.uncommitted_bytes_max = 3 * ONE);
    for _ in 0..3 {
        offer(&mut cluster, 1).unwrap();
    }
    assert_eq!(offer(&mut cluster, 1), Err(full(3 * ONE, ONE, 3 * ONE)));
    assert_eq!(cluster.node(peer(0)).log().last().index, Index::new(3), "nothing happened");
    cluster.settle();
    offer(&mut cluster, 1).expect("all is committed");
}

#[test]
fn a_command_larger_than_the_limit_passes_alone() {
    let mut cluster = leader_with_room_for_three(|config| config.uncommitted_bytes_max = 3 * ONE);
    offer(&mut cluster, 1000).unwrap();
    assert_eq!(offer(&mut cluster, 0), Err(full(999 + ONE, ONE - 1, 3 * ONE)));
    cluster.settle();
    offer(&mut cluster, 1).unwrap();
    assert_eq!(offer(&mut cluster, 1000), Err(full(ONE, 999 + ONE, 3 * ONE)));
}

/// etcd: a counter that starts at nothing lets a new leader take twice what it may.
#[test]
fn a_new_leader_counts_what_it_inherits_and_its_own_no_op_always_passes() {
    let mut cluster = Cluster::with(3, |config| {
        config.uncommitted_bytes_max = 3 * ONE;
        config.first_entry = FirstEntry::NoOp;
    });
    cluster.restart_from(peer(0), disk(&[entry(1, 1), entry(1, 2), entry(1, 3), entry(1, 4)]));
    // Nobody hears of its election, so that nothing is committed.
    cluster.time_out(peer(0));
    cluster.poll(peer(0));
    cluster.wire.clear();
    cluster.inject(1, peer(0), 2, Message::RequestVoteReply(Vote::Granted));
    let no_op = ONE - 1;
    assert_eq!(cluster.node(peer(0)).log().last().index, Index::new(5));
    assert_eq!(offer(&mut cluster, 1), Err(full(4 * ONE + no_op, ONE, 3 * ONE)));
    cluster.settle();
    offer(&mut cluster, 1).expect("all is committed");
}

/// What a leader inherits commits with an entry of its own term and not before (paper §5.4.2): without
/// a no-op, the limit would keep that entry out for ever.
#[test]
fn the_first_command_of_a_term_passes_whatever_waits() {
    let mut cluster = leader_with_room_for_three(|config| config.uncommitted_bytes_max = 3 * ONE);
    cluster.restart_from(peer(0), disk(&[entry(1, 1), entry(1, 2), entry(1, 3), entry(1, 4)]));
    cluster.elect(peer(0));
    offer(&mut cluster, 1).unwrap();
    assert_eq!(offer(&mut cluster, 1), Err(full(5 * ONE, ONE, 3 * ONE)));
    cluster.settle();
    offer(&mut cluster, 1).expect("all is committed");
}

#[test]
fn a_leader_that_comes_back_counts_anew() {
    let mut cluster = leader_with_room_for_three(|config| config.uncommitted_bytes_max = 3 * ONE);
    cluster.cut(peer(0));
    for _ in 0..3 {
        offer(&mut cluster, 1).unwrap();
    }
    cluster.settle();
    cluster.elect(peer(1));
    cluster.commit(peer(1), b"y");
    cluster.heal(peer(0));
    cluster.pass(std::time::Duration::from_millis(50));
    cluster.settle();
    assert_eq!(cluster.node(peer(0)).log().last().index, Index::new(1), "its tail is gone");
    cluster.elect(peer(0));
    for _ in 0..3 {
        offer(&mut cluster, 1).unwrap();
    }
    assert!(offer(&mut cluster, 1).is_err());
}

/// How many messages are on their way to a follower, and how many bytes.
fn in_flight(cluster: &Cluster) -> (usize, usize) {
    let Role::Leader(leader) = cluster.node(peer(0)).role() else { panic!("peer 0 leads") };
    let Flow::Replicate(in_flight) = &leader.followers[&peer(1)].flow else {
        panic!("no pipeline")
    };
    (in_flight.len(), in_flight.bytes())
}

#[test]
fn a_pipeline_ends_with_the_message_that_reaches_its_bytes() {
    let mut cluster = leader_with_room_for_three(|config| {
        config.append_bytes_max = 1;
        config.in_flight_bytes_max = 2 * ONE as usize + 1;
    });
    cluster.commit(peer(0), b"x");
    cluster.pass(std::time::Duration::from_millis(50));
    cluster.settle();
    assert_eq!(in_flight(&cluster), (0, 0));
    for _ in 0..9 {
        offer(&mut cluster, 1).unwrap();
    }
    cluster.poll(peer(0));
    assert_eq!(in_flight(&cluster), (3, 3 * ONE as usize));
    cluster.settle();
    assert_eq!(in_flight(&cluster), (0, 0), "answers make room");
    assert_eq!(cluster.node(peer(1)).log().last().index, Index::new(10));
    offer(&mut cluster, 1000).unwrap();
    offer(&mut cluster, 1).unwrap();
    cluster.poll(peer(0));
    assert_eq!(in_flight(&cluster), (1, 999 + ONE as usize), "a large entry goes alone");
}
