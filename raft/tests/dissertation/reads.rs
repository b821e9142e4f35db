//! Ongaro's dissertation §6.4: linearizable reads without a log entry.

use std::time::Duration;

use raft::message::{AppendEntriesReply, Carried};
use raft::{
    Envelope, FirstEntry, Index, Input, Membership, MembershipChange, Message, ReadDropReason,
    ReadError, RoleName, Round,
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

/// The number of messages a peer has to send, and their rounds.
pub(crate) fn rounds(cluster: &mut Cluster, number: u64) -> Vec<u64> {
    let round = |message| {
        if let Message::AppendEntries(append) = message {
            return Some(append.round.number());
        }
        let Message::InstallSnapshot(chunk) = message else { return None };
        Some(chunk.round.number())
    };
    cluster.take_sent(peer(number)).into_iter().filter_map(round).collect()
}

#[test]
fn a_leader_serves_a_read_after_a_quorum_has_answered_a_round() {
    let mut cluster = leader(3);
    cluster.read(peer(0), 7).unwrap();
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), [], "no reply yet");
    cluster.deliver_all();
    assert_eq!(cluster.reads(peer(0)), [(7, Ok(1))]);
}

/// No answer may come any more: here, the leader is the only member that is left.
#[test]
fn a_change_of_members_confirms_the_rounds_that_a_quorum_has_answered() {
    let mut cluster = leader(3);
    let alone = Membership::of_voters([peer(0)]);
    cluster.change(0, MembershipChange::Replace(alone)).unwrap();
    cluster.poll(peer(0));
    let is_to_1 = |sent: &Envelope| sent.to == peer(1);
    let joint = cluster.wire.drain(..).find(is_to_1).expect("the joint configuration");
    cluster.read(peer(0), 7).unwrap();
    assert_eq!(rounds(&mut cluster, 0), [1, 1], "they are lost");
    cluster.handle(peer(1), Input::Receive(joint));
    cluster.poll(peer(1));
    let answer = cluster.wire.pop_front().expect("an answer to an earlier round");
    cluster.handle(peer(0), Input::Receive(answer));
    assert_eq!(cluster.node(peer(0)).membership().to_string(), "voters 0");
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), [(7, Ok(1))]);
}

#[test]
fn concurrent_reads_share_one_round() {
    let mut cluster = leader(3);
    for read in 0..100 {
        cluster.read(peer(0), read).unwrap();
    }
    assert_eq!(cluster.deliver_all(), 4, "two heartbeats and their answers");
    assert_eq!(cluster.reads(peer(0)).len(), 100);
}

#[test]
fn without_reads_there_is_no_extra_message_and_no_round() {
    let mut cluster = leader(3);
    cluster.advance(HEARTBEAT);
    assert_eq!(rounds(&mut cluster, 0), [0, 0]);
    cluster.propose(peer(0), b"y");
    assert_eq!(rounds(&mut cluster, 0), [0, 0]);
}

/// Replies of learners do not count (dissertation §4.2.1), so they get no round.
#[test]
fn a_round_is_sent_to_voters_alone() {
    let mut cluster = leader(3);
    let learner = cluster.join(3);
    cluster.change(0, MembershipChange::AddLearner { peer: learner, address: None }).unwrap();
    cluster.deliver_all();
    assert_eq!(cluster.node(learner).membership().to_string(), "voters 0 1 2, learners 3");
    cluster.read(peer(0), 1).unwrap();
    cluster.poll(peer(0));
    let requests: Vec<_> = cluster.wire.drain(..).map(|envelope| envelope.to).collect();
    assert_eq!(requests, [1, 2].map(peer));
    // A voter from now on, it is sent the round it lacks.
    cluster.change(0, MembershipChange::Promote { peer: learner }).unwrap();
    cluster.poll(peer(0));
    cluster.wire.retain(|envelope| envelope.to == learner);
    assert_eq!(rounds(&mut cluster, 0), [1]);
}

#[test]
fn entries_carry_the_round() {
    let mut cluster = leader(3);
    cluster.read(peer(0), 1).unwrap();
    cluster.propose(peer(0), b"y");
    assert_eq!(rounds(&mut cluster, 0), [1, 1]);
}

#[test]
fn an_answer_to_an_older_round_confirms_nothing() {
    let mut cluster = leader(3);
    cluster.read(peer(0), 1).unwrap();
    cluster.take_sent(peer(0));
    cluster.inject(1, peer(0), 1, answer(1));
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), [(1, Ok(1))]);
    cluster.read(peer(0), 2).unwrap();
    cluster.take_sent(peer(0));
    // The reply to the first round is doubled, and the other follower's is late.
    cluster.inject(1, peer(0), 1, answer(1));
    cluster.inject(2, peer(0), 1, answer(1));
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), []);
    cluster.inject(2, peer(0), 1, answer(2));
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), [(2, Ok(1))]);
}

#[test]
fn a_later_round_confirms_earlier_ones_and_a_heartbeat_replaces_a_lost_one() {
    let mut cluster = leader(3);
    cluster.read(peer(0), 1).unwrap();
    cluster.take_sent(peer(0));
    cluster.read(peer(0), 2).unwrap();
    cluster.take_sent(peer(0));
    cluster.advance(HEARTBEAT);
    cluster.deliver_all();
    assert_eq!(cluster.reads(peer(0)), [(1, Ok(1)), (2, Ok(1))]);
}

