//! §5.1, §5.2, §5.4.1: terms, votes, leaders.

use std::time::Duration;

use raft::message::Vote;
use raft::{
    Config, HardState, Input, Instant, Jitter, Message, Node, PersistentState, PreVote, RoleName,
    Term,
};

use crate::cluster::{Cluster, append, disk, entry, id, peer, request_vote};

const GRANTED: Message = Message::RequestVoteReply(Vote::Granted);
const REFUSED: Message = Message::RequestVoteReply(Vote::Rejected);

#[test]
fn a_follower_without_a_leader_starts_an_election() {
    let mut cluster = Cluster::new(3);
    cluster.time_out(peer(0));
    let status = cluster.node(peer(0)).status();
    assert_eq!((status.role, status.current_term), (RoleName::Candidate, Term::new(1)));
    assert_eq!(status.voted_for, Some(peer(0)));
    assert_eq!(cluster.take_sent(peer(0)), [request_vote(0, 0), request_vote(0, 0)]);
}

#[test]
fn a_majority_elects_a_leader_and_the_others_follow() {
    let mut cluster = Cluster::new(5);
    cluster.cut(peer(3));
    cluster.cut(peer(4));
    cluster.elect(peer(0));
    assert_eq!(cluster.node(peer(1)).status().leader, Some(peer(0)));
    assert_eq!(cluster.role(peer(3)), RoleName::Follower);
}

#[test]
fn half_of_the_peers_are_not_a_majority() {
    let mut cluster = Cluster::new(4);
    cluster.cut(peer(2));
    cluster.cut(peer(3));
    cluster.time_out(peer(0));
    cluster.deliver_all();
    assert_eq!(cluster.role(peer(0)), RoleName::Candidate);
}

#[test]
fn a_vote_that_arrives_twice_counts_once() {
    let mut cluster = Cluster::new(5);
    cluster.time_out(peer(0));
    cluster.poll(peer(0));
    for _ in 0..3 {
        cluster.inject(1, peer(0), 1, GRANTED);
    }
    assert_eq!(cluster.role(peer(0)), RoleName::Candidate);
    cluster.inject(2, peer(0), 1, GRANTED);
    assert_eq!(cluster.role(peer(0)), RoleName::Leader);
}

#[test]
fn a_vote_of_an_earlier_term_does_not_count() {
    let mut cluster = Cluster::new(3);
    for _ in 0..2 {
        cluster.time_out(peer(0));
        cluster.poll(peer(0));
    }
    cluster.inject(1, peer(0), 1, GRANTED);
    assert_eq!(cluster.role(peer(0)), RoleName::Candidate);
}

#[test]
fn a_peer_votes_once_a_term_first_come_first_served() {
    let mut cluster = Cluster::new(3);
    cluster.inject(1, peer(0), 1, request_vote(0, 0));
    cluster.inject(2, peer(0), 1, request_vote(0, 0));
    cluster.inject(1, peer(0), 1, request_vote(0, 0));
    assert_eq!(cluster.take_sent(peer(0)), [GRANTED, REFUSED, GRANTED]);
}

#[test]
fn a_restart_does_not_forget_the_vote() {
    let mut cluster = Cluster::new(3);
    cluster.inject(1, peer(0), 1, request_vote(0, 0));
    cluster.poll(peer(0));
    cluster.restart(peer(0));
    cluster.wire.clear();
    cluster.inject(2, peer(0), 1, request_vote(0, 0));
    assert_eq!(cluster.take_sent(peer(0)), [REFUSED]);
}

#[test]
fn a_higher_term_has_a_new_vote() {
    let mut cluster = Cluster::new(3);
    cluster.inject(1, peer(0), 1, request_vote(0, 0));
    cluster.inject(2, peer(0), 2, request_vote(0, 0));
    assert_eq!(cluster.take_sent(peer(0)), [GRANTED, GRANTED]);
}

