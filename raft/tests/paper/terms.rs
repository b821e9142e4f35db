//! Terms that must not be followed: of peers that are no members, in answers to nothing, beyond what
//! elections can reach; and the end of all terms.

use raft::message::{ReadIndex, ReadIndexReply, RequestPreVoteReply, Vote};
use raft::storage::{MemoryStorage, Storage, reset_term};
use raft::{
    CheckQuorum, Config, HardState, Index, Message, PersistentState, PreVote, Record, RequestId,
    RoleName, Status, Term, Write, WriteId,
};

use crate::cluster::{Cluster, accepted, append, disk, entry, id, peer, request_vote};

fn status(cluster: &Cluster, number: u64) -> Status {
    cluster.node(peer(number)).status()
}

fn sticky(config: &mut Config) {
    config.check_quorum = CheckQuorum::On;
}

/// A leader of term 1 with one committed entry, and two followers.
fn led(change: fn(&mut Config)) -> Cluster {
    let mut cluster = Cluster::with(3, change);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    cluster
}

/// Messages of a peer that is no member.
fn of_outsiders() -> [Message; 9] {
    let vote = Vote::Granted;
    let request = RequestId::new(1);
    [
        request_vote(1, 1),
        Message::RequestVoteReply(vote),
        Message::RequestPreVoteReply(RequestPreVoteReply { request_term: Term::new(1), vote }),
        accepted(1),
        append(id(1, 1), &[], 1),
        Message::TimeoutNow,
        Message::ReadIndex(ReadIndex { request }),
        Message::ReadIndexReply(ReadIndexReply::Ready { request, read_index: Index::new(1) }),
        Message::ReadIndexReply(ReadIndexReply::Rejected { request }),
    ]
}

#[test]
fn a_peer_that_is_no_member_moves_no_term_while_there_is_a_leader() {
    for message in of_outsiders() {
        for (to, term) in [(0, 1), (0, 2), (0, 100), (1, 1), (1, 2), (1, 100)] {
            let mut cluster = led(sticky);
            let before = status(&cluster, to);
            cluster.inject(9, peer(to), term, message.clone());
            assert_eq!(status(&cluster, to), before, "{message:?} in term {term} to {to}");
        }
    }
}

#[test]
fn answers_to_nothing_move_no_term() {
    let vote = Vote::Rejected;
    let request_term = Term::new(1);
    for message in [
        Message::RequestVoteReply(vote),
        Message::RequestPreVoteReply(RequestPreVoteReply { request_term, vote }),
        accepted(1),
        Message::ReadIndexReply(ReadIndexReply::Rejected { request: RequestId::new(1) }),
    ] {
        let mut cluster = led(|_| {});
        let before = status(&cluster, 1);
        cluster.inject(2, peer(1), 7, message.clone());
        assert_eq!(status(&cluster, 1), before, "a follower has asked nothing: {message:?}");
    }
}

#[test]
fn an_answer_with_a_later_term_to_what_was_asked_is_followed() {
    let mut cluster = led(|_| {});
    cluster.inject(2, peer(0), 7, accepted(1));
    assert_eq!(status(&cluster, 0).current_term, Term::new(7), "it leads, and peer 2 follows it");
    cluster.time_out(peer(1));
    cluster.inject(2, peer(1), 9, Message::RequestVoteReply(Vote::Rejected));
    assert_eq!(status(&cluster, 1).current_term, Term::new(9), "it has asked for votes");
}

#[test]
fn a_peer_behind_on_members_follows_a_candidate_and_a_leader_it_does_not_know() {
    for message in [request_vote(1, 2), append(id(1, 1), &[entry(2, 2)], 0)] {
        let mut cluster = led(sticky);
        cluster.now = cluster.now.after(std::time::Duration::from_millis(150));
        cluster.inject(9, peer(1), 2, message.clone());
        assert_eq!(status(&cluster, 1).current_term, Term::new(2), "{message:?}");
    }
    let mut cluster = led(sticky);
    cluster.now = cluster.now.after(std::time::Duration::from_millis(150));
    let before = status(&cluster, 1);
    cluster.inject(9, peer(1), 2, request_vote(1, 1));
    assert_eq!(status(&cluster, 1), before, "it has no entry that could make it a member");
}

#[test]
fn a_peer_that_joins_takes_any_term() {
    let mut cluster = Cluster::new(3);
    let joins = cluster.join(3);
    cluster.inject(1, joins, 1 << 40, append(id(0, 0), &[], 0));
    assert_eq!(cluster.node(joins).status().current_term, Term::new(1 << 40));
}