#[test]
fn a_rejection_confirms_a_round() {
    let mut cluster = leader(3);
    cluster.read(peer(0), 1).unwrap();
    cluster.take_sent(peer(0));
    let (prev_log_index, hint, round) = (Index::new(1), id(0, 0), Round::new(1));
    let reply = AppendEntriesReply::Rejected { prev_log_index, hint, round };
    cluster.inject(1, peer(0), 1, Message::AppendEntriesReply(reply));
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), [(1, Ok(1))]);
}

/// Dissertation §6.4, step 1: the predecessors' commits are known only then.
#[test]
fn a_new_leader_commits_in_its_term_before_it_reads() {
    let mut cluster = Cluster::with(3, |config| config.first_entry = FirstEntry::NoOp);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    // The next leader learns the commit index only when its own no-op is committed.
    cluster.time_out(peer(1));
    cluster.poll(peer(1));
    while cluster.role(peer(1)) != RoleName::Leader {
        let envelope = cluster.wire.pop_front().expect("votes are on their way");
        let to = envelope.to;
        cluster.handle(to, Input::Receive(envelope));
        cluster.poll_all();
    }
    cluster.read(peer(1), 1).unwrap();
    cluster.inject(0, peer(1), 2, answer(0));
    cluster.poll(peer(1));
    assert_eq!(cluster.reads(peer(1)), []);
    cluster.deliver_all();
    assert_eq!(cluster.reads(peer(1)), [(1, Ok(3))]);
}

/// Without a no-op no message would bring the commit index.
#[test]
fn a_leader_without_an_entry_of_its_term_rejects_reads() {
    let mut cluster = leader(3);
    cluster.elect(peer(1));
    assert_eq!(cluster.read(peer(1), 1), Err(ReadError::NoEntryOfTerm));
    cluster.propose(peer(1), b"y");
    cluster.read(peer(1), 2).unwrap();
    cluster.deliver_all();
    assert_eq!(cluster.reads(peer(1)), [(2, Ok(2))]);
}

#[test]
fn a_single_peer_serves_reads_at_once() {
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
fn an_unanswered_read_times_out() {
    let mut cluster = leader(3);
    cluster.cut(peer(0));
    cluster.read(peer(0), 1).unwrap();
    cluster.deliver_all();
    cluster.advance(READ_TIMEOUT - Duration::from_nanos(1));
    cluster.deliver_all();
    assert_eq!(cluster.reads(peer(0)), []);
    let due = cluster.node(peer(0)).poll_timeout();
    assert_eq!(due, Some(cluster.now.after(Duration::from_nanos(1))), "the node needs a tick");
    cluster.advance(Duration::from_nanos(1));
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), [(1, Err(ReadDropReason::TimedOut))]);
}

#[test]
fn a_peer_without_a_leader_rejects_reads() {
    let mut cluster = Cluster::new(3);
    assert_eq!(cluster.read(peer(0), 1), Err(ReadError::NoLeader));
    cluster.time_out(peer(0));
    assert_eq!(cluster.role(peer(0)), RoleName::Candidate);
    assert_eq!(cluster.read(peer(0), 1), Err(ReadError::NoLeader));
}

#[test]
fn the_number_of_waiting_reads_is_bounded() {
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
    // The leader has the most reads allowed, and rejects the follower's.
    cluster.deliver_all();
    assert_eq!(cluster.reads(peer(0)), [(1, Ok(1)), (2, Ok(1))]);
    let rejected = Err(ReadDropReason::Rejected);
    assert_eq!(cluster.reads(peer(1)), [(1, rejected), (2, rejected)]);
}

#[test]
fn a_follower_that_receives_a_snapshot_answers_rounds() {
    let mut cluster = Cluster::with(3, |config| config.snapshot_chunk_bytes = 2);
    cluster.cut(peer(2));
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    let now = cluster.now;
    let leader = &mut cluster.peers.get_mut(&peer(0)).unwrap().node;
    leader.compact(now, Index::new(1), b"state".as_slice().into()).unwrap();
    let chunks = |cluster: &mut Cluster| -> Vec<Message> {
        let sent = cluster.take_sent(peer(0)).into_iter();
        sent.filter(|message| matches!(message, Message::InstallSnapshot(_))).collect()
    };
    assert_eq!(chunks(&mut cluster).len(), 1, "the first chunk leaves");
    cluster.read(peer(0), 1).unwrap();
    let sent = chunks(&mut cluster);
    let Message::InstallSnapshot(chunk) = &sent[0] else { panic!("{sent:?}") };
    assert_eq!((chunk.chunk.len(), chunk.round), (0, Round::new(1)), "it is not sent twice");
    cluster.inject(0, peer(2), 1, sent[0].clone());
    let answer = cluster.take_sent(peer(2));
    cluster.inject(2, peer(0), 1, answer[0].clone());
    cluster.poll(peer(0));
    assert_eq!(cluster.reads(peer(0)), [(1, Ok(1))]);
}
