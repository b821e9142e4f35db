//! §7, Figure 13: snapshots, chunks, restarts.

use std::sync::Arc;
use std::time::Duration;

use raft::message::{InstallSnapshot, InstallSnapshotReply};
use raft::{CompactError, Index, Instant, Membership, Message, Round};

use crate::cluster::{Cluster, append, disk, done, entry, id, peer};

fn chunk(
    last_included: raft::EntryId,
    offset: u64,
    data: &[u8],
    done: Option<Arc<Membership>>,
) -> Message {
    Message::InstallSnapshot(InstallSnapshot {
        last_included,
        offset,
        chunk: data.into(),
        done,
        round: Round::ZERO,
    })
}

fn proceed(index: u64, offset: u64) -> Message {
    let last_included_index = Index::new(index);
    Message::InstallSnapshotReply(InstallSnapshotReply::Continue {
        last_included_index,
        offset,
        round: Round::ZERO,
    })
}

fn installed(index: u64) -> Message {
    let match_index = Index::new(index);
    Message::InstallSnapshotReply(InstallSnapshotReply::Installed {
        match_index,
        round: Round::ZERO,
    })
}

fn compact(
    cluster: &mut Cluster,
    number: u64,
    through: u64,
    data: &[u8],
) -> Result<(), CompactError> {
    let now = cluster.now;
    let node = &mut cluster.peers.get_mut(&peer(number)).unwrap().node;
    node.compact(now, Index::new(through), data.into())
}

#[test]
fn only_what_is_applied_can_be_compacted_and_only_once() {
    let mut cluster = Cluster::new(3);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    cluster.propose(peer(0), b"y");
    let error = compact(&mut cluster, 0, 2, b"").unwrap_err().to_string();
    assert_eq!(error, "index 2 is not applied yet (last applied: 1)");
    assert_eq!(compact(&mut cluster, 0, 1, b"state"), Ok(()));
    let error = compact(&mut cluster, 0, 1, b"").unwrap_err().to_string();
    assert_eq!(error, "index 1 is covered by the snapshot through 1");
}

#[test]
fn a_follower_far_behind_gets_the_snapshot_in_chunks_and_then_the_entries() {
    let mut cluster = Cluster::with(3, |config| config.snapshot_chunk_bytes = 4);
    cluster.elect(peer(0));
    cluster.cut(peer(2));
    for _ in 0..5 {
        cluster.commit(peer(0), b"x");
    }
    compact(&mut cluster, 0, 4, b"ten bytes!").unwrap();
    cluster.heal(peer(2));
    for _ in 0..4 {
        cluster.advance(Duration::from_millis(50));
        cluster.deliver_all();
    }
    let behind = &cluster.peers[&peer(2)];
    assert_eq!(behind.restored[0].data.bytes(), Some(b"ten bytes!".as_slice()));
    assert_eq!(behind.applied.iter().map(|e| e.id).collect::<Vec<_>>(), [id(1, 5)]);
    assert_eq!(behind.stored.base(), id(1, 4));
}

#[test]
fn a_follower_gets_entries_as_long_as_they_stay_behind_the_snapshot() {
    type Change = fn(&mut raft::Config);
    let rows: [(Change, usize); 3] = [
        (|config| config.trailing_entries_max = 0, 1),
        (|config| config.trailing_entries_max = 2, 1),
        (|config| config.trailing_entries_max = 3, 0),
    ];
    for (place, (change, restored)) in rows.into_iter().enumerate() {
        let mut cluster = Cluster::with(3, change);
        cluster.elect(peer(0));
        cluster.commit(peer(0), b"x");
        // 2 lacks three of the four that the snapshot covers, and is out of contact.
        let stored = cluster.peers[&peer(2)].stored.clone();
        cluster.peers.remove(&peer(2));
        for _ in 0..4 {
            cluster.commit(peer(0), b"x");
        }
        while cluster.now < Instant::START.after(Duration::from_secs(1)) {
            cluster.advance(Duration::from_millis(10));
            cluster.deliver_all();
        }
        compact(&mut cluster, 0, 4, b"state").unwrap();
        cluster.restart_from(peer(2), stored);
        for _ in 0..4 {
            cluster.advance(Duration::from_millis(50));
            cluster.deliver_all();
        }
        let behind = &cluster.peers[&peer(2)];
        assert_eq!(behind.restored.len(), restored, "row {place}");
        assert_eq!(behind.node.log().last().index, Index::new(5));
    }
}

