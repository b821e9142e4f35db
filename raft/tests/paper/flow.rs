//! The flow of entries, replies and commit indexes between a leader and its followers.

use std::hash::{DefaultHasher, Hasher};
use std::time::Duration;

use raft::message::{AppendEntries, AppendEntriesReply, Carried, InstallSnapshotReply, Vote};
use raft::{Config, EntryId, Index, Message, Round};

use crate::cluster::{Cluster, accepted, peer, rejected, request_vote};

const HEARTBEAT: Duration = Duration::from_millis(50);
const NOTICE: Duration = Duration::from_millis(10);

/// A leader of two with this many entries on both; its follower's replies are made by the test from
/// here on.
fn leader(entries: u64) -> Cluster {
    let mut cluster = Cluster::new(2);
    cluster.elect(peer(0));
    for _ in 0..entries {
        cluster.commit(peer(0), b"x");
    }
    cluster
}

/// The leader's messages: the index before the entries of each, and their number.
fn sent(cluster: &mut Cluster) -> Vec<(u64, usize)> {
    let sent = cluster.take_sent(peer(0));
    let slice = |message| {
        let Message::AppendEntries(AppendEntries { slice, .. }) = message else { return None };
        Some((slice.prev().index.number(), slice.entries().len()))
    };
    sent.into_iter().filter_map(slice).collect()
}

#[test]
fn an_idle_pipeline_stays_open() {
    let mut cluster = leader(1);
    for _ in 0..3 {
        cluster.advance(HEARTBEAT);
        cluster.deliver_all();
    }
    cluster.advance(HEARTBEAT);
    assert_eq!(sent(&mut cluster), [(1, 0)]);
    cluster.propose(peer(0), b"a");
    assert_eq!(sent(&mut cluster), [(1, 1)], "ahead of the answer to the heartbeat");
    cluster.propose(peer(0), b"b");
    assert_eq!(sent(&mut cluster), [(2, 1)], "ahead of the answer to the message before");
}

/// §5.2: heartbeats are for idle periods.
#[test]
fn entries_put_off_the_next_heartbeat() {
    let mut cluster = leader(1);
    cluster.advance(HEARTBEAT / 2);
    cluster.take_sent(peer(0));
    cluster.propose(peer(0), b"a");
    assert_eq!(sent(&mut cluster), [(1, 1)]);
    cluster.advance(HEARTBEAT / 2);
    assert_eq!(sent(&mut cluster), [], "{HEARTBEAT:?} after the last heartbeat");
}

#[test]
fn behaviour_depends_on_the_messages_in_flight() {
    let future = |poll_between: bool| {
        let mut cluster = leader(1);
        cluster.propose(peer(0), b"a");
        if poll_between {
            cluster.poll(peer(0));
        }
        cluster.propose(peer(0), b"b");
        cluster.poll(peer(0));
        let mut hasher = DefaultHasher::new();
        cluster.node(peer(0)).behaviour_hash(&mut hasher);
        (cluster.node(peer(0)).status(), hasher.finish())
    };
    let (one, two) = (future(false), future(true));
    assert_eq!(one.0, two.0, "they look the same");
    assert_ne!(one.1, two.1);
    assert_eq!(future(true).1, two.1);
}

#[test]
fn votes_and_replies_change_behaviour_before_the_status() {
    let look = |cluster: &Cluster| {
        let mut hasher = DefaultHasher::new();
        cluster.node(peer(0)).behaviour_hash(&mut hasher);
        (cluster.node(peer(0)).status(), hasher.finish())
    };
    let mut cluster = Cluster::new(5);
    cluster.time_out(peer(0));
    cluster.take_sent(peer(0));
    let candidate = look(&cluster);
    cluster.inject(1, peer(0), 1, Message::RequestVoteReply(Vote::Granted));
    let with_a_vote = look(&cluster);
    assert_eq!(candidate.0, with_a_vote.0);
    assert_ne!(candidate.1, with_a_vote.1);

    cluster.inject(2, peer(0), 1, Message::RequestVoteReply(Vote::Granted));
    cluster.propose(peer(0), b"x");
    cluster.take_sent(peer(0));
    let leader = look(&cluster);
    cluster.inject(1, peer(0), 1, accepted(1));
    let with_an_answer = look(&cluster);
    assert_eq!(leader.0, with_an_answer.0);
    assert_ne!(leader.1, with_an_answer.1);

    // Two replies that wait for the disk are more than one.
    let mut cluster = Cluster::new(3);
    cluster.stall_disk(peer(0));
    let mut ask = || {
        cluster.inject(1, peer(0), 1, request_vote(0, 0));
        cluster.poll(peer(0));
        look(&cluster)
    };
    let (once, twice) = (ask(), ask());
    assert_eq!(once.0, twice.0);
    assert_ne!(once.1, twice.1);
}