#[test]
fn stepping_down_within_a_term_keeps_the_vote() {
    let mut cluster = Cluster::new(3);
    cluster.time_out(peer(0));
    cluster.poll(peer(0));
    cluster.wire.clear();
    cluster.inject(1, peer(0), 1, append(id(0, 0), &[], 0));
    assert_eq!(cluster.role(peer(0)), RoleName::Follower);
    assert_eq!(cluster.node(peer(0)).status().voted_for, Some(peer(0)));
    cluster.take_sent(peer(0));
    cluster.inject(2, peer(0), 1, request_vote(9, 9));
    assert_eq!(cluster.take_sent(peer(0)), []);
    cluster.inject(2, peer(0), 1, request_vote(0, 9));
    assert_eq!(cluster.take_sent(peer(0)), [REFUSED]);
}

#[test]
fn a_vote_goes_only_to_a_log_that_is_as_up_to_date() {
    let rows = [
        ((1, 9), REFUSED), // A longer log of an older term.
        ((2, 2), REFUSED), // The same term, but shorter.
        ((2, 3), GRANTED),
        ((3, 1), GRANTED), // A newer term, however short.
    ];
    for ((term, index), expected) in rows {
        let mut cluster = Cluster::new(3);
        cluster.restart_from(peer(0), disk(&[entry(1, 1), entry(2, 2), entry(2, 3)]));
        cluster.inject(1, peer(0), 7, request_vote(term, index));
        assert_eq!(
            cluster.take_sent(peer(0)),
            [expected],
            "for a log through {index} of term {term}"
        );
    }
}

#[test]
fn only_a_granted_vote_restarts_the_election_timer() {
    let mut cluster = Cluster::new(3);
    cluster.restart_from(peer(0), disk(&[entry(1, 1)]));
    let deadline = cluster.node(peer(0)).poll_timeout();
    cluster.advance(Duration::from_millis(100));
    cluster.inject(1, peer(0), 2, request_vote(0, 0));
    assert_eq!(cluster.take_sent(peer(0)), [REFUSED]);
    assert_eq!(cluster.node(peer(0)).poll_timeout(), deadline);
    cluster.inject(2, peer(0), 2, request_vote(1, 1));
    assert_eq!(cluster.take_sent(peer(0)), [GRANTED]);
    assert!(cluster.node(peer(0)).poll_timeout() > deadline);
}

#[test]
fn a_leader_of_an_old_term_does_not_restart_the_election_timer() {
    let mut cluster = Cluster::new(3);
    cluster.inject(1, peer(0), 5, append(id(0, 0), &[], 0));
    let deadline = cluster.node(peer(0)).poll_timeout();
    cluster.advance(Duration::from_millis(100));
    cluster.inject(2, peer(0), 4, append(id(0, 0), &[], 0));
    assert_eq!(cluster.node(peer(0)).poll_timeout(), deadline);
}

#[test]
fn a_higher_term_in_an_answer_ends_a_leader() {
    let mut cluster = Cluster::new(3);
    cluster.elect(peer(0));
    cluster.inject(1, peer(0), 9, REFUSED);
    let status = cluster.node(peer(0)).status();
    assert_eq!((status.role, status.current_term), (RoleName::Follower, Term::new(9)));
    assert!(
        cluster.node(peer(0)).poll_timeout() > Some(cluster.now),
        "it may start an election again"
    );
}

#[test]
fn a_leader_that_resigns_waits_an_election_timeout_and_keeps_its_vote() {
    let mut cluster = Cluster::new(3);
    cluster.elect(peer(0));
    let id = cluster.propose(peer(0), b"x");
    let now = cluster.now;
    cluster.peers.get_mut(&peer(0)).unwrap().node.resign(now);
    let status = cluster.node(peer(0)).status();
    assert_eq!((status.role, status.current_term), (RoleName::Follower, Term::new(1)));
    assert_eq!((status.leader, status.voted_for), (None, Some(peer(0))));
    assert_eq!(cluster.node(peer(0)).log().last(), id, "what it appended may still commit");
    assert!(cluster.node(peer(0)).poll_timeout() >= Some(now.after(Duration::from_millis(150))));
    cluster.elect(peer(1));
    assert_eq!(cluster.node(peer(0)).status().leader, Some(peer(1)));
}

