//! §5.3, §5.4.2: logs, commits, back-up over conflicts.

use std::time::Duration;

use raft::{Entry, FirstEntry, Index, LogSlice, Message, Payload, ProposeError, RoleName};

use crate::cluster::{
    Cluster, accepted, append, disk, entry, heartbeat_accepted, id, peer, rejected,
};

/// The terms of a peer's log after its snapshot.
fn terms(cluster: &Cluster, number: u64) -> Vec<u64> {
    let log = cluster.node(peer(number)).log();
    log.range(log.base().index, log.last().index).map(|entry| entry.id.term.number()).collect()
}

/// A log with these terms from index 1 on.
fn log(terms: &[u64]) -> Vec<Entry> {
    terms.iter().zip(1..).map(|(term, index)| entry(*term, index)).collect()
}

#[test]
fn a_command_is_applied_everywhere_in_order() {
    let mut cluster = Cluster::new(3);
    cluster.elect(peer(0));
    for command in [b"a", b"b", b"c"] {
        cluster.commit(peer(0), command);
    }
    for peer in cluster.peers.values() {
        let applied: Vec<&[u8]> = peer.applied.iter().map(|entry| entry.payload.bytes()).collect();
        assert_eq!(applied, [b"a", b"b", b"c"]);
    }
}

#[test]
fn commands_proposed_together_are_sent_together() {
    let mut cluster = Cluster::new(3);
    cluster.elect(peer(0));
    for command in [b"a", b"b", b"c"] {
        cluster.propose(peer(0), command);
    }
    let sent = cluster.take_sent(peer(0));
    assert_eq!(sent.len(), 2, "one message for each follower: {sent:?}");
}

#[test]
fn entries_follow_only_an_entry_of_the_same_index_and_term() {
    let rows = [
        (id(0, 0), accepted(1)),
        (id(2, 2), accepted(3)),
        (id(3, 2), rejected(2, id(1, 1))), // The index is there, the term is another.
        (id(3, 7), rejected(7, id(2, 3))), // Nothing is there.
        (id(1, 3), rejected(3, id(1, 1))), // The hint skips the whole of term 2.
    ];
    for (prev, expected) in rows {
        let mut cluster = Cluster::new(3);
        cluster.restart_from(peer(0), disk(&log(&[1, 2, 2])));
        let next = entry(prev.term.number().max(1), prev.index.number() + 1);
        let entries = if prev == id(0, 0) { vec![entry(1, 1)] } else { vec![next] };
        cluster.inject(1, peer(0), 4, append(prev, &entries, 0));
        assert_eq!(cluster.take_sent(peer(0)), [expected], "entries after {prev}");
    }
}

#[test]
fn a_conflicting_entry_is_deleted_with_all_after_it() {
    let mut cluster = Cluster::new(3);
    cluster.restart_from(peer(0), disk(&log(&[1, 2, 2, 2])));
    cluster.inject(1, peer(0), 4, append(id(1, 1), &[entry(3, 2)], 0));
    assert_eq!(cluster.take_sent(peer(0)), [accepted(2)]);
    assert_eq!(terms(&cluster, 0), [1, 3]);
    let stored: Vec<u64> =
        cluster.peers[&peer(0)].stored.entries.iter().map(|e| e.id.term.number()).collect();
    assert_eq!(stored, [1, 3], "the disk forgets them too");
}

#[test]
fn a_late_shorter_message_deletes_nothing() {
    let mut cluster = Cluster::new(3);
    let all = log(&[1, 1, 1]);
    cluster.inject(1, peer(0), 1, append(id(0, 0), &all, 0));
    cluster.inject(1, peer(0), 1, append(id(0, 0), &all[..1], 0));
    cluster.inject(1, peer(0), 1, append(id(0, 0), &[], 0));
    assert_eq!(cluster.take_sent(peer(0)), [accepted(3), accepted(1), heartbeat_accepted(0)]);
    assert_eq!(terms(&cluster, 0), [1, 1, 1]);
}

#[test]
fn a_follower_commits_only_what_the_message_proves_equal() {
    let mut cluster = Cluster::new(3);
    cluster.restart_from(peer(0), disk(&log(&[1, 1, 1])));
    // The leader has committed three entries, but only the first is known to be the same here.
    cluster.inject(1, peer(0), 2, append(id(1, 1), &[], 3));
    assert_eq!(cluster.node(peer(0)).status().commit_index, Index::new(1));
}

#[test]
fn commit_never_goes_back() {
    let mut cluster = Cluster::new(3);
    cluster.inject(1, peer(0), 1, append(id(0, 0), &log(&[1, 1]), 2));
    cluster.inject(1, peer(0), 1, append(id(1, 1), &[], 1));
    assert_eq!(cluster.node(peer(0)).status().commit_index, Index::new(2));
}

/// Figure 8: an entry of an earlier term may be on a majority and still be overwritten.
#[test]
fn a_leader_commits_no_entry_of_an_earlier_term_by_counting() {
    let mut cluster = Cluster::new(3);
    cluster.restart_from(peer(0), disk(&log(&[1, 2])));
    cluster.restart_from(peer(1), disk(&log(&[1])));
    cluster.cut(peer(2));
    cluster.elect(peer(0));
    cluster.advance(Duration::from_millis(50));
    cluster.deliver_all();
    assert_eq!(terms(&cluster, 1), [1, 2], "the entry of term 2 is on a majority");
    assert_eq!(cluster.node(peer(0)).status().commit_index, Index::ZERO);
    cluster.commit(peer(0), b"own");
    assert_eq!(cluster.node(peer(0)).status().commit_index, Index::new(3));
}