#[test]
fn behaviour_depends_on_the_writes_in_progress() {
    let future = |poll_between: bool| {
        let mut cluster = Cluster::new(3);
        cluster.time_out(peer(0));
        cluster.take_sent(peer(0));
        cluster.inject(1, peer(0), 1, Message::RequestVoteReply(Vote::Granted));
        cluster.take_sent(peer(0));
        cluster.stall_disk(peer(0));
        cluster.propose(peer(0), b"a");
        if poll_between {
            cluster.poll(peer(0));
        }
        cluster.propose(peer(0), b"b");
        assert_eq!(sent(&mut cluster), [], "the probes are out");
        let mut hasher = DefaultHasher::new();
        cluster.node(peer(0)).behaviour_hash(&mut hasher);
        (cluster.node(peer(0)).status(), hasher.finish())
    };
    let (one, two) = (future(false), future(true));
    assert_eq!(one.0, two.0, "they look the same");
    assert_ne!(one.1, two.1);
}

#[test]
fn a_rejection_below_match_index_is_an_old_one() {
    for stale in [1, 2] {
        let mut cluster = leader(2);
        cluster.propose(peer(0), b"a");
        assert_eq!(sent(&mut cluster), [(2, 1)]);
        cluster.inject(1, peer(0), 1, rejected(stale, EntryId::ZERO));
        assert_eq!(sent(&mut cluster), [], "after a rejection of {stale}");
    }
}

/// The logs match there, so the message has overtaken one before it, or that one is lost.
#[test]
fn a_rejection_of_pipelined_entries_waits_for_those_before_them() {
    let mut cluster = leader(2);
    for command in [b"a", b"b", b"c"] {
        cluster.propose(peer(0), command);
        cluster.take_sent(peer(0));
    }
    cluster.inject(1, peer(0), 1, rejected(4, EntryId::ZERO));
    assert_eq!(sent(&mut cluster), []);
    cluster.advance(HEARTBEAT);
    assert_eq!(sent(&mut cluster), [(2, 3)], "a probe after the last match");
}

#[test]
fn only_answers_of_its_round_end_a_probe() {
    for (round, expected) in [(0, &[][..]), (1, &[(4, 1)])] {
        let mut cluster = leader(2);
        cluster.propose(peer(0), b"a");
        cluster.propose(peer(0), b"b");
        cluster.take_sent(peer(0));
        cluster.advance(HEARTBEAT);
        assert_eq!(sent(&mut cluster), [(2, 2)], "a probe after the last match");
        cluster.inject(1, peer(0), 1, rejected(3, EntryId::ZERO));
        assert_eq!(sent(&mut cluster), [], "late");
        let (match_index, carried) = (Index::new(4), Carried::Entries);
        let round = Round::new(round);
        let reply = AppendEntriesReply::Accepted { match_index, carried, round };
        cluster.inject(1, peer(0), 1, Message::AppendEntriesReply(reply));
        cluster.take_sent(peer(0));
        cluster.propose(peer(0), b"c");
        assert_eq!(sent(&mut cluster), expected, "after an answer of {round}");
    }
}