#[test]
fn only_a_leader_can_resign() {
    let mut cluster = Cluster::new(3);
    let (now, before) = (cluster.now, cluster.node(peer(0)).poll_timeout());
    cluster.peers.get_mut(&peer(0)).unwrap().node.resign(now);
    assert_eq!(cluster.node(peer(0)).poll_timeout(), before);
    assert_eq!(cluster.take_sent(peer(0)), []);
}

#[test]
fn a_single_peer_elects_itself_and_commits_alone() {
    let mut cluster = Cluster::new(1);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    assert_eq!(cluster.peers[&peer(0)].applied.len(), 1);
    cluster.restart(peer(0));
    cluster.elect(peer(0));
    assert_eq!(cluster.node(peer(0)).status().current_term, Term::new(2));
}

#[test]
fn a_disconnected_leader_steps_down_when_it_reconnects() {
    let mut cluster = Cluster::new(3);
    cluster.elect(peer(0));
    cluster.cut(peer(0));
    cluster.elect(peer(1));
    cluster.heal(peer(0));
    cluster.advance(Duration::from_millis(50));
    cluster.deliver_all();
    assert_eq!(cluster.role(peer(0)), RoleName::Follower);
    assert_eq!(cluster.node(peer(0)).status().leader, Some(peer(1)));
}

#[test]
fn a_store_keeps_term_and_vote_together() {
    let mut cluster = Cluster::new(3);
    cluster.time_out(peer(0));
    cluster.poll(peer(0));
    let expected = HardState { current_term: Term::new(1), voted_for: Some(peer(0)) };
    let stored = &cluster.peers[&peer(0)].stored;
    assert_eq!(*stored, PersistentState { hard_state: expected, ..PersistentState::default() });
}

/// Waits longer in each term than in the one before, from the shortest timeout to the longest.
struct ByTerm;

impl Jitter for ByTerm {
    fn draw(&mut self, term: Term) -> u64 {
        [0, u64::MAX / 2, u64::MAX][term.number().min(2) as usize]
    }
}

#[test]
fn a_timeout_is_drawn_anew_for_every_term_between_the_bounds() {
    let config = Config::new(peer(0), vec![peer(0), peer(1), peer(2)]);
    let config = Config { pre_vote: PreVote::Off, ..config }.validate().unwrap();
    let (min, max) =
        (config.settings().election_timeout_min, config.settings().election_timeout_max);
    let mut node =
        Node::new(config, PersistentState::default(), Instant::START, Box::new(ByTerm)).unwrap();
    let mut waits = Vec::new();
    let mut now = Instant::START;
    for _ in 0..3 {
        let deadline = node.poll_timeout().unwrap();
        waits.push(deadline.since(now));
        now = deadline;
        node.handle(now, Input::Tick);
    }
    assert_eq!(waits[0], min);
    assert!(min < waits[1] && waits[1] < waits[2], "{waits:?}");
    assert!(waits[2] <= max && waits[2] > max - max / 100, "{waits:?}");
}

#[test]
fn a_copy_of_a_node_behaves_alike_until_its_inputs_differ() {
    use std::hash::{DefaultHasher, Hasher};
    let future = |node: &Node| {
        let mut hasher = DefaultHasher::new();
        node.behaviour_hash(&mut hasher);
        hasher.finish()
    };
    let mut cluster = Cluster::new(3);
    let first = future(cluster.node(peer(0)));
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    let leader = cluster.node(peer(0));
    let mut copy = leader.fork(Box::new(ByTerm));
    assert_eq!(copy.status(), leader.status());
    assert_eq!(future(&copy), future(leader));
    assert_ne!(future(&copy), first);
    copy.propose(cluster.now, b"y".as_slice().into()).unwrap();
    assert_ne!(future(&copy), future(leader));
    assert_eq!(leader.log().last(), id(1, 1), "the original is left alone");
}
