//! Figure 2: "updated on stable storage before responding", message by message.

use raft::message::{AppendEntriesReply, Carried};
use raft::{Index, Message, RoleName, Round};

use crate::cluster::{Cluster, append, entry, id, peer, request_vote};

#[test]
fn a_vote_is_sent_when_it_is_durable() {
    let mut cluster = Cluster::new(3);
    cluster.stall_disk(peer(0));
    cluster.inject(1, peer(0), 1, request_vote(0, 0));
    assert_eq!(cluster.take_sent(peer(0)), []);
    cluster.resume_disk(peer(0));
    assert_eq!(cluster.take_sent(peer(0)).len(), 1);
}

#[test]
fn an_acknowledgement_is_sent_when_the_entries_are_durable() {
    let mut cluster = Cluster::new(3);
    cluster.stall_disk(peer(0));
    let message = append(id(0, 0), &[entry(1, 1)], 1);
    cluster.inject(1, peer(0), 1, message.clone());
    // The second copy finds the entry in the log, but not on the disk.
    cluster.inject(1, peer(0), 1, message);
    assert_eq!(cluster.take_sent(peer(0)), []);
    assert!(cluster.peers[&peer(0)].applied.is_empty(), "nothing is applied before it is durable");
    cluster.resume_disk(peer(0));
    let match_index = Index::new(1);
    let accepted = Message::AppendEntriesReply(AppendEntriesReply::Accepted {
        match_index,
        carried: Carried::Entries,
        round: Round::ZERO,
    });
    assert_eq!(cluster.take_sent(peer(0)), [accepted.clone(), accepted]);
    assert_eq!(cluster.peers[&peer(0)].applied.len(), 1);
}

/// A disk busy with a large command or a snapshot must cost no leader its quorum.
#[test]
fn a_heartbeat_is_answered_during_a_write_if_all_that_it_promises_is_durable() {
    let mut cluster = Cluster::new(3);
    cluster.inject(1, peer(0), 1, append(id(0, 0), &[entry(1, 1)], 1));
    assert_eq!(cluster.take_sent(peer(0)).len(), 1);
    cluster.stall_disk(peer(0));
    cluster.inject(1, peer(0), 1, append(id(1, 1), &[entry(1, 2)], 1));
    cluster.inject(1, peer(0), 1, append(id(1, 1), &[], 1));
    let match_index = Index::new(1);
    let heard = Message::AppendEntriesReply(AppendEntriesReply::Accepted {
        match_index,
        carried: Carried::Nothing,
        round: Round::ZERO,
    });
    assert_eq!(cluster.take_sent(peer(0)), [heard]);
    cluster.inject(1, peer(0), 1, append(id(1, 2), &[], 1));
    assert_eq!(cluster.take_sent(peer(0)), [], "entry 2 is not durable");
    // In a new term, the answer promises that term, too.
    cluster.inject(2, peer(0), 2, append(id(1, 1), &[], 1));
    assert_eq!(cluster.take_sent(peer(0)), [], "term 2 is not durable");
    cluster.resume_disk(peer(0));
    assert_eq!(cluster.take_sent(peer(0)).len(), 3);
}

#[test]
fn a_candidate_requests_votes_and_counts_itself_when_its_vote_is_durable() {
    let mut cluster = Cluster::new(3);
    cluster.stall_disk(peer(0));
    cluster.time_out(peer(0));
    assert_eq!(cluster.take_sent(peer(0)), []);
    let granted = Message::RequestVoteReply(raft::message::Vote::Granted);
    cluster.inject(1, peer(0), 1, granted);
    assert_eq!(cluster.role(peer(0)), RoleName::Candidate);
    cluster.resume_disk(peer(0));
    assert_eq!(cluster.role(peer(0)), RoleName::Leader);
}

/// Class: a request that is sent after what it asks for is over. Its receiver may have left the
/// configuration since.
#[test]
fn vote_requests_that_wait_for_the_disk_end_with_the_candidacy() {
    for term_of_the_leader in [1, 2] {
        let mut cluster = Cluster::new(3);
        cluster.stall_disk(peer(0));
        cluster.time_out(peer(0));
        cluster.inject(1, peer(0), term_of_the_leader, append(id(0, 0), &[], 0));
        assert_eq!(cluster.role(peer(0)), RoleName::Follower);
        cluster.resume_disk(peer(0));
        let sent = cluster.take_sent(peer(0));
        let is_reply = |message: &Message| matches!(message, Message::AppendEntriesReply(_));
        assert!(sent.len() == 1 && is_reply(&sent[0]), "{sent:?}");
    }
}

#[test]
fn a_leader_sends_before_its_own_disk_but_counts_itself_after() {
    let mut cluster = Cluster::new(3);
    cluster.elect(peer(0));
    cluster.stall_disk(peer(0));
    cluster.cut(peer(2));
    cluster.propose(peer(0), b"x");
    cluster.deliver_all();
    assert_eq!(cluster.node(peer(1)).log().last().index, Index::new(1));
    assert_eq!(cluster.node(peer(0)).status().commit_index, Index::ZERO);
    cluster.resume_disk(peer(0));
    cluster.deliver_all();
    assert_eq!(cluster.node(peer(0)).status().commit_index, Index::new(1));
}

#[test]
fn a_leader_with_a_slow_disk_commits_through_its_followers() {
    let mut cluster = Cluster::new(3);
    cluster.elect(peer(0));
    cluster.stall_disk(peer(0));
    cluster.propose(peer(0), b"x");
    cluster.deliver_all();
    assert_eq!(cluster.node(peer(0)).status().commit_index, Index::new(1));
    assert!(cluster.peers[&peer(0)].applied.is_empty(), "it applies when its own copy is durable");
    assert_eq!(cluster.peers[&peer(1)].applied.len(), 1);
}
