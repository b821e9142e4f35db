//! §9.6: pre-votes.

use raft::message::{RequestPreVoteReply, Vote};
use raft::{HardState, Message, PeerId, PersistentState, RoleName, Term};

use crate::cluster::{Cluster, append, disk, entry, id, peer, request_pre_vote, request_vote};
use crate::{default_cluster, ms};

fn reply(request_term: u64, vote: Vote) -> Message {
    let request_term = Term::new(request_term);
    Message::RequestPreVoteReply(RequestPreVoteReply { request_term, vote })
}

/// A disk of a peer in this term, with this log.
fn disk_in(term: u64, entries: &[raft::Entry]) -> PersistentState {
    let hard_state = HardState { current_term: Term::new(term), voted_for: None };
    PersistentState { hard_state, ..disk(entries) }
}

fn term(cluster: &Cluster, peer: PeerId) -> u64 {
    cluster.node(peer).status().current_term.number()
}

/// Runs the peers that are not cut off until one leads, for some election timeouts at most.
fn leader(cluster: &mut Cluster) -> PeerId {
    for _ in 0..100 {
        cluster.advance(ms(25));
        cluster.deliver_all();
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
        "no leader: {:?}",
        cluster.peers.keys().map(|p| cluster.node(*p).status()).collect::<Vec<_>>()
    );
}

#[test]
fn pre_votes_come_before_an_election_and_change_no_state() {
    let mut cluster = default_cluster(3);
    cluster.time_out(peer(0));
    let status = cluster.node(peer(0)).status();
    assert_eq!((status.role, status.current_term), (RoleName::PreCandidate, Term::ZERO));
    assert_eq!(status.voted_for, None);
    assert_eq!(cluster.take_sent(peer(0)), [request_pre_vote(0, 0), request_pre_vote(0, 0)]);
    assert_eq!(cluster.peers[&peer(0)].stored, PersistentState::default(), "nothing is written");
}

#[test]
fn a_majority_of_pre_votes_starts_an_election() {
    let mut cluster = default_cluster(5);
    cluster.time_out(peer(0));
    cluster.poll(peer(0));
    cluster.wire.clear();
    for _ in 0..3 {
        cluster.inject(1, peer(0), 0, reply(0, Vote::Granted));
    }
    cluster.inject(2, peer(0), 0, reply(0, Vote::Rejected));
    assert_eq!(cluster.role(peer(0)), RoleName::PreCandidate, "one peer sent yes, often");
    cluster.inject(3, peer(0), 0, reply(0, Vote::Granted));
    assert_eq!(cluster.role(peer(0)), RoleName::Candidate);
    assert_eq!(cluster.take_sent(peer(0)), vec![request_vote(0, 0); 4]);
}

#[test]
fn a_reply_to_a_pre_vote_of_an_earlier_term_does_not_count() {
    let mut cluster = default_cluster(3);
    cluster.restart_from(peer(0), disk_in(4, &[]));
    cluster.time_out(peer(0));
    cluster.inject(1, peer(0), 4, reply(3, Vote::Granted));
    assert_eq!(cluster.role(peer(0)), RoleName::PreCandidate);
    cluster.inject(1, peer(0), 2, reply(4, Vote::Granted));
    assert_eq!(cluster.role(peer(0)), RoleName::Candidate, "that of an earlier peer does");
}

#[test]
fn a_pre_vote_has_no_effect_on_its_granter() {
    let mut cluster = default_cluster(5);
    let before = (cluster.node(peer(0)).status(), cluster.node(peer(0)).poll_timeout());
    for asker in [1, 2, 3] {
        cluster.inject(asker, peer(0), asker, request_pre_vote(0, 0));
    }
    assert_eq!((cluster.node(peer(0)).status(), cluster.node(peer(0)).poll_timeout()), before);
    let yes = |term| reply(term, Vote::Granted);
    assert_eq!(cluster.take_sent(peer(0)), [yes(1), yes(2), yes(3)]);
    assert_eq!(cluster.peers[&peer(0)].stored, PersistentState::default(), "nothing is written");
}

#[test]
fn a_pre_vote_is_rejected_if_the_log_is_behind() {
    let mut cluster = default_cluster(3);
    cluster.restart_from(peer(0), disk(&[entry(1, 1), entry(2, 2)]));
    cluster.advance(ms(150));
    cluster.wire.clear();
    for (index, expected) in [(1, Vote::Rejected), (2, Vote::Granted)] {
        cluster.inject(1, peer(0), 2, request_pre_vote(2, index));
        let sent = cluster.take_sent(peer(0));
        assert!(sent.contains(&reply(2, expected)), "{index}: {sent:?}");
    }
}

#[test]
fn peers_with_a_live_leader_and_the_leader_reject_pre_votes() {
    let mut cluster = default_cluster(3);
    cluster.elect(peer(0));
    for number in [0, 1] {
        cluster.inject(2, peer(number), 1, request_pre_vote(9, 9));
        cluster.wire.clear();
        cluster.inject(2, peer(number), 1, request_pre_vote(1, 9));
        assert_eq!(cluster.take_sent(peer(number)), [reply(1, Vote::Rejected)], "peer {number}");
    }
    cluster.advance(ms(149));
    cluster.wire.clear();
    cluster.inject(2, peer(1), 1, request_pre_vote(1, 9));
    assert_eq!(cluster.take_sent(peer(1)), [reply(1, Vote::Rejected)]);
    cluster.advance(ms(1));
    cluster.wire.clear();
    cluster.inject(2, peer(1), 1, request_pre_vote(1, 9));
    let sent = cluster.take_sent(peer(1));
    assert_eq!(sent.last(), Some(&reply(1, Vote::Granted)), "the shortest timeout is over");
}

