//! §4.2.3 and §6.2: peers with a live leader ignore candidates, and a leader needs a quorum.

use raft::message::{AppendEntriesReply, Candidacy, RequestVote, Vote};
use raft::{
    CheckQuorum, HardState, Index, Message, PersistentState, PreVote, RoleName, Round, Term,
};

use crate::cluster::{Cluster, append, id, peer, request_vote};
use crate::{default_cluster, ms};

/// Advances the time in steps of a heartbeat.
fn advance(cluster: &mut Cluster, heartbeats: u64) {
    for _ in 0..heartbeats {
        cluster.advance(ms(50));
        cluster.deliver_all();
    }
}

#[test]
fn a_leader_without_a_quorum_steps_down_in_its_term() {
    let mut cluster = default_cluster(3);
    cluster.elect(peer(0));
    cluster.cut(peer(0));
    advance(&mut cluster, 2);
    assert_eq!(cluster.role(peer(0)), RoleName::Leader);
    advance(&mut cluster, 1);
    let status = cluster.node(peer(0)).status();
    assert_eq!((status.role, status.current_term), (RoleName::Follower, Term::new(1)));
    assert_eq!((status.leader, status.voted_for), (None, Some(peer(0))));
    assert!(cluster.node(peer(0)).poll_timeout() >= Some(cluster.now.after(ms(150))));
}

#[test]
fn a_leader_with_a_bare_majority_stays() {
    let mut cluster = default_cluster(5);
    cluster.elect(peer(0));
    cluster.cut(peer(3));
    cluster.cut(peer(4));
    advance(&mut cluster, 40);
    assert_eq!(cluster.role(peer(0)), RoleName::Leader);
    cluster.cut(peer(2));
    advance(&mut cluster, 4);
    assert_eq!(cluster.role(peer(0)), RoleName::Follower, "two of five are none");
}

#[test]
fn a_leader_of_one_needs_no_contact() {
    let mut cluster = default_cluster(1);
    cluster.elect(peer(0));
    assert_eq!(cluster.node(peer(0)).poll_timeout(), None);
    advance(&mut cluster, 40);
    assert_eq!(cluster.role(peer(0)), RoleName::Leader);
}

#[test]
fn vote_requests_are_not_contact_with_a_leader() {
    let mut cluster = default_cluster(3);
    cluster.elect(peer(0));
    cluster.cut(peer(0));
    for _ in 0..4 {
        cluster.advance(ms(50));
        cluster.inject(1, peer(0), 1, request_vote(0, 9));
        cluster.inject(1, peer(0), 1, Message::RequestVoteReply(Vote::Granted));
        cluster.deliver_all();
    }
    assert_eq!(cluster.role(peer(0)), RoleName::Follower);
}

#[test]
fn a_rejection_is_contact() {
    let mut cluster = default_cluster(3);
    cluster.elect(peer(0));
    cluster.cut(peer(0));
    let prev_log_index = Index::new(1);
    for _ in 0..40 {
        cluster.advance(ms(50));
        let reply =
            AppendEntriesReply::Rejected { prev_log_index, hint: id(0, 0), round: Round::ZERO };
        cluster.inject(1, peer(0), 1, Message::AppendEntriesReply(reply));
        cluster.deliver_all();
    }
    assert_eq!(cluster.role(peer(0)), RoleName::Leader);
}

#[test]
fn a_peer_with_a_live_leader_ignores_candidates_and_their_terms() {
    let mut cluster = default_cluster(3);
    cluster.elect(peer(0));
    for number in [0, 1] {
        let before =
            (cluster.node(peer(number)).status(), cluster.node(peer(number)).poll_timeout());
        cluster.inject(2, peer(number), 7, request_vote(1, 9));
        let after =
            (cluster.node(peer(number)).status(), cluster.node(peer(number)).poll_timeout());
        assert_eq!(after, before, "peer {number}");
        assert_eq!(cluster.take_sent(peer(number)), [], "peer {number}");
    }
    cluster.cut(peer(0));
    cluster.advance(ms(150));
    cluster.wire.clear();
    cluster.inject(2, peer(1), 7, request_vote(1, 9));
    let granted = Message::RequestVoteReply(Vote::Granted);
    assert_eq!(cluster.take_sent(peer(1)).last(), Some(&granted), "the shortest timeout is over");
    assert_eq!(cluster.node(peer(1)).status().current_term, Term::new(7));
}

/// Otherwise a leader could be elected during its predecessor's lease.
#[test]
fn a_leader_of_an_overtaken_term_is_still_live() {
    let mut cluster = default_cluster(5);
    cluster.elect(peer(0));
    let request = RequestVote { last_log: id(0, 0), candidacy: Candidacy::Transfer };
    cluster.inject(4, peer(1), 8, Message::RequestVote(request));
    assert_eq!(cluster.node(peer(1)).status().current_term, Term::new(8));
    cluster.take_sent(peer(1));
    cluster.inject(2, peer(1), 8, request_vote(1, 9));
    assert_eq!(cluster.take_sent(peer(1)), []);
}

#[test]
fn a_restarted_peer_assumes_a_live_leader() {
    let mut cluster = default_cluster(3);
    cluster.elect(peer(0));
    cluster.restart(peer(1));
    cluster.inject(2, peer(1), 7, request_vote(1, 9));
    assert_eq!(cluster.take_sent(peer(1)), []);
    cluster.restart_from(peer(1), PersistentState::default());
    cluster.inject(2, peer(1), 7, request_vote(1, 9));
    assert_eq!(
        cluster.take_sent(peer(1)),
        [Message::RequestVoteReply(Vote::Granted)],
        "a new peer"
    );
}

#[test]
fn a_higher_term_in_a_reply_ends_a_leader_with_check_quorum() {
    let mut cluster = default_cluster(3);
    cluster.elect(peer(0));
    let old = Message::AppendEntriesReply(AppendEntriesReply::OldTerm);
    cluster.inject(1, peer(0), 9, old);
    let status = cluster.node(peer(0)).status();
    assert_eq!((status.role, status.current_term), (RoleName::Follower, Term::new(9)));
}

/// Without a pre-vote, ignoring candidates is not enough: the term of a peer that was cut off
/// returns with its first reply, and only that.
#[test]
fn without_pre_votes_a_rejoining_peer_costs_one_election() {
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
    cluster.deliver_all();
    assert_eq!(cluster.node(peer(0)).status().current_term, Term::new(9));
}
