//! §4.2.3 and §6.2: peers keep to a leader they hear from, and a leader must hear from a quorum.

use std::time::Duration;

use raft::message::{AppendEntriesReply, Vote};
use raft::{
    CheckQuorum, HardState, Index, Message, PersistentState, PreVote, RoleName, Round, Term,
};

use crate::as_deployed;
use crate::cluster::{Cluster, append, id, peer, request_vote};

fn cluster(size: u64) -> Cluster {
    Cluster::with(size, as_deployed)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Lets time pass in steps that heartbeats take.
fn pass(cluster: &mut Cluster, heartbeats: u64) {
    for _ in 0..heartbeats {
        cluster.pass(ms(50));
        cluster.settle();
    }
}

#[test]
fn a_leader_that_nobody_hears_gives_up_in_its_term() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    cluster.cut(peer(0));
    pass(&mut cluster, 2);
    assert_eq!(cluster.role(peer(0)), RoleName::Leader);
    pass(&mut cluster, 1);
    let status = cluster.node(peer(0)).status();
    assert_eq!((status.role, status.current_term), (RoleName::Follower, Term::new(1)));
    assert_eq!((status.leader, status.voted_for), (None, Some(peer(0))));
    assert!(cluster.node(peer(0)).poll_timeout() >= Some(cluster.now.after(ms(150))));
}

#[test]
fn a_leader_that_hears_from_a_bare_majority_stays() {
    let mut cluster = cluster(5);
    cluster.elect(peer(0));
    cluster.cut(peer(3));
    cluster.cut(peer(4));
    pass(&mut cluster, 40);
    assert_eq!(cluster.role(peer(0)), RoleName::Leader);
    cluster.cut(peer(2));
    pass(&mut cluster, 4);
    assert_eq!(cluster.role(peer(0)), RoleName::Follower, "two of five are none");
}

#[test]
fn a_leader_of_one_needs_nobody() {
    let mut cluster = cluster(1);
    cluster.elect(peer(0));
    assert_eq!(cluster.node(peer(0)).poll_timeout(), None);
    pass(&mut cluster, 40);
    assert_eq!(cluster.role(peer(0)), RoleName::Leader);
}

#[test]
fn requests_for_votes_prove_nothing_to_a_leader() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    cluster.cut(peer(0));
    for _ in 0..4 {
        cluster.pass(ms(50));
        cluster.inject(1, peer(0), 1, request_vote(0, 9));
        cluster.inject(1, peer(0), 1, Message::RequestVoteReply(Vote::Granted));
        cluster.settle();
    }
    assert_eq!(cluster.role(peer(0)), RoleName::Follower);
}

#[test]
fn a_rejection_is_a_sign_of_life() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    cluster.cut(peer(0));
    let prev_log_index = Index::new(1);
    for _ in 0..40 {
        cluster.pass(ms(50));
        let reply =
            AppendEntriesReply::Rejected { prev_log_index, hint: id(0, 0), round: Round::ZERO };
        cluster.inject(1, peer(0), 1, Message::AppendEntriesReply(reply));
        cluster.settle();
    }
    assert_eq!(cluster.role(peer(0)), RoleName::Leader);
}

#[test]
fn a_peer_that_hears_from_a_leader_leaves_candidates_and_their_terms_alone() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    for asked in [0, 1] {
        let before = (cluster.node(peer(asked)).status(), cluster.node(peer(asked)).poll_timeout());
        cluster.inject(2, peer(asked), 7, request_vote(1, 9));
        let after = (cluster.node(peer(asked)).status(), cluster.node(peer(asked)).poll_timeout());
        assert_eq!(after, before, "peer {asked}");
        assert_eq!(cluster.said(peer(asked)), [], "peer {asked}");
    }
    cluster.cut(peer(0));
    cluster.pass(ms(150));
    cluster.wire.clear();
    cluster.inject(2, peer(1), 7, request_vote(1, 9));
    let granted = Message::RequestVoteReply(Vote::Granted);
    assert_eq!(cluster.said(peer(1)).last(), Some(&granted), "the shortest timeout is over");
    assert_eq!(cluster.node(peer(1)).status().current_term, Term::new(7));
}

/// Else a leader could be elected while its predecessor still trusts that nobody is.
#[test]
fn a_peer_keeps_to_a_leader_whose_term_was_overtaken() {
    let mut cluster = cluster(5);
    cluster.elect(peer(0));
    cluster.inject(4, peer(1), 8, Message::RequestVoteReply(Vote::Rejected));
    assert_eq!(cluster.node(peer(1)).status().current_term, Term::new(8));
    cluster.said(peer(1));
    cluster.inject(2, peer(1), 8, request_vote(1, 9));
    assert_eq!(cluster.said(peer(1)), []);
}

#[test]
fn a_peer_that_starts_again_keeps_to_whom_it_may_have_heard() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    cluster.restart(peer(1));
    cluster.inject(2, peer(1), 7, request_vote(1, 9));
    assert_eq!(cluster.said(peer(1)), []);
    cluster.restart_from(peer(1), PersistentState::default());
    cluster.inject(2, peer(1), 7, request_vote(1, 9));
    assert_eq!(cluster.said(peer(1)), [Message::RequestVoteReply(Vote::Granted)], "a new peer");
}

#[test]
fn a_higher_term_in_an_answer_ends_a_leader_as_ever() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    let old = Message::AppendEntriesReply(AppendEntriesReply::OldTerm);
    cluster.inject(1, peer(0), 9, old);
    let status = cluster.node(peer(0)).status();
    assert_eq!((status.role, status.current_term), (RoleName::Follower, Term::new(9)));
}

/// Without a pre-vote, keeping to a leader is not enough: the term of a peer that was cut off comes
/// back with its first answer, and only that.
#[test]
fn without_pre_votes_a_peer_that_comes_back_costs_one_election() {
    let mut cluster = Cluster::with(3, |config| {
        config.pre_vote = PreVote::Off;
        config.check_quorum = CheckQuorum::On;
    });
    cluster.elect(peer(0));
    let hard_state = HardState { current_term: Term::new(9), voted_for: Some(peer(2)) };
    cluster.restart_from(peer(2), PersistentState { hard_state, ..PersistentState::default() });
    cluster.inject(2, peer(0), 9, request_vote(0, 0));
    assert_eq!(cluster.role(peer(0)), RoleName::Leader);
    cluster.inject(0, peer(2), 1, append(id(0, 0), &[], 0));
    cluster.settle();
    assert_eq!(cluster.node(peer(0)).status().current_term, Term::new(9));
}