#[test]
fn an_unresponsive_follower_gets_entries_after_its_next_reply() {
    let mut cluster = leader(2);
    cluster.propose(peer(0), b"a");
    cluster.take_sent(peer(0));
    for carried in [1, 0, 0] {
        cluster.advance(HEARTBEAT);
        assert_eq!(sent(&mut cluster), [(2, carried)], "one probe with entries, then none");
    }
    cluster.inject(1, peer(0), 1, rejected(1, EntryId::ZERO));
    assert_eq!(sent(&mut cluster), [], "an answer to a message of before the probe");
    let (prev_log_index, hint, round) = (Index::new(1), EntryId::ZERO, Round::new(1));
    let reply = AppendEntriesReply::Rejected { prev_log_index, hint, round };
    cluster.inject(1, peer(0), 1, Message::AppendEntriesReply(reply));
    assert_eq!(sent(&mut cluster), [(2, 1)]);
}

#[test]
fn an_old_reply_has_no_effect() {
    let mut cluster = leader(2);
    cluster.inject(1, peer(0), 1, accepted(1));
    cluster.inject(1, peer(0), 1, accepted(2));
    assert_eq!(sent(&mut cluster), []);
}

fn patient(config: &mut Config) {
    config.commit_notice_delay = NOTICE;
}

/// A leader of two that has just committed entry 1 and not sent the commit index.
fn leader_with_unsent_commit() -> Cluster {
    let mut cluster = Cluster::with(2, patient);
    cluster.elect(peer(0));
    cluster.propose(peer(0), b"x");
    cluster.take_sent(peer(0));
    cluster.inject(1, peer(0), 1, accepted(1));
    assert_eq!(cluster.node(peer(0)).status().commit_index, Index::new(1));
    cluster
}

#[test]
fn a_commit_index_waits_for_entries_at_most_the_notice_delay() {
    let mut cluster = leader_with_unsent_commit();
    assert_eq!(cluster.take_sent(peer(0)), []);
    let due = cluster.now.after(NOTICE);
    assert_eq!(cluster.node(peer(0)).poll_timeout(), Some(due));
    cluster.advance(NOTICE);
    let sent = cluster.take_sent(peer(0));
    let one = Index::new(1);
    let carries_commit =
        |sent: &Message| matches!(sent, Message::AppendEntries(a) if a.leader_commit == one);
    assert_eq!(sent.iter().filter(|message| carries_commit(message)).count(), 1, "{sent:?}");
    assert!(cluster.node(peer(0)).poll_timeout() > Some(due), "it is sent once");
}

#[test]
fn a_commit_index_carried_by_entries_is_not_sent_again() {
    let mut cluster = leader_with_unsent_commit();
    let due = cluster.now.after(NOTICE);
    cluster.propose(peer(0), b"y");
    assert_eq!(sent(&mut cluster), [(1, 1)]);
    assert!(cluster.node(peer(0)).poll_timeout() > Some(due), "it went with the entries");
}

/// A leader of two that sends a snapshot of five bytes, two at a time; the follower lost its disk.
fn leader_with_snapshot() -> Cluster {
    let mut cluster = Cluster::with(2, |config| config.snapshot_chunk_bytes = 2);
    cluster.elect(peer(0));
    for _ in 0..3 {
        cluster.commit(peer(0), b"x");
    }
    let now = cluster.now;
    let leader = &mut cluster.peers.get_mut(&peer(0)).unwrap().node;
    leader.compact(now, Index::new(3), b"state".as_slice().into()).unwrap();
    cluster.poll(peer(0));
    cluster.restart(peer(0));
    cluster.time_out(peer(0));
    cluster.poll(peer(0));
    cluster.inject(1, peer(0), TERM, Message::RequestVoteReply(Vote::Granted));
    cluster.take_sent(peer(0));
    cluster.inject(1, peer(0), TERM, rejected(3, EntryId::ZERO));
    assert_eq!(chunks(&mut cluster), [(0, 2)]);
    cluster
}

/// The leader's term.
const TERM: u64 = 2;

/// The chunks that the leader sends: offset and length of each.
fn chunks(cluster: &mut Cluster) -> Vec<(u64, u64)> {
    let chunk = |message| {
        let Message::InstallSnapshot(chunk) = message else { return None };
        Some((chunk.offset, chunk.chunk.len()))
    };
    cluster.take_sent(peer(0)).into_iter().filter_map(chunk).collect()
}

