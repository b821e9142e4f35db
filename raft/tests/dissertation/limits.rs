//! §10.2.1: limits of pipelines and of uncommitted entries.

use raft::message::Vote;
use raft::progress::Flow;
use raft::{Config, Entry, FirstEntry, Index, Message, ProposeError, Role};

use crate::cluster::{Cluster, disk, entry, peer};

/// The bytes of the entry of a command of one byte.
const ONE: u64 = Entry::OVERHEAD_BYTES as u64 + 1;

fn propose(cluster: &mut Cluster, bytes: usize) -> Result<raft::EntryId, ProposeError> {
    let now = cluster.now;
    let command = vec![7; bytes];
    cluster.peers.get_mut(&peer(0)).unwrap().node.propose(now, command.into())
}

fn full(uncommitted: u64, command: u64, limit: u64) -> ProposeError {
    ProposeError::UncommittedFull { uncommitted, command, limit }
}

/// Three peers, the first of which leads and may have three small commands uncommitted.
fn leader_with_limit_of_three(change: fn(&mut Config)) -> Cluster {
    let mut cluster = Cluster::with(3, change);
    cluster.elect(peer(0));
    cluster
}

#[test]
fn a_leader_accepts_commands_up_to_its_limit() {
    let mut cluster = leader_with_limit_of_three(|config| config.uncommitted_bytes_max = 3 * ONE);
    for _ in 0..3 {
        propose(&mut cluster, 1).unwrap();
    }
    assert_eq!(propose(&mut cluster, 1), Err(full(3 * ONE, ONE, 3 * ONE)));
    assert_eq!(cluster.node(peer(0)).log().last().index, Index::new(3), "nothing happened");
    cluster.deliver_all();
    propose(&mut cluster, 1).expect("all is committed");
}

#[test]
fn a_command_larger_than_the_limit_is_accepted_alone() {
    let mut cluster = leader_with_limit_of_three(|config| config.uncommitted_bytes_max = 3 * ONE);
    propose(&mut cluster, 1000).unwrap();
    assert_eq!(propose(&mut cluster, 0), Err(full(999 + ONE, ONE - 1, 3 * ONE)));
    cluster.deliver_all();
    propose(&mut cluster, 1).unwrap();
    assert_eq!(propose(&mut cluster, 1000), Err(full(ONE, 999 + ONE, 3 * ONE)));
}

/// etcd: a counter that starts at nothing lets a new leader take twice what it may.
#[test]
fn a_new_leader_counts_inherited_entries_and_always_appends_its_no_op() {
    let mut cluster = Cluster::with(3, |config| {
        config.uncommitted_bytes_max = 3 * ONE;
        config.first_entry = FirstEntry::NoOp;
    });
    cluster.restart_from(peer(0), disk(&[entry(1, 1), entry(1, 2), entry(1, 3), entry(1, 4)]));
    // Its first messages are lost, so that nothing is committed.
    cluster.time_out(peer(0));
    cluster.poll(peer(0));
    cluster.wire.clear();
    cluster.inject(1, peer(0), 2, Message::RequestVoteReply(Vote::Granted));
    let no_op = ONE - 1;
    assert_eq!(cluster.node(peer(0)).log().last().index, Index::new(5));
    assert_eq!(propose(&mut cluster, 1), Err(full(4 * ONE + no_op, ONE, 3 * ONE)));
    cluster.deliver_all();
    propose(&mut cluster, 1).expect("all is committed");
}

/// Inherited entries commit with an entry of the leader's own term and not before (paper §5.4.2):
/// without a no-op, the limit would reject that entry for ever.
#[test]
fn the_first_command_of_a_term_is_always_accepted() {
    let mut cluster = leader_with_limit_of_three(|config| config.uncommitted_bytes_max = 3 * ONE);
    cluster.restart_from(peer(0), disk(&[entry(1, 1), entry(1, 2), entry(1, 3), entry(1, 4)]));
    cluster.elect(peer(0));
    propose(&mut cluster, 1).unwrap();
    assert_eq!(propose(&mut cluster, 1), Err(full(5 * ONE, ONE, 3 * ONE)));
    cluster.deliver_all();
    propose(&mut cluster, 1).expect("all is committed");
}

#[test]
fn a_re_elected_leader_counts_from_its_log() {
    let mut cluster = leader_with_limit_of_three(|config| config.uncommitted_bytes_max = 3 * ONE);
    cluster.cut(peer(0));
    for _ in 0..3 {
        propose(&mut cluster, 1).unwrap();
    }
    cluster.deliver_all();
    cluster.elect(peer(1));
    cluster.commit(peer(1), b"y");
    cluster.heal(peer(0));
    cluster.advance(std::time::Duration::from_millis(50));
    cluster.deliver_all();
    assert_eq!(cluster.node(peer(0)).log().last().index, Index::new(1), "its tail is gone");
    cluster.elect(peer(0));
    for _ in 0..3 {
        propose(&mut cluster, 1).unwrap();
    }
    assert!(propose(&mut cluster, 1).is_err());
}

/// The number of messages in flight to a follower, and of their bytes.
fn in_flight(cluster: &Cluster) -> (usize, usize) {
    let Role::Leader(leader) = cluster.node(peer(0)).role() else { panic!("peer 0 leads") };
    let Flow::Replicate(in_flight) = &leader.followers[&peer(1)].flow else {
        panic!("no pipeline")
    };
    (in_flight.len(), in_flight.bytes())
}

#[test]
fn a_pipeline_ends_with_the_message_that_reaches_its_bytes() {
    let mut cluster = leader_with_limit_of_three(|config| {
        config.append_bytes_max = 1;
        config.in_flight_bytes_max = 3 * ONE as usize;
    });
    cluster.commit(peer(0), b"x");
    cluster.advance(std::time::Duration::from_millis(50));
    cluster.deliver_all();
    assert_eq!(in_flight(&cluster), (0, 0));
    for _ in 0..9 {
        propose(&mut cluster, 1).unwrap();
    }
    cluster.poll(peer(0));
    assert_eq!(in_flight(&cluster), (3, 3 * ONE as usize));
    cluster.deliver_all();
    assert_eq!(in_flight(&cluster), (0, 0), "answers make room");
    assert_eq!(cluster.node(peer(1)).log().last().index, Index::new(10));
    propose(&mut cluster, 1000).unwrap();
    propose(&mut cluster, 1).unwrap();
    cluster.poll(peer(0));
    assert_eq!(in_flight(&cluster), (1, 999 + ONE as usize), "a large entry goes alone");
}
