//! §9.6: a peer asks who would vote for it before it stands.

use std::time::Duration;

use raft::message::{RequestPreVote, RequestPreVoteReply, Vote};
use raft::{HardState, Message, PeerId, PersistentState, RoleName, Term};

use crate::as_deployed;
use crate::cluster::{Cluster, append, disk, entry, id, peer, request_vote};

fn cluster(size: u64) -> Cluster {
    Cluster::with(size, as_deployed)
}

fn request(term: u64, index: u64) -> Message {
    Message::RequestPreVote(RequestPreVote { last_log: id(term, index) })
}

fn reply(request_term: u64, vote: Vote) -> Message {
    let request_term = Term::new(request_term);
    Message::RequestPreVoteReply(RequestPreVoteReply { request_term, vote })
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A disk of a peer in this term, with this log.
fn disk_in(term: u64, entries: &[raft::Entry]) -> PersistentState {
    let hard_state = HardState { current_term: Term::new(term), voted_for: None };
    PersistentState { hard_state, ..disk(entries) }
}

fn term(cluster: &Cluster, peer: PeerId) -> u64 {
    cluster.node(peer).status().current_term.number()
}

/// Lets the peers that are not cut off go on until one leads, for some election timeouts at most.
fn leader(cluster: &mut Cluster) -> PeerId {
    for _ in 0..100 {
        cluster.pass(ms(25));
        cluster.settle();
        let peers: Vec<PeerId> = cluster.peers.keys().copied().collect();
        let newest = peers.iter().map(|peer| term(cluster, *peer)).max().unwrap();
        let leads = |peer: &&PeerId| {
            cluster.role(**peer) == RoleName::Leader && term(cluster, **peer) == newest
        };
        if let Some(leader) = peers.iter().find(leads) {
            return *leader;
        }
    }
    panic!(
        "nobody leads: {:?}",
        cluster.peers.keys().map(|p| cluster.node(*p).status()).collect::<Vec<_>>()
    );
}

#[test]
fn a_peer_asks_before_it_stands_and_changes_nothing_by_it() {
    let mut cluster = cluster(3);
    cluster.time_out(peer(0));
    let status = cluster.node(peer(0)).status();
    assert_eq!((status.role, status.current_term), (RoleName::PreCandidate, Term::ZERO));
    assert_eq!(status.voted_for, None);
    assert_eq!(cluster.said(peer(0)), [request(0, 0), request(0, 0)]);
    assert_eq!(cluster.peers[&peer(0)].stored, PersistentState::default(), "nothing is written");
}

#[test]
fn who_is_told_yes_by_a_majority_stands() {
    let mut cluster = cluster(5);
    cluster.time_out(peer(0));
    cluster.poll(peer(0));
    cluster.wire.clear();
    for _ in 0..3 {
        cluster.inject(1, peer(0), 0, reply(0, Vote::Granted));
    }
    cluster.inject(2, peer(0), 0, reply(0, Vote::Rejected));
    assert_eq!(cluster.role(peer(0)), RoleName::PreCandidate, "one peer said yes, often");
    cluster.inject(3, peer(0), 0, reply(0, Vote::Granted));
    assert_eq!(cluster.role(peer(0)), RoleName::Candidate);
    assert_eq!(cluster.said(peer(0)), vec![request_vote(0, 0); 4]);
}

#[test]
fn an_answer_to_a_question_of_an_earlier_term_does_not_count() {
    let mut cluster = cluster(3);
    cluster.restart_from(peer(0), disk_in(4, &[]));
    cluster.time_out(peer(0));
    cluster.inject(1, peer(0), 4, reply(3, Vote::Granted));
    assert_eq!(cluster.role(peer(0)), RoleName::PreCandidate);
    cluster.inject(1, peer(0), 2, reply(4, Vote::Granted));
    assert_eq!(cluster.role(peer(0)), RoleName::Candidate, "that of an earlier peer does");
}

#[test]
fn an_answer_binds_nobody() {
    let mut cluster = cluster(5);
    let before = (cluster.node(peer(0)).status(), cluster.node(peer(0)).poll_timeout());
    for asker in [1, 2, 3] {
        cluster.inject(asker, peer(0), asker, request(0, 0));
    }
    assert_eq!((cluster.node(peer(0)).status(), cluster.node(peer(0)).poll_timeout()), before);
    let yes = |term| reply(term, Vote::Granted);
    assert_eq!(cluster.said(peer(0)), [yes(1), yes(2), yes(3)]);
    assert_eq!(cluster.peers[&peer(0)].stored, PersistentState::default(), "nothing is written");
}

#[test]
fn whose_log_is_behind_is_told_no() {
    let mut cluster = cluster(3);
    cluster.restart_from(peer(0), disk(&[entry(1, 1), entry(2, 2)]));
    cluster.pass(ms(150));
    cluster.wire.clear();
    for (index, expected) in [(1, Vote::Rejected), (2, Vote::Granted)] {
        cluster.inject(1, peer(0), 2, request(2, index));
        let said = cluster.said(peer(0));
        assert!(said.contains(&reply(2, expected)), "{index}: {said:?}");
    }
}

#[test]
fn a_peer_that_hears_from_a_leader_says_no_and_so_does_the_leader() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    for asked in [0, 1] {
        cluster.inject(2, peer(asked), 1, request(9, 9));
        cluster.wire.clear();
        cluster.inject(2, peer(asked), 1, request(1, 9));
        assert_eq!(cluster.said(peer(asked)), [reply(1, Vote::Rejected)], "peer {asked}");
    }
    cluster.pass(ms(149));
    cluster.wire.clear();
    cluster.inject(2, peer(1), 1, request(1, 9));
    assert_eq!(cluster.said(peer(1)), [reply(1, Vote::Rejected)]);
    cluster.pass(ms(1));
    cluster.wire.clear();
    cluster.inject(2, peer(1), 1, request(1, 9));
    let said = cluster.said(peer(1));
    assert_eq!(said.last(), Some(&reply(1, Vote::Granted)), "the shortest timeout is over");
}

