//! §3.10: leadership transfer.

use raft::message::{Candidacy, RequestVote};
use raft::{Config, Message, PeerId, ProposeError, RoleName, Term, TransferError};

use crate::cluster::{Cluster, append, id, peer};
use crate::{default_cluster, default_protocol, ms};

fn transfer(cluster: &mut Cluster, from: u64, to: u64) -> Result<(), TransferError> {
    let now = cluster.now;
    cluster.peers.get_mut(&peer(from)).unwrap().node.transfer_leadership(now, peer(to))
}

fn propose(cluster: &mut Cluster, leader: PeerId) -> Result<raft::EntryId, ProposeError> {
    let now = cluster.now;
    cluster.peers.get_mut(&leader).unwrap().node.propose(now, b"x".as_slice().into())
}

#[test]
fn an_up_to_date_follower_leads_at_once() {
    let mut cluster = default_cluster(3);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    assert_eq!(transfer(&mut cluster, 0, 2), Ok(()));
    cluster.deliver_all();
    assert_eq!(cluster.role(peer(2)), RoleName::Leader, "without a timeout");
    assert_eq!(cluster.node(peer(0)).status().leader, Some(peer(2)));
    assert_eq!(cluster.node(peer(2)).status().current_term, Term::new(2));
    cluster.commit(peer(2), b"y");
}

#[test]
fn the_targets_vote_requests_carry_their_reason() {
    let mut cluster = default_cluster(3);
    cluster.elect(peer(0));
    cluster.inject(0, peer(2), 1, Message::TimeoutNow);
    let (last_log, candidacy) = (id(0, 0), Candidacy::Transfer);
    let request = Message::RequestVote(RequestVote { last_log, candidacy });
    assert_eq!(cluster.take_sent(peer(2)), [request.clone(), request]);
}

#[test]
fn a_target_that_lacks_entries_gets_them_first() {
    let mut cluster = default_cluster(3);
    cluster.elect(peer(0));
    cluster.cut(peer(2));
    cluster.commit(peer(0), b"x");
    cluster.heal(peer(2));
    transfer(&mut cluster, 0, 2).unwrap();
    assert!(!cluster.take_sent(peer(0)).contains(&Message::TimeoutNow));
    cluster.advance(ms(50));
    cluster.deliver_all();
    cluster.advance(ms(10));
    cluster.deliver_all();
    assert_eq!(cluster.role(peer(2)), RoleName::Leader);
    assert_eq!(cluster.node(peer(2)).log().last().index, cluster.node(peer(0)).log().last().index);
}

#[test]
fn proposals_are_rejected_during_a_transfer_and_accepted_after_its_abort() {
    let mut cluster = default_cluster(3);
    cluster.elect(peer(0));
    cluster.cut(peer(2));
    transfer(&mut cluster, 0, 2).unwrap();
    let rejected = ProposeError::TransferInProgress { to: peer(2) };
    for _ in 0..2 {
        assert_eq!(propose(&mut cluster, peer(0)), Err(rejected));
        cluster.advance(ms(50));
        cluster.deliver_all();
    }
    assert_eq!(cluster.node(peer(0)).transfer_target(), Some(peer(2)));
    for _ in 0..2 {
        cluster.advance(ms(50));
        cluster.deliver_all();
    }
    assert_eq!(cluster.node(peer(0)).transfer_target(), None, "an election timeout is over");
    cluster.commit(peer(0), b"x");
    assert_eq!(cluster.node(peer(0)).status().current_term, Term::new(1));
}

#[test]
fn a_transfer_is_aborted_in_time_without_another_timer() {
    let mut cluster = Cluster::with(3, |config| {
        default_protocol(config);
        config.heartbeat_interval = ms(75);
    });
    cluster.elect(peer(0));
    cluster.advance(ms(70));
    transfer(&mut cluster, 0, 2).unwrap();
    cluster.deliver_all();
    let started_at = cluster.now;
    while cluster.node(peer(0)).transfer_target().is_some()
        && cluster.role(peer(0)) == RoleName::Leader
    {
        cluster.cut(peer(2));
        cluster.time_out(peer(0));
        cluster.deliver_all();
    }
    assert!(cluster.now.since(started_at) <= ms(300));
}

#[test]
fn a_lost_timeout_now_is_sent_again() {
    let mut cluster = default_cluster(3);
    cluster.elect(peer(0));
    transfer(&mut cluster, 0, 1).unwrap();
    assert!(cluster.take_sent(peer(0)).contains(&Message::TimeoutNow), "and here it is lost");
    cluster.poll(peer(0));
    cluster.wire.clear();
    cluster.advance(ms(50));
    assert!(cluster.take_sent(peer(0)).contains(&Message::TimeoutNow));
}

#[test]
fn a_transfer_to_an_invalid_target_is_rejected() {
    let mut cluster = default_cluster(3);
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

/// canonical/raft 203: with pre-votes, a heartbeat made the target a follower again.
#[test]
fn pre_votes_and_stickiness_do_not_block_the_target() {
    let mut cluster = default_cluster(5);
    cluster.elect(peer(0));
    cluster.commit(peer(0), b"x");
    cluster.inject(0, peer(3), 1, Message::TimeoutNow);
    cluster.inject(0, peer(3), 1, append(id(1, 1), &[], 1));
    cluster.deliver_all();
    assert_eq!(cluster.role(peer(3)), RoleName::Leader);
}

#[test]
fn a_timeout_now_of_an_earlier_term_is_ignored() {
    let mut cluster = default_cluster(3);
    cluster.elect(peer(0));
    transfer(&mut cluster, 0, 1).unwrap();
    cluster.deliver_all();
    assert_eq!(cluster.role(peer(1)), RoleName::Leader);
    cluster.inject(0, peer(2), 1, Message::TimeoutNow);
    cluster.inject(0, peer(1), 1, Message::TimeoutNow);
    assert_eq!(cluster.role(peer(2)), RoleName::Follower);
    assert_eq!(cluster.role(peer(1)), RoleName::Leader);
}

#[test]
fn a_leader_remembers_timeout_now_for_the_rest_of_its_term() {
    let mut cluster = default_cluster(3);
    cluster.elect(peer(0));
    let sent_no_timeout_now = |cluster: &Cluster| {
        let raft::Role::Leader(leader) = cluster.node(peer(0)).role() else { panic!("it leads") };
        leader.sent_no_timeout_now()
    };
    assert!(sent_no_timeout_now(&cluster));
    transfer(&mut cluster, 0, 1).unwrap();
    assert!(cluster.take_sent(peer(0)).contains(&Message::TimeoutNow), "and here it is held up");
    for _ in 0..4 {
        cluster.cut(peer(1));
        cluster.advance(ms(50));
        cluster.deliver_all();
    }
    assert_eq!(cluster.node(peer(0)).transfer_target(), None);
    assert!(!sent_no_timeout_now(&cluster));
}

#[test]
fn a_transfer_works_without_pre_votes_and_check_quorum() {
    let plain: fn(&mut Config) = |_| {};
    let mut cluster = Cluster::with(3, plain);
    cluster.elect(peer(0));
    transfer(&mut cluster, 0, 1).unwrap();
    cluster.deliver_all();
    assert_eq!(cluster.role(peer(1)), RoleName::Leader);
}
