//! Entries that are not kept in memory: read back for followers, and for the state machine after a start.

use std::time::Duration;

use raft::message::InstallSnapshot;
use raft::{EntryRead, Index, Input, Message, ReadPurpose, RoleName, Round};

use crate::cluster::{Cluster, id, peer};

/// Three peers that keep no committed entry in memory; 2 lacks thirty of them and is back.
fn lagging_follower() -> Cluster {
    let mut cluster = Cluster::with(3, |config| {
        config.cache_bytes_max = 0;
        config.in_flight_bytes_max = 100;
    });
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    cluster.cut(peer(2));
    for _ in 0..30 {
        cluster.commit(peer(0), b"x");
    }
    let log = cluster.node(peer(0)).log();
    assert_eq!((log.start(), log.last(), log.get(Index::new(31))), (id(1, 31), id(1, 31), None));
    cluster.heal(peer(2));
    cluster.advance(Duration::from_millis(50));
    cluster.deliver_all();
    cluster.advance(Duration::from_millis(50));
    cluster.deliver_all();
    cluster
}

fn reading(cluster: &Cluster) -> EntryRead {
    match cluster.peers[&peer(0)].reading.as_slice() {
        [read] => *read,
        other => panic!("one read is open, not {other:?}"),
    }
}

fn last_of_2(cluster: &Cluster) -> u64 {
    cluster.node(peer(2)).log().last().index.number()
}

#[test]
fn a_follower_is_sent_what_is_read_piece_by_piece_and_nothing_twice() {
    let mut cluster = lagging_follower();
    let read = reading(&cluster);
    assert_eq!((read.first, read.through), (Index::new(2), Index::new(31)));
    assert_eq!(read.purpose, ReadPurpose::Send(peer(2)));
    // Heartbeats go on, and no second read begins.
    for _ in 0..5 {
        cluster.advance(Duration::from_millis(50));
        cluster.deliver_all();
    }
    assert_eq!((reading(&cluster), last_of_2(&cluster)), (read, 1));
    let mut reads = 0;
    while last_of_2(&cluster) < 31 {
        let before = last_of_2(&cluster);
        assert_eq!(cluster.answer_entry_reads(peer(0)), 1, "after entry {before}");
        cluster.deliver_all();
        assert!(last_of_2(&cluster) > before);
        reads += 1;
    }
    assert!((5..=10).contains(&reads), "{reads} reads of a hundred bytes");
    assert!(cluster.peers[&peer(2)].restored.is_empty());
    cluster.advance(Duration::from_millis(50));
    cluster.deliver_all();
    assert_eq!(cluster.peers[&peer(2)].applied.len(), 31);
    assert_eq!(cluster.answer_entry_reads(peer(0)), 0);
}

#[test]
fn an_answer_that_a_compaction_has_overtaken_is_not_used() {
    let mut cluster = lagging_follower();
    let read = reading(&cluster);
    let entries = cluster.peers[&peer(0)].stored.read(read.first, read.through, read.bytes_max);
    assert!(!entries.is_empty());
    let now = cluster.now;
    let leader = &mut cluster.peers.get_mut(&peer(0)).unwrap().node;
    leader.compact(now, Index::new(31), (*b"state").into()).unwrap();
    leader.handle(now, Input::EntriesRead { read: read.id, entries });
    for _ in 0..4 {
        cluster.advance(Duration::from_millis(50));
        cluster.deliver_all();
    }
    let behind = &cluster.peers[&peer(2)];
    assert_eq!((behind.restored.len(), behind.applied.len()), (1, 1), "one snapshot, no entry");
}

#[test]
fn an_answer_to_an_earlier_term_or_an_earlier_read_is_not_used() {
    let mut cluster = lagging_follower();
    let read = reading(&cluster);
    cluster.peers.get_mut(&peer(0)).unwrap().reading.clear();
    let entries = cluster.peers[&peer(0)].stored.read(read.first, read.through, read.bytes_max);
    cluster.elect(peer(1));
    cluster.handle(peer(0), Input::EntriesRead { read: read.id, entries: entries.clone() });
    cluster.elect(peer(0));
    cluster.propose(peer(0), b"y");
    for _ in 0..3 {
        cluster.advance(Duration::from_millis(50));
        cluster.deliver_all();
    }
    let next = reading(&cluster);
    assert!(next.id > read.id, "{next:?} after {read:?}");
    // The first read is answered again; it is the second that counts.
    cluster.handle(peer(0), Input::EntriesRead { read: read.id, entries });
    cluster.deliver_all();
    assert_eq!(last_of_2(&cluster), 1);
    cluster.answer_entry_reads(peer(0));
    cluster.deliver_all();
    assert!(last_of_2(&cluster) > 1);
}

#[test]
fn a_peer_that_starts_applies_what_it_reads_and_in_order() {
    let mut cluster = lagging_follower();
    cluster.cut(peer(2));
    let before: Vec<_> = cluster.peers[&peer(0)].applied.iter().map(|it| it.id).collect();
    cluster.restart(peer(0));
    cluster.restart(peer(1));
    cluster.elect(peer(0));
    cluster.propose(peer(0), b"y");
    cluster.deliver_all();
    assert_eq!(cluster.node(peer(0)).status().commit_index, Index::new(32));
    let mut reads = 0;
    while cluster.peers[&peer(0)].applied.len() < 32 {
        assert_eq!(reading(&cluster).purpose, ReadPurpose::Apply);
        assert_eq!(cluster.answer_entry_reads(peer(0)), 1);
        cluster.deliver_all();
        reads += 1;
    }
    assert!(reads >= 5, "{reads} reads of a hundred bytes");
    let applied: Vec<_> = cluster.peers[&peer(0)].applied.iter().map(|it| it.id).collect();
    assert_eq!(applied[..31], before);
    assert_eq!(cluster.role(peer(0)), RoleName::Leader);
}

#[test]
fn entries_that_were_read_for_the_state_before_a_snapshot_are_not_applied() {
    let mut cluster = lagging_follower();
    cluster.restart(peer(1));
    for _ in 0..2 {
        cluster.advance(Duration::from_millis(50));
        cluster.deliver_all();
    }
    let [read] = cluster.peers[&peer(1)].reading.as_slice() else { panic!("one read is open") };
    let (id_of_read, first) = (read.id, read.first);
    assert_eq!((read.purpose, first), (ReadPurpose::Apply, Index::new(1)));
    let entries = cluster.peers[&peer(1)].stored.read(first, read.through, read.bytes_max);
    let chunk = InstallSnapshot {
        last_included: id(1, 40),
        offset: 0,
        chunk: b"state".as_slice().into(),
        done: Some(std::sync::Arc::clone(cluster.node(peer(0)).membership())),
        round: Round::ZERO,
    };
    cluster.inject(0, peer(1), 1, Message::InstallSnapshot(chunk));
    cluster.poll(peer(1));
    cluster.handle(peer(1), Input::EntriesRead { read: id_of_read, entries });
    cluster.poll(peer(1));
    let restored = &cluster.peers[&peer(1)];
    assert_eq!((restored.restored.len(), restored.applied.len()), (1, 0));
    assert_eq!(cluster.node(peer(1)).status().last_applied, Index::new(40));
}

#[test]
#[should_panic(expected = "the store has no entries for EntryRead")]
fn a_store_that_lacks_entries_of_the_log_is_a_bug_of_the_driver() {
    let mut cluster = lagging_follower();
    let read = reading(&cluster).id;
    cluster.handle(peer(0), Input::EntriesRead { read, entries: Vec::new() });
}