/// 20 years of elections, one every 150 ms.
#[test]
fn a_peer_that_campaigned_alone_for_twenty_years_is_followed() {
    let mut cluster = led(|_| {});
    let mut stored = cluster.peers[&peer(2)].stored.clone();
    let current_term = Term::new(20 * 365 * 24 * 3600 * 1000 / 150);
    stored.hard_state = HardState { current_term, voted_for: Some(peer(2)) };
    cluster.restart_from(peer(2), stored);
    cluster.elect(peer(2));
    cluster.commit(peer(2), b"y");
    for number in 0..3 {
        assert_eq!(status(&cluster, number).current_term, current_term.next());
        assert_eq!(cluster.node(peer(number)).refused_term(), None);
    }
}

#[test]
fn a_term_that_no_elections_reach_is_refused_and_reported() {
    for (from, number) in [(1, u64::MAX), (2, Term::MAX.number()), (9, 2 + (1 << 32))] {
        let mut cluster = led(|_| {});
        let before = status(&cluster, 0);
        for message in of_outsiders() {
            cluster.inject(from, peer(0), number, message.clone());
            assert_eq!(status(&cluster, 0), before, "{message:?} in term {number}");
        }
        let refused = cluster.node(peer(0)).refused_term().expect("it is reported");
        assert_eq!((refused.from, refused.term), (peer(from), Term::new(number)));
        assert_eq!(refused.count, 9);
    }
}

/// A peer's disk with one entry of term 1, and this term.
fn at_term(current_term: Term) -> PersistentState {
    let hard_state = HardState { current_term, voted_for: None };
    PersistentState { hard_state, ..disk(&[entry(1, 1)]) }
}

#[test]
fn no_election_starts_after_the_last_term() {
    for (pre_vote, last) in [(PreVote::On, Term::MAX), (PreVote::Off, Term::new(u64::MAX))] {
        let mut cluster = Cluster::with(
            3,
            match pre_vote {
                PreVote::On => |config| config.pre_vote = PreVote::On,
                PreVote::Off => |_| {},
            },
        );
        cluster.restart_from(peer(0), at_term(last));
        assert!(cluster.node(peer(0)).terms_exhausted());
        assert_eq!(cluster.node(peer(0)).poll_timeout(), None);
        cluster.advance(std::time::Duration::from_secs(10));
        cluster.inject(1, peer(0), last.number(), Message::TimeoutNow);
        let status = status(&cluster, 0);
        assert_eq!((status.role, status.current_term), (RoleName::Follower, last));
    }
}

#[test]
fn the_last_term_is_usable() {
    let mut cluster = Cluster::new(3);
    let before_last = Term::new(Term::MAX.number() - 1);
    (0..3).for_each(|number| cluster.restart_from(peer(number), at_term(before_last)));
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    assert_eq!(status(&cluster, 0).current_term, Term::MAX);
    assert!((0..3).all(|number| cluster.node(peer(number)).terms_exhausted()));
}

/// The way out, as in docs/operations.md.
#[test]
fn a_cluster_without_terms_leads_again_after_a_reset_of_all_peers() {
    let mut cluster = Cluster::new(3);
    (0..3).for_each(|number| cluster.restart_from(peer(number), at_term(Term::MAX)));
    cluster.advance(std::time::Duration::from_secs(10));
    cluster.deliver_all();
    assert!((0..3).all(|number| cluster.role(peer(number)) == RoleName::Follower));
    for number in 0..3 {
        let stored = cluster.peers[&peer(number)].stored.clone();
        let mut store = MemoryStorage::default();
        let records = [Record::HardState(stored.hard_state), Record::Append(stored.entries)];
        let write = |record| Write { id: WriteId::new(1), record };
        store.write(&records.map(write)).unwrap();
        let error = reset_term(&mut store, Term::new(1)).unwrap_err().to_string();
        assert!(
            error.starts_with("the last entry is 1@1, of term 1: the new term, 1, "),
            "{error}"
        );
        let error = reset_term(&mut store, Term::MAX).unwrap_err().to_string();
        assert!(error.ends_with("must be at most 2305843009213693952"), "{error}");
        assert_eq!(reset_term(&mut store, Term::new(2)).unwrap().current_term, Term::MAX);
        cluster.restart_from(peer(number), store.load().unwrap());
    }
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"y");
    assert_eq!(status(&cluster, 0).current_term, Term::new(3));
}