/// Entries that come in while a snapshot is sent are kept as long as they are fewer bytes than it.
#[test]
fn a_leader_keeps_what_a_transfer_needs_next() {
    for (entries, kept) in [(2, true), (20, false)] {
        let mut cluster = Cluster::with(3, |config| {
            config.snapshot_chunk_bytes = 40;
            config.trailing_entries_max = 1;
            config.trailing_bytes_max = 0;
        });
        cluster.elect(peer(0));
        cluster.cut(peer(2));
        for _ in 0..5 {
            cluster.commit(peer(0), &[1; 50]);
        }
        compact(&mut cluster, 0, 4, &[1; 100]).unwrap();
        cluster.heal(peer(2));
        cluster.advance(Duration::from_millis(50));
        let to_2 = |cluster: &mut Cluster| {
            cluster.poll_all();
            let of_2 = |it: &raft::Envelope| it.from == peer(2) || it.to == peer(2);
            cluster.wire.iter().position(of_2).and_then(|at| cluster.wire.remove(at))
        };
        while let raft::Role::Leader(leader) = cluster.node(peer(0)).role()
            && !matches!(leader.followers[&peer(2)].flow, raft::progress::Flow::Snapshot(_))
        {
            let envelope = to_2(&mut cluster).expect("an answer of the follower");
            let to = envelope.to;
            cluster.handle(to, raft::Input::Receive(envelope));
        }
        for _ in 0..entries {
            cluster.propose(peer(0), b"x");
            cluster.poll_all();
            while let Some(at) =
                cluster.wire.iter().position(|it| it.from == peer(1) || it.to == peer(1))
            {
                let envelope = cluster.wire.remove(at).expect("it is there");
                let to = envelope.to;
                cluster.handle(to, raft::Input::Receive(envelope));
                cluster.poll_all();
            }
        }
        compact(&mut cluster, 0, 5 + entries, &[1; 100]).unwrap();
        let base = if kept { 4 } else { 5 + entries };
        assert_eq!(cluster.node(peer(0)).log().base().index, Index::new(base));
        cluster.deliver_all();
        let behind = &cluster.peers[&peer(2)];
        assert_eq!(behind.restored.len(), if kept { 1 } else { 2 });
        assert_eq!(behind.node.log().last().index, Index::new(5 + entries));
    }
}

#[test]
fn a_lost_or_doubled_chunk_changes_nothing() {
    let mut cluster = Cluster::new(3);
    let last = id(1, 8);
    cluster.inject(1, peer(0), 1, chunk(last, 0, b"abc", None));
    cluster.inject(1, peer(0), 1, chunk(last, 0, b"abc", None)); // Doubled.
    cluster.inject(1, peer(0), 1, chunk(last, 6, b"ghi", done())); // Overtaking.
    cluster.inject(1, peer(0), 1, chunk(last, 3, b"def", None));
    cluster.inject(1, peer(0), 1, chunk(last, 6, b"ghi", done()));
    let offsets = [proceed(8, 3), proceed(8, 3), proceed(8, 3), proceed(8, 6), installed(8)];
    assert_eq!(cluster.take_sent(peer(0)), offsets);
    assert_eq!(cluster.peers[&peer(0)].restored[0].data.bytes(), Some(b"abcdefghi".as_slice()));
}

#[test]
fn chunks_of_two_leaders_are_never_mixed() {
    let mut cluster = Cluster::new(3);
    cluster.inject(1, peer(0), 1, chunk(id(1, 8), 0, b"abc", None));
    cluster.inject(2, peer(0), 2, chunk(id(1, 8), 3, b"XYZ", done()));
    assert_eq!(cluster.take_sent(peer(0)), [proceed(8, 3), proceed(8, 0)]);
    assert!(cluster.peers[&peer(0)].restored.is_empty());
}

#[test]
fn a_snapshot_that_matches_the_log_keeps_the_entries_after_it() {
    let mut cluster = Cluster::new(3);
    cluster.restart_from(peer(0), disk(&[entry(1, 1), entry(1, 2), entry(1, 3)]));
    cluster.inject(1, peer(0), 2, chunk(id(1, 2), 0, b"state", done()));
    assert_eq!(cluster.take_sent(peer(0)), [installed(2)]);
    let node = cluster.node(peer(0));
    assert_eq!(node.log().last(), id(1, 3));
    assert_eq!(node.status().commit_index, Index::new(2));
    assert_eq!(cluster.peers[&peer(0)].applied.len(), 2);
}

#[test]
fn a_snapshot_replaces_a_log_that_does_not_match_it() {
    let mut cluster = Cluster::new(3);
    cluster.restart_from(peer(0), disk(&[entry(1, 1), entry(1, 2), entry(1, 3)]));
    cluster.inject(1, peer(0), 2, chunk(id(2, 2), 0, b"state", done()));
    assert_eq!(cluster.take_sent(peer(0)), [installed(2)]);
    assert_eq!(cluster.node(peer(0)).log().last(), id(2, 2));
    let stored = &cluster.peers[&peer(0)].stored;
    assert_eq!((stored.base(), stored.entries.len()), (id(2, 2), 0));
}

#[test]
fn an_old_snapshot_changes_nothing() {
    let mut cluster = Cluster::new(3);
    let entries = [entry(1, 1), entry(1, 2), entry(1, 3)];
    cluster.inject(1, peer(0), 1, append(id(0, 0), &entries, 3));
    cluster.take_sent(peer(0));
    cluster.inject(1, peer(0), 1, chunk(id(1, 2), 0, b"old", done()));
    assert_eq!(cluster.take_sent(peer(0)), [installed(2)]);
    assert!(cluster.peers[&peer(0)].restored.is_empty());
    assert_eq!(cluster.node(peer(0)).log().last(), id(1, 3));
}

