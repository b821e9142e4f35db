//! §3.10: a leader hands leadership over.

use std::time::Duration;

use raft::message::{Candidacy, RequestVote};
use raft::{Config, Message, PeerId, ProposeError, RoleName, Term, TransferError};

use crate::as_deployed;
use crate::cluster::{Cluster, append, id, peer};

fn cluster(size: u64) -> Cluster {
    Cluster::with(size, as_deployed)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn transfer(cluster: &mut Cluster, from: u64, to: u64) -> Result<(), TransferError> {
    let now = cluster.now;
    cluster.peers.get_mut(&peer(from)).unwrap().node.transfer_leadership(now, peer(to))
}

fn offer(cluster: &mut Cluster, leader: PeerId) -> Result<raft::EntryId, ProposeError> {
    let now = cluster.now;
    cluster.peers.get_mut(&leader).unwrap().node.propose(now, b"x".as_slice().into())
}

#[test]
fn a_follower_that_has_everything_leads_at_once() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    assert_eq!(transfer(&mut cluster, 0, 2), Ok(()));
    cluster.settle();
    assert_eq!(cluster.role(peer(2)), RoleName::Leader, "nobody has waited for anything");
    assert_eq!(cluster.node(peer(0)).status().leader, Some(peer(2)));
    assert_eq!(cluster.node(peer(2)).status().current_term, Term::new(2));
    cluster.commit(peer(2), b"y");
}

#[test]
fn the_successors_requests_say_what_it_stands_for() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    cluster.inject(0, peer(2), 1, Message::TimeoutNow);
    let (last_log, candidacy) = (id(0, 0), Candidacy::Transfer);
    let request = Message::RequestVote(RequestVote { last_log, candidacy });
    assert_eq!(cluster.said(peer(2)), [request.clone(), request]);
}

#[test]
fn a_follower_that_lacks_entries_gets_them_first() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    cluster.cut(peer(2));
    cluster.commit(peer(0), b"x");
    cluster.heal(peer(2));
    transfer(&mut cluster, 0, 2).unwrap();
    assert!(!cluster.said(peer(0)).contains(&Message::TimeoutNow));
    cluster.pass(ms(50));
    cluster.settle();
    cluster.pass(ms(10));
    cluster.settle();
    assert_eq!(cluster.role(peer(2)), RoleName::Leader);
    assert_eq!(cluster.node(peer(2)).log().last().index, cluster.node(peer(0)).log().last().index);
}

#[test]
fn nothing_is_proposed_meanwhile_and_everything_after_it_was_given_up() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    cluster.cut(peer(2));
    transfer(&mut cluster, 0, 2).unwrap();
    let refused = ProposeError::TransferInProgress { to: peer(2) };
    for _ in 0..2 {
        assert_eq!(offer(&mut cluster, peer(0)), Err(refused));
        cluster.pass(ms(50));
        cluster.settle();
    }
    assert_eq!(cluster.node(peer(0)).transfer_target(), Some(peer(2)));
    for _ in 0..2 {
        cluster.pass(ms(50));
        cluster.settle();
    }
    assert_eq!(cluster.node(peer(0)).transfer_target(), None, "an election timeout is over");
    cluster.commit(peer(0), b"x");
    assert_eq!(cluster.node(peer(0)).status().current_term, Term::new(1));
}

#[test]
fn a_leader_gives_up_in_time_without_another_reason_to_wake() {
    let mut cluster = Cluster::with(3, |config| {
        as_deployed(config);
        config.heartbeat_interval = Duration::from_millis(75);
    });
    cluster.elect(peer(0));
    cluster.pass(ms(70));
    transfer(&mut cluster, 0, 2).unwrap();
    cluster.settle();
    let begun = cluster.now;
    while cluster.node(peer(0)).transfer_target().is_some()
        && cluster.role(peer(0)) == RoleName::Leader
    {
        cluster.cut(peer(2));
        cluster.time_out(peer(0));
        cluster.settle();
    }
    assert!(cluster.now.since(begun) <= ms(300));
}

#[test]
fn a_call_that_is_lost_is_repeated() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    transfer(&mut cluster, 0, 1).unwrap();
    assert!(cluster.said(peer(0)).contains(&Message::TimeoutNow), "and here it is lost");
    cluster.poll(peer(0));
    cluster.wire.clear();
    cluster.pass(ms(50));
    assert!(cluster.said(peer(0)).contains(&Message::TimeoutNow));
}

#[test]
fn who_cannot_lead_is_refused() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    let rows = [
        (0, 0, TransferError::AlreadyLeader { to: peer(0) }),
        (0, 7, TransferError::NotAVoter { to: peer(7) }),
        (1, 2, TransferError::NotLeader { leader: Some(peer(0)) }),
    ];
    for (from, to, expected) in rows {
        assert_eq!(transfer(&mut cluster, from, to), Err(expected));
    }
    transfer(&mut cluster, 0, 1).unwrap();
    assert_eq!(transfer(&mut cluster, 0, 1), Ok(()), "a second time");
    assert_eq!(transfer(&mut cluster, 0, 2), Err(TransferError::InProgress { to: peer(1) }));
}

/// canonical/raft 203: with pre-votes, a heartbeat took the successor back.
#[test]
fn what_keeps_others_away_does_not_keep_the_successor() {
    let mut cluster = cluster(5);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    cluster.inject(0, peer(3), 1, Message::TimeoutNow);
    cluster.inject(0, peer(3), 1, append(id(1, 1), &[], 1));
    cluster.settle();
    assert_eq!(cluster.role(peer(3)), RoleName::Leader);
}

#[test]
fn a_call_of_an_earlier_leader_moves_nobody() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    transfer(&mut cluster, 0, 1).unwrap();
    cluster.settle();
    assert_eq!(cluster.role(peer(1)), RoleName::Leader);
    cluster.inject(0, peer(2), 1, Message::TimeoutNow);
    cluster.inject(0, peer(1), 1, Message::TimeoutNow);
    assert_eq!(cluster.role(peer(2)), RoleName::Follower);
    assert_eq!(cluster.role(peer(1)), RoleName::Leader);
}

#[test]
fn a_leader_that_asked_somebody_to_stand_knows_it_for_the_rest_of_its_term() {
    let mut cluster = cluster(3);
    cluster.elect(peer(0));
    let sent_no_timeout_now = |cluster: &Cluster| {
        let raft::Role::Leader(leader) = cluster.node(peer(0)).role() else { panic!("it leads") };
        leader.sent_no_timeout_now()
    };
    assert!(sent_no_timeout_now(&cluster));
    transfer(&mut cluster, 0, 1).unwrap();
    assert!(cluster.said(peer(0)).contains(&Message::TimeoutNow), "and here it is held up");
    for _ in 0..4 {
        cluster.cut(peer(1));
        cluster.pass(ms(50));
        cluster.settle();
    }
    assert_eq!(cluster.node(peer(0)).transfer_target(), None);
    assert!(!sent_no_timeout_now(&cluster));
}

#[test]
fn a_transfer_without_pre_votes_or_check_quorum_works_too() {
    let plain: fn(&mut Config) = |_| {};
    let mut cluster = Cluster::with(3, plain);
    cluster.elect(peer(0));
    transfer(&mut cluster, 0, 1).unwrap();
    cluster.settle();
    assert_eq!(cluster.role(peer(1)), RoleName::Leader);
}
