//! Dissertation §4.2.1: learners and their promotion.

use std::time::Duration;

use raft::{ChangeError, MembershipChange, PeerId, RoleName};

use crate::cluster::{Cluster, peer};
use crate::membership::{learner, voters};

/// Dissertation §4.2.1: a learner receives everything and is not counted.
#[test]
fn a_learner_receives_all_entries_and_is_not_counted() {
    let mut cluster = Cluster::with_leader(2, 2..4);
    assert_eq!(cluster.peers[&peer(3)].applied.len(), cluster.peers[&peer(0)].applied.len());
    cluster.cut(peer(1));
    cluster.propose(peer(0), b"held by three of four peers");
    cluster.deliver_all();
    let (last, commit) = cluster.index(0);
    assert_eq!(cluster.index(2).0, last);
    assert!(commit < last, "one of two voters is not a majority");

    assert_eq!(cluster.node(peer(2)).poll_timeout(), None, "it never starts an election");
    cluster.advance(Duration::from_secs(9));
    assert_eq!(cluster.role(peer(2)), RoleName::Follower);

    cluster.heal(peer(1));
    cluster.wire.clear();
    cluster.time_out(peer(1));
    cluster.poll(peer(1));
    let requests: Vec<PeerId> = cluster.wire.iter().map(|message| message.to).collect();
    assert!(
        requests.contains(&peer(0)) && !requests.contains(&peer(2)),
        "{requests:?} are requests to vote"
    );
}

#[test]
fn a_learner_is_promoted_once_it_has_caught_up() {
    let mut cluster = Cluster::with(1, |config| config.promotion_lag_max = 2);
    cluster.elect(peer(0));
    for _ in 0..3 {
        cluster.commit(peer(0), b"x");
    }
    let promote = || MembershipChange::Promote { peer: peer(1) };
    assert_eq!(cluster.change(0, promote()), Err(ChangeError::NotAMember { peer: peer(1) }));
    let all_at_once = MembershipChange::Replace(voters([0, 1]));
    assert_eq!(cluster.change(0, all_at_once), Err(ChangeError::NotALearner { peer: peer(1) }));

    cluster.carry_out(0, learner(1));
    let lacking = ChangeError::NotCaughtUp { peer: peer(1), missing: 4, allowed: 2 };
    assert_eq!(cluster.change(0, promote()), Err(lacking));
    cluster.join(1);
    cluster.advance(Duration::from_millis(100));
    cluster.deliver_all();
    for _ in 0..3 {
        cluster.propose(peer(0), b"y");
    }
    let lacking = ChangeError::NotCaughtUp { peer: peer(1), missing: 3, allowed: 2 };
    assert_eq!(cluster.change(0, promote()), Err(lacking));
    cluster.deliver_all();
    cluster.carry_out(0, promote());
    assert_eq!(cluster.members(1), "voters 0 1");
}

#[test]
fn an_unresponsive_learner_is_not_promoted() {
    let mut cluster = Cluster::with_leader(1, 1..1);
    cluster.carry_out(0, learner(1));
    let promoted = cluster.change(0, MembershipChange::Promote { peer: peer(1) });
    assert_eq!(promoted, Err(ChangeError::Unresponsive { peer: peer(1) }));
}

#[test]
fn a_demoted_leader_follows() {
    let mut cluster = Cluster::with_leader(3, 3..3);
    cluster.carry_out(0, MembershipChange::Demote { peer: peer(0) });
    assert_eq!(cluster.members(0), "voters 1 2, learners 0");
    assert_eq!(cluster.role(peer(0)), RoleName::Follower);
    cluster.elect(peer(2));
    cluster.commit(peer(2), b"x");
    assert_eq!(cluster.index(0), cluster.index(2));
}