#[test]
fn a_no_op_commits_entries_of_earlier_leaders() {
    let mut cluster = Cluster::with(3, |config| config.first_entry = FirstEntry::NoOp);
    for number in 0..3 {
        cluster.restart_from(peer(number), disk(&log(&[1, 2])));
    }
    cluster.elect(peer(0));
    let applied = &cluster.peers[&peer(1)].applied;
    assert_eq!(applied.len(), 3);
    assert_eq!(applied[2].payload, Payload::NoOp);
}

/// Hundreds of conflicting entries of a few terms cost a message per term, not one per entry.
#[test]
fn next_index_skips_a_whole_term_at_once() {
    let shared = vec![1; 5];
    let mine = [shared.clone(), vec![4; 300], vec![6; 300]].concat();
    let theirs = [shared, vec![2; 200], vec![3; 200], vec![5; 200]].concat();
    let mut cluster = Cluster::new(3);
    cluster.restart_from(peer(0), disk(&log(&mine)));
    cluster.restart_from(peer(1), disk(&log(&theirs)));
    cluster.restart_from(peer(2), disk(&log(&mine)));
    cluster.time_out(peer(0));
    let messages = cluster.deliver_all();
    assert_eq!(terms(&cluster, 1), mine);
    assert!(messages <= 20, "{messages} messages");
}

#[test]
fn the_pipeline_is_bounded() {
    let mut cluster = Cluster::with(2, |config| config.messages_in_flight_max = 3);
    cluster.elect(peer(0));
    for _ in 0..10 {
        cluster.propose(peer(0), b"x");
        cluster.poll(peer(0));
    }
    assert_eq!(cluster.wire.len(), 3);
    cluster.deliver_all();
    assert_eq!(terms(&cluster, 1).len(), 10);
}

#[test]
fn a_message_carries_a_bounded_number_of_bytes() {
    let mut cluster = Cluster::with(2, |config| config.append_bytes_max = 1000);
    cluster.elect(peer(0));
    for _ in 0..5 {
        cluster.propose(peer(0), &[7; 400]);
    }
    cluster.poll(peer(0));
    let carried = |message: &Message| {
        let Message::AppendEntries(append) = message else { panic!("{message:?}") };
        append.slice.entries().len()
    };
    let counts: Vec<usize> = cluster.wire.iter().map(|e| carried(&e.message)).collect();
    assert_eq!(counts, [2, 2, 1]);
}

#[test]
fn a_lost_message_is_sent_again_after_a_heartbeat() {
    let mut cluster = Cluster::new(3);
    cluster.elect(peer(0));
    cluster.propose(peer(0), b"x");
    cluster.poll(peer(0));
    cluster.wire.clear();
    cluster.advance(Duration::from_millis(50));
    cluster.deliver_all();
    assert_eq!(cluster.node(peer(0)).status().commit_index, Index::new(1));
}

#[test]
fn an_unresponsive_follower_gets_no_entries_until_it_replies() {
    let mut cluster = Cluster::with(2, |config| {
        config.election_timeout_min = Duration::from_secs(10);
        config.election_timeout_max = Duration::from_secs(20);
    });
    cluster.elect(peer(0));
    cluster.cut(peer(1));
    cluster.propose(peer(0), b"x");
    cluster.deliver_all();
    let mut carried = Vec::new();
    for _ in 0..4 {
        cluster.advance(Duration::from_millis(50));
        cluster.poll(peer(0));
        for envelope in cluster.wire.drain(..) {
            let Message::AppendEntries(append) = envelope.message else { panic!("{envelope:?}") };
            carried.push(append.slice.entries().len());
        }
    }
    assert_eq!(carried, [1, 0, 0, 0]);
    cluster.heal(peer(1));
    cluster.advance(Duration::from_millis(50));
    cluster.deliver_all();
    assert_eq!(cluster.node(peer(0)).status().commit_index, Index::new(1));
}

#[test]
fn messages_in_any_order_and_number_lead_to_the_same_log() {
    let all = log(&[1, 1, 2, 2, 2]);
    let message = |from: usize, to: usize| {
        let prev = from.checked_sub(1).map_or(id(0, 0), |place| all[place].id);
        append(prev, &all[from..to], 0)
    };
    let mut cluster = Cluster::new(3);
    let deliveries = [(2, 4), (0, 1), (0, 3), (3, 5), (0, 2), (1, 4), (3, 5), (4, 5), (0, 1)];
    for (from, to) in deliveries {
        cluster.inject(1, peer(0), 2, message(from, to));
    }
    assert_eq!(terms(&cluster, 0), [1, 1, 2, 2, 2]);
    let slice = LogSlice::new(id(0, 0), all.clone()).unwrap();
    assert_eq!(cluster.node(peer(0)).log(), &raft::Log::new(slice));
}

#[test]
fn a_follower_rejects_commands_and_names_the_leader() {
    let mut cluster = Cluster::new(3);
    cluster.elect(peer(0));
    let now = cluster.now;
    let node = &mut cluster.peers.get_mut(&peer(1)).unwrap().node;
    let refusal = node.propose(now, b"x".as_slice().into()).unwrap_err();
    assert_eq!(refusal, ProposeError::NotLeader { leader: Some(peer(0)) });
    assert_eq!(cluster.role(peer(1)), RoleName::Follower);
}