/// canonical/raft 196: a pre-vote must not take back a vote, nor stop a peer from granting one.
#[test]
fn a_pre_candidate_may_still_grant_its_vote_once() {
    let mut cluster = default_cluster(3);
    cluster.restart_from(peer(0), disk_in(4, &[]));
    cluster.time_out(peer(0));
    let asked_at = cluster.now;
    cluster.take_sent(peer(0));
    cluster.inject(1, peer(0), 4, request_vote(0, 0));
    cluster.inject(2, peer(0), 4, request_vote(0, 0));
    let (granted, rejected) = (Vote::Granted, Vote::Rejected);
    let answers = [granted, rejected].map(Message::RequestVoteReply);
    assert_eq!(cluster.take_sent(peer(0)), answers);
    assert_eq!(cluster.role(peer(0)), RoleName::Follower, "its vote ends its pre-votes");
    assert!(cluster.node(peer(0)).poll_timeout() >= Some(asked_at.after(ms(150))));
    cluster.inject(2, peer(0), 4, reply(4, Vote::Granted));
    assert_eq!(cluster.role(peer(0)), RoleName::Follower, "yes comes too late");
}

#[test]
fn a_leader_ends_pre_votes() {
    let mut cluster = default_cluster(3);
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
fn a_rejoining_peer_causes_no_election() {
    let mut cluster = default_cluster(3);
    cluster.elect(peer(0));
    cluster.cut(peer(2));
    for _ in 0..20 {
        cluster.advance(ms(50));
        cluster.deliver_all();
    }
    assert_eq!(cluster.role(peer(2)), RoleName::PreCandidate);
    cluster.heal(peer(2));
    cluster.inject(2, peer(0), 1, request_pre_vote(0, 0));
    cluster.inject(2, peer(1), 1, request_pre_vote(0, 0));
    for _ in 0..5 {
        cluster.advance(ms(10));
        cluster.deliver_all();
    }
    assert_eq!((cluster.role(peer(0)), term(&cluster, peer(0))), (RoleName::Leader, 1));
    assert_eq!(cluster.node(peer(2)).status().leader, Some(peer(0)));
}

/// etcd 9241, 9333: to ignore the term of a peer must not exclude the peer for ever.
#[test]
fn a_peer_with_a_higher_term_rejoins() {
    let mut cluster = default_cluster(3);
    cluster.elect(peer(0));
    cluster.restart_from(peer(2), disk_in(9, &[]));
    for _ in 0..20 {
        cluster.advance(ms(50));
        cluster.deliver_all();
    }
    let leader = leader(&mut cluster);
    cluster.commit(leader, b"x");
    cluster.advance(ms(50));
    cluster.deliver_all();
    assert!(term(&cluster, leader) > 9);
    assert_eq!(cluster.node(peer(2)).status().leader, Some(leader));
}

/// etcd 8243 and 8501, canonical/raft 279, openraft 1796: of the peers left, the one with the
/// longer log is in the earlier term. Neither may wait for the other for ever.
#[test]
fn peers_of_different_terms_find_a_leader() {
    for (one, other) in [(1, 5), (5, 1)] {
        let mut cluster = default_cluster(3);
        cluster.restart_from(peer(0), disk_in(one, &[entry(1, 1)]));
        cluster.restart_from(peer(1), disk_in(other, &[]));
        cluster.cut(peer(2));
        assert_eq!(leader(&mut cluster), peer(0), "its log is longer; terms {one} and {other}");
    }
}

#[test]
fn a_losing_candidate_starts_pre_votes_again() {
    let mut cluster = default_cluster(3);
    cluster.time_out(peer(0));
    cluster.inject(1, peer(0), 0, reply(0, Vote::Granted));
    assert_eq!((cluster.role(peer(0)), term(&cluster, peer(0))), (RoleName::Candidate, 1));
    cluster.time_out(peer(0));
    assert_eq!((cluster.role(peer(0)), term(&cluster, peer(0))), (RoleName::PreCandidate, 1));
}

#[test]
fn a_single_peer_sends_no_pre_votes() {
    let mut cluster = default_cluster(1);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    assert_eq!(term(&cluster, peer(0)), 1);
}

#[test]
fn a_peer_with_a_stalled_disk_sends_no_pre_votes() {
    let mut cluster = default_cluster(3);
    cluster.stall_disk(peer(0));
    cluster.inject(1, peer(0), 3, append(id(0, 0), &[entry(3, 1)], 0));
    cluster.poll(peer(0));
    cluster.time_out(peer(0));
    assert_eq!(cluster.role(peer(0)), RoleName::PreCandidate);
    assert_eq!(cluster.take_sent(peer(0)), [], "it could not vote for itself");
}