#[test]
fn chunks_of_a_superfluous_snapshot_are_dropped() {
    let mut cluster = Cluster::new(3);
    cluster.inject(1, peer(0), 1, chunk(id(1, 2), 0, b"st", None));
    let incoming = |cluster: &Cluster| match cluster.node(peer(0)).role() {
        raft::Role::Follower(follower) => follower.incoming.is_some(),
        raft::Role::PreCandidate(_) | raft::Role::Candidate(_) | raft::Role::Leader(_) => false,
    };
    assert!(incoming(&cluster));
    cluster.inject(1, peer(0), 1, append(id(0, 0), &[entry(1, 1), entry(1, 2)], 2));
    cluster.inject(1, peer(0), 1, chunk(id(1, 2), 2, b"ate", done()));
    assert!(!incoming(&cluster));
    assert_eq!(cluster.node(peer(0)).log().base(), id(0, 0), "nothing was installed");
}

#[test]
fn a_snapshot_of_an_old_term_is_rejected() {
    let mut cluster = Cluster::new(3);
    cluster.inject(1, peer(0), 3, append(id(0, 0), &[], 0));
    cluster.take_sent(peer(0));
    cluster.inject(2, peer(0), 2, chunk(id(1, 2), 0, b"old", done()));
    let old_term = Message::InstallSnapshotReply(InstallSnapshotReply::OldTerm);
    assert_eq!(cluster.take_sent(peer(0)), [old_term]);
    assert_eq!(cluster.node(peer(0)).log().last(), id(0, 0));
}

#[test]
fn a_snapshot_ends_a_candidacy_and_restarts_the_timer() {
    let mut cluster = Cluster::new(3);
    cluster.time_out(peer(0));
    cluster.poll(peer(0));
    cluster.inject(1, peer(0), 1, chunk(id(1, 2), 0, b"", None));
    assert_eq!(cluster.role(peer(0)), raft::RoleName::Follower);
    assert_eq!(cluster.node(peer(0)).status().leader, Some(peer(1)));
}

#[test]
fn entries_before_the_snapshot_count_as_equal() {
    let mut cluster = Cluster::new(3);
    cluster.inject(1, peer(0), 1, chunk(id(1, 5), 0, b"state", done()));
    cluster.take_sent(peer(0));
    let late = [entry(1, 4), entry(1, 5), entry(1, 6)];
    cluster.inject(1, peer(0), 1, append(id(1, 3), &late, 0));
    let accepted = raft::message::AppendEntriesReply::Accepted {
        match_index: Index::new(6),
        carried: raft::message::Carried::Entries,
        round: Round::ZERO,
    };
    assert_eq!(cluster.take_sent(peer(0)), [Message::AppendEntriesReply(accepted)]);
    assert_eq!(cluster.node(peer(0)).log().last(), id(1, 6));
}

#[test]
fn an_installed_snapshot_reaches_the_service_and_the_leader_when_it_is_durable() {
    let mut cluster = Cluster::new(3);
    cluster.stall_disk(peer(0));
    cluster.inject(1, peer(0), 1, chunk(id(1, 5), 0, b"state", done()));
    assert_eq!(cluster.take_sent(peer(0)), []);
    assert!(cluster.peers[&peer(0)].restored.is_empty());
    cluster.resume_disk(peer(0));
    assert_eq!(cluster.take_sent(peer(0)), [installed(5)]);
    assert_eq!(cluster.peers[&peer(0)].restored.len(), 1);
}

#[test]
fn a_restart_begins_with_the_snapshot_and_applies_nothing_twice() {
    let mut cluster = Cluster::new(3);
    cluster.elect(peer(0));
    for command in [b"a", b"b", b"c"] {
        cluster.commit(peer(0), command);
    }
    compact(&mut cluster, 1, 2, b"ab").unwrap();
    cluster.poll(peer(1));
    cluster.restart(peer(1));
    cluster.advance(Duration::from_millis(50));
    cluster.deliver_all();
    let restarted = &cluster.peers[&peer(1)];
    assert_eq!(restarted.restored[0].data.bytes(), Some(b"ab".as_slice()));
    assert_eq!(restarted.applied.iter().map(|e| e.id.index).collect::<Vec<_>>(), [Index::new(3)]);
}

#[test]
fn frequent_reads_do_not_delay_the_retry_of_a_lost_chunk() {
    let mut cluster = Cluster::new(3);
    cluster.elect(peer(0));
    cluster.cut(peer(2));
    for _ in 0..5 {
        cluster.commit(peer(0), b"x");
    }
    compact(&mut cluster, 0, 4, b"state").unwrap();
    cluster.advance(Duration::from_millis(50));
    cluster.deliver_all();
    cluster.heal(peer(2));
    // Every read asks all followers for an answer, five times as often as a heartbeat does.
    for read in 1..=20 {
        cluster.advance(Duration::from_millis(10));
        cluster.read(peer(0), read).unwrap();
        cluster.deliver_all();
    }
    assert_eq!(cluster.node(peer(2)).status().commit_index, Index::new(5));
}
