//! Ongaro's dissertation §6.4: reads that need no entry in the log, and see every write answered before
//! them.

use std::time::Duration;

use raft::message::{AppendEntriesReply, Carried};
use raft::{
    FirstEntry, Index, MembershipChange, Message, ReadDropReason, ReadError, RoleName, Round,
};

use crate::cluster::{Cluster, append, id, peer};

pub(crate) const HEARTBEAT: Duration = Duration::from_millis(50);
const READ_TIMEOUT: Duration = Duration::from_millis(600);

/// A leader of term 1 that has committed one command.
pub(crate) fn leader(size: u64) -> Cluster {
    let mut cluster = Cluster::new(size);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    cluster
}

pub(crate) fn answer(round: u64) -> Message {
    let (match_index, carried) = (Index::new(1), Carried::Nothing);
    let round = Round::new(round);
    Message::AppendEntriesReply(AppendEntriesReply::Accepted { match_index, carried, round })
}

/// How many messages a peer has to send, and the rounds they carry.
pub(crate) fn rounds(cluster: &mut Cluster, number: u64) -> Vec<u64> {
    let round = |message| {
        if let Message::AppendEntries(append) = message {
            return Some(append.round.number());
        }
        let Message::InstallSnapshot(chunk) = message else { return None };
        Some(chunk.round.number())
    };
    cluster.said(peer(number)).into_iter().filter_map(round).collect()
}

#[test]
fn a_leader_serves_a_read_after_a_quorum_has_answered_a_round() {
    let mut cluster = leader(3);
    cluster.read(peer(0), 7).unwrap();
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), [], "nobody has answered yet");
    cluster.settle();
    assert_eq!(cluster.reads(peer(0)), [(7, Ok(1))]);
}

#[test]
fn reads_that_come_in_together_share_one_round() {
    let mut cluster = leader(3);
    for read in 0..100 {
        cluster.read(peer(0), read).unwrap();
    }
    assert_eq!(cluster.settle(), 4, "two heartbeats and their answers");
    assert_eq!(cluster.reads(peer(0)).len(), 100);
}

#[test]
fn without_reads_there_is_no_extra_message_and_no_round() {
    let mut cluster = leader(3);
    cluster.pass(HEARTBEAT);
    assert_eq!(rounds(&mut cluster, 0), [0, 0]);
    cluster.propose(peer(0), b"y");
    assert_eq!(rounds(&mut cluster, 0), [0, 0]);
}

/// What a learner answers counts for nothing (dissertation §4.2.1), so that it is not asked.
#[test]
fn a_round_is_sent_to_voters_alone() {
    let mut cluster = leader(3);
    let learner = cluster.join(3);
    cluster.change(0, MembershipChange::AddLearner { peer: learner, address: None }).unwrap();
    cluster.settle();
    assert_eq!(cluster.node(learner).membership().to_string(), "voters 0 1 2, learners 3");
    cluster.read(peer(0), 1).unwrap();
    cluster.poll(peer(0));
    let asked: Vec<_> = cluster.wire.drain(..).map(|envelope| envelope.to).collect();
    assert_eq!(asked, [1, 2].map(peer));
    // A voter from now on, it is sent the round it lacks.
    cluster.change(0, MembershipChange::Promote { peer: learner }).unwrap();
    cluster.poll(peer(0));
    cluster.wire.retain(|envelope| envelope.to == learner);
    assert_eq!(rounds(&mut cluster, 0), [1]);
}

#[test]
fn entries_that_leave_anyway_carry_the_round() {
    let mut cluster = leader(3);
    cluster.read(peer(0), 1).unwrap();
    cluster.propose(peer(0), b"y");
    assert_eq!(rounds(&mut cluster, 0), [1, 1]);
}

#[test]
fn an_answer_to_an_older_round_confirms_nothing() {
    let mut cluster = leader(3);
    cluster.read(peer(0), 1).unwrap();
    cluster.said(peer(0));
    cluster.inject(1, peer(0), 1, answer(1));
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), [(1, Ok(1))]);
    cluster.read(peer(0), 2).unwrap();
    cluster.said(peer(0));
    // The answer to the first round comes again, and the other follower's comes late.
    cluster.inject(1, peer(0), 1, answer(1));
    cluster.inject(2, peer(0), 1, answer(1));
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), []);
    cluster.inject(2, peer(0), 1, answer(2));
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), [(2, Ok(1))]);
}

#[test]
fn a_later_round_confirms_the_earlier_ones_and_a_lost_one_is_made_up_for_by_a_heartbeat() {
    let mut cluster = leader(3);
    cluster.read(peer(0), 1).unwrap();
    cluster.said(peer(0));
    cluster.read(peer(0), 2).unwrap();
    cluster.said(peer(0));
    cluster.pass(HEARTBEAT);
    cluster.settle();
    assert_eq!(cluster.reads(peer(0)), [(1, Ok(1)), (2, Ok(1))]);
}

#[test]
fn a_rejection_confirms_that_its_sender_hears_the_leader() {
    let mut cluster = leader(3);
    cluster.read(peer(0), 1).unwrap();
    cluster.said(peer(0));
    let (prev_log_index, hint, round) = (Index::new(1), id(0, 0), Round::new(1));
    let reply = AppendEntriesReply::Rejected { prev_log_index, hint, round };
    cluster.inject(1, peer(0), 1, Message::AppendEntriesReply(reply));
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), [(1, Ok(1))]);
}