/// canonical/raft 196: to ask must not take back a vote, nor keep a peer from giving one.
#[test]
fn a_peer_that_asks_may_still_give_its_vote_of_this_term_and_only_once() {
    let mut cluster = cluster(3);
    cluster.restart_from(peer(0), disk_in(4, &[]));
    cluster.time_out(peer(0));
    let asked_at = cluster.now;
    cluster.said(peer(0));
    cluster.inject(1, peer(0), 4, request_vote(0, 0));
    cluster.inject(2, peer(0), 4, request_vote(0, 0));
    let (granted, refused) = (Vote::Granted, Vote::Rejected);
    let answers = [granted, refused].map(Message::RequestVoteReply);
    assert_eq!(cluster.said(peer(0)), answers);
    assert_eq!(cluster.role(peer(0)), RoleName::Follower, "it waits for whom it voted for");
    assert!(cluster.node(peer(0)).poll_timeout() >= Some(asked_at.after(ms(150))));
    cluster.inject(2, peer(0), 4, reply(4, Vote::Granted));
    assert_eq!(cluster.role(peer(0)), RoleName::Follower, "yes comes too late");
}

#[test]
fn a_leader_ends_the_asking() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    cluster.cut(peer(2));
    cluster.time_out(peer(2));
    cluster.wire.clear();
    assert_eq!(cluster.role(peer(2)), RoleName::PreCandidate);
    cluster.inject(0, peer(2), 1, append(id(0, 0), &[], 0));
    let status = cluster.node(peer(2)).status();
    assert_eq!((status.role, status.leader), (RoleName::Follower, Some(peer(0))));
}

#[test]
fn a_peer_that_comes_back_disturbs_nobody() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    cluster.cut(peer(2));
    for _ in 0..20 {
        cluster.pass(ms(50));
        cluster.settle();
    }
    assert_eq!(cluster.role(peer(2)), RoleName::PreCandidate);
    cluster.heal(peer(2));
    cluster.inject(2, peer(0), 1, request(0, 0));
    cluster.inject(2, peer(1), 1, request(0, 0));
    for _ in 0..5 {
        cluster.pass(ms(10));
        cluster.settle();
    }
    assert_eq!((cluster.role(peer(0)), term(&cluster, peer(0))), (RoleName::Leader, 1));
    assert_eq!(cluster.node(peer(2)).status().leader, Some(peer(0)));
}

/// etcd 9241, 9333: to leave the term of a peer alone must not leave the peer out for ever.
#[test]
fn a_peer_with_a_higher_term_than_the_others_joins_in() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    cluster.restart_from(peer(2), disk_in(9, &[]));
    for _ in 0..20 {
        cluster.pass(ms(50));
        cluster.settle();
    }
    let leader = leader(&mut cluster);
    cluster.commit(leader, b"x");
    cluster.pass(ms(50));
    cluster.settle();
    assert!(term(&cluster, leader) > 9);
    assert_eq!(cluster.node(peer(2)).status().leader, Some(leader));
}

/// etcd 8243 and 8501, canonical/raft 279, openraft 1796: of those left, the one with the longer log
/// is in the earlier term. Neither may wait for the other for ever.
#[test]
fn peers_of_different_terms_find_a_leader() {
    for (one, other) in [(1, 5), (5, 1)] {
        let mut cluster = cluster(3);
        cluster.restart_from(peer(0), disk_in(one, &[entry(1, 1)]));
        cluster.restart_from(peer(1), disk_in(other, &[]));
        cluster.cut(peer(2));
        assert_eq!(leader(&mut cluster), peer(0), "its log is longer; terms {one} and {other}");
    }
}

#[test]
fn a_candidate_that_loses_asks_again() {
    let mut cluster = cluster(3);
    cluster.time_out(peer(0));
    cluster.inject(1, peer(0), 0, reply(0, Vote::Granted));
    assert_eq!((cluster.role(peer(0)), term(&cluster, peer(0))), (RoleName::Candidate, 1));
    cluster.time_out(peer(0));
    assert_eq!((cluster.role(peer(0)), term(&cluster, peer(0))), (RoleName::PreCandidate, 1));
}

#[test]
fn a_single_peer_asks_nobody() {
    let mut cluster = cluster(1);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    assert_eq!(term(&cluster, peer(0)), 1);
}

#[test]
fn a_peer_whose_disk_is_stuck_asks_nobody() {
    let mut cluster = cluster(3);
    cluster.stick_disk(peer(0));
    cluster.inject(1, peer(0), 3, append(id(0, 0), &[entry(3, 1)], 0));
    cluster.poll(peer(0));
    cluster.time_out(peer(0));
    assert_eq!(cluster.role(peer(0)), RoleName::PreCandidate);
    assert_eq!(cluster.said(peer(0)), [], "it could not vote for itself");
}