fn continue_at(cluster: &mut Cluster, index: u64, offset: u64, round: u64) {
    let (last_included_index, round) = (Index::new(index), Round::new(round));
    let reply = InstallSnapshotReply::Continue { last_included_index, offset, round };
    cluster.inject(1, peer(0), TERM, Message::InstallSnapshotReply(reply));
}

#[test]
fn an_unresponsive_follower_gets_empty_chunks_and_the_rest_of_what_it_holds() {
    for held in [0, 2, 3] {
        let mut cluster = leader_with_snapshot();
        continue_at(&mut cluster, 3, 2, 0);
        assert_eq!(chunks(&mut cluster), [(2, 2), (4, 1)], "two answered, so four more");
        for _ in 0..2 {
            cluster.advance(HEARTBEAT);
            assert_eq!(chunks(&mut cluster), [(2, 0)], "without an answer, they are empty");
        }
        continue_at(&mut cluster, 3, 2, 0);
        assert_eq!(chunks(&mut cluster), [], "an answer to a chunk of before");
        continue_at(&mut cluster, 3, held, 1);
        assert_eq!(chunks(&mut cluster)[0], (held, 2), "from what it holds, after a restart too");
    }
}

/// The way is longer than the wait for an answer, or the follower has restarted after it.
#[test]
fn a_late_answer_to_a_later_chunk_lets_chunks_flow_and_the_next_silence_asks_again() {
    for held in [0, 2, 4] {
        let mut cluster = leader_with_snapshot();
        continue_at(&mut cluster, 3, 2, 0);
        assert_eq!(chunks(&mut cluster), [(2, 2), (4, 1)]);
        cluster.advance(HEARTBEAT);
        assert_eq!(chunks(&mut cluster), [(2, 0)], "it is silent");
        continue_at(&mut cluster, 3, 4, 0);
        assert_eq!(chunks(&mut cluster), [], "the rest is on its way");
        // Twice the time that its last answer took.
        for _ in 0..2 {
            cluster.advance(HEARTBEAT);
            assert_eq!(chunks(&mut cluster), [(4, 0)]);
        }
        continue_at(&mut cluster, 3, held, 2);
        assert_eq!(chunks(&mut cluster)[0], (held, 2.min(5 - held)), "from what it holds");
    }
}

#[test]
fn each_answer_lets_as_many_bytes_follow_and_half_after_a_silence() {
    let mut cluster = leader_with_snapshot();
    for (index, offset) in [(3, 0), (9, 2), (3, 6)] {
        continue_at(&mut cluster, index, offset, 0);
        assert_eq!(chunks(&mut cluster), [], "through {index} at {offset}");
    }
    continue_at(&mut cluster, 3, 2, 0);
    assert_eq!(chunks(&mut cluster), [(2, 2), (4, 1)]);
    continue_at(&mut cluster, 3, 2, 0);
    assert_eq!(chunks(&mut cluster), [], "the answer came twice");
    cluster.advance(HEARTBEAT);
    assert_eq!(chunks(&mut cluster), [(2, 0)]);
    continue_at(&mut cluster, 3, 2, 1);
    assert_eq!(chunks(&mut cluster), [(2, 2)], "one chunk");
}

/// A heartbeat during a large command refers to an entry that the follower has, so that it may arrive
/// first, and the command is not sent again while slow links and disks take their time.
#[test]
fn heartbeats_during_a_large_command_may_overtake_it() {
    let mut cluster = leader(2);
    cluster.propose(peer(0), &[7; 1 << 20]);
    assert_eq!(sent(&mut cluster), [(2, 1)]);
    cluster.advance(HEARTBEAT);
    assert_eq!(sent(&mut cluster), [(2, 0)], "not after entry 3");
    cluster.inject(1, peer(0), 1, accepted(2));
    assert_eq!(sent(&mut cluster), []);
    cluster.advance(HEARTBEAT);
    assert_eq!(sent(&mut cluster), [(2, 0)], "a megabyte takes 65 ms at 16 bytes a microsecond");
    cluster.advance(HEARTBEAT);
    assert_eq!(sent(&mut cluster), [(2, 1)], "it counts as lost");
    cluster.inject(1, peer(0), 1, accepted(3));
    cluster.advance(HEARTBEAT);
    assert_eq!(sent(&mut cluster).last(), Some(&(3, 0)));
}