/// Dissertation §6.4, step 1: what the predecessors have committed is known only then.
#[test]
fn a_new_leader_commits_in_its_term_before_it_reads() {
    let mut cluster = Cluster::with(3, |config| config.first_entry = FirstEntry::NoOp);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    // The next leader hears of the commit only when its own no-op is committed.
    cluster.time_out(peer(1));
    cluster.poll(peer(1));
    while cluster.role(peer(1)) != RoleName::Leader {
        let envelope = cluster.wire.pop_front().expect("votes are on their way");
        let to = envelope.to;
        cluster.handle(to, raft::Input::Receive(envelope));
        cluster.poll_all();
    }
    cluster.read(peer(1), 1).unwrap();
    cluster.inject(0, peer(1), 2, answer(0));
    cluster.poll(peer(1));
    assert_eq!(cluster.reads(peer(1)), []);
    cluster.settle();
    assert_eq!(cluster.reads(peer(1)), [(1, Ok(3))]);
}

/// Without a no-op nothing is on its way that would tell what is committed.
#[test]
fn a_leader_without_an_entry_of_its_term_takes_no_reads() {
    let mut cluster = leader(3);
    cluster.elect(peer(1));
    assert_eq!(cluster.read(peer(1), 1), Err(ReadError::NoEntryOfTerm));
    cluster.propose(peer(1), b"y");
    cluster.read(peer(1), 2).unwrap();
    cluster.settle();
    assert_eq!(cluster.reads(peer(1)), [(2, Ok(2))]);
}

#[test]
fn a_peer_alone_serves_its_reads_at_once() {
    let mut cluster = leader(1);
    cluster.read(peer(0), 1).unwrap();
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), [(1, Ok(1))]);
}

#[test]
fn a_read_ends_when_its_leader_does() {
    let mut cluster = leader(3);
    cluster.read(peer(0), 1).unwrap();
    cluster.read(peer(1), 2).unwrap();
    cluster.poll_all();
    cluster.wire.clear();
    for number in [0, 1] {
        cluster.inject(2, peer(number), 9, append(id(1, 1), &[], 1));
        cluster.poll(peer(number));
        let lost = (1 + number, Err(ReadDropReason::LeaderLost));
        assert_eq!(cluster.reads(peer(number)), [lost]);
    }
}

#[test]
fn a_read_that_nobody_answers_ends_with_its_time() {
    let mut cluster = leader(3);
    cluster.cut(peer(0));
    cluster.read(peer(0), 1).unwrap();
    cluster.settle();
    cluster.pass(READ_TIMEOUT - Duration::from_nanos(1));
    cluster.settle();
    assert_eq!(cluster.reads(peer(0)), []);
    let due = cluster.node(peer(0)).poll_timeout();
    assert_eq!(due, Some(cluster.now.after(Duration::from_nanos(1))), "the node asks for a tick");
    cluster.pass(Duration::from_nanos(1));
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), [(1, Err(ReadDropReason::TimedOut))]);
}

#[test]
fn a_peer_that_knows_no_leader_takes_no_reads() {
    let mut cluster = Cluster::new(3);
    assert_eq!(cluster.read(peer(0), 1), Err(ReadError::NoLeader));
    cluster.time_out(peer(0));
    assert_eq!(cluster.role(peer(0)), RoleName::Candidate);
    assert_eq!(cluster.read(peer(0), 1), Err(ReadError::NoLeader));
}

#[test]
fn as_many_reads_wait_as_the_settings_say() {
    let mut cluster = Cluster::with(3, |config| config.reads_waiting_max = 2);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    for number in [0, 1] {
        cluster.read(peer(number), 1).unwrap();
        cluster.read(peer(number), 2).unwrap();
        let error = cluster.read(peer(number), 3).unwrap_err();
        assert_eq!(error, ReadError::TooManyReads { waiting: 2 });
        assert!(error.to_string().contains("reads_waiting_max"), "{error}");
    }
    // The leader has as many as may wait, and tells the follower so.
    cluster.settle();
    assert_eq!(cluster.reads(peer(0)), [(1, Ok(1)), (2, Ok(1))]);
    let refused = Err(ReadDropReason::Rejected);
    assert_eq!(cluster.reads(peer(1)), [(1, refused), (2, refused)]);
}

#[test]
fn a_follower_on_its_way_through_a_snapshot_answers_rounds() {
    let mut cluster = Cluster::with(3, |config| config.snapshot_chunk_bytes = 2);
    cluster.cut(peer(2));
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    let now = cluster.now;
    let leader = &mut cluster.peers.get_mut(&peer(0)).unwrap().node;
    leader.compact(now, Index::new(1), b"state".as_slice().into()).unwrap();
    let chunks = |cluster: &mut Cluster| -> Vec<Message> {
        let said = cluster.said(peer(0)).into_iter();
        said.filter(|message| matches!(message, Message::InstallSnapshot(_))).collect()
    };
    assert_eq!(chunks(&mut cluster).len(), 1, "the first chunk leaves");
    cluster.read(peer(0), 1).unwrap();
    let said = chunks(&mut cluster);
    let Message::InstallSnapshot(chunk) = &said[0] else { panic!("{said:?}") };
    assert_eq!((chunk.chunk.len(), chunk.round), (0, Round::new(1)), "it is not sent twice");
    cluster.inject(0, peer(2), 1, said[0].clone());
    let answer = cluster.said(peer(2));
    cluster.inject(2, peer(0), 1, answer[0].clone());
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), [(1, Ok(1))]);
}
